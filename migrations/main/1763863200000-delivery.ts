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
    for (const statement of [...watermarks, ...subscribers, ...broadcasts, ...messages])
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

const back = [
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
