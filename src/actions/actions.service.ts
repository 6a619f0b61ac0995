import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, In, MoreThan, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { AccountLog, type CredentialEvent, type LoggedAccount } from '../auth/account-log.service.js';
import type { MemberPrincipal } from '../auth/principal.js';
import type { ActionKind } from '../contract/businesses.js';
import { type Config, CONFIG } from '../platform/config.js';
import { openPage } from '../platform/cursors.js';
import { monthsBefore } from '../platform/durations.js';
import { idsBetween } from '../platform/ids.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { Vault } from '../platform/vault/vault.js';
import { Action } from './action.entity.js';
import { type ActionList, type ActionView, ListActions } from './actions.dto.js';

/** A member of a subscriber, or null for the service or a contact. */
export type Actor = Pick<MemberPrincipal, 'subscriberId'> & { memberId: string | null };

const purgeActions = defineJob('action.purge', { cron: '7 4 * * *', expireInSeconds: 600 });

const purgedAtOnce = 5_000;
const countedMilliseconds = 60 * 60 * 1000;

/** The audit log of a subscriber, for its owner: what its members, its contacts and the service did, without content. */
@Injectable()
export class Actions {
  constructor(
    @InjectRepository(Action) private readonly actions: Repository<Action>,
    @Inject(CONFIG) private readonly config: Config,
    private readonly vault: Vault,
    accountLog: AccountLog,
    jobs: Jobs,
  ) {
    accountLog.register((manager, account, event) => this.recordCredentials(manager, account, event));
    jobs.handle(purgeActions, async () => void (await this.purge()));
  }

  /** Writes an action down, in the transaction in which it is done. */
  async record(
    manager: EntityManager,
    { subscriberId, memberId }: Actor,
    kind: ActionKind,
    subjectId: string | null = null,
  ): Promise<void> {
    const action = { subscriberId, id: uuid(), memberId, kind, subjectId, times: 1, network: null, at: new Date() };
    await manager.insert(Action, action);
  }

  /** The actions that concern a contact, in the order of the ids: a page behind one. They do not say who did it. */
  async about(
    subscriberId: string,
    subjectId: string,
    { after, limit }: { after: string; limit: number },
  ): Promise<Pick<ActionView, 'id' | 'kind' | 'subjectId' | 'at'>[]> {
    const found = await this.actions.find({
      where: { subscriberId, subjectId, id: MoreThan(after) },
      order: { id: 'ASC' },
      take: limit,
    });
    return found.map(({ id, kind, at }) => ({ id, kind, subjectId, at: at.toISOString() }));
  }

  /** Newest first. */
  async list({ subscriberId }: MemberPrincipal, wanted: ListActions): Promise<ActionList> {
    const { ask, position, next } = openPage(ListActions, wanted, ['id']);
    const { limit, since, until } = ask;
    const found = await this.actions.find({
      where: {
        subscriberId,
        ...idsBetween({ before: position && String(position[0]), since, until }),
        ...(ask.memberId !== undefined && { memberId: ask.memberId }),
        ...(ask.kind !== undefined && { kind: In(ask.kind) }),
      },
      order: { id: 'DESC' },
      take: limit + 1,
    });
    const items = await this.views(found.slice(0, limit));
    return { items, nextCursor: found.length > limit ? next([items.at(-1)!.id]) : null };
  }

  /** Deletes entries whose time is over. @returns how many */
  async purge(now = new Date()): Promise<number> {
    const before = monthsBefore(now, this.config.auditMonths);
    let [purged, deleted] = [0, purgedAtOnce];
    while (deleted === purgedAtOnce) {
      [, deleted] = await this.actions.query<[unknown[], number]>(
        `DELETE FROM action WHERE ctid = ANY (ARRAY(SELECT ctid FROM action WHERE at < $1 LIMIT $2))`,
        [before, purgedAtOnce],
      );
      purged += deleted;
    }
    return purged;
  }

  private async recordCredentials(
    manager: EntityManager,
    { id: accountId, subscriberId }: LoggedAccount,
    { kind, network, subjectId }: CredentialEvent,
  ): Promise<void> {
    const [member] = await manager.query<{ id: string }[]>(
      'SELECT id FROM member WHERE subscriber_id = $1 AND account_id = $2',
      [subscriberId, accountId],
    );
    if (!member || subscriberId === null) return;
    if (kind === 'session.refused') {
      // Attempts of one moment are one entry too.
      await manager.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`refused ${member.id}`]);
      const since = new Date(Date.now() - countedMilliseconds);
      const [rows] = await manager.query<[unknown[], number]>(
        `UPDATE action SET times = times + 1
         WHERE subscriber_id = $1 AND id = (
           SELECT id FROM action
           WHERE subscriber_id = $1 AND member_id = $2 AND kind = $3 AND at > $4 ORDER BY id DESC LIMIT 1)
         RETURNING id`,
        [subscriberId, member.id, kind, since],
      );
      if (rows.length > 0) return;
    }
    const id = uuid();
    const key = { scope: 'subscriber', id: subscriberId } as const;
    await manager.insert(Action, {
      subscriberId,
      id,
      memberId: member.id,
      kind,
      subjectId: subjectId ?? null,
      times: 1,
      network: network === undefined ? null : await this.vault.seal(key, network, networkContext(subscriberId, id)),
      at: new Date(),
    });
  }

  private views(actions: Action[]): Promise<ActionView[]> {
    return Promise.all(
      actions.map(async ({ subscriberId, id, memberId, kind, subjectId, times, network, at }) => {
        const key = { scope: 'subscriber', id: subscriberId } as const;
        const address = network && (await this.vault.open(key, network, networkContext(subscriberId, id)));
        return { id, memberId, kind, subjectId, times, network: address, at: at.toISOString() };
      }),
    );
  }
}

const networkContext = (subscriberId: string, id: string) => ['action', subscriberId, id, 'network'];
