import type { MigrationInterface, QueryRunner } from 'typeorm';
import { appendMessages as appendBefore, raiseWatermarks as raiseBefore } from './1763863200000-delivery.js';

/**
 * A time of change that no step of the clock takes back below a time that a client was told to sync from
 * (docs/decisions/0004).
 */
export class SteadyClock1763872000000 implements MigrationInterface {
  readonly name = 'SteadyClock1763872000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    // Every watermark gets another time, which takes longer than a statement may otherwise.
    await queryRunner.query('SET LOCAL statement_timeout = 0');
    for (const statement of [
      ...mark,
      changeTime,
      oldestTransaction,
      syncHorizon,
      ...watermarks,
      appendMessages,
      raiseWatermarks,
    ])
      await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const statement of back) await queryRunner.query(statement);
  }
}

/**
 * The highest time that a client was told to sync from, in milliseconds since 1970: a sequence, because its value is seen
 * by everybody at once, whatever their transaction began with, and is never rolled back. The second one counts steps above
 * the mark, so that changes keep their order while the clock is behind it.
 */
const mark = [
  `CREATE SEQUENCE sync_mark AS bigint MINVALUE 0 START 0`,
  `CREATE SEQUENCE sync_step AS bigint MINVALUE 1`,
];

/** When something changed: not before its transaction began, and not before any time that was told. */
const changeTime = `
CREATE FUNCTION change_time(moment timestamptz DEFAULT clock_timestamp()) RETURNS timestamptz(3)
LANGUAGE plpgsql AS $$
DECLARE
  told timestamptz := (SELECT to_timestamp(last_value / 1000.0) FROM sync_mark);
BEGIN
  IF greatest(moment, now()) >= told THEN
    RETURN greatest(moment, now());
  END IF;
  RETURN told + nextval('sync_step') * interval '1 ms';
END $$`;

/**
 * A time that is safe to ask changes since: whatever is not visible yet is stamped at it or later. It is the start of the
 * oldest transaction that is open, and the mark is raised to it before it is told. While the clock is behind the mark, it
 * is the mark: no transaction that was open when the mark was raised had begun before it, and later ones stamp by it.
 *
 * A transaction that began between the two looks on a clock that was set back meanwhile may have stamped by the mark as it
 * was before, so then the mark stays as it was. One call at a time raises it.
 */
const syncHorizon = `
CREATE FUNCTION sync_horizon() RETURNS timestamptz(3) LANGUAGE plpgsql AS $$
DECLARE
  mark bigint;
  oldest timestamptz;
  wanted bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('sync_horizon'));
  mark := (SELECT last_value FROM sync_mark);
  oldest := least(now(), oldest_transaction());
  wanted := floor(extract(epoch FROM oldest) * 1000);
  IF wanted > mark THEN
    PERFORM setval('sync_mark', wanted);
    PERFORM pg_stat_clear_snapshot();
    IF oldest_transaction() < oldest THEN
      PERFORM setval('sync_mark', mark);
    ELSE
      mark := wanted;
    END IF;
  END IF;
  RETURN to_timestamp(mark / 1000.0);
END $$`;

/** When the oldest open transaction of the service began, but that which asks; null when there is none. */
const oldestTransaction = `
CREATE FUNCTION oldest_transaction() RETURNS timestamptz LANGUAGE sql AS $$
  SELECT min(xact_start) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = current_setting('application_name')
    AND backend_type = 'client backend' AND pid <> pg_backend_pid()
$$`;

/**
 * In a cursor `minute` says when something was seen, as the clock had it then; `changed_minute` and `told_minute` say
 * since when that counts as a change, and never fall.
 */
const watermarks = [
  `ALTER TABLE cursor ADD COLUMN changed_minute timestamptz`,
  `UPDATE cursor SET changed_minute = minute`,
  `ALTER TABLE cursor ALTER COLUMN changed_minute SET NOT NULL,
     ALTER COLUMN changed_minute SET DEFAULT date_trunc('minute', change_time())`,
  `DROP INDEX cursor_by_minute`,
  `CREATE INDEX cursor_by_changed_minute ON cursor (subscriber_id, changed_minute) WHERE party = 'subscriber'`,
];

