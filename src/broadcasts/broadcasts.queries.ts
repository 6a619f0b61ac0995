import type { BroadcastKind, BroadcastState } from '../contract/events.js';
import type { RecipientOutcome, SkipReason } from '../contract/broadcasts.js';
import { limits } from '../contract/limits.js';
import type { Audience } from './broadcasts.dto.js';

/** An audience whose regions, provinces and sectors stand in every spelling that its contacts have. */
export type SpelledAudience = Audience;

/** Adds a value to a statement's parameters, and gives what stands for it. */
type Parameter = (value: unknown) => string;

/** A condition on `contact`: whether it has to have said yes, and has not. */
const unwilling = (kind: BroadcastKind) => (kind === 'promotional' ? 'NOT contact.promotions' : 'false');

/** The condition on `contact` to belong to an audience. */
function belongs(audience: SpelledAudience, parameter: Parameter): string {
  const { all, regions, provinces, sectors, labels, contactIds, notSeenOf, exceptLabels, exceptContactIds } = audience;
  const labelled = (ids: string[]) =>
    `EXISTS (SELECT FROM contact_label AS own
             WHERE own.subscriber_id = contact.subscriber_id AND own.contact_id = contact.id
               AND own.label_id = ANY (${parameter(ids)}::uuid[]))`;
  const fields = [
    ...(regions ? [`contact.region = ANY (${parameter(regions)}::text[])`] : []),
    ...(provinces ? [`contact.province = ANY (${parameter(provinces)}::text[])`] : []),
    ...(sectors ? [`contact.sector = ANY (${parameter(sectors)}::text[])`] : []),
    ...(labels ? [labelled(labels)] : []),
    ...(notSeenOf ? [hasNotSeen(parameter(notSeenOf))] : []),
  ];
  const named = [
    ...(fields.length > 0 ? [fields.join(' AND ')] : []),
    ...(contactIds ? [`contact.id = ANY (${parameter(contactIds)}::uuid[])`] : []),
  ];
  const conditions = [
    ...(all ? [] : [`(${named.join(' OR ')})`]),
    ...(exceptLabels ? [`NOT ${labelled(exceptLabels)}`] : []),
    ...(exceptContactIds ? [`contact.id <> ALL (${parameter(exceptContactIds)}::uuid[])`] : []),
  ];
  return conditions.length > 0 ? conditions.join(' AND ') : 'true';
}

/** Conditions on the recipient's watermarks, as far as they are disclosed. */
const delivered = 'watermark.delivered_seq >= recipient.seq';
const seen = 'watermark.seen_seq >= recipient.seq AND watermark.seen_minute >= subscriber.seen_times_since';

/** The condition on `contact` to have got a broadcast without having seen it. */
const hasNotSeen = (broadcastId: string) => `
  EXISTS (SELECT FROM broadcast_recipient AS recipient
          WHERE recipient.subscriber_id = contact.subscriber_id AND recipient.broadcast_id = ${broadcastId}::uuid
            AND recipient.contact_id = contact.id AND recipient.seq IS NOT NULL
            AND NOT EXISTS (SELECT FROM watermark
                            JOIN subscriber ON subscriber.subscriber_id = watermark.subscriber_id
                            WHERE watermark.subscriber_id = recipient.subscriber_id
                              AND watermark.conversation_id = recipient.contact_id
                              AND watermark.party = 'interlocutor' AND ${seen}))`;

/** A statement and the meaning of its parameters. */
interface Statement {
  text: string;
  values: unknown[];
}

function statement(first: unknown[], write: (parameter: Parameter) => string): Statement {
  const values = [...first];
  const text = write((value) => `$${values.push(value)}`);
  return { text, values };
}

export interface AudienceCountRow {
  total: number;
  promotions: number;
  restricted: number;
  no_promotions: number;
}

