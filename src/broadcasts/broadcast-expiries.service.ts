import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { NIL } from 'uuid';
import { FileErasures } from '../attachments/file-erasures.service.js';
import { ChangeFeed } from '../change-feed/change-feed.service.js';
import type { AppliedRetention } from '../conversations/expiries.service.js';
import { rowsAtOnce } from '../platform/forgetting/forgetting.js';
import { emptyQuery, forgetRecipientsQuery, lockOldQuery, oldBroadcastQuery } from './broadcasts.queries.js';

/** Old broadcasts that go because their business keeps nothing for longer (docs/decisions/0021). */
@Injectable()
export class BroadcastExpiries {
  constructor(
    private readonly changes: ChangeFeed,
    private readonly database: DataSource,
    private readonly fileErasures: FileErasures,
  ) {}

  /**
   * Empties the next broadcast whose entries have all gone, some of its ledger at a time.
   * @param note called with the counts in the transaction that ends it
   * @returns whether there may be more to do
   */
  async expire(
    { subscriberId, months, cutoff }: AppliedRetention,
    note: (manager: EntityManager, counts: { broadcasts: number; files: number }) => Promise<void>,
  ): Promise<boolean> {
    const [old] = await this.database.query<{ id: string }[]>(oldBroadcastQuery, [subscriberId, months, cutoff]);
    if (!old) return false;
    const where = [subscriberId, old.id];
    await this.database.transaction(async (manager) => {
      const [locked] = await manager.query<{ startedAt: Date | null }[]>(lockOldQuery, where);
      if (!locked) return;
      const [, forgotten] = await manager.query<[unknown[], number]>(forgetRecipientsQuery(rowsAtOnce), where);
      if (forgotten === rowsAtOnce) return;
      const files = await this.fileErasures.ofBroadcast(manager, subscriberId, old.id);
      if (locked.startedAt) {
        const entry = { subscriberId, conversationId: old.id, seq: 0, sentAt: locked.startedAt };
        await this.changes.forget(manager, [entry]);
      }
      await manager.query(emptyQuery, [...where, NIL]);
      await note(manager, { broadcasts: 1, files });
    });
    return true;
  }
}
