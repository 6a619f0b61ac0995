import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Delivery at full strength: sends and receipts that are gathered into one call each, withdrawn messages, seen-times that
 * a subscriber can switch off, and broadcasts with their ledger.
 */
export class Delivery1763863200000 implements MigrationInterface {
  readonly name = 'Delivery1763863200000';

  async up(queryRunner: QueryRunner): Promise<void> {
    // It reads every message once, which with millions of them takes longer than a statement may otherwise.
    await queryRunner.query('SET LOCAL statement_timeout = 0');
    for (const statement of [
      ...watermarks,
      ...subscribers,
      ...broadcasts,
      ...messages,
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
 * The move of the present minute stands in the cursor itself, and becomes a row of the history when a later minute moves
 * it on. So a receipt changes one row, in no index (a heap-only update), and no second of it is kept. `told_minute` is that
 * of the last move that the other party was told of: by it alone the other party finds what changed.
 */
const watermarks = [
  `ALTER TABLE cursor
     ADD COLUMN minute timestamptz, ADD COLUMN told_minute timestamptz, ADD COLUMN seen_minute timestamptz`,
  `UPDATE cursor SET minute = date_trunc('minute', changed_at), told_minute = date_trunc('minute', changed_at),
     seen_minute = (SELECT min(move.minute) FROM watermark_move AS move
                    WHERE move.subscriber_id = cursor.subscriber_id AND move.conversation_id = cursor.conversation_id
                      AND move.party = cursor.party AND cursor.seen_seq > 0 AND move.seen_seq >= cursor.seen_seq)`,
  `ALTER TABLE cursor ALTER COLUMN minute SET NOT NULL, ALTER COLUMN told_minute SET NOT NULL, DROP COLUMN changed_at`,
  // What has changed for the subscriber: its own moves, and those of the other party that it was told of.
  `CREATE INDEX cursor_by_minute ON cursor (subscriber_id, minute) WHERE party = 'subscriber'`,
  `CREATE INDEX cursor_by_told_minute ON cursor (subscriber_id, told_minute) WHERE party = 'interlocutor'`,
  `ALTER TABLE cursor SET (fillfactor = 70)`,
];

/** Seen-times are disclosed from a minute on, or not at all: switching them on again tells nothing of the time before. */
const subscribers = [
  `ALTER TABLE subscriber
     ADD COLUMN time_zone text NOT NULL DEFAULT 'Europe/Rome',
     ADD COLUMN seen_times_since timestamptz,
     ADD COLUMN seen_times_changed_at timestamptz(3)`,
  `UPDATE subscriber SET seen_times_since = date_trunc('minute', created_at)`,
  `ALTER TABLE subscriber ALTER COLUMN seen_times_since SET DEFAULT date_trunc('minute', now())`,
];

const broadcasts = [
  `CREATE TABLE broadcast (
    subscriber_id uuid NOT NULL REFERENCES subscriber,
    id            uuid NOT NULL,
    client_id     text NOT NULL,
    digest        bytea NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('promotional', 'service')),
    reason        text CHECK ((kind = 'service') = (reason IS NOT NULL)),
    body          bytea NOT NULL,
    personal      boolean NOT NULL,
    audience      bytea NOT NULL,
    locale        text NOT NULL,
    author_id     uuid NOT NULL,
    state         text NOT NULL CHECK (state IN ('scheduled', 'running', 'finished', 'cancelled', 'stopped')),
    stop_reason   text,
    recipients    integer NOT NULL,
    left_out      integer NOT NULL,
    created_at    timestamptz(3) NOT NULL,
    send_at       timestamptz(3) NOT NULL,
    started_at    timestamptz(3),
    ended_at      timestamptz(3),
    checkpoint    uuid,
    sent          integer NOT NULL DEFAULT 0,
    skipped       integer NOT NULL DEFAULT 0,
    PRIMARY KEY (subscriber_id, id),
    UNIQUE (subscriber_id, client_id)
  )`,
  `CREATE INDEX broadcast_to_send ON broadcast (send_at) WHERE state IN ('scheduled', 'running')`,

  `CREATE TABLE broadcast_recipient (
    subscriber_id uuid NOT NULL,
    broadcast_id  uuid NOT NULL,
    contact_id    uuid NOT NULL,
    seq           integer,
    skipped       text,
    PRIMARY KEY (subscriber_id, broadcast_id, contact_id),
    FOREIGN KEY (subscriber_id, broadcast_id) REFERENCES broadcast,
    FOREIGN KEY (subscriber_id, contact_id) REFERENCES contact ON DELETE CASCADE,
    CHECK ((seq IS NULL) <> (skipped IS NULL))
  )`,
  `CREATE INDEX broadcast_recipient_by_contact ON broadcast_recipient (subscriber_id, contact_id)`,

  `CREATE TABLE advertising_report (
    subscriber_id uuid NOT NULL,
    broadcast_id  uuid NOT NULL,
    contact_id    uuid NOT NULL,
    reported_at   timestamptz(3) NOT NULL,
    PRIMARY KEY (subscriber_id, broadcast_id, contact_id),
    FOREIGN KEY (subscriber_id, broadcast_id, contact_id) REFERENCES broadcast_recipient ON DELETE CASCADE
  )`,
];

/**
 * An entry holds its own sealed body, or names the broadcast whose body it is, or was withdrawn and holds neither. Of the
 * revisions only those of changed messages are indexed: unchanged ones have them in the order of their seq.
 */
const messages = [
  `ALTER TABLE conversation ADD COLUMN restricted_at timestamptz(3)`,
  `ALTER TABLE message
     ALTER COLUMN digest DROP NOT NULL,
     ALTER COLUMN body DROP NOT NULL,
     ADD COLUMN broadcast_id uuid,
     ADD COLUMN withdrawn_at timestamptz(3),
     ADD COLUMN changed boolean NOT NULL DEFAULT false`,
  `ALTER TABLE message
     ADD CONSTRAINT message_broadcast FOREIGN KEY (subscriber_id, broadcast_id) REFERENCES broadcast NOT VALID,
     ADD CONSTRAINT message_content CHECK
       (CASE WHEN withdrawn_at IS NULL THEN body IS NOT NULL OR broadcast_id IS NOT NULL
             ELSE body IS NULL AND digest IS NULL AND changed END) NOT VALID`,
  `ALTER TABLE message VALIDATE CONSTRAINT message_broadcast`,
  `ALTER TABLE message VALIDATE CONSTRAINT message_content`,
  `CREATE INDEX message_changed ON message (subscriber_id, conversation_id, revision) WHERE changed`,
  `DROP INDEX message_by_revision`,
];

/**
 * Appends drafts, each by itself: one that may not be stored hinders no other. Two statements, because the second one needs
 * a snapshot that is younger than the locks: it has to see what others have stored under the same client ids. A
 * conversation that is locked by somebody else is passed over (`later`), so that one busy conversation stalls nobody.
 * Drafts of one conversation are numbered in their order; no two of a call may have the same sender and client id.
 *
 * A known client id and a contact are looked for as the first one from there on, which only the right index can give. As
 * mere equalities they were looked for among all messages of the conversation and all contacts of the subscriber, by a
 * plan that was made while the tables were empty and then kept.
 *
 * The plan is kept in any case: left to choose, PostgreSQL may plan anew for every single message, which takes three times
 * as long as storing it.
 */
export const appendMessages = `
CREATE FUNCTION append_messages(
  subscriber_ids uuid[], conversation_ids uuid[], senders party[], author_ids uuid[], client_ids text[], digests bytea[],
  bodies bytea[], least_privacy integer, least_subscriber_terms integer, least_subscriber_privacy integer
) RETURNS TABLE (place integer, outcome text, seq integer, revision integer, sent_at timestamptz(3))
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  held uuid[];
  moment timestamptz(3);
BEGIN
  SELECT array_agg(own.id) INTO held
  FROM (SELECT conversation.id
        FROM conversation
        JOIN (SELECT DISTINCT * FROM unnest(subscriber_ids, conversation_ids) AS pair (subscriber_id, id)) AS wanted
          USING (subscriber_id, id)
        ORDER BY conversation.id
        FOR NO KEY UPDATE OF conversation SKIP LOCKED) AS own;
  moment := clock_timestamp();

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
        changed_at = moment, last_message_at = moment
    FROM (SELECT subscriber_id, conversation_id, count(*)::integer AS entries FROM numbered GROUP BY 1, 2) AS growth
    WHERE conversation.subscriber_id = growth.subscriber_id AND conversation.id = growth.conversation_id
  )
  SELECT judged.place::integer, judged.outcome,
         coalesce(judged.last_seq + numbered.rank, judged.known_seq),
         coalesce(judged.last_revision + numbered.rank, judged.known_revision),
         CASE WHEN numbered.rank IS NULL THEN judged.known_at ELSE moment END
  FROM judged LEFT JOIN numbered USING (place);
END $$`;

/**
 * Raises watermarks: of several receipts for one party of a conversation the highest counts, and one beyond the last
 * message counts for nothing. Gives a row for each party of a conversation that is there: its last message, what its
 * watermarks are now, how far it had seen before, and whether they rose. `other_seen` is what the other party may know, and
 * `told` whether anything rose of that.
 */
const raiseWatermarks = `
CREATE FUNCTION raise_watermarks(
  subscriber_ids uuid[], conversation_ids uuid[], parties party[], delivered integer[], seen integer[]
) RETURNS TABLE (conversation_id uuid, party party, last_seq integer, rose boolean, delivered_seq integer, seen_seq integer,
                 seen_before integer, other_seen integer, told boolean, minute timestamptz)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  this_minute timestamptz := date_trunc('minute', clock_timestamp());
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
    WHERE rises AND minute < this_minute AND delivered_seq > 0
    ON CONFLICT (subscriber_id, conversation_id, party, minute)
      DO UPDATE SET delivered_seq = EXCLUDED.delivered_seq, seen_seq = EXCLUDED.seen_seq
  ), raised AS (
    UPDATE cursor
    SET delivered_seq = new_delivered, seen_seq = new_seen, minute = greatest(cursor.minute, this_minute),
        told_minute = CASE WHEN told THEN greatest(cursor.told_minute, this_minute) ELSE cursor.told_minute END,
        seen_minute = new_seen_minute
    FROM compared
    WHERE rises AND cursor.subscriber_id = compared.subscriber_id
      AND cursor.conversation_id = compared.conversation_id AND cursor.party = compared.party
  )
  SELECT conversation_id, party, last_seq, rises, new_delivered, new_seen, seen_seq,
         CASE WHEN new_seen_minute >= seen_times_since THEN new_seen ELSE 0 END,
         told, greatest(minute, this_minute)
  FROM compared;
END $$`;

const back = [
  'DROP FUNCTION append_messages, raise_watermarks',
  'CREATE INDEX message_by_revision ON message (subscriber_id, conversation_id, revision)',
  'DROP INDEX message_changed',
  `DELETE FROM message WHERE body IS NULL OR digest IS NULL`,
  `ALTER TABLE message DROP COLUMN broadcast_id, DROP COLUMN withdrawn_at, DROP COLUMN changed,
     ALTER COLUMN digest SET NOT NULL, ALTER COLUMN body SET NOT NULL`,
  'ALTER TABLE conversation DROP COLUMN restricted_at',
  'DROP TABLE advertising_report, broadcast_recipient, broadcast',
  `ALTER TABLE subscriber DROP COLUMN time_zone, DROP COLUMN seen_times_since, DROP COLUMN seen_times_changed_at`,
  `INSERT INTO watermark_move SELECT subscriber_id, conversation_id, party, minute, delivered_seq, seen_seq FROM cursor
     WHERE delivered_seq > 0 ON CONFLICT DO NOTHING`,
  'ALTER TABLE cursor ADD COLUMN changed_at timestamptz(3)',
  'UPDATE cursor SET changed_at = minute',
  'ALTER TABLE cursor ALTER COLUMN changed_at SET NOT NULL, DROP COLUMN minute, DROP COLUMN told_minute, DROP COLUMN seen_minute, RESET (fillfactor)',
  'CREATE INDEX cursor_by_change ON cursor (subscriber_id, changed_at)',
];
