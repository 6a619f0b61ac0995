import { Injectable } from '@nestjs/common';
import type { Principal } from '../auth/principal.js';
import type { Party } from '../contract/events.js';
import { limits } from '../contract/limits.js';
import { Batches } from '../platform/batches.js';
import { HotStatements } from '../platform/hot-statements.js';
import { NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import { UnknownOutcomes } from '../platform/realtime/unknown-outcomes.js';
import { Realtime } from '../platform/realtime/realtime.js';
import type { MessageReceipt } from './conversations.dto.js';
import { ReceiptBeyondLast } from './conversations.errors.js';
import { type RaisedRow, raiseStatement } from './conversations.queries.js';
import { Conversations, type OwnConversation } from './conversations.service.js';
import { Standings } from './standings.service.js';

/** A rise of a party's watermarks. */
export type Rise = Pick<RaisedRow, 'delivered_seq' | 'seen_seq' | 'seen_before' | 'other_seen' | 'told' | 'minute'>;

interface Receipt {
  conversation: OwnConversation;
  deliveredSeq: number;
  seenSeq: number;
}

const batchSize = 1_000;

/**
 * Minimum interval between batches of receipts, in milliseconds. Receipts are accurate to the minute, so they can wait; one by
 * one, each would cost PostgreSQL as much as a message.
 */
const minInterval = 40;

@Injectable()
export class Receipts {
  private readonly receipts = new Batches<Receipt, RaisedRow | undefined>({
    write: (receipts) => this.raise(receipts),
    groupOf: ({ conversation: { id, party } }) => watermarkOf(id, party),
    batchSize,
    concurrency: { idle: 2, loaded: 2 },
    minInterval,
    capacity: limits.receiptsWaiting,
  });

  constructor(
    private readonly conversations: Conversations,
    private readonly unknownOutcomes: UnknownOutcomes,
    private readonly realtime: Realtime,
    private readonly standings: Standings,
    private readonly statements: HotStatements,
  ) {}

  /**
   * Raises the watermarks of the principal's party; what is lower than before changes nothing.
   * @throws NotFound, ReceiptBeyondLast, ConversationRestricted, SubscriberPaused, SubscriberClosing, ValidationFailed, DomainError `overloaded`
   */
  async send(principal: Principal, conversationId: string, { deliveredSeq, seenSeq }: MessageReceipt): Promise<void> {
    if (deliveredSeq === undefined && seenSeq === undefined) {
      const message = 'Send deliveredSeq, seenSeq or both.';
      throw new ValidationFailed([{ field: 'deliveredSeq', code: 'required', message }]);
    }
    const conversation = await this.conversations.accessToWrite(principal, conversationId);
    const receipt = { conversation, deliveredSeq: deliveredSeq ?? 0, seenSeq: seenSeq ?? 0 };
    const raised = await this.receipts.add(receipt);
    if (!raised) throw new NotFound();
    if (Math.max(receipt.deliveredSeq, receipt.seenSeq) > raised.last_seq) throw new ReceiptBeyondLast(raised.last_seq);
    if (raised.restricted) throw await this.conversations.obstacle(receipt.conversation);
  }

  /** Raises watermarks in one statement, the highest of each conversation and party, and tells it right after the commit. */
  private async raise(receipts: Receipt[]): Promise<(RaisedRow | undefined)[]> {
    const values = [
      receipts.map(({ conversation }) => conversation.subscriberId),
      receipts.map(({ conversation }) => conversation.id),
      receipts.map(({ conversation }) => conversation.party),
      receipts.map(({ deliveredSeq }) => deliveredSeq),
      receipts.map(({ seenSeq }) => seenSeq),
    ];
    const rows = await this.unknownOutcomes.guard(
      () => receipts.flatMap(({ conversation }) => Object.values(conversation.rooms)),
      () => this.statements.query<RaisedRow>(raiseStatement, values),
    );
    const raised = new Map(rows.map((row) => [watermarkOf(row.conversation_id, row.party), row]));
    const told = new Set<RaisedRow>();
    return receipts.map(({ conversation }) => {
      const row = raised.get(watermarkOf(conversation.id, conversation.party));
      if (row?.rose && !told.has(row)) {
        told.add(row);
        this.tell(conversation, row);
        if (conversation.party === 'subscriber') this.standings.seen(conversation);
      }
      return row;
    });
  }

  /** The party's own devices are told everything, the other party's only what the business discloses. */
  tell({ id: conversationId, party, rooms }: OwnConversation, row: Rise): void {
    const { delivered_seq: deliveredSeq, seen_seq: seenSeq, seen_before: seenBefore } = row;
    const moved = { conversationId, party, deliveredSeq, seenSeq, seenBefore };
    const at = row.minute.toISOString();
    const other = rooms[party === 'subscriber' ? 'interlocutor' : 'subscriber'];
    if (row.other_seen === row.seen_seq) {
      return this.realtime.tell([other, rooms[party]], 'receipt.changed', { ...moved, at });
    }
    const disclosed = { ...moved, seenSeq: row.other_seen, seenBefore: row.other_seen };
    if (row.told) this.realtime.tell(other, 'receipt.changed', { ...disclosed, at });
    this.realtime.tell(rooms[party], 'receipt.changed', { ...moved, at });
  }
}

const watermarkOf = (conversationId: string, party: Party) => `${conversationId} ${party}`;
