import type { Locale } from '../contract/common.js';
import type { FileFamily } from '../contract/attachments.js';
import type { BroadcastKind, BroadcastReason, Party } from '../contract/events.js';
import { limits } from '../contract/limits.js';
import type { HotStatement } from '../platform/hot-statements.js';

const accessStatement = (side: 'subscriber' | 'interlocutor'): HotStatement => ({
  name: `access_of_${side}`,
  text: `SELECT subscriber_id, interlocutor_id FROM contact WHERE id = $1 AND ${side}_id = $2`,
});

/** Finds the parties of a conversation, if the principal is one of them. */
export const accessOfMember = accessStatement('subscriber');
export const accessOfInterlocutor = accessStatement('interlocutor');

/** The stored text of a message: its own sealed body, that of its broadcast, or neither once it was withdrawn. */
export interface ContentRow {
  sender: Party;
  /** Null once it has gone by retention; it had its body until then. */
  client_id: string | null;
  body: Buffer | null;
  /** Set for every message without content: withdrawn, or deleted by retention. */
  withdrawn_at: Date | null;
  broadcast_id: string | null;
  broadcast_body: Buffer | null;
}

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
  seen_times_since: Date | null;
  interlocutor_id: string;
  identity: Buffer;
  business_name: string;
  city: string;
  has_logo: boolean;
  last_sender: Party | null;
  last_client_id: string | null;
  last_body: Buffer | null;
  last_withdrawn_at: Date | null;
  last_expired_at: Date | null;
  last_broadcast_id: string | null;
  last_broadcast_body: Buffer | null;
  last_files: number;
  last_family: FileFamily | null;
  turn_seq: number | null;
  turn_sender: Party | null;
  turn_at: Date | null;
  /** Null where the last turn is the last entry. */
  turn_client_id: string | null;
  turn_body: Buffer | null;
  answered_seq: number;
  /** Null for an interlocutor. */
  claimed_by: string | null;
  claimed_at: Date | null;
  restricted_by_subscriber: Date | null;
  restricted_by_interlocutor: Date | null;
  deletion_asked_at: Date | null;
  deletion_due_at: Date | null;
  paused_at: Date | null;
  closes_at: Date | null;
  retention_months: number | null;
  retention_from: Date | null;
  /** Null for an interlocutor. */
  labels: string[] | null;
  unread: number;
}

/** The orders of a list: by the last change of messages, by the last message, and by the last turn. Each ends with the id. */
export type HeadOrder = 'change' | 'message' | 'turn';

/** Sort time of a conversation without a message, so that it comes after all others. */
export const noMessageAt = '1970-01-01T00:00:00.000Z';

/** The exact times for sorting, and their minutes, which the indices contain. */
export const sortKeys: Record<HeadOrder, { minute: string; at: string }> = {
  change: { minute: 'conversation.changed_minute', at: 'conversation.changed_at' },
  message: {
    minute: 'conversation.message_minute',
    at: `coalesce(conversation.last_message_at, timestamptz '${noMessageAt}')`,
  },
  turn: { minute: 'conversation.turn_minute', at: 'conversation.turn_at' },
};

export const descending = (order: HeadOrder): string =>
  `${sortKeys[order].minute} DESC, ${sortKeys[order].at} DESC, conversation.id DESC`;

/** Behind a place in an order, whose time and id are these parameters: a condition on `conversation`. */
export const isBehind = (order: HeadOrder, [at, id]: [at: string, id: string]): string => {
  const { minute, at: key } = sortKeys[order];
  return `${minute} <= ${at}::timestamptz AND (${key}, conversation.id) < (${at}::timestamptz, ${id}::uuid)`;
};

/** Counts the messages of the other party ($2) that the reader ($1) has not seen. */
const unread = (seen: string) => `
  (SELECT count(*)::integer
   FROM (SELECT FROM message
         WHERE message.subscriber_id = conversation.subscriber_id AND message.conversation_id = conversation.id
           AND message.seq > ${seen} AND message.sender = $2 AND message.withdrawn_at IS NULL
         LIMIT ${limits.unreadMax}) AS unseen)`;

const seenByReader = `
  (SELECT seen_seq FROM watermark
   WHERE watermark.subscriber_id = conversation.subscriber_id AND watermark.conversation_id = conversation.id AND watermark.party = $1)`;

