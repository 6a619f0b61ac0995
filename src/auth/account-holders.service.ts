import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AddressHashes } from '../platform/vault/address-hashes.js';
import type { KeyRef } from '../platform/vault/keyring.js';
import { type Account, accountKinds } from './account.entity.js';
import { Accounts } from './accounts.service.js';

type Kind = Account['kind'];

/** Addressee of a mail about an account. */
export interface Addressee {
  accountId: string;
  kind: Kind;
  /** Seals what belongs to the account. */
  key: KeyRef;
  email: string;
  locale: string;
  /** IANA name; undefined for interlocutors, who state none. */
  timeZone?: string | undefined;
  username: string;
}

/** The person who has an account, with the data that mails and passwords need. */
export interface AccountHolder extends Addressee {
  verified: boolean;
  /** Names that others know, which the password must not hold. */
  personal: string[];
}

/** Address and names that a kind of holder states. */
export interface StatedHolder {
  email: string;
  timeZone?: string;
  names: (string | undefined)[];
}

/** Kind of people who sign in, as the slice that keeps them registers it. */
export interface HolderKind {
  /** SQL that selects `id` and `role` of the holder of the row `account`; it is part of the statement that finds a session. */
  select: string;
  keyOf(account: Account): Promise<KeyRef>;
  /** @returns undefined for an account whose holder has no address, or is gone */
  stated(account: Account, key: KeyRef): Promise<StatedHolder | undefined>;
  /** Locks the holder; the account is locked after it. */
  lock?(manager: EntityManager, key: KeyRef): Promise<void>;
}

/** Work in the transaction that confirms an address; the function that it returns is called after the commit. */
export type AtConfirmation = (manager: EntityManager, key: KeyRef) => Promise<() => Promise<void>>;

/** Finds the person behind an account. The slices of members and interlocutors register how, so that auth asks no table of theirs. */
@Injectable()
export class AccountHolders implements OnModuleInit {
  private readonly kinds = new Map<Kind, HolderKind>();
  private readonly atConfirmation = new Map<Kind, AtConfirmation[]>();

  constructor(
    private readonly accounts: Accounts,
    private readonly hashes: AddressHashes,
  ) {}

  /** Registers a kind of holder; to be called before the application has started. */
  register(kind: Kind, holders: HolderKind): void {
    this.kinds.set(kind, holders);
  }

  /** Registers work for the confirmation of an address; to be called before the application has started. */
  onConfirmation(kind: Kind, work: AtConfirmation): void {
    this.atConfirmation.set(kind, [...(this.atConfirmation.get(kind) ?? []), work]);
  }

  /** @throws Error naming a kind of account that no slice has registered */
  onModuleInit(): void {
    const orphans = accountKinds.filter((kind) => !this.kinds.has(kind));
    if (orphans.length > 0) throw new Error(`no slice holds accounts of the kind ${orphans.join(', ')}`);
  }

  /** SQL that selects `id` and `role` of the holder of the row `account`, of whatever kind. */
  select(): string {
    return accountKinds.map((kind) => this.kinds.get(kind)!.select).join(' UNION ALL ');
  }

  /** The key that seals what belongs to an account. */
  keyOf(account: Account): Promise<KeyRef> {
    return this.kinds.get(account.kind)!.keyOf(account);
  }

  /** @returns undefined for an account that has no address, or is gone */
  async find(accountId: string): Promise<AccountHolder | undefined> {
    const account = await this.accounts.find(accountId);
    if (!account) return undefined;
    const key = await this.keyOf(account);
    const stated = await this.kinds.get(account.kind)!.stated(account, key);
    if (!stated) return undefined;
    const { email, names, timeZone } = stated;
    const username = await this.accounts.usernameOf(account.id, key);
    return {
      accountId,
      kind: account.kind,
      key,
      email,
      locale: account.locale,
      username,
      verified: this.hashes.matches(account.emailHash, 'email', email),
      timeZone,
      personal: [username, email.split('@')[0], ...names].filter((each) => each !== undefined),
    };
  }

  /** Locks the holder until the transaction ends; to be called before the account is locked. */
  async lock(manager: EntityManager, { kind, key }: AccountHolder): Promise<void> {
    await this.kinds.get(kind)!.lock?.(manager, key);
  }

  /** @returns a function to call after the commit */
  async confirmed(manager: EntityManager, { kind, key }: AccountHolder): Promise<() => Promise<void>> {
    const afterCommit: (() => Promise<void>)[] = [];
    for (const work of this.atConfirmation.get(kind) ?? []) afterCommit.push(await work(manager, key));
    return async () => {
      for (const each of afterCommit) await each();
    };
  }
}