/** As before, but stamped with {@link changeTime}; when a message was sent is said by the clock. */
export const appendMessages = `
CREATE OR REPLACE FUNCTION append_messages(
  subscriber_ids uuid[], conversation_ids uuid[], senders party[], author_ids uuid[], client_ids text[], digests bytea[],
  bodies bytea[], least_privacy integer, least_subscriber_terms integer, least_subscriber_privacy integer
) RETURNS TABLE (place integer, outcome text, seq integer, revision integer, sent_at timestamptz(3))
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  held uuid[];
  moment timestamptz(3);
  changed timestamptz(3);
BEGIN
  SELECT array_agg(own.id) INTO held
  FROM (SELECT conversation.id
        FROM conversation
        JOIN (SELECT DISTINCT * FROM unnest(subscriber_ids, conversation_ids) AS pair (subscriber_id, id)) AS wanted
          USING (subscriber_id, id)
        ORDER BY conversation.id
        FOR NO KEY UPDATE OF conversation SKIP LOCKED) AS own;
  moment := clock_timestamp();
  changed := change_time(moment);

  RETURN QUERY
  WITH judged AS MATERIALIZED (
    SELECT draft.*, conversation.last_seq, conversation.revision AS last_revision,
           known.seq AS known_seq, known.revision AS known_revision, known.sent_at AS known_at,
           CASE
             WHEN conversation.id IS NULL THEN 'not_found'
             WHEN own.id IS NULL THEN 'later'
             WHEN known.digest <> draft.digest THEN 'reused'
             WHEN known.seq IS NOT NULL THEN 'repeated'
             WHEN CASE draft.sender
                    WHEN 'interlocutor' THEN contact.privacy_version < least_privacy
                    ELSE subscriber.terms_version < least_subscriber_terms
                         OR subscriber.privacy_version < least_subscriber_privacy
                  END THEN 'consent_required'
             WHEN conversation.restricted_at IS NOT NULL THEN 'restricted'
             ELSE 'stored'
           END AS outcome
    FROM unnest(subscriber_ids, conversation_ids, senders, author_ids, client_ids, digests, bodies) WITH ORDINALITY
           AS draft (subscriber_id, conversation_id, sender, author_id, client_id, digest, body, place)
    LEFT JOIN conversation
      ON conversation.subscriber_id = draft.subscriber_id AND conversation.id = draft.conversation_id
    LEFT JOIN unnest(held) AS own (id) ON own.id = draft.conversation_id
    LEFT JOIN LATERAL (
      SELECT id, privacy_version FROM contact
      WHERE subscriber_id = draft.subscriber_id AND id >= draft.conversation_id
      ORDER BY id LIMIT 1
    ) AS contact ON contact.id = draft.conversation_id
    LEFT JOIN subscriber ON subscriber.subscriber_id = draft.subscriber_id
    LEFT JOIN LATERAL (
      SELECT seq, revision, sent_at, digest, client_id FROM message
      WHERE subscriber_id = draft.subscriber_id AND conversation_id = draft.conversation_id
        AND sender = draft.sender AND client_id >= draft.client_id
      ORDER BY client_id LIMIT 1
    ) AS known ON known.client_id = draft.client_id
  ), numbered AS MATERIALIZED (
    SELECT judged.*, row_number() OVER (PARTITION BY conversation_id ORDER BY place)::integer AS rank
    FROM judged WHERE outcome = 'stored'
  ), appended AS (
    INSERT INTO message (subscriber_id, conversation_id, seq, sender, author_id, client_id, digest, body, revision, sent_at)
    SELECT subscriber_id, conversation_id, last_seq + rank, sender, author_id, client_id, digest, body,
           last_revision + rank, moment
    FROM numbered
  ), grown AS (
    UPDATE conversation
    SET last_seq = conversation.last_seq + growth.entries, revision = conversation.revision + growth.entries,
        changed_at = changed, last_message_at = moment
    FROM (SELECT subscriber_id, conversation_id, count(*)::integer AS entries FROM numbered GROUP BY 1, 2) AS growth
    WHERE conversation.subscriber_id = growth.subscriber_id AND conversation.id = growth.conversation_id
  )
  SELECT judged.place::integer, judged.outcome,
         coalesce(judged.last_seq + numbered.rank, judged.known_seq),
         coalesce(judged.last_revision + numbered.rank, judged.known_revision),
         CASE WHEN numbered.rank IS NULL THEN judged.known_at ELSE moment END
  FROM judged LEFT JOIN numbered USING (place);
END $$`;

