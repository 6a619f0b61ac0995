import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { DataSource } from 'typeorm';
import { isMember, type MemberPrincipal, type Principal } from '../auth/principal.js';
import type { Author, MessageView } from '../contract/events.js';
import { Members } from '../members/members.service.js';
import { decodeCursor, encodeCursor } from '../platform/cursors.js';
import { DomainError, ValidationFailed } from '../platform/problems/domain-error.js';
import { RateLimits } from '../platform/rate-limits.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { Vault } from '../platform/vault/vault.js';
import type { ListMessages, MessageContent, MessageList } from './conversations.dto.js';
import { ClientIdReused } from './conversations.errors.js';
import { appendQuery, lockQuery, type MessageRow, messagesQuery, sentBeforeQuery } from './conversations.queries.js';
import { type AccessibleConversation, Conversations } from './conversations.service.js';
import { messageContext } from './sealed-message.js';

/** A stored message; `repeated` when the same one had been stored before. */
export interface Stored {
  seq: number;
  revision: number;
  sentAt: string;
  repeated: boolean;
}

interface Draft {
  conversation: AccessibleConversation;
  authorId: string | null;
  clientId: string;
  digest: Buffer;
  sealedBody: Buffer;
}

const sentAs = ({ conversation: { id, party }, clientId }: Draft) => `${id} ${party} ${clientId}`;

@Injectable()
export class Messages {
  private readonly untold = new LRUCache<string, true>({ max: 10_000 });

  constructor(
    private readonly database: DataSource,
    private readonly conversations: Conversations,
    private readonly limits: RateLimits,
    private readonly members: Members,
    private readonly realtime: Realtime,
    private readonly vault: Vault,
  ) {}

  /**
   * Stores a message once and tells the devices of both parties. Resolves after commit.
   * @throws NotFound, ConsentRequired, ClientIdReused, DomainError `rate_limited`
   */
  async send(principal: Principal, conversationId: string, { clientId, body }: MessageContent): Promise<Stored> {
    await this.limits.count('message', principal.sessionId);
    const conversation = await this.conversations.access(principal, conversationId);
    this.conversations.requireConsent(conversation);
    const { subscriberId, party: sender } = conversation;
    const key = { scope: 'contact', id: conversationId } as const;
    const author = isMember(principal) ? await this.author(principal) : null;
    const draft: Draft = {
      conversation,
      authorId: isMember(principal) ? principal.memberId : null,
      clientId,
      digest: await this.vault.digest(key, body),
      sealedBody: await this.vault.seal(key, body, messageContext(subscriberId, conversationId, sender, clientId)),
    };
    const stored = await this.append(draft).catch((error: unknown) => {
      // The commit may have happened although its answer was lost: the retry then tells what nobody was told.
      if (!(error instanceof DomainError)) this.untold.set(sentAs(draft), true);
      throw error;
    });
    if (!stored.repeated || this.untold.delete(sentAs(draft))) {
      const { seq, revision, sentAt } = stored;
      const told = { conversationId, seq, revision, sender, clientId, body, attachments: [], sentAt };
      // Interlocutors see the business, never the member.
      this.realtime.tell(`interlocutor:${conversation.interlocutorId}`, 'message.sent', told);
      this.realtime.tell(`subscriber:${subscriberId}`, 'message.sent', { ...told, author });
    }
    return stored;
  }

  /** @throws NotFound */
  async list(principal: Principal, conversationId: string, ask: ListMessages): Promise<MessageList> {
    const { id, subscriberId } = await this.conversations.access(principal, conversationId);
    const { filter, values, order, ascending, cursorOf } = pageOf(ask);
    const query = messagesQuery(filter, order, ask.limit + 1);
    const rows = await this.database.query<MessageRow[]>(query, [subscriberId, id, ...values]);
    const page = rows.slice(0, ask.limit);
    const last = page.at(-1);
    const nextCursor = last && rows.length > ask.limit ? cursorOf(last) : null;
    const items = await this.open(
      subscriberId,
      id,
      page,
      isMember(principal) ? await this.authorsOf(subscriberId, page) : undefined,
    );
    return { items: ascending ? items : items.reverse(), nextCursor };
  }

