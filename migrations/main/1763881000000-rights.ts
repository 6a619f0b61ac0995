import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Restrictions of conversations, requests of people about their data, and exports.
 *
 * Each party restricts a conversation by itself and lifts only its own restriction, so each has a time of its own;
 * `restricted_at` follows from the two and is what statements look at.
 *
 * An export belongs to an account. Its file stands in the storage under `object`, sealed with `key`, which is sealed with a
 * key of the keyring: destroying that makes the file unreadable, in backups too. `edition` counts the attempts, so that one
 * that was overtaken notices.
 */
export class Rights1763881000000 implements MigrationInterface {
  readonly name = 'Rights1763881000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of statements) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const statement of back) await queryRunner.query(statement);
  }
}

const statements = [
  `ALTER TABLE conversation
     DROP COLUMN restricted_at,
     ADD COLUMN restricted_by_subscriber timestamptz(3),
     ADD COLUMN restricted_by_interlocutor timestamptz(3),
     ADD COLUMN restricted_at timestamptz(3)
       GENERATED ALWAYS AS (least(restricted_by_subscriber, restricted_by_interlocutor)) STORED`,

  `CREATE TABLE rights_request (
    subscriber_id uuid NOT NULL REFERENCES subscriber,
    id            uuid NOT NULL,
    contact_id    uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN
                    ('access', 'rectification', 'restriction', 'objection', 'promotions_objection', 'erasure')),
    state         text NOT NULL CHECK (state IN ('open', 'fulfilled', 'refused', 'taken_back')),
    words         bytea,
    answer        bytea,
    asked_at      timestamptz(3) NOT NULL,
    due_at        timestamptz(3),
    extended_at   timestamptz(3),
    extension     bytea,
    closed_at     timestamptz(3),
    closed_by     uuid,
    reminders     smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (subscriber_id, id),
    FOREIGN KEY (subscriber_id, contact_id) REFERENCES contact_root,
    CHECK ((state = 'open') = (closed_at IS NULL)),
    CHECK (state <> 'open' OR due_at IS NOT NULL)
  )`,
  `CREATE INDEX rights_request_of_contact ON rights_request (subscriber_id, contact_id, id)`,
  `CREATE INDEX rights_request_due ON rights_request (due_at) WHERE state = 'open'`,

  `CREATE TABLE export (
    id            uuid PRIMARY KEY,
    account_id    uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    kind          text NOT NULL CHECK (kind IN ('member', 'interlocutor')),
    holder_id     uuid NOT NULL,
    subscriber_id uuid CHECK ((kind = 'member') = (subscriber_id IS NOT NULL)),
    contact_id    uuid,
    locale        text NOT NULL,
    state         text NOT NULL CHECK (state IN ('waiting', 'running', 'ready', 'failed')),
    edition       integer NOT NULL DEFAULT 0,
    failures      smallint NOT NULL DEFAULT 0,
    problem       text,
    object        text,
    key           bytea,
    size          bigint,
    done          bigint NOT NULL DEFAULT 0,
    total         bigint NOT NULL DEFAULT 0,
    asked_at      timestamptz(3) NOT NULL,
    ready_at      timestamptz(3),
    expires_at    timestamptz(3),
    CHECK ((state = 'ready') = (object IS NOT NULL AND key IS NOT NULL AND size IS NOT NULL AND ready_at IS NOT NULL)),
    CHECK ((state IN ('ready', 'failed')) = (expires_at IS NOT NULL))
  )`,
  `CREATE INDEX export_of_account ON export (account_id, id)`,
  `CREATE UNIQUE INDEX export_under_way ON export (account_id) WHERE state IN ('waiting', 'running')`,
  `CREATE INDEX export_by_expiry ON export (expires_at) WHERE expires_at IS NOT NULL`,

  // A proof of the password lets one session download one export until then.
  `CREATE TABLE export_download (
    export_id  uuid NOT NULL REFERENCES export ON DELETE CASCADE,
    session_id uuid NOT NULL REFERENCES session ON DELETE CASCADE,
    until      timestamptz(3) NOT NULL,
    PRIMARY KEY (export_id, session_id)
  )`,
  `CREATE INDEX export_download_of_session ON export_download (session_id)`,

  // The audit entries about a person are part of what it may have.
  `CREATE INDEX action_by_subject ON action (subscriber_id, subject_id, id) WHERE subject_id IS NOT NULL`,
];

const back = [
  'DROP INDEX action_by_subject',
  'DROP TABLE export_download, export, rights_request',
  `ALTER TABLE conversation
     DROP COLUMN restricted_at, DROP COLUMN restricted_by_subscriber, DROP COLUMN restricted_by_interlocutor,
     ADD COLUMN restricted_at timestamptz(3)`,
];
