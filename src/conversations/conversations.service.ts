import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { isMember, partyOf, type Principal } from '../auth/principal.js';
import { Consents } from '../consents/consents.service.js';
import type { ConversationHead, Counterpart, Identity, Party } from '../contract/events.js';
import { limits } from '../contract/limits.js';
import { Identities } from '../interlocutors/identities.js';
import { decodeCursor, encodeCursor } from '../platform/cursors.js';
import { NotFound } from '../platform/problems/domain-error.js';
import type { Audience } from '../platform/realtime/realtime.js';
import { Vault } from '../platform/vault/vault.js';
import { businessCounterpart } from '../subscribers/subscriber-view.js';
import type { ConversationList, ListConversations } from './conversations.dto.js';
import { type HeadRow, headsQuery, syncHorizonQuery } from './conversations.queries.js';
import { messageContext } from './sealed-message.js';

/** A conversation that the principal may see, and what sending in it needs to know. */
export interface AccessibleConversation {
  id: string;
  subscriberId: string;
  interlocutorId: string;
  party: Party;
  /** Both sides: everybody who hears its events. */
  audiences: Audience[];
  privacyVersion: number;
  termsVersionOfSubscriber: number;
  privacyVersionOfSubscriber: number;
}

/** Whose list of conversations it is. */
export type Viewer = { kind: 'member'; subscriberId: string } | { kind: 'interlocutor'; interlocutorId: string };

@Injectable()
export class Conversations {
  constructor(
    private readonly database: DataSource,
    private readonly consents: Consents,
    private readonly identities: Identities,
    private readonly vault: Vault,
  ) {}

  /** Begins the conversation of a new contact. */
  async begin(manager: EntityManager, subscriberId: string, contactId: string): Promise<void> {
    await manager.query('INSERT INTO conversation (subscriber_id, id, changed_at) VALUES ($1, $2, clock_timestamp())', [
      subscriberId,
      contactId,
    ]);
    await manager.query(
      `INSERT INTO cursor (subscriber_id, conversation_id, party, changed_at)
       VALUES ($1, $2, 'subscriber', clock_timestamp()), ($1, $2, 'interlocutor', clock_timestamp())`,
      [subscriberId, contactId],
    );
  }

  /** @throws NotFound for a conversation the principal is no party of, as for one that does not exist */
  async access(principal: Principal, id: string): Promise<AccessibleConversation> {
    const [row] = await this.database.query<AccessRow[]>(
      `SELECT contact.id, contact.subscriber_id, contact.interlocutor_id, contact.privacy_version,
              subscriber.terms_version AS subscriber_terms, subscriber.privacy_version AS subscriber_privacy
       FROM contact
       JOIN subscriber ON subscriber.subscriber_id = contact.subscriber_id
       WHERE contact.id = $1 AND ${isMember(principal) ? 'contact.subscriber_id' : 'contact.interlocutor_id'} = $2`,
      [id, isMember(principal) ? principal.subscriberId : principal.interlocutorId],
    );
    if (!row) throw new NotFound();
    return {
      id: row.id,
      subscriberId: row.subscriber_id,
      interlocutorId: row.interlocutor_id,
      party: partyOf(principal),
      audiences: [`subscriber:${row.subscriber_id}`, `interlocutor:${row.interlocutor_id}`],
      privacyVersion: row.privacy_version,
      termsVersionOfSubscriber: row.subscriber_terms,
      privacyVersionOfSubscriber: row.subscriber_privacy,
    };
  }

  /** @throws ConsentRequired when a newer policy waits for the party that wants to send */
  requireConsent(conversation: AccessibleConversation): void {
    if (conversation.party === 'interlocutor') return this.consents.requireOfContact(conversation);
    this.consents.requireOfSubscriber({
      termsVersion: conversation.termsVersionOfSubscriber,
      privacyVersion: conversation.privacyVersionOfSubscriber,
    });
  }

  /** The heads of the principal's conversations, latest change first. */
  async list(principal: Principal, { changedSince, cursor, limit }: ListConversations): Promise<ConversationList> {
    // Read before the heads, so that what they do not show yet is stamped at this time or later.
    const [{ horizon }] = await this.database.query<[{ horizon: Date }]>(syncHorizonQuery);
    const heads = await this.heads(principal, limit + 1, {
      ...(changedSince !== undefined && { changedSince }),
      ...(cursor !== undefined && { before: decodeCursor(cursor, ['time', 'id']) as [string, string] }),
    });
    const items = heads.slice(0, limit);
    const last = items.at(-1);
    const nextCursor = last && heads.length > limit ? encodeCursor([last.changedAt, last.id]) : null;
    return { items, nextCursor, syncedAt: horizon.toISOString() };
  }

