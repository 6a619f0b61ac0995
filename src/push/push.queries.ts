import { limits } from '../contract/limits.js';
import type { Party } from '../contract/events.js';

/** Lanes for notices, so that those of broadcasts delay no others. */
export const lanes = { messages: 0, broadcasts: 1 } as const;
export type Lane = (typeof lanes)[keyof typeof lanes];

/** Seconds between two pushes about one conversation to a device that has not received the former's message yet. */
const secondsBetween = 60;
/** Seconds after which a notice that was taken, and is not settled, is taken again: its process has crashed. */
const leaseSeconds = 60;

/** Notices of a device about a conversation. */
export interface NoticeRef {
  subscriberId: string;
  conversationId: string;
  sessionId: string;
}

export interface Notice extends NoticeRef {
  /** The last message that it tells of. */
  seq: number;
  attempts: number;
  since: Date;
}

/**
 * Has the parties that get notifications wait for messages; a wait that is under way goes on for later messages too. $1
 * subscribers, $2 conversations, $3 parties, $4 seqs, $5 times that the waits count from, $6 their seconds.
 */
export const waitQuery = `
  INSERT INTO push_wait (subscriber_id, conversation_id, party, seq, due_at)
  SELECT subscriber_id, conversation_id, party, seq, greatest(now(), since + make_interval(secs => $6))
  FROM unnest($1::uuid[], $2::uuid[], $3::party[], $4::integer[], $5::timestamptz[])
    AS stored (subscriber_id, conversation_id, party, seq, since)
  JOIN contact USING (subscriber_id)
  WHERE contact.id = conversation_id
    AND EXISTS (SELECT FROM push_subscription
                WHERE receiver_id = CASE party WHEN 'subscriber' THEN subscriber_id ELSE contact.interlocutor_id END)
  ORDER BY conversation_id, party
  ON CONFLICT (subscriber_id, conversation_id, party) DO UPDATE SET seq = greatest(push_wait.seq, excluded.seq)`;

/** Has the recipients of broadcasts be told. $1 subscribers, $2 broadcasts. */
export const addBroadcastsQuery = `
  INSERT INTO push_broadcast (subscriber_id, broadcast_id, due_at)
  SELECT subscriber_id, broadcast_id, now() FROM unnest($1::uuid[], $2::uuid[]) AS begun (subscriber_id, broadcast_id)
  ORDER BY broadcast_id
  ON CONFLICT DO NOTHING`;

/**
 * Adds notices for devices whose party has not received a message, from rows `missed` of a subscriber, a conversation, a party,
 * a seq and a receiver. One whose former push is still unread is told again some time later.
 */
const addNotices = (missed: string, lane: Lane) => `
  INSERT INTO push_notice (subscriber_id, conversation_id, session_id, party, seq, lane, due_at, since)
  SELECT missed.subscriber_id, missed.conversation_id, push_subscription.session_id, missed.party, missed.seq, ${lane},
         now(), now()
  FROM ${missed} AS missed
  JOIN watermark ON watermark.subscriber_id = missed.subscriber_id AND watermark.conversation_id = missed.conversation_id
                AND watermark.party = missed.party
  JOIN push_subscription ON push_subscription.receiver_id = missed.receiver_id
  WHERE watermark.delivered_seq < missed.seq
  ORDER BY missed.conversation_id, push_subscription.session_id
  ON CONFLICT (subscriber_id, conversation_id, session_id) DO UPDATE
  SET seq = greatest(push_notice.seq, excluded.seq),
      lane = least(push_notice.lane, excluded.lane),
      since = excluded.since,
      due_at = CASE
        -- It waits for something else than the time between two: it is being handed over, failed, or came in quiet hours.
        WHEN push_notice.due_at IS DISTINCT FROM push_notice.pushed_at + interval '${secondsBetween} seconds'
             AND push_notice.due_at IS NOT NULL THEN push_notice.due_at
        WHEN push_notice.pushed_seq > (SELECT delivered_seq FROM watermark
                                       WHERE watermark.subscriber_id = push_notice.subscriber_id
                                         AND watermark.conversation_id = push_notice.conversation_id
                                         AND watermark.party = push_notice.party)
        THEN greatest(now(), push_notice.pushed_at + interval '${secondsBetween} seconds')
        ELSE now() END`;

/** Ends waits that are over: devices whose party has not received the message by now get a notice. It says how many. */
export const endWaitsQuery = (limit: number): string => `
  WITH ended AS (
    DELETE FROM push_wait WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM push_wait WHERE due_at <= now() ORDER BY due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED))
    RETURNING subscriber_id, conversation_id, party, seq
  ), missed AS (
    SELECT ended.*, CASE party WHEN 'subscriber' THEN ended.subscriber_id ELSE interlocutor_id END AS receiver_id
    FROM ended JOIN contact ON contact.subscriber_id = ended.subscriber_id AND contact.id = ended.conversation_id
  ), added AS (${addNotices('missed', lanes.messages)})
  SELECT count(*)::integer AS ended FROM ended`;

