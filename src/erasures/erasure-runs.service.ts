import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Contacts } from '../address-book/contacts.service.js';
import { FileErasures } from '../attachments/file-erasures.service.js';
import { Accounts } from '../auth/accounts.service.js';
import { Sessions } from '../auth/sessions.service.js';
import type { ErasedCounts } from '../contract/erasures.js';
import { limits } from '../contract/limits.js';
import { Conversations } from '../conversations/conversations.service.js';
import { Interlocutors } from '../interlocutors/interlocutors.service.js';
import { addCounts, Forgetting, rowsAtOnce } from '../platform/forgetting/forgetting.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { inTurns } from '../platform/jobs/in-turns.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { Log } from '../platform/log.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';
import { isForeignKeyViolation } from '../platform/sqlstate.js';
import { EpochRenewal } from '../platform/vault/epoch-renewal.js';
import { Vault } from '../platform/vault/vault.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { CertificateMails } from './certificate-mails.service.js';
import {
  accountsGoneQuery,
  contactsOfQuery,
  countQuery,
  cutQuery,
  erasureQuery,
  type ErasureRow,
  finishedQuery,
  goneQuery,
  invitationsQuery,
  residueQuery,
  type SubjectRow,
  unreadableQuery,
  uncutQuery,
  unfinishedContactsQuery,
  unfinishedQuery,
  untellQuery,
  waitingQuery,
} from './erasures.queries.js';

/** Takes every erasure further that is not finished; every minute for what a crash has left. */
export const proceedWithErasures = defineJob('erasure.proceed', {
  cron: '* * * * *',
  expireInSeconds: 600,
  retryDelay: 5,
});
/** Forgets for which readers erased conversations are kept in mind. */
const untellErasures = defineJob('erasure.untell', { cron: '11 4 * * *' });

/** Contacts that one transaction takes out of the address book. */
const cutAtOnce = 500;
/** Contacts whose rows are deleted together. */
const contactsAtOnce = 200;
/** A row that was stored in the last moment is deleted when all is gone through once more. */
const attempts = 5;

export interface ErasureId {
  subscriberId: string;
  id: string;
}

/**
 * Carries erasures out. The keys go first; then the contacts and conversations themselves, so that nothing finds them and
 * nothing new is stored for them; then, in slices, whatever hung on them. Each step may be cut short and is done again.
 */
@Injectable()
export class ErasureRuns implements OnApplicationBootstrap {
  /** Erasures that a request of this process takes through their first steps. */
  private readonly beginning = new Set<string>();