/** Counts the contacts of an audience, and those of them that would be skipped. */
export const countAudience = (subscriberId: string, kind: BroadcastKind, audience: SpelledAudience): Statement =>
  statement(
    [subscriberId],
    (parameter) => `
      SELECT count(*)::integer AS total, count(*) FILTER (WHERE promotions)::integer AS promotions,
             count(*) FILTER (WHERE restricted)::integer AS restricted,
             count(*) FILTER (WHERE unwilling AND NOT restricted)::integer AS no_promotions
      FROM (SELECT contact.promotions, conversation.restricted_at IS NOT NULL AS restricted,
                   ${unwilling(kind)} AS unwilling
            FROM contact
            JOIN conversation ON conversation.subscriber_id = contact.subscriber_id AND conversation.id = contact.id
            WHERE contact.subscriber_id = $1 AND ${belongs(audience, parameter)}) AS member`,
  );

/** A broadcast with the business's disclosure of seen-times. $1 subscriber, $2 broadcast. */
export const earlierQuery = `
  SELECT seen_times_since IS NOT NULL AS disclosed FROM broadcast JOIN subscriber USING (subscriber_id)
  WHERE subscriber_id = $1 AND broadcast.id = $2 AND expired_at IS NULL`;

/** The next contacts of an audience, in the order of their ids, among those who had joined when it was started. */
export const nextContacts = (
  subscriberId: string,
  audience: SpelledAudience,
  { after, joinedUntil, limit }: { after: string; joinedUntil: Date; limit: number },
): Statement =>
  statement(
    [subscriberId, after, joinedUntil, limit],
    (parameter) => `
      SELECT contact.id FROM contact
      WHERE contact.subscriber_id = $1 AND contact.id > $2 AND contact.joined_at <= $3
        AND ${belongs(audience, parameter)}
      ORDER BY contact.id LIMIT $4`,
  );

export interface AudienceContactRow {
  id: string;
  identity: Buffer;
  reason: Extract<SkipReason, 'restricted' | 'no_promotions'> | null;
}

/** Contacts of an audience in the order of their ids, with what would keep each from getting it. */
export const contactsOfAudience = (
  subscriberId: string,
  { kind, audience, outcome }: { kind: BroadcastKind; audience: SpelledAudience; outcome: RecipientOutcome | null },
  { after, limit }: { after: string; limit: number },
): Statement =>
  statement(
    [subscriberId, after, outcome, limit],
    (parameter) => `
      SELECT id, identity, reason
      FROM (SELECT contact.id, contact.identity,
                   CASE WHEN conversation.restricted_at IS NOT NULL THEN 'restricted'
                        WHEN ${unwilling(kind)} THEN 'no_promotions' END AS reason
            FROM contact
            JOIN conversation ON conversation.subscriber_id = contact.subscriber_id AND conversation.id = contact.id
            WHERE contact.subscriber_id = $1 AND contact.id > $2 AND ${belongs(audience, parameter)}) AS member
      WHERE $3::text IS NULL OR ($3 = 'sent') = (reason IS NULL)
      ORDER BY id LIMIT $4`,
  );

export interface JudgedRow {
  id: string;
  interlocutor_id: string;
  /** Null unless it is asked for. */
  identity: Buffer | null;
  unwilling: boolean;
}

/** Facts about contacts now; ask it once their conversations are locked. $1 subscriber, $2 contacts, $3 with identities. */
export const judgeQuery = (kind: BroadcastKind): string => `
  SELECT contact.id, contact.interlocutor_id, CASE WHEN $3::boolean THEN contact.identity END AS identity,
         ${unwilling(kind)} AS unwilling
  FROM contact
  WHERE contact.subscriber_id = $1 AND contact.id = ANY ($2::uuid[])
  ORDER BY contact.id`;

/** Broadcasts that are due or under way, the longest waiting first; while their business is pausing they wait. $1 now. */
export const dueQuery = `
  SELECT subscriber_id AS "subscriberId", id FROM broadcast JOIN subscriber USING (subscriber_id)
  WHERE state IN ('scheduled', 'running') AND send_at <= $1 AND stopped_at IS NULL ORDER BY send_at`;

