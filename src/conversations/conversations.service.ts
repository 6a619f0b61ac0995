import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { DataSource, type EntityManager } from 'typeorm';
import { isMember, partyOf, type Principal } from '../auth/principal.js';
import type { ConversationHead, Counterpart, Identity, Party } from '../contract/events.js';
import { limits } from '../contract/limits.js';
import { Identities } from '../interlocutors/identities.js';
import { decodeCursor, encodeCursor } from '../platform/cursors.js';
import { NotFound } from '../platform/problems/domain-error.js';
import type { Audience } from '../platform/realtime/realtime.js';
import { shortened } from '../platform/validation/text.js';
import { businessCounterpart } from '../subscribers/subscriber-view.js';
import type { ConversationList, ListConversations } from './conversations.dto.js';
import { type HeadRow, headsQuery, syncHorizonQuery } from './conversations.queries.js';
import { MessageTexts, type PlacedContent } from './message-texts.js';

/** A conversation that the principal is a party of. */
export interface OwnConversation {
  id: string;
  subscriberId: string;
  interlocutorId: string;
  /** Which side the principal is. */
  party: Party;
  /** Those who hear its events: the devices of each side. */
  audiences: Record<Party, Audience>;
}

const conversationsRemembered = 20_000;

/** Whose list of conversations it is. */
export type Viewer = { kind: 'member'; subscriberId: string } | { kind: 'interlocutor'; interlocutorId: string };

@Injectable()
export class Conversations {
  private readonly remembered = new LRUCache<string, Promise<OwnConversation>>({ max: conversationsRemembered });

  constructor(
    private readonly database: DataSource,
    private readonly identities: Identities,
    private readonly texts: MessageTexts,
  ) {}

  /** Begins the conversation of a new contact. */
  async begin(manager: EntityManager, subscriberId: string, contactId: string): Promise<void> {
    await manager.query('INSERT INTO conversation (subscriber_id, id, changed_at) VALUES ($1, $2, clock_timestamp())', [
      subscriberId,
      contactId,
    ]);
    await manager.query(
      `INSERT INTO cursor (subscriber_id, conversation_id, party, minute, told_minute)
       SELECT $1, $2, party, minute, minute
       FROM unnest(enum_range(NULL::party)) AS party, date_trunc('minute', clock_timestamp()) AS minute`,
      [subscriberId, contactId],
    );
  }

  /** @throws NotFound for a conversation the principal is no party of, as for one that does not exist */
  async access(principal: Principal, id: string): Promise<OwnConversation> {
    const [row] = await this.database.query<{ subscriber_id: string; interlocutor_id: string }[]>(
      `SELECT subscriber_id, interlocutor_id FROM contact
       WHERE id = $1 AND ${isMember(principal) ? 'subscriber_id' : 'interlocutor_id'} = $2`,
      [id, sideOf(principal)],
    );
    if (!row) throw new NotFound();
    const { subscriber_id: subscriberId, interlocutor_id: interlocutorId } = row;
    const audiences = {
      subscriber: `subscriber:${subscriberId}`,
      interlocutor: `interlocutor:${interlocutorId}`,
    } as const;
    return { id, subscriberId, interlocutorId, party: partyOf(principal), audiences };
  }

  /**
   * The same for who goes on to write in the conversation. Whose it is never changes, so it is remembered; whether it is
   * still there, the statement that writes will tell. Those who ask meanwhile wait for the first one's answer, so that a
   * device's messages keep their order.
   * @throws NotFound
   */
  toWriteIn(principal: Principal, id: string): Promise<OwnConversation> {
    const asked = `${sideOf(principal)} ${id}`;
    let own = this.remembered.get(asked);
    if (!own) {
      own = this.access(principal, id);
      this.remembered.set(asked, own);
      own.catch(() => this.remembered.delete(asked));
    }
    return own;
  }

  /** The heads of the principal's conversations, latest change first. */
  async list(principal: Principal, { changedSince, cursor, limit }: ListConversations): Promise<ConversationList> {
    // Read before the heads, so that what they do not show yet is stamped at this time or later.
    const [{ horizon }] = await this.database.query<[{ horizon: Date }]>(syncHorizonQuery);
    const rows = await this.rows(principal, limit + 1, {
      ...(changedSince !== undefined && { changedSince }),
      ...(cursor !== undefined && { before: decodeCursor(cursor, ['time', 'id']) as [string, string] }),
    });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const nextCursor = last && rows.length > limit ? encodeCursor([last.changed_at.toISOString(), last.id]) : null;
    return { items: await this.open(principal, page), nextCursor, syncedAt: horizon.toISOString() };
  }

  /** @throws NotFound */
  async head(viewer: Viewer, id: string): Promise<ConversationHead> {
    const [head] = await this.open(viewer, await this.rows(viewer, 1, { id }));
    if (!head) throw new NotFound();
    return head;
  }