  /** @throws NotFound */
  async head(viewer: Viewer, id: string): Promise<ConversationHead> {
    const [head] = await this.heads(viewer, 1, { id });
    if (!head) throw new NotFound();
    return head;
  }

  private async heads(
    viewer: Viewer,
    limit: number,
    which: { id?: string; changedSince?: string; before?: [changedAt: string, id: string] },
  ): Promise<ConversationHead[]> {
    const own = viewer.kind === 'member';
    const parameters: unknown[] = own
      ? ['subscriber', 'interlocutor', viewer.subscriberId]
      : ['interlocutor', 'subscriber', viewer.interlocutorId];
    const parameter = (value: unknown) => `$${parameters.push(value)}`;
    const filters = [own ? 'conversation.subscriber_id = $3' : 'contact.interlocutor_id = $3'];
    if (which.id) filters.push(`conversation.id = ${parameter(which.id)}`);
    if (which.changedSince)
      filters.push(own ? changedOfSubscriber(parameter(which.changedSince)) : changed(parameter(which.changedSince)));
    if (which.before) {
      const [changedAt, id] = which.before;
      filters.push(
        `(conversation.changed_at, conversation.id) < (${parameter(changedAt)}::timestamptz, ${parameter(id)}::uuid)`,
      );
    }
    const rows = await this.database.query<HeadRow[]>(headsQuery(filters.join(' AND '), limit), parameters);
    return this.open(viewer, rows);
  }

  private async open(viewer: Viewer, rows: HeadRow[]): Promise<ConversationHead[]> {
    const own = viewer.kind === 'member';
    const identities = own ? await this.identities.openCopies(viewer.subscriberId, rows) : [];
    const spoken = rows.filter(({ last_body: body }) => body !== null);
    const bodies = await this.vault.openMany(
      'contact',
      spoken.map((row) => ({
        id: row.id,
        sealed: row.last_body!,
        context: messageContext(row.subscriber_id, row.id, row.last_sender!, row.last_client_id!),
      })),
    );
    const lastBodies = new Map(spoken.map((row, index) => [row.id, bodies[index]]));
    return rows.flatMap((row, index) => {
      const counterpart = own ? contactOf(row, identities[index]) : subscriberOf(row);
      return counterpart ? [headOf(row, counterpart, lastBodies.get(row.id))] : [];
    });
  }
}

interface AccessRow {
  id: string;
  subscriber_id: string;
  interlocutor_id: string;
  privacy_version: number;
  subscriber_terms: number;
  subscriber_privacy: number;
}

/** A head has changed when its messages have, a watermark has, or the profile of the counterpart. */
const changed = (since: string) =>
  `(conversation.changed_at >= ${since} OR own.changed_at >= ${since} OR other.changed_at >= ${since}
    OR subscriber.profile_changed_at >= ${since})`;

/** The same for a subscriber's many conversations, found by the three indexes. */
const changedOfSubscriber = (since: string) => `conversation.id IN (
  SELECT id FROM conversation WHERE subscriber_id = $3 AND changed_at >= ${since}
  UNION ALL SELECT conversation_id FROM cursor WHERE subscriber_id = $3 AND changed_at >= ${since}
  UNION ALL SELECT id FROM contact WHERE subscriber_id = $3 AND profile_changed_at >= ${since})`;

function contactOf(row: HeadRow, identity: Identity | undefined): Counterpart | undefined {
  return identity && { kind: 'interlocutor', id: row.id, ...identity };
}

function subscriberOf(row: HeadRow): Counterpart {
  const logoUrl = row.has_logo ? `/api/conversations/${row.id}/logo` : null;
  return businessCounterpart({ id: row.subscriber_id, businessName: row.business_name, city: row.city }, logoUrl);
}

function headOf(row: HeadRow, counterpart: Counterpart, lastBody: string | undefined): ConversationHead {
  return {
    id: row.id,
    revision: row.revision,
    changedAt: row.changed_at.toISOString(),
    counterpart,
    lastSeq: row.last_seq,
    lastMessageAt: row.last_message_at?.toISOString() ?? null,
    preview: lastBody === undefined ? null : beginningOf(lastBody),
    own: { deliveredSeq: row.own_delivered, seenSeq: row.own_seen },
    other: { deliveredSeq: row.other_delivered, seenSeq: row.other_seen },
    unread: row.unread,
  };
}

/** The first characters on one line, cut between code points. */
export function beginningOf(body: string): string {
  const line = body.replace(/\s+/g, ' ').trim();
  const characters = [...line];
  return characters.length <= limits.previewLength
    ? line
    : `${characters.slice(0, limits.previewLength - 1).join('')}…`;
}