/** Condition on `conversation`: the reader has unread messages. */
export const hasUnread = `
  EXISTS (SELECT FROM message
          WHERE message.subscriber_id = conversation.subscriber_id AND message.conversation_id = conversation.id
            AND message.seq > ${seenByReader} AND message.sender = $2 AND message.withdrawn_at IS NULL)`;

/** Condition on `conversation`: the reader ($1) has to answer the other party ($2), and has not said that it need not. */
export const needsAnswer = `
  conversation.turn_sender = $2
  AND ($1 <> 'subscriber'::party OR conversation.turn_seq > conversation.answered_seq)`;

/** Has one of these standings, as the migration says what they are. */
export type Standing = 1 | 2 | 3;

/**
 * Walks a subscriber's ($3) conversations in an order, along its index: one walk of so many, or, by turn, one for each
 * standing.
 * @param conditions on `conversation`
 */
export function walk(
  order: HeadOrder,
  { conditions, standings, limit }: { conditions: string[]; standings: Standing[]; limit: number },
): string {
  const one = (...more: string[]) => `
    (SELECT conversation.id, ${sortKeys[order].at} AS at FROM conversation
     WHERE ${['conversation.subscriber_id = $3', ...more, ...conditions].join(' AND ')}
     ORDER BY ${descending(order)} LIMIT ${limit})`;
  if (order !== 'turn') return one();
  const walks = standings.map((standing) => one(`conversation.standing = ${standing}`));
  return `SELECT id, at FROM (${walks.join(' UNION ALL ')}) AS walks ORDER BY at DESC, id DESC LIMIT ${limit}`;
}

/** The same of a walk alone. Its conditions do not name both parties ($1, $2), which have to have a type all the same. */
export const placesQuery = (...of: Parameters<typeof walk>): string => `
  SELECT id, at FROM (${walk(...of)}) AS walked
  WHERE $1::party <> $2::party ORDER BY at DESC, id DESC`;

export interface UnreadRow {
  conversations: number;
  messages: number;
  unanswered: number;
}

/**
 * Counts the conversations with unread messages, these messages, and the conversations that wait for an answer. Parameters: $1 own party, $2 the other party, $3 the
 * subscriber or the interlocutor.
 */
export const unreadQuery = (own: 'subscriber' | 'interlocutor'): string => `
  SELECT count(*)::integer AS conversations, coalesce(sum(unread), 0)::integer AS messages,
         (SELECT count(*)::integer
          FROM (SELECT FROM conversation ${
            own === 'subscriber'
              ? 'WHERE conversation.subscriber_id = $3 AND conversation.standing IN (2, 3)'
              : 'JOIN contact USING (subscriber_id, id) WHERE contact.interlocutor_id = $3'
          } AND ${needsAnswer} LIMIT ${limits.unreadConversationsMax}) AS waiting) AS unanswered
  FROM (SELECT unread
        FROM (SELECT ${unread(seenByReader)} AS unread
              FROM conversation ${
                own === 'subscriber'
                  ? 'WHERE conversation.subscriber_id = $3 AND conversation.standing = 3'
                  : 'JOIN contact USING (subscriber_id, id) WHERE contact.interlocutor_id = $3'
              }
              OFFSET 0) AS counted
        WHERE unread > 0 LIMIT ${limits.unreadConversationsMax}) AS those`;

/**
 * Conversations in which the subscriber has seen everything are told apart again from those where it may not have. One that
 * is locked is left for another time: until then it is looked at once more than it need be. $1 subscribers, $2 conversations.
 */
export const settleQuery = `
  UPDATE conversation SET standing = CASE conversation.turn_sender WHEN 'interlocutor' THEN 2 ELSE 1 END
  FROM (SELECT conversation.subscriber_id, conversation.id
        FROM conversation
        JOIN unnest($1::uuid[], $2::uuid[]) AS wanted (subscriber_id, id) USING (subscriber_id, id)
        JOIN watermark ON watermark.subscriber_id = conversation.subscriber_id AND watermark.conversation_id = conversation.id
                   AND watermark.party = 'subscriber'
        WHERE conversation.standing = 3 AND watermark.seen_seq >= conversation.turn_seq
        ORDER BY conversation.id
        FOR NO KEY UPDATE OF conversation SKIP LOCKED) AS seen
  WHERE conversation.subscriber_id = seen.subscriber_id AND conversation.id = seen.id`;

