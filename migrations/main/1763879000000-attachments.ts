import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Files of messages and of broadcasts. A file belongs to a conversation, or to its subscriber alone while it is for a
 * broadcast. It is sent once `seq` or `broadcast_id` says where; so no two messages share one.
 *
 * Its bytes stand in the storage, sealed, as one object or several that follow each other. The key of each object is here,
 * sealed with the key of the contact or of the subscriber. An object that has lost its row has lost its key; `erased_object`
 * names it until it is gone from the storage too.
 */
export class Attachments1763879000000 implements MigrationInterface {
  readonly name = 'Attachments1763879000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of statements) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE erased_object, attachment_object, attachment, attachment_usage');
    await queryRunner.query('ALTER TABLE broadcast DROP COLUMN files');
    await queryRunner.query('ALTER TABLE message DROP COLUMN files');
  }
}

const statements = [
  // How many files a message has, so that nothing is looked for where there is none.
  `ALTER TABLE message ADD COLUMN files smallint NOT NULL DEFAULT 0`,
  `ALTER TABLE broadcast ADD COLUMN files smallint NOT NULL DEFAULT 0`,

  `CREATE TABLE attachment (
    subscriber_id uuid NOT NULL REFERENCES subscriber,
    id            uuid NOT NULL,
    contact_id    uuid,
    sender        party NOT NULL,
    author_id     uuid,
    account_id    uuid NOT NULL,
    seq           integer,
    broadcast_id  uuid,
    place         smallint,
    state         text NOT NULL CHECK (state IN ('uploading', 'pending', 'ready', 'rejected')),
    scanned       boolean NOT NULL DEFAULT false,
    resumable     boolean NOT NULL DEFAULT false,
    size          integer NOT NULL,
    family        text NOT NULL,
    media_type    text NOT NULL,
    inline        boolean NOT NULL DEFAULT false,
    width         integer,
    height        integer,
    duration      integer,
    pages         integer,
    note          text,
    details       bytea NOT NULL,
    created_at    timestamptz(3) NOT NULL,
    PRIMARY KEY (subscriber_id, id),
    FOREIGN KEY (subscriber_id, contact_id) REFERENCES contact,
    FOREIGN KEY (subscriber_id, contact_id, seq) REFERENCES message,
    FOREIGN KEY (subscriber_id, broadcast_id) REFERENCES broadcast,
    CHECK (contact_id IS NOT NULL OR (seq IS NULL AND sender = 'subscriber')),
    CHECK (contact_id IS NULL OR broadcast_id IS NULL),
    CHECK ((sender = 'subscriber') = (author_id IS NOT NULL)),
    CHECK ((seq IS NULL AND broadcast_id IS NULL) = (place IS NULL))
  )`,
  `CREATE INDEX attachment_of_message ON attachment (subscriber_id, contact_id, seq, place)`,
  `CREATE INDEX attachment_of_broadcast ON attachment (subscriber_id, broadcast_id, place) WHERE broadcast_id IS NOT NULL`,
  `CREATE INDEX attachment_unsent ON attachment (created_at) WHERE place IS NULL`,
  `CREATE INDEX attachment_unsent_of_account ON attachment (subscriber_id, account_id) WHERE place IS NULL`,
  `CREATE INDEX attachment_to_scan ON attachment (created_at) WHERE state = 'pending'`,

  `CREATE TABLE attachment_object (
    subscriber_id uuid NOT NULL,
    id            uuid NOT NULL,
    attachment_id uuid NOT NULL,
    part          text NOT NULL CHECK (part IN ('content', 'thumbnail', 'display')),
    start         integer NOT NULL,
    size          integer NOT NULL,
    key           bytea NOT NULL,
    media_type    text,
    width         integer,
    height        integer,
    PRIMARY KEY (subscriber_id, id),
    UNIQUE (subscriber_id, attachment_id, part, start),
    FOREIGN KEY (subscriber_id, attachment_id) REFERENCES attachment
  )`,

  `CREATE TABLE erased_object (
    subscriber_id uuid NOT NULL,
    id            uuid NOT NULL,
    erased_at     timestamptz(3) NOT NULL,
    PRIMARY KEY (subscriber_id, id)
  )`,

  `CREATE TABLE attachment_usage (
    subscriber_id uuid PRIMARY KEY REFERENCES subscriber,
    bytes         bigint NOT NULL
  )`,
];