  private rows(
    viewer: Viewer,
    limit: number,
    which: { id?: string; changedSince?: string; before?: [changedAt: string, id: string] },
  ): Promise<HeadRow[]> {
    const own = viewer.kind === 'member';
    const parameters: unknown[] = own
      ? ['subscriber', 'interlocutor', viewer.subscriberId]
      : ['interlocutor', 'subscriber', viewer.interlocutorId];
    const parameter = (value: unknown) => `$${parameters.push(value)}`;
    const filters = [own ? 'conversation.subscriber_id = $3' : 'contact.interlocutor_id = $3'];
    if (which.id) filters.push(`conversation.id = ${parameter(which.id)}`);
    const before = which.before && beforeThat(...(which.before.map(parameter) as [string, string]));
    if (before) filters.push(before);
    if (which.changedSince) {
      const since = parameter(which.changedSince);
      filters.push(own ? changedOfSubscriber({ since, before, limit }) : changed(since));
    }
    return this.database.query<HeadRow[]>(headsQuery(filters.join(' AND '), limit), parameters);
  }

  private async open(viewer: Viewer, rows: HeadRow[]): Promise<ConversationHead[]> {
    const own = viewer.kind === 'member';
    const identities = own ? await this.identities.openCopies(viewer.subscriberId, rows) : [];
    const spoken = rows.filter(({ last_sender: sender }) => sender !== null);
    const texts = await this.texts.open(spoken.map(lastMessageOf));
    const lastTexts = new Map(spoken.map((row, index) => [row.id, texts[index]]));
    return rows.flatMap((row, index) => {
      const counterpart = own ? contactOf(row, identities[index]) : subscriberOf(row);
      return counterpart ? [headOf(row, counterpart, lastTexts.get(row.id))] : [];
    });
  }
}

const sideOf = (principal: Principal) => (isMember(principal) ? principal.subscriberId : principal.interlocutorId);

/**
 * A head has changed when its messages have, a watermark has, the profile of the counterpart, or whether seen-times are
 * disclosed. Watermarks know only their minute, so those of the minute asked for come back too. A move of the other
 * party that is not disclosed is no change.
 */
const changed = (since: string) =>
  `(conversation.changed_at >= ${since} OR greatest(own.minute, other.told_minute) >= date_trunc('minute', ${since}::timestamptz)
    OR subscriber.profile_changed_at >= ${since} OR subscriber.seen_times_changed_at >= ${since})`;

/**
 * The same for a subscriber's many conversations, found by the indexes. Those whose messages have changed come first in the
 * order of the list, so the others are looked for only by the page that comes to its end: after a broadcast that is the
 * last of many.
 */
const changedOfSubscriber = ({ since, before = 'true', limit }: { since: string; before?: string; limit: number }) => `
  conversation.id IN (
    SELECT id FROM (
      (SELECT id FROM conversation
       WHERE subscriber_id = $3 AND changed_at >= ${since} AND ${before}
       ORDER BY changed_at DESC, id DESC LIMIT ${limit})
      UNION ALL
      (SELECT id FROM conversation
       WHERE subscriber_id = $3 AND changed_at < ${since} AND ${before} AND id IN (
         SELECT conversation_id FROM cursor
           WHERE subscriber_id = $3 AND party = 'subscriber' AND minute >= date_trunc('minute', ${since}::timestamptz)
         UNION ALL SELECT conversation_id FROM cursor
           WHERE subscriber_id = $3 AND party = 'interlocutor' AND told_minute >= date_trunc('minute', ${since}::timestamptz)
         UNION ALL SELECT id FROM contact WHERE subscriber_id = $3 AND profile_changed_at >= ${since}
         UNION ALL SELECT id FROM conversation
           WHERE subscriber_id = $3
             AND EXISTS (SELECT FROM subscriber WHERE subscriber_id = $3 AND seen_times_changed_at >= ${since}))
       ORDER BY changed_at DESC, id DESC LIMIT ${limit})
    ) AS either
    LIMIT ${limit})`;

/** @param changedAt and id: parameters, of the last head of the page before */
const beforeThat = (changedAt: string, id: string) =>
  `(conversation.changed_at, conversation.id) < (${changedAt}::timestamptz, ${id}::uuid)`;

function contactOf(row: HeadRow, identity: Identity | undefined): Counterpart | undefined {
  return identity && { kind: 'interlocutor', id: row.id, ...identity };
}

function subscriberOf(row: HeadRow): Counterpart {
  const logoUrl = row.has_logo ? `/api/conversations/${row.id}/logo` : null;
  return businessCounterpart({ id: row.subscriber_id, businessName: row.business_name, city: row.city }, logoUrl);
}

function lastMessageOf(row: HeadRow): PlacedContent {
  return {
    subscriberId: row.subscriber_id,
    conversationId: row.id,
    sender: row.last_sender!,
    client_id: row.last_client_id!,
    body: row.last_body,
    withdrawn_at: row.last_withdrawn_at,
    broadcast_id: row.last_broadcast_id,
    broadcast_body: row.last_broadcast_body,
  };
}

function headOf(row: HeadRow, counterpart: Counterpart, lastText: string | undefined): ConversationHead {
  return {
    id: row.id,
    revision: row.revision,
    changedAt: row.changed_at.toISOString(),
    counterpart,
    lastSeq: row.last_seq,
    lastMessageAt: row.last_message_at?.toISOString() ?? null,
    preview: lastText ? beginningOf(lastText) : null,
    own: { deliveredSeq: row.own_delivered, seenSeq: row.own_seen },
    other: { deliveredSeq: row.other_delivered, seenSeq: row.other_seen },
    seenTimesSince: row.seen_times_since?.toISOString() ?? null,
    unread: row.unread,
  };
}

/** The first characters on one line. */
export function beginningOf(body: string): string {
  return shortened(body.replace(/\s+/g, ' ').trim(), limits.previewLength);
}