/** The other party's seen watermark as far as it is disclosed: 0 for a minute in which seen-times were switched off. */
const disclosedSeen = (row: string) =>
  `CASE WHEN ${row}.seen_minute >= subscriber.seen_times_since THEN ${row}.seen_seq ELSE 0 END`;

/** Counts the files of a message, which is joined with its broadcast. */
const files = (message: string) =>
  `CASE WHEN ${message}.withdrawn_at IS NULL THEN ${message}.files + coalesce(broadcast.files, 0) ELSE 0 END`;

/**
 * Joins the one row of a table that belongs to a conversation. The limit keeps the planner from trying all orders of nine
 * tables, which was measured to take ten times as long as the query itself.
 */
const one = (table: string, name: string, condition: string): string => `
  JOIN LATERAL (
    SELECT * FROM ${table} AS ${name} WHERE ${name}.subscriber_id = conversation.subscriber_id AND ${condition} LIMIT 1
  ) AS ${name} ON true`;

/**
 * Heads of conversations. Parameters: $1 own party, $2 the other party, then those of the filter.
 * @param filter a condition on `conversation` and `contact`
 */
export const headsQuery = (filter: string, { order, limit }: { order: HeadOrder; limit: number }): string => `
  SELECT conversation.id, conversation.subscriber_id, conversation.revision, conversation.changed_at,
         conversation.last_seq, conversation.last_message_at,
         own.delivered_seq AS own_delivered, own.seen_seq AS own_seen,
         other.delivered_seq AS other_delivered, ${disclosedSeen('other')} AS other_seen, subscriber.seen_times_since,
         conversation.interlocutor_id, conversation.identity, subscriber.business_name, subscriber.city,
         EXISTS (SELECT FROM subscriber_logo WHERE subscriber_logo.subscriber_id = conversation.subscriber_id) AS has_logo,
         last.sender AS last_sender, last.client_id AS last_client_id, last.body AS last_body,
         last.withdrawn_at AS last_withdrawn_at, last.expired_at AS last_expired_at, last.broadcast_id AS last_broadcast_id,
         broadcast.body AS last_broadcast_body, ${files('last')} AS last_files,
         CASE
           WHEN ${files('last')} = 0 THEN NULL
           WHEN last.broadcast_id IS NULL THEN
             (SELECT family FROM attachment
              WHERE attachment.subscriber_id = last.subscriber_id AND attachment.contact_id = last.conversation_id
                AND attachment.seq = last.seq AND attachment.place = 0)
           ELSE
             (SELECT family FROM attachment
              WHERE attachment.subscriber_id = last.subscriber_id AND attachment.broadcast_id = last.broadcast_id
                AND attachment.place = 0)
         END AS last_family,
         conversation.turn_seq, conversation.turn_sender, conversation.turn_at,
         turn.client_id AS turn_client_id, turn.body AS turn_body,
         conversation.answered_seq, claimer.id AS claimed_by, conversation.claimed_at, conversation.restricted_by_subscriber, conversation.restricted_by_interlocutor,
         conversation.deletion_asked_at, conversation.deletion_due_at,
         subscriber.paused_at, subscriber.closes_at, subscriber.retention_months, subscriber.retention_from,
         CASE WHEN $1 = 'subscriber'::party THEN ARRAY(
           SELECT label_id FROM contact_label
           WHERE contact_label.subscriber_id = conversation.subscriber_id AND contact_label.contact_id = conversation.id
           ORDER BY label_id) END AS labels,
         ${unread('own.seen_seq')} AS unread
  FROM (SELECT conversation.*, contact.interlocutor_id, contact.identity
        FROM conversation
        JOIN contact ON contact.subscriber_id = conversation.subscriber_id AND contact.id = conversation.id
        WHERE ${filter}
        ORDER BY ${descending(order)}
        LIMIT ${limit}) AS conversation
  ${one('subscriber', 'subscriber', 'true')}
  ${one('watermark', 'own', 'own.conversation_id = conversation.id AND own.party = $1')}
  ${one('watermark', 'other', 'other.conversation_id = conversation.id AND other.party = $2')}
  LEFT ${one('member', 'claimer', "$1 = 'subscriber'::party AND claimer.id = conversation.claimed_by AND claimer.removed_at IS NULL")}
  LEFT ${one('message', 'last', 'last.conversation_id = conversation.id AND last.seq = conversation.last_seq')}
  LEFT ${one('broadcast', 'broadcast', 'broadcast.id = last.broadcast_id')}
  LEFT ${one('message', 'turn', 'turn.conversation_id = conversation.id AND turn.seq = conversation.turn_seq AND turn.seq < conversation.last_seq')}
  ORDER BY ${descending(order)}`;

