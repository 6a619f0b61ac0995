import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { FileErasures } from '../attachments/file-erasures.service.js';
import { ChangeFeed } from '../change-feed/change-feed.service.js';
import type { Told } from '../contract/events.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';
import { UnknownOutcomes } from '../platform/realtime/unknown-outcomes.js';
import {
  dueToExpireQuery,
  expireQuery,
  type ExpiredRow,
  forgetMovesQuery,
  frozenWithOldQuery,
  lockToExpireQuery,
  oldEntriesQuery,
  type OldEntryRow,
  oldMessagesQuery,
  type OldMessagesRow,
} from './conversations.queries.js';

/** Entries that one transaction empties, while it holds the lock of their conversation. */
const entriesAtOnce = 200;

/** A retention that is being applied: messages that were sent before `cutoff` go, as long as the setting stands. */
export interface AppliedRetention {
  subscriberId: string;
  months: number;
  cutoff: Date;
}

export interface ExpiredCounts {
  messages: number;
  files: number;
}

/** Old messages that go because their business keeps none for longer (docs/decisions/0021). */
@Injectable()
export class Expiries {
  constructor(
    private readonly changes: ChangeFeed,
    private readonly database: DataSource,
    private readonly fileErasures: FileErasures,
    private readonly realtime: Realtime,
    private readonly unknownOutcomes: UnknownOutcomes,
  ) {}

  /** The next conversations behind one, in the order of their ids, that have old messages and are not frozen. */
  async due(
    { subscriberId, cutoff }: AppliedRetention,
    { behind, limit }: { behind: string; limit: number },
  ): Promise<string[]> {
    const rows = await this.database.query<{ id: string }[]>(dueToExpireQuery, [subscriberId, behind, cutoff, limit]);
    return rows.map(({ id }) => id);
  }

  /** Number of a subscriber's messages that were sent before a time, and of the conversations they are in; the frozen ones apart. */
  async countOld(subscriberId: string, before: Date): Promise<OldMessagesRow> {
    const [row] = await this.database.query<[OldMessagesRow]>(oldMessagesQuery, [subscriberId, before]);
    return row;
  }

  /** Number of the conversations with old messages that are frozen, and so left out. */
  async leftOut({ subscriberId, cutoff }: AppliedRetention): Promise<number> {
    const [{ conversations }] = await this.database.query<[{ conversations: number }]>(frozenWithOldQuery, [
      subscriberId,
      cutoff,
    ]);
    return conversations;
  }

  /**
   * Empties the next old entries of a conversation, with their files, receipts and index entries, and tells both parties. It does
   * nothing where the conversation is frozen, or the setting is not what it was.
   * @param note called with the counts in the same transaction
   * @returns whether there may be more
   */
  async expire(
    retention: AppliedRetention,
    conversationId: string,
    note: (manager: EntityManager, counts: ExpiredCounts) => Promise<void>,
  ): Promise<boolean> {
    const { subscriberId } = retention;
    let interlocutorId: string | undefined;
    const both = () => [
      rooms.ofSubscriber(subscriberId),
      ...(interlocutorId === undefined ? [] : [rooms.ofInterlocutor(interlocutorId)]),
    ];
    const expired = await this.unknownOutcomes.guard(both, () =>
      this.database.transaction(async (manager) => {
        const where = [subscriberId, conversationId] as const;
        const [head] = await manager.query<{ revision: number; expiredSeq: number; interlocutorId: string }[]>(
          lockToExpireQuery,
          [...where, retention.months],
        );
        if (!head) return undefined;
        ({ interlocutorId } = head);
        const next = await manager.query<OldEntryRow[]>(oldEntriesQuery(entriesAtOnce), [...where, head.expiredSeq]);
        const kept = next.findIndex(({ sentAt }) => sentAt >= retention.cutoff);
        const old = kept < 0 ? next : next.slice(0, kept);
        const last = old.at(-1);
        if (!last) return undefined;
        const [from, to] = [head.expiredSeq + 1, last.seq];
        const files = old.some((entry) => entry.files > 0)
          ? await this.fileErasures.ofMessages(manager, { subscriberId, conversationId, from, to })
          : 0;
        await this.changes.forget(
          manager,
          old.map(({ seq, sentAt }) => ({ subscriberId, conversationId, seq, sentAt })),
        );
        await manager.query(forgetMovesQuery, [...where, to]);
        const [[row]] = await manager.query<[[ExpiredRow], number]>(expireQuery, [...where, from, to, head.revision]);
        await note(manager, { messages: old.length, files });
        const told: Told['messages.expired'] = {
          ...{ conversationId, from, to, revision: head.revision + old.length },
          expiredAt: row.expired_at.toISOString(),
          changedAt: row.changed_at.toISOString(),
        };
        return { told, more: old.length === entriesAtOnce };
      }),
    );
    if (!expired) return false;
    this.realtime.tell(both(), 'messages.expired', expired.told);
    return expired.more;
  }
}
