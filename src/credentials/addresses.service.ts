import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Account } from '../auth/account.entity.js';
import { Accounts } from '../auth/accounts.service.js';
import { Interlocutors } from '../interlocutors/interlocutors.service.js';
import { openOfMember } from '../members/member-seals.js';
import { Member } from '../members/member.entity.js';
import { AddressHashes } from '../platform/vault/address-hashes.js';
import type { KeyRef } from '../platform/vault/keyring.js';
import { Vault } from '../platform/vault/vault.js';
import { Subscribers } from '../subscribers/subscribers.service.js';

/** Whom a mail about an account goes to. */
export interface Addressee {
  accountId: string;
  /** Seals what belongs to the account. */
  key: KeyRef;
  email: string;
  locale: string;
  /** IANA name; undefined for interlocutors, who state none. */
  timeZone?: string | undefined;
  username: string;
}

/** Somebody who has an account, as the account's other data say. */
export interface AccountHolder extends Addressee {
  verified: boolean;
  /** What others know of it, which its password must not hold. */
  personal: string[];
}

/** What a kind of account says of its address and its names. */
interface Stated {
  email: string;
  timeZone?: string;
  names: (string | undefined)[];
}

/** Finds the address of an account: each kind keeps it elsewhere. */
@Injectable()
export class Addresses {
  constructor(
    private readonly database: DataSource,
    private readonly accounts: Accounts,
    private readonly hashes: AddressHashes,
    private readonly interlocutors: Interlocutors,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {}

  /** @returns undefined for an account that has no address, or is gone */
  async of(account: Account): Promise<AccountHolder | undefined> {
    const key = await this.accounts.keyOf(account);
    const stated = account.subscriberId
      ? await this.ofMember(account.subscriberId, account.id)
      : await this.ofInterlocutor(key.id);
    if (!stated) return undefined;
    const { email, names, timeZone } = stated;
    const username = await this.accounts.usernameOf(account.id, key);
    return {
      accountId: account.id,
      key,
      email,
      locale: account.locale,
      username,
      verified: this.hashes.matches(account.emailHash, 'email', email),
      timeZone,
      personal: [username, email.split('@')[0], ...names].filter((each) => each !== undefined),
    };
  }

  private async ofInterlocutor(id: string): Promise<Stated> {
    const { email, firstName, surname, companyName } = (await this.interlocutors.get(id)).identity;
    return { email, names: [firstName, surname, companyName] };
  }

  /** The owner's is the business address; staff have their own. */
  private async ofMember(subscriberId: string, accountId: string): Promise<Stated | undefined> {
    const member = await this.database.manager.findOneBy(Member, { subscriberId, accountId });
    if (!member) return undefined;
    const { email, businessName, timeZone } = await this.subscribers.get(subscriberId);
    const displayName = (await openOfMember(this.vault, member, 'display_name')) ?? undefined;
    if (member.role === 'owner') return { email, timeZone, names: [businessName, displayName] };
    const own = await openOfMember(this.vault, member, 'email');
    return own === null ? undefined : { email: own, timeZone, names: [displayName] };
  }
}
