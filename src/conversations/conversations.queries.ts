import type { Party } from '../contract/events.js';
import { limits } from '../contract/limits.js';

export interface HeadRow {
  id: string;
  subscriber_id: string;
  revision: number;
  changed_at: Date;
  last_seq: number;
  last_message_at: Date | null;
  own_delivered: number;
  own_seen: number;
  other_delivered: number;
  other_seen: number;
  interlocutor_id: string;
  identity: Buffer;
  business_name: string;
  city: string;
  has_logo: boolean;
  last_sender: Party | null;
  last_client_id: string | null;
  last_body: Buffer | null;
  unread: number;
}

/**
 * Heads of conversations, latest change first. Parameters: $1 own party, $2 the other party, then those of the filter.
 * @param filter a condition on `conversation` and `contact`
 */
export const headsQuery = (filter: string, limit: number): string => `
  SELECT conversation.id, conversation.subscriber_id, conversation.revision, conversation.changed_at,
         conversation.last_seq, conversation.last_message_at,
         own.delivered_seq AS own_delivered, own.seen_seq AS own_seen,
         other.delivered_seq AS other_delivered, other.seen_seq AS other_seen,
         contact.interlocutor_id, contact.identity, subscriber.business_name, subscriber.city,
         EXISTS (SELECT FROM subscriber_logo WHERE subscriber_logo.subscriber_id = conversation.subscriber_id) AS has_logo,
         last.sender AS last_sender, last.client_id AS last_client_id, last.body AS last_body,
         (SELECT count(*)::integer
          FROM (SELECT FROM message
                WHERE message.subscriber_id = conversation.subscriber_id AND message.conversation_id = conversation.id
                  AND message.seq > own.seen_seq AND message.sender = $2
                LIMIT ${limits.unreadMax}) AS unseen) AS unread
  FROM conversation
  JOIN contact ON contact.subscriber_id = conversation.subscriber_id AND contact.id = conversation.id
  JOIN subscriber ON subscriber.subscriber_id = conversation.subscriber_id
  JOIN cursor AS own ON own.subscriber_id = conversation.subscriber_id AND own.conversation_id = conversation.id AND own.party = $1
  JOIN cursor AS other ON other.subscriber_id = conversation.subscriber_id AND other.conversation_id = conversation.id AND other.party = $2
  LEFT JOIN message AS last
    ON last.subscriber_id = conversation.subscriber_id AND last.conversation_id = conversation.id AND last.seq = conversation.last_seq
  WHERE ${filter}
  ORDER BY conversation.changed_at DESC, conversation.id DESC
  LIMIT ${limit}`;

/**
 * A time that is safe to ask changes since: whatever is not visible yet is stamped at it or later, because a transaction
 * stamps after it has begun.
 */
export const syncHorizonQuery = `
  SELECT date_trunc('milliseconds', least(now(), min(xact_start))) AS horizon
  FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = current_setting('application_name')
    AND backend_type = 'client backend' AND pid <> pg_backend_pid()`;

export interface MessageRow {
  seq: number;
  revision: number;
  sender: Party;
  author_id: string | null;
  client_id: string;
  body: Buffer;
  sent_at: Date;
  delivered_at: Date | null;
  seen_at: Date | null;
}

/**
 * Messages of a conversation with the minutes in which the other side's watermarks passed them. Parameters: $1
 * subscriber, $2 conversation, then those of the filter.
 */
export const messagesQuery = (filter: string, order: string, limit: number): string => `
  SELECT message.seq, message.revision, message.sender, message.author_id, message.client_id,
         message.body, message.sent_at,
         ${passedAt('delivered_seq')} AS delivered_at, ${passedAt('seen_seq')} AS seen_at
  FROM message
  WHERE message.subscriber_id = $1 AND message.conversation_id = $2 AND ${filter}
  ORDER BY ${order}
  LIMIT ${limit}`;

const passedAt = (watermark: 'delivered_seq' | 'seen_seq') => `
  (SELECT move.minute FROM watermark_move AS move
   WHERE move.subscriber_id = message.subscriber_id AND move.conversation_id = message.conversation_id
     AND move.party = CASE message.sender WHEN 'subscriber' THEN 'interlocutor'::party ELSE 'subscriber'::party END
     AND move.${watermark} >= message.seq
   ORDER BY move.${watermark}, move.minute
   LIMIT 1)`;

/** Locks the conversation so that its numbers have no gaps. Parameters: $1 subscriber, $2 conversation. */
export const lockQuery = `
  SELECT last_seq, revision FROM conversation WHERE subscriber_id = $1 AND id = $2 FOR NO KEY UPDATE`;

/** What this party sent before under a client id. Parameters: $1 subscriber, $2 conversation, $3 sender, $4 client id. */
export const sentBeforeQuery = `
  SELECT seq, revision, digest, sent_at FROM message
  WHERE subscriber_id = $1 AND conversation_id = $2 AND sender = $3 AND client_id = $4`;

export const appendQuery = `
  WITH appended AS (
    INSERT INTO message (subscriber_id, conversation_id, seq, sender, author_id, client_id, digest, body, revision, sent_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp())
    RETURNING subscriber_id, conversation_id, seq, revision, sent_at
  )
  UPDATE conversation
  SET last_seq = appended.seq, revision = appended.revision, changed_at = appended.sent_at, last_message_at = appended.sent_at
  FROM appended
  WHERE conversation.subscriber_id = appended.subscriber_id AND conversation.id = appended.conversation_id
  RETURNING appended.sent_at`;

/**
 * Raises a party's watermarks and notes the minute; gives no row when nothing rises. Parameters: $1 subscriber,
 * $2 conversation, $3 party, $4 delivered, $5 seen.
 */
export const raiseQuery = `
  WITH raised AS (
    UPDATE cursor
    SET delivered_seq = greatest(delivered_seq, $4, $5), seen_seq = greatest(seen_seq, $5), changed_at = clock_timestamp()
    WHERE subscriber_id = $1 AND conversation_id = $2 AND party = $3
      AND (delivered_seq < greatest($4::integer, $5::integer) OR seen_seq < $5::integer)
    RETURNING subscriber_id, conversation_id, party, delivered_seq, seen_seq, changed_at
  )
  INSERT INTO watermark_move (subscriber_id, conversation_id, party, minute, delivered_seq, seen_seq)
  SELECT subscriber_id, conversation_id, party, date_trunc('minute', changed_at), delivered_seq, seen_seq FROM raised
  ON CONFLICT (subscriber_id, conversation_id, party, minute)
    DO UPDATE SET delivered_seq = EXCLUDED.delivered_seq, seen_seq = EXCLUDED.seen_seq
  RETURNING minute, delivered_seq, seen_seq`;