  /** The lock on the conversation makes the numbers gapless and finds every earlier send of the same client id. */
  private append({ conversation, authorId, clientId, digest, sealedBody }: Draft): Promise<Stored> {
    const { subscriberId, id, party } = conversation;
    return this.database.transaction(async (manager) => {
      const [head] = await manager.query<{ last_seq: number; revision: number }[]>(lockQuery, [subscriberId, id]);
      const [before] = await manager.query<{ seq: number; revision: number; digest: Buffer; sent_at: Date }[]>(
        sentBeforeQuery,
        [subscriberId, id, party, clientId],
      );
      if (before) {
        if (!before.digest.equals(digest)) throw new ClientIdReused();
        return { seq: before.seq, revision: before.revision, sentAt: before.sent_at.toISOString(), repeated: true };
      }
      const seq = head!.last_seq + 1;
      const revision = head!.revision + 1;
      const [rows] = await manager.query<[{ sent_at: Date }[], number]>(appendQuery, [
        subscriberId,
        id,
        seq,
        party,
        authorId,
        clientId,
        digest,
        sealedBody,
        revision,
      ]);
      return { seq, revision, sentAt: rows[0]!.sent_at.toISOString(), repeated: false };
    });
  }

  private async author({ subscriberId, memberId }: MemberPrincipal): Promise<Author | null> {
    const [author] = await this.members.authors(subscriberId, [memberId]);
    return author ?? null;
  }

  private async authorsOf(subscriberId: string, rows: MessageRow[]): Promise<Map<string, Author>> {
    const ids = [...new Set(rows.flatMap(({ author_id: id }) => id ?? []))];
    const authors = ids.length > 0 ? await this.members.authors(subscriberId, ids) : [];
    return new Map(authors.map((author) => [author.id, author]));
  }

  /** @param authors those who wrote, where the reader is a member */
  private async open(
    subscriberId: string,
    conversationId: string,
    rows: MessageRow[],
    authors: Map<string, Author> | undefined,
  ): Promise<MessageView[]> {
    const bodies = await this.vault.openMany(
      'contact',
      rows.map(({ sender, client_id: clientId, body }) => ({
        id: conversationId,
        sealed: body,
        context: messageContext(subscriberId, conversationId, sender, clientId),
      })),
    );
    return rows.flatMap((row, index) => {
      const body = bodies[index];
      return body === undefined ? [] : [viewOf(row, body, authors)];
    });
  }
}

interface PageOfMessages {
  filter: string;
  values: number[];
  order: string;
  ascending: boolean;
  cursorOf: (last: MessageRow) => string;
}

/** The three ways to page: onwards by seq, backwards by seq, onwards by revision. A cursor continues one of them. */
function pageOf({ after, before, changedAfter, cursor }: ListMessages): PageOfMessages {
  if ([changedAfter, after ?? before].filter((each) => each !== undefined).length > 1) {
    const message = 'changedAfter does not go together with after or before.';
    throw new ValidationFailed([{ field: 'changedAfter', code: 'exclusive', message }]);
  }
  const [way, position] = cursor === undefined ? [undefined, undefined] : decodeCursor(cursor, ['text', 'integer']);
  if (changedAfter !== undefined || way === 'changed') {
    return {
      filter: 'message.revision > $3',
      values: [Number(position ?? changedAfter)],
      order: 'message.revision',
      ascending: true,
      cursorOf: ({ revision }) => encodeCursor(['changed', revision]),
    };
  }
  const low = way === 'after' ? Number(position) : (after ?? 0);
  const high = way === 'before' ? Number(position) : (before ?? 2 ** 31 - 1);
  const onwards = after !== undefined || way === 'after';
  return {
    filter: 'message.seq > $3 AND message.seq < $4',
    values: [low, high],
    order: onwards ? 'message.seq' : 'message.seq DESC',
    ascending: onwards,
    cursorOf: ({ seq }) => encodeCursor([onwards ? 'after' : 'before', seq]),
  };
}

function viewOf(row: MessageRow, body: string, authors: Map<string, Author> | undefined): MessageView {
  return {
    seq: row.seq,
    revision: row.revision,
    sender: row.sender,
    ...(authors && { author: (row.author_id && authors.get(row.author_id)) || null }),
    clientId: row.client_id,
    body,
    attachments: [],
    sentAt: row.sent_at.toISOString(),
    ...(row.delivered_at && { deliveredAt: row.delivered_at.toISOString() }),
    ...(row.seen_at && { seenAt: row.seen_at.toISOString() }),
  };
}