export interface LockedRow {
  state: BroadcastState;
  checkpoint: string | null;
  startedAt: Date | null;
  notAfter: Date;
  edition: number;
  termsVersion: number;
  privacyVersion: number;
  seenTimesSince: Date | null;
}

/** Locks a broadcast that is due or under way, unless another transaction has locked it. $1 subscriber, $2 broadcast, $3 now. */
export const lockQuery = `
  SELECT broadcast.state, broadcast.checkpoint, broadcast.started_at AS "startedAt",
         broadcast.not_after AS "notAfter", broadcast.edition,
         subscriber.terms_version AS "termsVersion", subscriber.privacy_version AS "privacyVersion",
         subscriber.seen_times_since AS "seenTimesSince"
  FROM broadcast JOIN subscriber USING (subscriber_id)
  WHERE broadcast.subscriber_id = $1 AND broadcast.id = $2
    AND broadcast.state IN ('scheduled', 'running') AND broadcast.send_at <= $3 AND subscriber.stopped_at IS NULL
  FOR NO KEY UPDATE OF broadcast SKIP LOCKED`;

export interface ProgressRow {
  state: BroadcastState;
  sent: number;
  skipped: number;
}

/**
 * Writes what came of a chunk into the ledger, and moves the checkpoint behind it. $1 subscriber, $2 broadcast, $3
 * contacts, $4 seqs, $5 skip reasons, $6 sent, $7 skipped, $8 the new state, $9 when it ended.
 */
export const progressQuery = `
  WITH ledger AS (
    INSERT INTO broadcast_recipient (subscriber_id, broadcast_id, contact_id, seq, skipped)
    SELECT $1, $2, contact_id, seq, skipped
    FROM unnest($3::uuid[], $4::integer[], $5::text[]) AS outcome (contact_id, seq, skipped)
  ), moved AS (
    UPDATE broadcast
    SET checkpoint = coalesce(($3::uuid[])[cardinality($3::uuid[])], checkpoint), sent = sent + $6, skipped = skipped + $7,
        state = $8, ended_at = $9
    WHERE subscriber_id = $1 AND id = $2
    RETURNING state, sent, skipped
  )
  SELECT * FROM moved`;

/** $1 subscriber, $2 broadcast. */
export const skippedQuery = `
  SELECT skipped AS reason, count(*)::integer AS contacts FROM broadcast_recipient
  WHERE subscriber_id = $1 AND broadcast_id = $2 AND skipped IS NOT NULL
  GROUP BY skipped ORDER BY contacts DESC, reason`;

const recipientsWithWatermarks = `
  FROM broadcast_recipient AS recipient
  JOIN subscriber ON subscriber.subscriber_id = recipient.subscriber_id
  LEFT JOIN watermark ON watermark.subscriber_id = recipient.subscriber_id AND watermark.conversation_id = recipient.contact_id
                  AND watermark.party = 'interlocutor'`;

export interface ReceivedRow {
  /** Recipients of whom nothing is left, because they were erased. */
  erased: number;
  delivered: number;
  seen: number;
}

/** $1 subscriber, $2 broadcast. */
export const receivedQuery = `
  SELECT count(*) FILTER (WHERE ${delivered})::integer AS delivered, count(*) FILTER (WHERE ${seen})::integer AS seen,
         (SELECT sent FROM broadcast WHERE subscriber_id = $1 AND id = $2) - count(*)::integer AS erased
  ${recipientsWithWatermarks}
  WHERE recipient.subscriber_id = $1 AND recipient.broadcast_id = $2 AND recipient.seq IS NOT NULL`;

export interface RecipientRow {
  id: string;
  identity: Buffer;
  seq: number | null;
  skipped: SkipReason | null;
  delivered: boolean;
  /** Null while seen times are not disclosed. */
  seen: boolean | null;
  answered_seq: number | null;
}