/** Takes notices of a lane that are due, for as long as one hand-over can take. $1 lane, $2 how many. */
export const takeNoticesQuery = `
  UPDATE push_notice SET due_at = now() + interval '${leaseSeconds} seconds'
  WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM push_notice WHERE lane = $1 AND due_at <= now() ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED))
  RETURNING subscriber_id AS "subscriberId", conversation_id AS "conversationId", session_id AS "sessionId", seq, attempts, since`;

/** Seconds until something is due in a lane or a wait ends; null when nothing is to come. $1 lane. */
export const nextQuery = `
  SELECT extract(epoch FROM least(
    (SELECT min(due_at) FROM push_notice WHERE lane = $1 AND due_at IS NOT NULL),
    (SELECT min(due_at) FROM push_wait WHERE $1 = ${lanes.messages}),
    (SELECT min(due_at) FROM push_broadcast WHERE $1 = ${lanes.broadcasts})) - now())::float8 AS seconds`;

const ofNotice = 'subscriber_id = $1 AND conversation_id = $2 AND session_id = $3';

/** Notes that a device was told up to a message; what came meanwhile is told some time later. $1 to $3 the notice, $4 seq. */
export const toldQuery = `
  UPDATE push_notice SET pushed_seq = greatest(pushed_seq, $4), pushed_at = now(), attempts = 0, since = now(),
    due_at = CASE WHEN seq > $4 THEN now() + interval '${secondsBetween} seconds' END
  WHERE ${ofNotice}`;

export const noteHandedOverQuery = `UPDATE push_subscription SET last_push_at = now() WHERE session_id = $1`;

/** Tries a notice again later. $1 to $3 the notice, $4 attempts, $5 when. */
export const postponeQuery = `UPDATE push_notice SET attempts = $4, due_at = $5 WHERE ${ofNotice}`;

/**
 * Has the notices of an account ($1) that wait for the end of its quiet hours decided anew. No notice that is taken, or follows a
 * push, waits for so long, and one that failed has attempts.
 */
export const quietChangedQuery = `
  UPDATE push_notice SET due_at = now() FROM session
  WHERE session.account_id = $1 AND push_notice.session_id = session.id
    AND attempts = 0 AND due_at > now() + interval '${Math.max(leaseSeconds, secondsBetween)} seconds'`;

/** Drops a notice, unless there is a later message to tell of, which is due at once. $1 to $3 the notice, $4 seq. */
export const dropQuery = `
  WITH later AS (UPDATE push_notice SET due_at = now(), attempts = 0 WHERE ${ofNotice} AND seq > $4 RETURNING 1)
  DELETE FROM push_notice WHERE ${ofNotice} AND seq <= $4`;

/** A device that can be told, with what decides whether it is. */
export interface Reachable {
  receiverId: string;
  kind: 'member' | 'interlocutor';
  locale: string;
  sealed: Buffer;
  expiresAt: Date;
}

export interface Told extends Reachable {
  party: Party;
  businessName: string;
  /** A restriction, or a business that pauses or closes: nothing is told of the conversation. */
  stopped: boolean;
  muted: boolean;
  delivered: number;
  unread: number;
  quietFrom: number | null;
  quietTo: number | null;
  timeZone: string | null;
}

/** A session that stands and whose app was opened in the last days. */
const reachable = `
  push_subscription.receiver_id AS "receiverId", account.kind, account.locale, push_subscription.sealed,
  least(session.expires_at, session.used_at + interval '${limits.pushDays} days') AS "expiresAt"`;
const ofReachable = `
  JOIN session ON session.id = push_subscription.session_id AND session.expires_at > now()
              AND session.used_at > now() - interval '${limits.pushDays} days'
  JOIN account ON account.id = session.account_id`;

/** The device of a session. $1 session. */
export const reachableQuery = `
  SELECT ${reachable} FROM push_subscription ${ofReachable} WHERE push_subscription.session_id = $1`;

/** The device that a notice is for, if it still is one of a party. $1 to $3 the notice. */
export const toldDeviceQuery = `
  SELECT ${reachable}, watermark.party, subscriber.business_name AS "businessName",
         coalesce(conversation.restricted_at, subscriber.stopped_at) IS NOT NULL AS stopped,
         EXISTS (SELECT FROM conversation_mute AS mute
                 WHERE mute.subscriber_id = $1 AND mute.conversation_id = $2 AND mute.account_id = account.id
                   AND (mute.until IS NULL OR mute.until > now())) AS muted,
         watermark.delivered_seq AS delivered,
         (SELECT count(*)::integer
          FROM (SELECT FROM message
                WHERE message.subscriber_id = $1 AND message.conversation_id = $2 AND message.seq > watermark.seen_seq
                  AND message.sender <> watermark.party AND message.withdrawn_at IS NULL
                LIMIT ${limits.unreadMax}) AS unseen) AS unread,
         setting.quiet_from AS "quietFrom", setting.quiet_to AS "quietTo", setting.time_zone AS "timeZone"
  FROM push_subscription
  ${ofReachable}
  JOIN contact ON contact.subscriber_id = $1 AND contact.id = $2
              AND push_subscription.receiver_id = CASE account.kind WHEN 'member' THEN contact.subscriber_id ELSE contact.interlocutor_id END
  JOIN conversation ON conversation.subscriber_id = $1 AND conversation.id = $2
  JOIN subscriber ON subscriber.subscriber_id = $1
  JOIN watermark ON watermark.subscriber_id = $1 AND watermark.conversation_id = $2
                AND watermark.party = CASE account.kind WHEN 'member' THEN 'subscriber'::party ELSE 'interlocutor'::party END
  LEFT JOIN notification_setting AS setting ON setting.account_id = account.id
  WHERE push_subscription.session_id = $3`;

