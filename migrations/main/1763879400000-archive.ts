import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The progress of what is derived from stored messages (docs/decisions/0016), and the index of the searchable archive
 * (docs/decisions/0017).
 */
export class Archive1763879400000 implements MigrationInterface {
  readonly name = 'Archive1763879400000';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of [...feed, ...index]) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const statement of back) await queryRunner.query(statement);
  }
}

/**
 * A consumer has seen every change before its checkpoint. Of a conversation that has changed since, the progress says up to
 * which revision it has; a progress of an earlier generation counts for nothing, so that raising the generation begins anew.
 */
const feed = [
  `CREATE TABLE feed_consumer (
    name       text PRIMARY KEY,
    generation integer NOT NULL DEFAULT 1,
    checkpoint timestamptz(3) NOT NULL DEFAULT timestamptz '1970-01-01 00:00:00+00'
  )`,
  `CREATE TABLE feed_progress (
    subscriber_id   uuid NOT NULL,
    conversation_id uuid NOT NULL,
    consumer        text NOT NULL,
    generation      integer NOT NULL,
    revision        integer NOT NULL,
    PRIMARY KEY (subscriber_id, conversation_id, consumer),
    FOREIGN KEY (subscriber_id, conversation_id) REFERENCES conversation ON DELETE CASCADE
  ) WITH (fillfactor = 70)`,
  `CREATE TABLE feed_broadcast (
    subscriber_id uuid NOT NULL,
    broadcast_id  uuid NOT NULL,
    consumer      text NOT NULL,
    generation    integer NOT NULL,
    PRIMARY KEY (subscriber_id, broadcast_id, consumer),
    FOREIGN KEY (subscriber_id, broadcast_id) REFERENCES broadcast ON DELETE CASCADE
  )`,
  `CREATE INDEX broadcast_started ON broadcast (started_at) WHERE started_at IS NOT NULL`,
];

/**
 * One entry for a message, and one for a broadcast, with seq 0 and its own id in place of a conversation's. Rows are derived:
 * they refer to nothing, and each is checked against what it was made of before it is told. Partitions are made by month.
 */
const index = [
  `CREATE TABLE search_entry (
    subscriber_id   uuid NOT NULL,
    sent_at         timestamptz(3) NOT NULL,
    conversation_id uuid NOT NULL,
    seq             integer NOT NULL,
    sender          party NOT NULL,
    tokens          integer[] NOT NULL,
    PRIMARY KEY (subscriber_id, sent_at, conversation_id, seq)
  ) PARTITION BY RANGE (sent_at)`,
  `CREATE INDEX search_entry_by_token ON search_entry USING gin (tokens) WITH (gin_pending_list_limit = 1024)`,
];

const back = ['DROP TABLE search_entry, feed_broadcast, feed_progress, feed_consumer', 'DROP INDEX broadcast_started'];
