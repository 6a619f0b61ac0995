import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { AttachmentView } from '../contract/attachments.js';
import type { BroadcastMark } from '../contract/events.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';

/** A broadcast, and the member who made it. */
export interface BroadcastOfEntries {
  subscriberId: string;
  broadcastId: string;
  authorId: string;
}

/** A conversation that is locked, as it is now. */
export interface LockedConversation {
  id: string;
  lastSeq: number;
  revision: number;
  restricted: boolean;
}

/** An entry to append. */
export interface NewEntry {
  conversation: LockedConversation;
  interlocutorId: string;
  body: string;
  /** A text of its own, sealed with the contact's key; null when the text is the broadcast's. */
  sealedBody: Buffer | null;
}

export interface AppendedEntry {
  conversationId: string;
  interlocutorId: string;
  seq: number;
  revision: number;
  body: string;
  sentAt: Date;
}

/** The client id of a broadcast's entries. No client can choose such a one, so it is free in every conversation. */
export const clientIdOfEntries = (broadcastId: string) => `broadcast/${broadcastId}`;

/** The messages by which a broadcast arrives: one in each recipient's own conversation. */
@Injectable()
export class BroadcastEntries {
  constructor(private readonly realtime: Realtime) {}

  /**
   * Locks conversations until the transaction ends, so that the facts that the next statement reads about their
   * contacts are still true when the entries are stored.
   * @returns those that exist, in the order of their ids
   */
  lock(manager: EntityManager, subscriberId: string, contactIds: readonly string[]): Promise<LockedConversation[]> {
    return manager.query<LockedConversation[]>(lockQuery, [subscriberId, contactIds]);
  }

  /** Appends an entry to each of the locked conversations. */
  async append(
    manager: EntityManager,
    { subscriberId, broadcastId, authorId }: BroadcastOfEntries,
    entries: readonly NewEntry[],
  ): Promise<AppendedEntry[]> {
    const ids = entries.map(({ conversation }) => conversation.id);
    const [{ at: sentAt }] = await manager.query<[{ at: Date }]>(appendQuery, [
      subscriberId,
      broadcastId,
      authorId,
      clientIdOfEntries(broadcastId),
      ids,
      entries.map(({ conversation }) => conversation.lastSeq + 1),
      entries.map(({ conversation }) => conversation.revision + 1),
      entries.map(({ sealedBody }) => sealedBody),
    ]);
    await manager.query(growQuery, [subscriberId, ids, sentAt]);
    return entries.map(({ conversation, interlocutorId, body }) => ({
      conversationId: conversation.id,
      interlocutorId,
      seq: conversation.lastSeq + 1,
      revision: conversation.revision + 1,
      body,
      sentAt,
    }));
  }

  /**
   * Sends each recipient its own entry, after the commit and in one turn, so that no later message overtakes it.
   * @param markOf broadcast data in the entry of a contact
   */
  tell(
    { id: broadcastId, attachments }: { id: string; attachments: AttachmentView[] },
    entries: readonly AppendedEntry[],
    markOf: (contactId: string) => BroadcastMark,
  ): void {
    for (const { conversationId, interlocutorId, seq, revision, body, sentAt } of entries) {
      const room = rooms.ofInterlocutor(interlocutorId);
      if (!this.realtime.mayHear(room)) continue;
      this.realtime.tell(room, 'message.sent', {
        conversationId,
        seq,
        revision,
        sender: 'subscriber',
        clientId: clientIdOfEntries(broadcastId),
        body,
        attachments,
        broadcastId,
        broadcast: markOf(conversationId),
        sentAt: sentAt.toISOString(),
      });
    }
  }
}

/** Locks in the order of ids, as every lock of several conversations does. $1 subscriber, $2 contacts. */
const lockQuery = `
  SELECT id, last_seq AS "lastSeq", revision, restricted_at IS NOT NULL AS restricted
  FROM conversation WHERE subscriber_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR NO KEY UPDATE`;

/** $1 subscriber, $2 broadcast, $3 author, $4 client id, $5 conversations, $6 seqs, $7 revisions, $8 sealed bodies; gives when. */
const appendQuery = `
  WITH moment AS MATERIALIZED (
    SELECT clock_timestamp()::timestamptz(3) AS at
  ), appended AS (
    INSERT INTO message (subscriber_id, conversation_id, seq, sender, author_id, client_id, body, broadcast_id, revision, sent_at)
    SELECT $1, conversation_id, seq, 'subscriber', $3, $4, body, $2, revision, at
    FROM unnest($5::uuid[], $6::integer[], $7::integer[], $8::bytea[]) AS entry (conversation_id, seq, revision, body), moment
  )
  SELECT at FROM moment`;

/**
 * A separate statement: the foreign keys of the entries are then checked against rows that are already locked, while new
 * versions of the conversations would have to be locked, and so written, again. $1 subscriber, $2 conversations, $3 when.
 */
const growQuery = `
  WITH change AS MATERIALIZED (SELECT change_time($3::timestamptz) AS at)
  UPDATE conversation
  SET last_seq = last_seq + 1, revision = revision + 1, changed_at = change.at, last_message_at = $3::timestamptz,
      last_sender = 'subscriber'
  FROM change
  WHERE subscriber_id = $1 AND id = ANY ($2::uuid[])`;
