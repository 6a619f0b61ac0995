import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, In, MoreThan, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { AccountEventKind } from '../contract/accounts.js';
import { type Config, CONFIG } from '../platform/config.js';
import { openPage } from '../platform/cursors.js';
import { monthsBefore } from '../platform/durations.js';
import { idsBetween } from '../platform/ids.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import type { KeyRef } from '../platform/vault/keyring.js';
import { Vault } from '../platform/vault/vault.js';
import { AccountEvent } from './account-event.entity.js';
import { type AccountEventList, ListAccountEvents } from './account-log.dto.js';
import type { InterlocutorPrincipal } from './principal.js';

/** An account to which something happens, with the key that seals what belongs to it. */
export interface LoggedAccount {
  id: string;
  kind: 'member' | 'interlocutor';
  subscriberId: string | null;
  key: KeyRef;
}

/** A sign-in, or an attempt at one, or another change of the credentials. */
export interface CredentialEvent {
  kind: 'session.opened' | 'session.refused' | 'password.changed';
  network?: string;
  subjectId?: string;
}

/** Writes down what happens to the account of a member, in the log of its subscriber. */
export type MemberLog = (manager: EntityManager, account: LoggedAccount, event: CredentialEvent) => Promise<void>;

const purgeEvents = defineJob('account_event.purge', { cron: '13 4 * * *', expireInSeconds: 600 });

const purgedAtOnce = 5_000;
const countedMilliseconds = 60 * 60 * 1000;

/** The log of interlocutors' accounts, each for its owner. What happens to accounts of members goes into their subscriber's. */
@Injectable()
export class AccountLog {
  private ofMembers: MemberLog | undefined;

  constructor(
    @InjectRepository(AccountEvent) private readonly events: Repository<AccountEvent>,
    @Inject(CONFIG) private readonly config: Config,
    private readonly vault: Vault,
    jobs: Jobs,
  ) {
    jobs.handle(purgeEvents, async () => void (await this.purge()));
  }

  /** Registers the log of members; to be called before the application has started. */
  register(log: MemberLog): void {
    this.ofMembers = log;
  }

  /** Writes a sign-in or another change of credentials down. */
  async recordCredentials(manager: EntityManager, account: LoggedAccount, event: CredentialEvent): Promise<void> {
    if (account.kind === 'member') return this.ofMembers?.(manager, account, event);
    const { kind, network, subjectId } = event;
    if (kind === 'session.refused') {
      // Attempts of one moment are one entry too.
      await manager.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`refused ${account.id}`]);
      const since = new Date(Date.now() - countedMilliseconds);
      const [rows] = await manager.query<[unknown[], number]>(
        `UPDATE account_event SET times = times + 1
         WHERE id = (SELECT id FROM account_event WHERE account_id = $1 AND kind = $2 AND at > $3 ORDER BY id DESC LIMIT 1)
         RETURNING id`,
        [account.id, kind, since],
      );
      if (rows.length > 0) return;
    }
    const id = uuid();
    const sealed = network === undefined ? null : await this.vault.seal(account.key, network, networkContext(id));
    await this.insert(manager, { id, accountId: account.id, kind, subjectId: subjectId ?? null, network: sealed });
  }

  /** Writes down what an interlocutor did, in the transaction in which it is done. */
  async record(
    manager: EntityManager,
    accountId: string,
    kind: AccountEventKind,
    subjectId: string | null = null,
  ): Promise<void> {
    await this.insert(manager, { id: uuid(), accountId, kind, subjectId, network: null });
  }

  /** The log of the own account, newest first. */
  async list(principal: InterlocutorPrincipal, wanted: ListAccountEvents): Promise<AccountEventList> {
    const { ask, position, next } = openPage(ListAccountEvents, wanted, ['id']);
    const { limit, kind, since, until } = ask;
    const found = await this.events.find({
      where: {
        accountId: principal.accountId,
        ...idsBetween({ before: position && String(position[0]), since, until }),
        ...(kind !== undefined && { kind: In(kind) }),
      },
      order: { id: 'DESC' },
      take: limit + 1,
    });
    const items = await this.views(principal.interlocutorId, found.slice(0, limit));
    return { items, nextCursor: found.length > limit ? next([items.at(-1)!.id]) : null };
  }

  /** The log of an account, in the order of the ids: a page behind one. */
  async page(
    { accountId, interlocutorId }: Pick<InterlocutorPrincipal, 'accountId' | 'interlocutorId'>,
    { after, limit }: { after: string; limit: number },
  ): Promise<AccountEventList['items']> {
    const found = await this.events.find({
      where: { accountId, id: MoreThan(after) },
      order: { id: 'ASC' },
      take: limit,
    });
    return this.views(interlocutorId, found);
  }

  /** Deletes entries whose time is over. @returns how many */
  async purge(now = new Date()): Promise<number> {
    const before = monthsBefore(now, this.config.auditMonths);
    let [purged, deleted] = [0, purgedAtOnce];
    while (deleted === purgedAtOnce) {
      [, deleted] = await this.events.query<[unknown[], number]>(
        `DELETE FROM account_event WHERE ctid = ANY (ARRAY(SELECT ctid FROM account_event WHERE at < $1 LIMIT $2))`,
        [before, purgedAtOnce],
      );
      purged += deleted;
    }
    return purged;
  }

  private async views(interlocutorId: string, events: AccountEvent[]): Promise<AccountEventList['items']> {
    const key = { scope: 'interlocutor', id: interlocutorId } as const;
    return Promise.all(
      events.map(async ({ id, kind, subjectId, times, network, at }) => ({
        id,
        kind,
        subjectId,
        times,
        network: network && (await this.vault.open(key, network, networkContext(id))),
        at: at.toISOString(),
      })),
    );
  }

  private async insert(manager: EntityManager, event: Omit<AccountEvent, 'times' | 'at'>): Promise<void> {
    await manager.insert(AccountEvent, { ...event, times: 1, at: new Date() });
  }
}

const networkContext = (id: string) => ['account_event', id, 'network'];
