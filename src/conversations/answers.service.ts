import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Principal } from '../auth/principal.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { UnknownOutcomes } from '../platform/realtime/unknown-outcomes.js';
import { EntryBeyondLast } from './conversations.errors.js';
import { answeredQuery, lastSeqQuery } from './conversations.queries.js';
import { Conversations } from './conversations.service.js';

/** Conversations of which members say that they need no answer. */
@Injectable()
export class Answers {
  constructor(
    private readonly conversations: Conversations,
    private readonly database: DataSource,
    private readonly realtime: Realtime,
    private readonly unknownOutcomes: UnknownOutcomes,
  ) {}

  /**
   * Marks entries as needing no answer, up to one; a lower number than before changes nothing. Only the members' devices are
   * told.
   * @throws NotFound, EntryBeyondLast
   */
  async needNone(principal: Principal, conversationId: string, seq: number): Promise<void> {
    const { subscriberId, rooms } = await this.conversations.access(principal, conversationId);
    const where = [subscriberId, conversationId];
    const [risen] = await this.unknownOutcomes.guard(
      () => [rooms.subscriber],
      () => this.database.query<[{ answered_seq: number }[], number]>(answeredQuery, [...where, seq]),
    );
    if (risen.length > 0) {
      this.realtime.tell(rooms.subscriber, 'conversation.answered', { conversationId, answeredSeq: seq });
      return;
    }
    const [known] = await this.database.query<{ last_seq: number }[]>(lastSeqQuery, where);
    if (!known) throw new NotFound();
    if (seq > known.last_seq) throw new EntryBeyondLast(known.last_seq);
  }
}