  constructor(
    private readonly accounts: Accounts,
    private readonly contacts: Contacts,
    private readonly conversations: Conversations,
    private readonly database: DataSource,
    private readonly epochRenewal: EpochRenewal,
    private readonly files: FileErasures,
    private readonly forgetting: Forgetting,
    private readonly interlocutors: Interlocutors,
    private readonly jobs: Jobs,
    private readonly log: Log,
    private readonly mails: CertificateMails,
    private readonly realtime: Realtime,
    private readonly sessions: Sessions,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {
    jobs.handle(proceedWithErasures, () => this.proceed());
    jobs.handle(untellErasures, async () => void (await this.database.query(untellQuery, [limits.erasedToldDays])));
    epochRenewal.onRenewed(async () => {
      await this.noteRenewals();
      await this.database.transaction((manager) => this.mails.plan(manager));
    });
  }

  /** A renewal that was asked for before a crash is asked for again, and one that ended with it is noted. */
  async onApplicationBootstrap(): Promise<void> {
    await this.noteRenewals();
  }

  /**
   * Takes an erasure, once it is written down, as far as a person waits for: nothing of its contacts is readable any more, and
   * they are gone from every list. The rest is left to the job.
   */
  async begin(erasure: ErasureId): Promise<void> {
    this.beginning.add(erasure.id);
    try {
      await this.makeUnreadable(erasure);
    } finally {
      this.beginning.delete(erasure.id);
    }
    await this.database.transaction((manager) => this.jobs.add(manager, proceedWithErasures, {}));
  }

  /** Takes every unfinished erasure a step further in turn, for a few seconds. */
  async proceed(): Promise<void> {
    const unfinished = await this.database.query<ErasureId[]>(unfinishedQuery);
    await inTurns(
      unfinished.filter(({ id }) => !this.beginning.has(id)),
      (erasure) => this.proceedWith(erasure),
      {
        log: this.log,
        then: () => this.database.transaction((manager) => this.jobs.add(manager, proceedWithErasures, {})),
      },
    );
  }

  /** @returns whether there is more to do */
  private async proceedWith(erasure: ErasureId): Promise<boolean> {
    const { subscriberId, id } = erasure;
    const [row] = await this.database.query<ErasureRow[]>(erasureQuery, [subscriberId, id]);
    if (!row || row.finished_at) return false;
    if (!row.unreadable_at) {
      await this.makeUnreadable(erasure);
      return true;
    }
    const subjects = await this.database.query<SubjectRow[]>(unfinishedContactsQuery(contactsAtOnce), [
      subscriberId,
      id,
    ]);
    if (subjects.length > 0) return this.forgetContacts(erasure, subjects);
    if (row.of_subscriber && (await this.forgetSubscriber(erasure))) return false;
    // The keys of their objects are gone with the rows; here the bytes go.
    await this.files.remove();
    await this.database.query(finishedQuery, [subscriberId, id]);
    await this.database.transaction((manager) => this.mails.plan(manager));
    return false;
  }

  /** The first steps, which are done again when they were cut short. */
  private async makeUnreadable(erasure: ErasureId): Promise<void> {
    const { subscriberId, id } = erasure;
    const [row] = await this.database.query<ErasureRow[]>(erasureQuery, [subscriberId, id]);
    if (row?.of_subscriber) await this.endMembers(subscriberId);
    const contacts = await this.database.query<{ id: string }[]>(contactsOfQuery, [subscriberId, id]);
    await this.vault.eraseKeys(
      id,
      contacts.map((contact) => ({ scope: 'contact', id: contact.id }) as const),
    );
    if (row?.of_subscriber) await this.eraseKeysOfSubscriber(erasure);
    while (await this.cut(erasure));
    const accounts = await this.database.query<{ id: string }[]>(accountsGoneQuery, [subscriberId, id]);
    await this.vault.eraseKeys(
      id,
      accounts.map((account) => ({ scope: 'interlocutor', id: account.id }) as const),
    );
    await this.database.query(unreadableQuery, [subscriberId, id, this.epochRenewal.current]);
    this.epochRenewal.request();
  }

  /**
   * Takes the next contacts and their conversations away, with the accounts of those that have no other subscriber.
   * @returns whether there may be more
   */
  private async cut({ subscriberId, id }: ErasureId): Promise<boolean> {
    const cut = await this.database.transaction(async (manager) => {
      const subjects = await manager.query<SubjectRow[]>(uncutQuery(cutAtOnce), [subscriberId, id]);
      if (subjects.length === 0) return undefined;
      const ids = subjects.map((subject) => subject.id);
      const people = subjects.map(({ interlocutorId }) => interlocutorId);
      // In the order in which everybody locks them: a joining waits here, and then finds out whether there is still an account.
      await this.interlocutors.lockAll(manager, people);
      await this.conversations.lockToErase(manager, subscriberId, ids);
      await this.contacts.lockToErase(manager, subscriberId, ids);
      const counts = await this.forgetting.forgetAll(manager, { scope: 'contact', subscriberId, ids }, 'atOnce');
      const leaving = await this.interlocutors.withoutContacts(manager, people);
      const gone = { ids: leaving.map((each) => each.id), accountIds: leaving.map(({ accountId }) => accountId) };
      const ended = await this.sessions.ofAccounts(manager, gone.accountIds);
      addCounts(counts, await this.forgetting.forgetAll(manager, { scope: 'interlocutor', ...gone }));
      await manager.query(cutQuery, [subscriberId, ids, gone.ids]);
      await manager.query(countQuery, [subscriberId, id, JSON.stringify(counts)]);
      return { subjects, gone, ended };
    });
    if (!cut) return false;
    const { subjects, gone, ended } = cut;
    await this.vault.eraseKeys(
      id,
      gone.ids.map((interlocutorId) => ({ scope: 'interlocutor', id: interlocutorId }) as const),
    );
    await this.log.attempt(() => this.tell(subscriberId, subjects));
    await Promise.all(ended.map(({ accountId, ids }) => this.sessions.silence(accountId, ids, undefined)));
    return subjects.length === cutAtOnce;
  }

  /** After a commit: takes the contacts out of what this process remembers, and tells the devices of both parties. */
  private async tell(subscriberId: string, subjects: readonly SubjectRow[]): Promise<void> {
    const ids = subjects.map((subject) => subject.id);
    this.conversations.forgetParties(subjects.map((subject) => ({ subscriberId, ...subject })));
    this.realtime.tell(rooms.ofSubscriber(subscriberId), 'contact.erased', { conversationIds: ids });
    for (const { id, interlocutorId } of subjects)
      this.realtime.tell(rooms.ofInterlocutor(interlocutorId), 'contact.erased', { conversationIds: [id] });
    const hashes = subjects.flatMap(({ addressHash }) => addressHash ?? []);
    await this.contacts.gone(subscriberId, ids, hashes);
  }

  /**
   * Deletes slices of what hung on contacts, table by table, for a while.
   * @returns true, since there may be more contacts
   */
  private async forgetContacts({ subscriberId, id }: ErasureId, subjects: readonly SubjectRow[]): Promise<true> {
    const gone = {
      scope: 'contact',
      subscriberId,
      ids: subjects.map((subject) => subject.id),
      addressHashes: subjects.flatMap(({ addressHash }) => addressHash ?? []),
    } as const;
    for (let attempt = 1; ; attempt++) {
      try {
        for (const { forget } of this.forgetting.steps('contact')) {
          let more = true;
          while (more) {
            more = await this.database.transaction(async (manager) => {
              const step = await forget(manager, gone, rowsAtOnce);
              await this.count(manager, { subscriberId, id }, step.counts);
              return step.more;
            });
          }
        }
        break;
      } catch (error) {
        if (attempt === attempts || !isForeignKeyViolation(error)) throw error;
      }
    }
    await this.database.query(goneQuery, [subscriberId, gone.ids]);
    return true;
  }

  /** Ends the sessions and accounts of members, who have nothing to read any more. */
  private async endMembers(subscriberId: string): Promise<void> {
    const ended = await this.database.transaction(async (manager) => {
      const accounts = await manager.query<{ id: string }[]>('SELECT id FROM account WHERE subscriber_id = $1', [
        subscriberId,
      ]);
      const sessions = await this.sessions.ofAccounts(
        manager,
        accounts.map(({ id }) => id),
      );
      await this.accounts.removeOfSubscriber(manager, subscriberId);
      return sessions;
    });
    await Promise.all(ended.map(({ accountId, ids }) => this.sessions.silence(accountId, ids, undefined)));
  }

  private async eraseKeysOfSubscriber({ subscriberId, id }: ErasureId): Promise<void> {
    const invitations = await this.database.query<{ id: string }[]>(invitationsQuery, [subscriberId]);
    await this.vault.eraseKeys(id, [
      { scope: 'subscriber', id: subscriberId },
      ...invitations.map((invitation) => ({ scope: 'contact', id: invitation.id }) as const),
    ]);
  }

  /**
   * Deletes slices of all that a subscriber holds besides its contacts, and empties the subscriber.
   * @returns whether something is left, which waits for other erasures of its contacts
   */
  private async forgetSubscriber({ subscriberId, id }: ErasureId): Promise<boolean> {
    const gone = { scope: 'subscriber', subscriberId, ids: [subscriberId] } as const;
    try {
      for (const { forget } of this.forgetting.steps('subscriber')) {
        let more = true;
        while (more) {
          more = await this.database.transaction(async (manager) => {
            const step = await forget(manager, gone, rowsAtOnce);
            await this.count(manager, { subscriberId, id }, step.counts);
            return step.more;
          });
        }
      }
    } catch (error) {
      if (!isForeignKeyViolation(error)) throw error;
      return true;
    }
    await this.subscribers.empty(subscriberId);
    return false;
  }

  private async count(
    manager: { query: (text: string, values: unknown[]) => Promise<unknown> },
    { subscriberId, id }: ErasureId,
    counts: Partial<ErasedCounts>,
  ): Promise<void> {
    if (Object.values(counts).some((count) => count > 0))
      await manager.query(countQuery, [subscriberId, id, JSON.stringify(counts)]);
  }

  /** Notes for which erasures the epoch has been renewed, and asks for a renewal for the others. */
  async noteRenewals(): Promise<void> {
    await this.database.query(residueQuery, [this.epochRenewal.oldest]);
    const [{ any }] = await this.database.query<[{ any: boolean }]>(waitingQuery);
    if (any) this.epochRenewal.request();
  }
}