export type CounterpartRow = Pick<
  HeadRow,
  | 'id'
  | 'subscriber_id'
  | 'identity'
  | 'business_name'
  | 'city'
  | 'has_logo'
  | 'paused_at'
  | 'closes_at'
  | 'retention_months'
  | 'retention_from'
>;

/** The two parties of conversations. $1 the subscriber or the interlocutor, $2 conversations. */
export const counterpartsQuery = (own: 'subscriber_id' | 'interlocutor_id'): string => `
  SELECT contact.id, contact.subscriber_id, contact.identity, subscriber.business_name, subscriber.city,
         subscriber.paused_at, subscriber.closes_at, subscriber.retention_months, subscriber.retention_from,
         EXISTS (SELECT FROM subscriber_logo WHERE subscriber_logo.subscriber_id = contact.subscriber_id) AS has_logo
  FROM contact JOIN subscriber USING (subscriber_id)
  WHERE contact.${own} = $1 AND contact.id = ANY ($2::uuid[])`;

/** A time that is safe to ask changes since; see the function in the migration. */
export const syncHorizonQuery = 'SELECT sync_horizon() AS horizon';

export interface MessageRow extends ContentRow {
  seq: number;
  revision: number;
  author_id: string | null;
  broadcast_kind: BroadcastKind | null;
  broadcast_reason: BroadcastReason | null;
  broadcast_locale: Locale | null;
  /** Number of its files. */
  files: number;
  sent_at: Date;
  expired_at: Date | null;
  delivered_at: Date | null;
  seen_at: Date | null;
}

/**
 * The minute in which the other side's watermark passed a message: that of the first past move that reached it, or of
 * the present one, which is in the row of `watermark`.
 */
const passedAt = (column: 'delivered_seq' | 'seen_seq', present: 'minute' | 'seen_minute') => {
  const whose = (table: string) => `
    ${table}.subscriber_id = message.subscriber_id AND ${table}.conversation_id = message.conversation_id
    AND ${table}.party = CASE message.sender WHEN 'subscriber' THEN 'interlocutor'::party ELSE 'subscriber'::party END
    AND ${table}.${column} >= message.seq`;
  return `coalesce(
    (SELECT move.minute FROM watermark_move AS move WHERE ${whose('move')} ORDER BY move.${column}, move.minute LIMIT 1),
    (SELECT watermark.${present} FROM watermark WHERE ${whose('watermark')}))`;
};

const messagesOf = (messages: string, order: string, limit: number): string => `
  SELECT message.subscriber_id, message.conversation_id, message.seq, message.revision, message.sender, message.author_id,
         message.client_id, message.body, message.sent_at, message.withdrawn_at, message.expired_at,
         message.broadcast_id, message.delivered_at, broadcast.body AS broadcast_body, broadcast.kind AS broadcast_kind,
         broadcast.reason AS broadcast_reason, broadcast.locale AS broadcast_locale,
         ${files('message')} AS files,
         CASE WHEN seen.minute >= subscriber.seen_times_since THEN seen.minute END AS seen_at
  FROM (SELECT subscriber_id, conversation_id, seq, revision, sender, author_id, client_id, body, sent_at,
               withdrawn_at, expired_at, broadcast_id, message.files, ${passedAt('delivered_seq', 'minute')} AS delivered_at
        FROM ${messages}) AS message
  JOIN subscriber USING (subscriber_id)
  CROSS JOIN LATERAL (SELECT ${passedAt('seen_seq', 'seen_minute')} AS minute) AS seen
  LEFT JOIN broadcast ON broadcast.subscriber_id = message.subscriber_id AND broadcast.id = message.broadcast_id
  ORDER BY ${order}
  LIMIT ${limit}`;

/**
 * Messages of a conversation with the minutes in which the other side's watermarks passed them. Parameters: $1
 * subscriber, $2 conversation, $3 and $4 the seqs between which they lie.
 */
