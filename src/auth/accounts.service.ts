import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, In, IsNull, MoreThan, Not, type Repository } from 'typeorm';
import { limits } from '../contract/limits.js';
import type { KeyRef } from '../platform/vault/keyring.js';
import { AddressHashes } from '../platform/vault/address-hashes.js';
import { Vault } from '../platform/vault/vault.js';
import { Account } from './account.entity.js';
import { UsernameTaken } from './auth.errors.js';
import { hashPassword } from './passwords.js';
import { accountKey, type Principal } from './principal.js';
import { proposeUsername, type UsernameParts } from './usernames.js';

export interface NewAccount {
  id: string;
  kind: Account['kind'];
  subscriberId: string | null;
  key: KeyRef;
  username: string;
  passwordHash: string;
  locale: string;
}

@Injectable()
export class Accounts {
  constructor(
    @InjectRepository(Account) private readonly accounts: Repository<Account>,
    private readonly addresses: AddressHashes,
    private readonly vault: Vault,
  ) {}

  /** @see hashPassword */
  hashPassword(password: string, asker: string, salt?: Buffer): Promise<string> {
    return hashPassword(password, asker, salt);
  }

  /** @throws UsernameTaken */
  async create(manager: EntityManager, { key, username, ...account }: NewAccount): Promise<void> {
    const created = await manager
      .createQueryBuilder()
      .insert()
      .into(Account)
      .values({
        ...account,
        username: await this.vault.seal(key, username, usernameContext(account.id)),
        usernameHash: this.usernameHash(username),
        emailHash: null,
        createdAt: new Date(),
      })
      .orIgnore()
      .returning('id')
      .execute();
    if ((created.raw as unknown[]).length === 0) throw new UsernameTaken();
  }

  /**
   * Creates an account under a username that is free: {@link freeUsername}.
   * @returns the username
   */
  async createWithFreeUsername(
    manager: EntityManager,
    account: Omit<NewAccount, 'username'>,
    wish: string | undefined,
    parts: UsernameParts,
  ): Promise<string> {
    for (;;) {
      const username = await this.freeUsername(manager, wish, parts);
      try {
        await this.create(manager, { ...account, username });
        return username;
      } catch (error) {
        // Somebody else took it in between.
        if (!(error instanceof UsernameTaken)) throw error;
      }
    }
  }

  /**
   * A free username: the wish if it is free, otherwise one made of it or of the name, with digits. Without a wish there
   * are always digits, so that a plain proposal does not disclose that no one of this name has an account.
   */
  private async freeUsername(manager: EntityManager, wish: string | undefined, parts: UsernameParts): Promise<string> {
    if (wish !== undefined && (await this.isFree(manager, wish))) return wish;
    const name = wish === undefined ? parts : { companyName: wish.replace(/[._-]/g, ' ') };
    for (let attempt = 1; ; attempt++) {
      const proposal = proposeUsername(name, attempt);
      if (await this.isFree(manager, proposal)) return proposal;
    }
  }

  /** The accounts that a login in its canonical form may mean: the one of this username, or those that verified this address. */
  candidates(login: string): Promise<Account[]> {
    return this.accounts.find({
      where: login.includes('@') ? this.withAddress(login) : { usernameHash: this.usernameHash(login) },
      order: { createdAt: 'ASC' },
      take: limits.accountsPerAddress,
    });
  }

  /** Tells whether the account has this password hash, and holds it until the transaction ends. */
  async holdsPassword(manager: EntityManager, id: string, passwordHash: string): Promise<boolean> {
    const rows = await manager.query<unknown[]>('SELECT FROM account WHERE id = $1 AND password_hash = $2 FOR SHARE', [
      ...[id, passwordHash],
    ]);
    return rows.length > 0;
  }

  async find(id: string): Promise<Account | undefined> {
    return (await this.accounts.findOneBy({ id })) ?? undefined;
  }

  /** The username of an account whose key is known. */
  async usernameOf(id: string, key: KeyRef): Promise<string> {
    const { username } = await this.accounts.findOneByOrFail({ id });
    return this.vault.open(key, username, usernameContext(id));
  }

  /** @returns false if it was the language before */
  async setLocale(manager: EntityManager, id: string, locale: string): Promise<boolean> {
    const { affected } = await manager.update(Account, { id, locale: Not(locale) }, { locale });
    return affected === 1;
  }

  async setPasswordHash(manager: EntityManager, id: string, passwordHash: string): Promise<void> {
    await manager.update(Account, { id }, { passwordHash });
  }