function recipientBefore(place: 'checkpoint' | 'reached'): string {
  return `CASE WHEN ${place} = ANY ($2::uuid[]) THEN (
    SELECT contact_id FROM broadcast_recipient AS recipient
    WHERE recipient.subscriber_id = push.subscriber_id AND recipient.broadcast_id = push.broadcast_id
      AND contact_id < ${place} AND NOT contact_id = ANY ($2::uuid[])
    ORDER BY contact_id DESC LIMIT 1) ELSE ${place} END`;
}

/** A broadcast with its recipients' notifications in progress. */
export interface ToldBroadcast {
  subscriberId: string;
  broadcastId: string;
  checkpoint: string | null;
  reached: string | null;
  /** Up to where it was sent by now. */
  sent: string | null;
  ended: boolean;
  /** It waits for the business to decide, perhaps for days. */
  held: boolean;
}

/** Behind every contact: the checkpoint of a broadcast that has ended, whatever its last recipient. */
const behindAll = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Moves checkpoints off erased contacts ($2) of a subscriber ($1) to the recipient before them, or to none. */
export const forgetPlacesQuery = `
  UPDATE push_broadcast AS push SET checkpoint = ${recipientBefore('checkpoint')}, reached = ${recipientBefore('reached')}
  WHERE subscriber_id = $1 AND (checkpoint = ANY ($2::uuid[]) OR reached = ANY ($2::uuid[]))`;

/**
 * Locks a broadcast whose recipients are to be told, unless enough notices are due. Those that wait for the end of quiet hours or
 * of a back-off hold up no others. $1 most that may be due.
 */
export const nextBroadcastQuery = `
  SELECT push.subscriber_id AS "subscriberId", push.broadcast_id AS "broadcastId", push.checkpoint, push.reached,
         CASE WHEN broadcast.ended_at IS NULL THEN broadcast.checkpoint ELSE '${behindAll}' END AS sent,
         broadcast.ended_at IS NOT NULL AS ended, broadcast.state = 'held' AS held
  FROM push_broadcast AS push JOIN broadcast ON broadcast.subscriber_id = push.subscriber_id AND broadcast.id = push.broadcast_id
  WHERE push.due_at <= now()
    AND (SELECT count(*) FROM (SELECT FROM push_notice WHERE lane = ${lanes.broadcasts} AND due_at <= now() LIMIT $1) AS waiting) < $1
  ORDER BY push.due_at LIMIT 1 FOR UPDATE OF push SKIP LOCKED`;

/** Adds the notices of some recipients. $1 subscriber, $2 broadcast, $3 behind which contact, $4 up to which, $5 how many. */
export const addRecipientsQuery = `
  WITH walked AS (
    SELECT contact_id, seq FROM broadcast_recipient
    WHERE subscriber_id = $1 AND broadcast_id = $2 AND contact_id > $3 AND contact_id <= $4
    ORDER BY contact_id LIMIT $5
  ), missed AS (
    SELECT contact.subscriber_id, contact.id AS conversation_id, walked.seq, contact.interlocutor_id AS receiver_id,
           'interlocutor'::party AS party
    FROM walked JOIN contact ON contact.subscriber_id = $1 AND contact.id = walked.contact_id
    WHERE walked.seq IS NOT NULL
  ), added AS (${addNotices('missed', lanes.broadcasts)})
  SELECT contact_id AS last FROM walked ORDER BY contact_id DESC LIMIT 1`;

/** $1 subscriber, $2 broadcast, $3 checkpoint, $4 reached, $5 seconds until it is looked at again. */
export const moveBroadcastQuery = `
  UPDATE push_broadcast SET checkpoint = $3, reached = $4, due_at = now() + make_interval(secs => $5)
  WHERE subscriber_id = $1 AND broadcast_id = $2`;

export const endBroadcastQuery = `DELETE FROM push_broadcast WHERE subscriber_id = $1 AND broadcast_id = $2`;

/** Deletes devices that do not come back, and notices that were told so long ago that they are gone from the devices. */
export const sweepQueries = [
  `DELETE FROM push_subscription USING session
   WHERE session.id = session_id AND session.used_at <= now() - interval '${limits.pushDays} days'`,
  `DELETE FROM push_notice WHERE due_at IS NULL AND pushed_at < now() - interval '1 day'`,
  `DELETE FROM push_notice WHERE NOT EXISTS (SELECT FROM push_subscription WHERE push_subscription.session_id = push_notice.session_id)`,
  `DELETE FROM conversation_mute
   WHERE until <= now() OR NOT EXISTS (SELECT FROM account WHERE account.id = account_id)`,
];