export const messagesQuery = (order: 'seq' | 'seq DESC', limit: number): string =>
  messagesOf(
    `(SELECT * FROM message
      WHERE subscriber_id = $1 AND conversation_id = $2 AND seq > $3 AND seq < $4
      ORDER BY ${order} LIMIT ${limit}) AS message`,
    order,
    limit,
  );

/**
 * The same for those changed after a revision ($3), in the order of their changes. A revision that is no new message is a
 * change of one, so a message that never changed has a seq no further below its revision than there were changes. All up to
 * the one that went by retention last have changed.
 */
export const changedMessagesQuery = (limit: number): string =>
  messagesOf(
    `((SELECT * FROM message
       WHERE subscriber_id = $1 AND conversation_id = $2 AND changed AND revision > $3
       ORDER BY revision LIMIT ${limit})
      UNION ALL
      (SELECT * FROM message
       WHERE subscriber_id = $1 AND conversation_id = $2 AND NOT changed AND revision > $3
         AND seq > (SELECT greatest(expired_seq, $3 - (conversation.revision - conversation.last_seq)) FROM conversation
                    WHERE conversation.subscriber_id = $1 AND conversation.id = $2)
       ORDER BY seq LIMIT ${limit})
      ORDER BY revision LIMIT ${limit}) AS message`,
    'revision',
    limit,
  );

export interface AppendedRow {
  /** From 1, in the order of the drafts. */
  place: number;
  outcome:
    | 'stored'
    | 'repeated'
    | 'reused'
    | 'deferred'
    | 'not_found'
    | 'consent_required'
    | 'restricted'
    | 'paused'
    | 'closing'
    | 'attachment_not_found';
  /** Number of the stored message, new or stored before. */
  seq: number | null;
  revision: number | null;
  sent_at: Date | null;
  /** The sender's watermarks after it, if they rose; as in a {@link RaisedRow}. */
  delivered_seq: number | null;
  seen_seq: number | null;
  seen_before: number | null;
  other_seen: number | null;
  told: boolean | null;
  minute: Date | null;
}

/**
 * Stores drafts, and says of each what came of it; see {@link appendMessages}. Parameters, arrays with an element
 * for each draft: $1 subscribers, $2 conversations, $3 senders, $4 authors, $5 client ids, $6 digests, $7 bodies; and the
 * versions that must have been accepted: $8 privacy by a contact, $9 terms and $10 privacy by a subscriber. $11: waits for locked
 * conversations. $12: how many files each draft has; of all these, $13 the places of their drafts, from 1, and $14 their ids.
 */
export type AppendValues = [
  subscribers: string[],
  conversations: string[],
  senders: Party[],
  authors: (string | null)[],
  clientIds: string[],
  digests: Buffer[],
  bodies: Buffer[],
  contactPrivacy: number,
  subscriberTerms: number,
  subscriberPrivacy: number,
  afterLock: boolean,
  fileCounts: number[],
  filePlaces: number[],
  fileIds: string[],
];

/**
 * Stores a draft without files; see {@link appendMessage}. Parameters: $1 subscriber, $2 conversation, $3 sender, $4 author,
 * $5 client id, $6 digest, $7 body, and $8 to $10 as above.
 */