/** A recipient's answer: its next entry, unless it came too late to be one or was withdrawn. */
const withAnswers = (join: 'JOIN' | 'LEFT JOIN') => `
  JOIN broadcast ON broadcast.subscriber_id = recipient.subscriber_id AND broadcast.id = recipient.broadcast_id
  ${join} message AS answer ON answer.subscriber_id = recipient.subscriber_id AND answer.conversation_id = recipient.contact_id
       AND answer.seq = recipient.seq + 1 AND answer.sender = 'interlocutor' AND answer.withdrawn_at IS NULL
       AND answer.sent_at <= broadcast.started_at + interval '${limits.broadcastAnswerDays} days'`;

/**
 * $1 subscriber, $2 broadcast, $3 the last contact before, $4 outcome or null, $5 skip reason or null, $6 only those who have not
 * seen it, $7 only those who have answered, $8 how many.
 */
export const recipientsQuery = `
  SELECT contact.id, contact.identity, recipient.seq, recipient.skipped, ${delivered} AS delivered,
         CASE WHEN subscriber.seen_times_since IS NOT NULL THEN coalesce(${seen}, false) END AS seen,
         answer.seq AS answered_seq
  ${recipientsWithWatermarks}
  JOIN contact ON contact.subscriber_id = recipient.subscriber_id AND contact.id = recipient.contact_id
  ${withAnswers('LEFT JOIN')}
  WHERE recipient.subscriber_id = $1 AND recipient.broadcast_id = $2 AND recipient.contact_id > $3
    AND ($4::text IS NULL OR ($4 = 'sent') = (recipient.seq IS NOT NULL))
    AND ($5::text IS NULL OR recipient.skipped = $5)
    AND (NOT $6::boolean OR recipient.seq IS NOT NULL AND NOT coalesce(${seen}, false))
    AND (NOT $7::boolean OR answer.seq IS NOT NULL)
  ORDER BY recipient.contact_id LIMIT $8`;

export interface AnswerRow {
  id: string;
  identity: Buffer;
  seq: number;
  at: Date;
  /** Number of all answers. */
  answered: number;
}

/** Latest answers. $1 subscriber, $2 broadcast, $3 how many. */
export const latestAnswersQuery = `
  SELECT contact.id, contact.identity, latest.seq, latest.sent_at AS at, latest.answered
  FROM (SELECT recipient.contact_id, answer.seq, answer.sent_at, (count(*) OVER ())::integer AS answered
        FROM broadcast_recipient AS recipient
        ${withAnswers('JOIN')}
        WHERE recipient.subscriber_id = $1 AND recipient.broadcast_id = $2
        ORDER BY answer.sent_at DESC LIMIT $3) AS latest
  JOIN contact ON contact.subscriber_id = $1 AND contact.id = latest.contact_id
  ORDER BY latest.sent_at DESC`;

export interface PassedRow {
  /** Number of the step, from 0. */
  step: number;
  delivered: number;
  seen: number;
}

/**
 * Numbers of recipients to whom it was delivered, and who have seen it, in each step of time: the minute of the first past
 * watermark move that reached it, or of the current watermark. Earlier times belong to the first step, because a minute can
 * begin before the broadcast does. $1 subscriber, $2 broadcast, $3 beginning, $4 seconds of a step, $5 steps.
 */