  async hasVerifiedEmail(id: string): Promise<boolean> {
    return this.accounts.existsBy({ id, emailHash: Not(IsNull()) });
  }

  async setVerifiedEmail(manager: EntityManager, id: string, emailHash: Buffer): Promise<void> {
    await manager.update(Account, { id }, { emailHash });
  }

  /**
   * Replaces the address: the old one no longer signs in, and the new one only once it is verified.
   * @returns whether the old one was verified
   */
  async forgetVerifiedEmail(manager: EntityManager, id: string): Promise<boolean> {
    const { affected } = await manager.update(Account, { id, emailHash: Not(IsNull()) }, { emailHash: null });
    return Boolean(affected);
  }

  /** Counts the other accounts that have verified an address. */
  othersWithAddress(manager: EntityManager, id: string, email: string): Promise<number> {
    return manager.countBy(Account, { id: Not(id), ...this.withAddress(email) });
  }

  /** With its sessions and the names of its devices. */
  async remove(manager: EntityManager, id: string): Promise<void> {
    await manager.delete(Account, { id });
  }

  /** Ends the accounts of a subscriber's members, in a transaction. */
  async removeOfSubscriber(manager: EntityManager, subscriberId: string): Promise<void> {
    await manager.delete(Account, { subscriberId });
  }

  /** Notes since when accounts belong to nobody's contact, or that they do again. */
  async setAlone(ids: readonly string[], alone: boolean): Promise<void> {
    await this.accounts.query(
      'UPDATE account SET alone_since = CASE WHEN $2::boolean THEN now() END WHERE id = ANY ($1::uuid[])',
      [ids, alone],
    );
  }

  /** Keeps the times at which accounts were used last: a session that goes takes its own with it. */
  async noteLastUse(): Promise<void> {
    await this.accounts.query(
      `UPDATE account SET last_used_at = used.at
       FROM (SELECT account_id AS id, max(used_at) AS at FROM session GROUP BY account_id) AS used
       WHERE account.id = used.id AND (last_used_at IS NULL OR last_used_at < used.at - interval '1 day')`,
    );
    await this.accounts.query(
      `UPDATE account SET asked_to_stay_at = NULL
       WHERE asked_to_stay_at IS NOT NULL AND last_used_at > asked_to_stay_at`,
    );
  }

  /**
   * Marks people's accounts unused for a number of months as asked whether they want to stay.
   * @returns their ids, at most `limit`
   */
  async claimUnused(manager: EntityManager, { months, limit }: { months: number; limit: number }): Promise<string[]> {
    const [rows] = await manager.query<[{ id: string }[], number]>(
      `UPDATE account SET asked_to_stay_at = now()
       WHERE id IN (
         SELECT id FROM account
         WHERE kind = 'interlocutor' AND asked_to_stay_at IS NULL
           AND greatest(last_used_at, created_at) < now() - make_interval(months => $1)
           AND NOT EXISTS (SELECT FROM session
                           WHERE account_id = account.id AND used_at >= now() - make_interval(months => $1))
         ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING id`,
      [months, limit],
    );
    return rows.map(({ id }) => id);
  }

  /** Accounts of a kind with a confirmed address, in the order of their ids: a page behind one. */
  async confirmedAfter(
    manager: EntityManager,
    kind: Account['kind'],
    { after, limit }: { after: string | null; limit: number },
  ): Promise<string[]> {
    const rows = await manager.find(Account, {
      select: { id: true },
      where: { kind, emailHash: Not(IsNull()), ...(after !== null && { id: MoreThan(after) }) },
      order: { id: 'ASC' },
      take: limit,
    });
    return rows.map(({ id }) => id);
  }

  /** Tells if the account has verified this very address. */
  hasVerified(id: string, email: string, manager = this.accounts.manager): Promise<boolean> {
    return manager.existsBy(Account, { id, ...this.withAddress(email) });
  }

  async username(principal: Principal): Promise<string> {
    const { id, username } = await this.accounts.findOneByOrFail({ id: principal.accountId });
    return this.vault.open(accountKey(principal), username, usernameContext(id));
  }

  private withAddress(email: string) {
    return { emailHash: In(this.addresses.all('email', email)) };
  }

  /** On the connection of the transaction: a second one could be waited for by everybody at once. */
  private async isFree(manager: EntityManager, username: string): Promise<boolean> {
    return !(await manager.existsBy(Account, { usernameHash: this.usernameHash(username) }));
  }

  private usernameHash(username: string): Buffer {
    return this.vault.lookupHash('username', username);
  }
}

const usernameContext = (accountId: string) => ['account', accountId, 'username'];