/** As before, but with the minute of the change apart; and the minutes of a clock that was set back are told as they are. */
const raiseWatermarks = `
CREATE OR REPLACE FUNCTION raise_watermarks(
  subscriber_ids uuid[], conversation_ids uuid[], parties party[], delivered integer[], seen integer[]
) RETURNS TABLE (conversation_id uuid, party party, last_seq integer, rose boolean, delivered_seq integer, seen_seq integer,
                 seen_before integer, other_seen integer, told boolean, minute timestamptz)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  this_minute timestamptz := date_trunc('minute', clock_timestamp());
  change_minute timestamptz := date_trunc('minute', change_time());
BEGIN
  PERFORM FROM cursor
  JOIN (SELECT DISTINCT * FROM unnest(subscriber_ids, conversation_ids, parties)
          AS receipt (subscriber_id, conversation_id, party)) AS wanted
    USING (subscriber_id, conversation_id, party)
  ORDER BY cursor.conversation_id, cursor.party
  FOR NO KEY UPDATE OF cursor;

  RETURN QUERY
  WITH wanted AS (
    SELECT receipt.subscriber_id, receipt.conversation_id, receipt.party, conversation.last_seq,
           coalesce(max(greatest(receipt.delivered, receipt.seen))
             FILTER (WHERE greatest(receipt.delivered, receipt.seen) <= conversation.last_seq), 0) AS delivered,
           coalesce(max(receipt.seen)
             FILTER (WHERE greatest(receipt.delivered, receipt.seen) <= conversation.last_seq), 0) AS seen
    FROM unnest(subscriber_ids, conversation_ids, parties, delivered, seen)
           AS receipt (subscriber_id, conversation_id, party, delivered, seen)
    JOIN conversation
      ON conversation.subscriber_id = receipt.subscriber_id AND conversation.id = receipt.conversation_id
    GROUP BY 1, 2, 3, 4
  ), compared AS MATERIALIZED (
    SELECT wanted.*, cursor.delivered_seq, cursor.seen_seq, cursor.minute, cursor.seen_minute,
           greatest(cursor.delivered_seq, wanted.delivered) AS new_delivered,
           greatest(cursor.seen_seq, wanted.seen) AS new_seen,
           cursor.delivered_seq < wanted.delivered OR cursor.seen_seq < wanted.seen AS rises,
           CASE WHEN cursor.seen_seq < wanted.seen THEN this_minute ELSE cursor.seen_minute END AS new_seen_minute,
           cursor.delivered_seq < wanted.delivered
             OR (cursor.seen_seq < wanted.seen AND this_minute >= subscriber.seen_times_since) IS TRUE AS told,
           subscriber.seen_times_since
    FROM wanted
    JOIN cursor USING (subscriber_id, conversation_id, party)
    JOIN subscriber USING (subscriber_id)
  ), past AS (
    INSERT INTO watermark_move (subscriber_id, conversation_id, party, minute, delivered_seq, seen_seq)
    SELECT subscriber_id, conversation_id, party, minute, delivered_seq, seen_seq
    FROM compared
    WHERE rises AND minute <> this_minute AND delivered_seq > 0
    ON CONFLICT (subscriber_id, conversation_id, party, minute)
      DO UPDATE SET delivered_seq = EXCLUDED.delivered_seq, seen_seq = EXCLUDED.seen_seq
  ), raised AS (
    UPDATE cursor
    SET delivered_seq = new_delivered, seen_seq = new_seen, minute = this_minute,
        changed_minute = greatest(cursor.changed_minute, change_minute),
        told_minute = CASE WHEN told THEN greatest(cursor.told_minute, change_minute) ELSE cursor.told_minute END,
        seen_minute = new_seen_minute
    FROM compared
    WHERE rises AND cursor.subscriber_id = compared.subscriber_id
      AND cursor.conversation_id = compared.conversation_id AND cursor.party = compared.party
  )
  SELECT conversation_id, party, last_seq, rises, new_delivered, new_seen, seen_seq,
         CASE WHEN new_seen_minute >= seen_times_since THEN new_seen ELSE 0 END,
         told, CASE WHEN rises THEN this_minute ELSE minute END
  FROM compared;
END $$`;

const asBefore = (create: string) => create.replace('CREATE FUNCTION', 'CREATE OR REPLACE FUNCTION');

const back = [
  asBefore(appendBefore),
  asBefore(raiseBefore),
  'DROP INDEX cursor_by_changed_minute',
  `CREATE INDEX cursor_by_minute ON cursor (subscriber_id, minute) WHERE party = 'subscriber'`,
  'ALTER TABLE cursor DROP COLUMN changed_minute',
  'DROP FUNCTION sync_horizon, oldest_transaction, change_time',
  'DROP SEQUENCE sync_step, sync_mark',
];