export const passedQuery = `
  SELECT step, count(*) FILTER (WHERE kind = 'delivered')::integer AS delivered,
         count(*) FILTER (WHERE kind = 'seen')::integer AS seen
  FROM (SELECT passed.kind, greatest(0, floor(extract(epoch FROM passed.minute - $3::timestamptz) / $4::integer))::integer AS step
        FROM (SELECT CASE WHEN bool_or(${delivered})
                          THEN coalesce(min(move.minute) FILTER (WHERE move.delivered_seq >= recipient.seq), min(watermark.minute))
                     END AS delivered_at,
                     CASE WHEN bool_or(${seen})
                          THEN greatest(coalesce(min(move.minute) FILTER (WHERE move.seen_seq >= recipient.seq),
                                                 min(watermark.seen_minute)), min(subscriber.seen_times_since))
                     END AS seen_at
              ${recipientsWithWatermarks}
              LEFT JOIN watermark_move AS move
                     ON move.subscriber_id = recipient.subscriber_id AND move.conversation_id = recipient.contact_id
                    AND move.party = 'interlocutor' AND move.minute >= $3
              WHERE recipient.subscriber_id = $1 AND recipient.broadcast_id = $2 AND recipient.seq IS NOT NULL
              GROUP BY recipient.contact_id) AS times
        CROSS JOIN LATERAL (VALUES ('delivered', times.delivered_at), ('seen', times.seen_at)) AS passed (kind, minute)
        WHERE passed.minute IS NOT NULL) AS steps
  WHERE step < $5::integer GROUP BY step`;

/** The broadcast by which a message came, if it did; no row where there is no message. $1 subscriber, $2 conversation, $3 seq. */
export const broadcastOfMessageQuery = `
  SELECT broadcast.id, broadcast.kind
  FROM message LEFT JOIN broadcast ON broadcast.subscriber_id = message.subscriber_id AND broadcast.id = message.broadcast_id
  WHERE message.subscriber_id = $1 AND message.conversation_id = $2 AND message.seq = $3`;

/** Gives no row when it was reported before. $1 subscriber, $2 broadcast, $3 contact. */
export const reportQuery = `
  INSERT INTO advertising_report (subscriber_id, broadcast_id, contact_id, reported_at)
  VALUES ($1, $2, $3, clock_timestamp()) ON CONFLICT DO NOTHING RETURNING 1`;

/** $1 subscriber, $2 broadcast. */
export const reportsQuery = `
  SELECT count(*)::integer AS reports FROM advertising_report WHERE subscriber_id = $1 AND broadcast_id = $2`;

/**
 * The next broadcast that is over, whose entries have all gone by retention. $1 subscriber, $2 months of the setting, which has to
 * stand, $3 ended before.
 */
export const oldBroadcastQuery = `
  SELECT broadcast.id FROM broadcast JOIN subscriber USING (subscriber_id)
  WHERE broadcast.subscriber_id = $1 AND broadcast.expired_at IS NULL AND broadcast.state IN ('finished', 'cancelled', 'stopped')
    AND broadcast.ended_at < $3::timestamptz
    AND subscriber.stopped_at IS NULL AND subscriber.retention_months = $2 AND subscriber.retention_from <= clock_timestamp()
    AND NOT EXISTS (
      SELECT FROM broadcast_recipient AS recipient
      JOIN message ON message.subscriber_id = recipient.subscriber_id AND message.conversation_id = recipient.contact_id
                  AND message.seq = recipient.seq
      WHERE recipient.subscriber_id = broadcast.subscriber_id AND recipient.broadcast_id = broadcast.id
        AND message.expired_at IS NULL)
  ORDER BY broadcast.id LIMIT 1`;

/** Locks a broadcast that is to be emptied. $1 subscriber, $2 broadcast. */
export const lockOldQuery = `
  SELECT started_at AS "startedAt" FROM broadcast WHERE subscriber_id = $1 AND id = $2 AND expired_at IS NULL FOR NO KEY UPDATE`;

/** Forgets some of the recipients of a broadcast. $1 subscriber, $2 broadcast. */
export const forgetRecipientsQuery = (limit: number): string => `
  DELETE FROM broadcast_recipient WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM broadcast_recipient WHERE subscriber_id = $1 AND broadcast_id = $2 LIMIT ${limit}))`;

/** Clears the text, audience and author of a broadcast. $1 subscriber, $2 broadcast, $3 nobody. */
export const emptyQuery = `
  UPDATE broadcast
  SET body = '', audience = '', digest = '', client_id = 'expired ' || id, author_id = $3, checkpoint = NULL, files = 0,
      expired_at = clock_timestamp()
  WHERE subscriber_id = $1 AND id = $2`;
