import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Principal } from '../auth/principal.js';
import { ValidationFailed } from '../platform/problems/domain-error.js';
import { RateLimits } from '../platform/rate-limits.js';
import { Realtime } from '../platform/realtime/realtime.js';
import type { MessageReceipt } from './conversations.dto.js';
import { ReceiptBeyondLast } from './conversations.errors.js';
import { raiseQuery } from './conversations.queries.js';
import { Conversations } from './conversations.service.js';

@Injectable()
export class Receipts {
  constructor(
    private readonly database: DataSource,
    private readonly conversations: Conversations,
    private readonly limits: RateLimits,
    private readonly realtime: Realtime,
  ) {}

  /**
   * Raises the watermarks of the principal's party; what is lower than before changes nothing.
   * @throws NotFound, ReceiptBeyondLast, ValidationFailed, DomainError `rate_limited`
   */
  async send(principal: Principal, conversationId: string, { deliveredSeq, seenSeq }: MessageReceipt): Promise<void> {
    if (deliveredSeq === undefined && seenSeq === undefined) {
      const message = 'Say deliveredSeq, seenSeq or both.';
      throw new ValidationFailed([{ field: 'deliveredSeq', code: 'required', message }]);
    }
    await this.limits.count('receipt', principal.sessionId);
    const { subscriberId, party, audiences } = await this.conversations.access(principal, conversationId);
    const [head] = await this.database.query<{ last_seq: number }[]>(
      'SELECT last_seq FROM conversation WHERE subscriber_id = $1 AND id = $2',
      [subscriberId, conversationId],
    );
    if (Math.max(deliveredSeq ?? 0, seenSeq ?? 0) > head!.last_seq) throw new ReceiptBeyondLast(head!.last_seq);
    const [raised] = await this.database.query<{ minute: Date; delivered_seq: number; seen_seq: number }[]>(
      raiseQuery,
      [subscriberId, conversationId, party, deliveredSeq ?? 0, seenSeq ?? 0],
    );
    if (!raised) return;
    this.realtime.tell(audiences, 'receipt.changed', {
      conversationId,
      party,
      deliveredSeq: raised.delivered_seq,
      seenSeq: raised.seen_seq,
      at: raised.minute.toISOString(),
    });
  }
}