export const appendMessageStatement: HotStatement = {
  name: 'append_message',
  text: `SELECT * FROM append_message($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
};

export const appendStatement: HotStatement = {
  name: 'append_messages',
  text: `SELECT * FROM append_messages($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
};

export interface RaisedRow {
  conversation_id: string;
  party: Party;
  last_seq: number;
  rose: boolean;
  delivered_seq: number;
  seen_seq: number;
  /** The seen watermark before the rise. */
  seen_before: number;
  /** The seen watermark that the other party may know of. */
  other_seen: number;
  /** Set if a watermark rose that the other party may know of. */
  told: boolean;
  minute: Date;
  /** Set if the conversation is restricted, so that nothing rises. */
  restricted: boolean;
}

/**
 * Raises watermarks; see {@link raiseWatermarks}. Parameters, arrays with an element for each receipt: $1
 * subscribers, $2 conversations, $3 parties, $4 delivered, $5 seen.
 */
export const raiseStatement: HotStatement = {
  name: 'raise_watermarks',
  text: `SELECT * FROM raise_watermarks($1, $2, $3, $4, $5)`,
};

const restrictionColumns = 'restricted_by_subscriber, restricted_by_interlocutor, deletion_asked_at, deletion_due_at';

/** Locks a conversation that is about to change. Parameters: $1 subscriber, $2 conversation. */
export const lockQuery = `
  SELECT revision, ${restrictionColumns}
  FROM conversation WHERE subscriber_id = $1 AND id = $2 FOR NO KEY UPDATE`;

export type RestrictionRow = Pick<
  HeadRow,
  'restricted_by_subscriber' | 'restricted_by_interlocutor' | 'deletion_asked_at' | 'deletion_due_at'
>;

/**
 * Locks the watermarks of a conversation, after the conversation itself and in the order in which receipts lock them: a receipt under
 * way is stored before, and a later one sees the restriction. Parameters: $1 subscriber, $2 conversation.
 */
export const lockWatermarksQuery = `
  SELECT FROM watermark WHERE subscriber_id = $1 AND conversation_id = $2 ORDER BY party FOR NO KEY UPDATE`;

/**
 * Restricts a locked conversation, or lifts the restriction, for one party; gives nothing where it is so already.
 * Parameters: $1 subscriber, $2 conversation, $3 whether it is to be restricted.
 */
export const restrictQuery = (by: Party): string => `
  WITH moment AS MATERIALIZED (SELECT clock_timestamp() AS at)
  UPDATE conversation
  SET restricted_by_${by} = CASE WHEN $3 THEN moment.at END, changed_at = change_time(moment.at)
  FROM moment
  WHERE subscriber_id = $1 AND id = $2 AND (restricted_by_${by} IS NULL) = $3
  RETURNING ${restrictionColumns}, changed_at`;

/**
 * Freezes a locked conversation for a deletion request, or lifts that; gives nothing where it is so already. Parameters: $1
 * subscriber, $2 conversation, $3 when it is due, or null.
 */
export const deletionQuery = `
  WITH moment AS MATERIALIZED (SELECT clock_timestamp() AS at)
  UPDATE conversation
  SET deletion_asked_at = CASE WHEN $3::timestamptz IS NOT NULL THEN moment.at END, deletion_due_at = $3,
      changed_at = change_time(moment.at)
  FROM moment
  WHERE subscriber_id = $1 AND id = $2 AND (deletion_asked_at IS NULL) = ($3::timestamptz IS NOT NULL)
  RETURNING ${restrictionColumns}, changed_at`;

/** Reasons for which nothing is sent in a conversation. $1 subscriber, $2 conversation. */
export const obstacleQuery = `
  SELECT conversation.restricted_at IS NOT NULL AS restricted, subscriber.paused_at AS "pausedAt",
         subscriber.closing_asked_at AS "closingAskedAt"
  FROM conversation JOIN subscriber USING (subscriber_id)
  WHERE conversation.subscriber_id = $1 AND conversation.id = $2`;

export interface WithdrawnRow {
  withdrawn_at: Date;
  /** The last turn now. */
  turn_seq: number | null;
  turn_sender: Party | null;
  turn_at: Date | null;
  turn_client_id: string | null;
  turn_body: Buffer | null;
}

/** Erases the text of a message; its entry stays. Parameters: $1 subscriber, $2 conversation, $3 seq, $4 new revision. */
export const withdrawQuery = `
  WITH withdrawn AS (
    UPDATE message SET body = NULL, digest = NULL, files = 0, withdrawn_at = clock_timestamp(), revision = $4, changed = true
    WHERE subscriber_id = $1 AND conversation_id = $2 AND seq = $3
    RETURNING subscriber_id, conversation_id, withdrawn_at
  ), turn AS (
    SELECT seq, sender, sent_at, client_id, body FROM message
    WHERE subscriber_id = $1 AND conversation_id = $2 AND seq <> $3 AND broadcast_id IS NULL AND withdrawn_at IS NULL
    ORDER BY seq DESC LIMIT 1
  ), grown AS (
    UPDATE conversation
    SET revision = $4, changed_at = change_time(withdrawn_at), turn_seq = turn.seq, turn_sender = turn.sender,
        turn_at = turn.sent_at,
        standing = CASE WHEN turn.seq IS NULL THEN 0 WHEN standing = 3 THEN 3
                        WHEN turn.sender = 'interlocutor' THEN 2 ELSE 1 END
    FROM withdrawn LEFT JOIN turn ON true
    WHERE conversation.subscriber_id = withdrawn.subscriber_id AND conversation.id = conversation_id
  )
  SELECT withdrawn_at, turn.seq AS turn_seq, turn.sender AS turn_sender, turn.sent_at AS turn_at,
         turn.client_id AS turn_client_id, turn.body AS turn_body
  FROM withdrawn LEFT JOIN turn ON true`;

/**
 * Counts a change of a message that is not withdrawn, in its locked conversation: devices that were away come to know of it.
 * Parameters: $1 subscriber, $2 conversation, $3 seq.
 */
export const countChangeQuery = `
  WITH grown AS (
    UPDATE conversation SET revision = revision + 1, changed_at = change_time(clock_timestamp())
    WHERE subscriber_id = $1 AND id = $2
    RETURNING subscriber_id, id, revision, changed_at
  ), counted AS (
    UPDATE message SET revision = grown.revision, changed = true
    FROM grown
    WHERE message.subscriber_id = grown.subscriber_id AND message.conversation_id = grown.id AND message.seq = $3
  )
  SELECT revision, changed_at AS "changedAt" FROM grown`;

/** The subscriber's retention setting is still `$n` months, and is in effect. */
const retains = (months: string) => `
  subscriber.stopped_at IS NULL AND subscriber.retention_months = ${months} AND subscriber.retention_from <= clock_timestamp()`;

/** Condition on `conversation`: its oldest entry that has not gone yet was sent before a time. */
const hasOld = (before: string) => `
  EXISTS (SELECT FROM message
          WHERE message.subscriber_id = conversation.subscriber_id AND message.conversation_id = conversation.id
            AND message.seq = conversation.expired_seq + 1 AND message.sent_at < ${before}::timestamptz)`;

/** Conversations with old messages that are not frozen. $1 subscriber, $2 behind which one, $3 sent before, $4 how many. */
export const dueToExpireQuery = `
  SELECT id FROM conversation
  WHERE subscriber_id = $1 AND id > $2 AND restricted_at IS NULL AND ${hasOld('$3')} ORDER BY id LIMIT $4`;

/** The number of those that are frozen. $1 subscriber, $2 sent before. */
export const frozenWithOldQuery = `
  SELECT count(*)::integer AS conversations FROM conversation
  WHERE subscriber_id = $1 AND restricted_at IS NOT NULL AND ${hasOld('$2')}`;

export interface OldMessagesRow {
  messages: number;
  conversations: number;
  /** Conversations that are frozen, and so left out. */
  leftOut: number;
}

/** Counts what would go of a subscriber's ($1) messages that were sent before a time ($2). */
export const oldMessagesQuery = `
  SELECT coalesce(sum(messages) FILTER (WHERE NOT frozen), 0)::integer AS messages,
         count(*) FILTER (WHERE NOT frozen)::integer AS conversations, count(*) FILTER (WHERE frozen)::integer AS "leftOut"
  FROM (SELECT conversation.restricted_at IS NOT NULL AS frozen,
               (SELECT count(*) FROM message
                WHERE message.subscriber_id = conversation.subscriber_id AND message.conversation_id = conversation.id
                  AND message.seq > conversation.expired_seq AND message.sent_at < $2::timestamptz) AS messages
        FROM conversation WHERE subscriber_id = $1 AND ${hasOld('$2')}) AS due`;

/** Locks a conversation of which old messages go, if it is not frozen. $1 subscriber, $2 conversation, $3 months of the setting. */
export const lockToExpireQuery = `
  SELECT conversation.revision, conversation.expired_seq AS "expiredSeq", contact.interlocutor_id AS "interlocutorId"
  FROM conversation
  JOIN contact ON contact.subscriber_id = conversation.subscriber_id AND contact.id = conversation.id
  JOIN subscriber ON subscriber.subscriber_id = conversation.subscriber_id
  WHERE conversation.subscriber_id = $1 AND conversation.id = $2 AND conversation.restricted_at IS NULL AND ${retains('$3')}
  FOR NO KEY UPDATE OF conversation`;

export interface OldEntryRow {
  seq: number;
  sentAt: Date;
  files: number;
}

/** The first entries that have not gone yet. $1 subscriber, $2 conversation, $3 up to which they have gone. */
export const oldEntriesQuery = (limit: number): string => `
  SELECT seq, sent_at AS "sentAt", files FROM message
  WHERE subscriber_id = $1 AND conversation_id = $2 AND seq > $3 ORDER BY seq LIMIT ${limit}`;

/** Moves that no message above one needs: the first move that passed a later one has gone further. $1 subscriber, $2 conversation, $3 seq. */
export const forgetMovesQuery = `
  DELETE FROM watermark_move WHERE subscriber_id = $1 AND conversation_id = $2 AND delivered_seq <= $3`;

export interface ExpiredRow {
  expired_at: Date;
  changed_at: Date;
}

/**
 * Empties the entries of a locked conversation from one seq to another; each gets a revision of its own, in their order. $1
 * subscriber, $2 conversation, $3 and $4 the first and the last of them, $5 the revision before.
 */
export const expireQuery = `
  WITH moment AS MATERIALIZED (
    SELECT clock_timestamp()::timestamptz(3) AS at
  ), expired AS (
    UPDATE message
    SET body = NULL, digest = NULL, client_id = NULL, author_id = NULL, broadcast_id = NULL, files = 0,
        withdrawn_at = coalesce(withdrawn_at, moment.at), expired_at = moment.at, changed = true, revision = $5 + seq - $3 + 1
    FROM moment
    WHERE subscriber_id = $1 AND conversation_id = $2 AND seq BETWEEN $3 AND $4
  )
  UPDATE conversation
  SET revision = $5 + $4 - $3 + 1, expired_seq = $4, changed_at = change_time(moment.at),
      turn_seq = CASE WHEN turn_seq > $4 THEN turn_seq END, turn_sender = CASE WHEN turn_seq > $4 THEN turn_sender END,
      turn_at = CASE WHEN turn_seq > $4 THEN turn_at END, standing = CASE WHEN turn_seq > $4 THEN standing ELSE 0 END
  FROM moment
  WHERE subscriber_id = $1 AND id = $2
  RETURNING moment.at AS expired_at, changed_at`;

/** Locks conversations before they are erased. $1 subscriber, $2 conversations. */
export const lockToEraseQuery = `
  SELECT FROM conversation WHERE subscriber_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE`;

const erasedQuery = (whose: string) => `
  SELECT contact_id AS id FROM erased_contact WHERE ${whose} = $1 AND cut_at >= $2::timestamptz
  ORDER BY cut_at, contact_id LIMIT ${limits.erasedTold + 1}`;

/** Conversations that were erased since a time. $1 subscriber, $2 time. */
export const erasedOfSubscriberQuery = erasedQuery('subscriber_id');
/** $1 keyed hash of an interlocutor, $2 time. */
export const erasedOfInterlocutorQuery = erasedQuery('told_hash');

/** Says of a conversation ($1 subscriber, $2 conversation) that no answer is needed up to an entry ($3), which rises alone. */
export const answeredQuery = `
  UPDATE conversation SET answered_seq = $3, answered_at = change_time(clock_timestamp())
  WHERE subscriber_id = $1 AND id = $2 AND answered_seq < $3 AND last_seq >= $3
  RETURNING answered_seq`;

export const lastSeqQuery = 'SELECT last_seq FROM conversation WHERE subscriber_id = $1 AND id = $2';

/** A member ($3) takes a conversation ($1 subscriber, $2 conversation), unless it has it already. */
export const claimQuery = `
  UPDATE conversation SET claimed_by = $3, (claimed_at, claim_changed_at) = (SELECT at, at FROM change_time(clock_timestamp()) AS at)
  WHERE subscriber_id = $1 AND id = $2 AND claimed_by IS DISTINCT FROM $3
  RETURNING claimed_at`;

const endClaims = (which: string) => `
  UPDATE conversation SET claimed_by = NULL, claimed_at = NULL, claim_changed_at = change_time(clock_timestamp())
  WHERE subscriber_id = $1 AND ${which}`;

/** $1 subscriber, $2 conversation. */
export const endClaimQuery = `${endClaims('id = $2 AND claimed_by IS NOT NULL')} RETURNING id`;
/** $1 subscriber, $2 member. */
export const endClaimsOfMemberQuery = endClaims('claimed_by = $2');
