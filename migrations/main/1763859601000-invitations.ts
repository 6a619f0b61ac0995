import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Personal invitations by mail and by letter, and imports. What a file says of people waits sealed in `import_chunk`,
 * and each chunk goes in the transaction that makes invitations of it. `mail_stop` belongs to no subscriber: who asked
 * not to be written to is asked by none.
 */
export class Invitations1763859601000 implements MigrationInterface {
  readonly name = 'Invitations1763859601000';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of statements) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `ALTER TABLE invitation DROP COLUMN import_id, DROP COLUMN locale, DROP COLUMN email_hash, DROP COLUMN line_hash,
         DROP COLUMN stop_hash, DROP COLUMN suggestion, DROP COLUMN mailed_at, DROP COLUMN reminded_at,
         DROP COLUMN stopped_at`,
    );
    await queryRunner.query('DROP TABLE import_line, import_chunk, import, mail_stop');
  }
}

const statements = [
  `CREATE TABLE mail_stop (
    email_hash bytea PRIMARY KEY,
    stopped_at timestamptz NOT NULL
  )`,

  `CREATE TABLE import (
    subscriber_id uuid NOT NULL REFERENCES subscriber,
    id            uuid NOT NULL,
    name          bytea NOT NULL,
    locale        text NOT NULL,
    created_by    uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    total         integer NOT NULL,
    done          integer NOT NULL,
    finished_at   timestamptz,
    PRIMARY KEY (subscriber_id, id)
  )`,
  `CREATE INDEX import_unfinished ON import (created_at) WHERE finished_at IS NULL`,

  `CREATE TABLE import_chunk (
    subscriber_id uuid NOT NULL,
    import_id     uuid NOT NULL,
    number        integer NOT NULL,
    lines         bytea NOT NULL,
    PRIMARY KEY (subscriber_id, import_id, number),
    FOREIGN KEY (subscriber_id, import_id) REFERENCES import
  )`,

  `CREATE TABLE import_line (
    subscriber_id uuid NOT NULL,
    import_id     uuid NOT NULL,
    number        integer NOT NULL,
    file_line     integer NOT NULL,
    outcome       text NOT NULL CHECK (outcome IN
                    ('invited', 'already_there', 'already_invited', 'asked_not_to_be_written_to', 'invalid')),
    field         text,
    reason        text,
    invitation_id uuid,
    PRIMARY KEY (subscriber_id, import_id, number),
    FOREIGN KEY (subscriber_id, import_id) REFERENCES import
  )`,

  `ALTER TABLE invitation
     ADD COLUMN import_id uuid,
     ADD COLUMN locale text,
     ADD COLUMN email_hash bytea,
     ADD COLUMN line_hash bytea,
     ADD COLUMN stop_hash bytea,
     ADD COLUMN suggestion bytea,
     ADD COLUMN mailed_at timestamptz,
     ADD COLUMN reminded_at timestamptz,
     ADD COLUMN stopped_at timestamptz,
     ADD UNIQUE (subscriber_id, email_hash),
     ADD UNIQUE (subscriber_id, line_hash),
     ADD FOREIGN KEY (subscriber_id, import_id) REFERENCES import`,
  // The mails of earlier ones were posted when they were made.
  `UPDATE invitation SET mailed_at = created_at, locale = 'it' WHERE kind = 'personal' AND email IS NOT NULL`,
  `CREATE INDEX invitation_by_import ON invitation (subscriber_id, import_id, id) WHERE import_id IS NOT NULL`,
  `CREATE INDEX invitation_mailed ON invitation (subscriber_id, mailed_at) WHERE mailed_at IS NOT NULL`,
  `CREATE INDEX invitation_reminded ON invitation (subscriber_id, reminded_at) WHERE reminded_at IS NOT NULL`,
  `CREATE INDEX invitation_to_mail ON invitation (subscriber_id, id) WHERE email IS NOT NULL AND mailed_at IS NULL`,
  `CREATE INDEX invitation_to_remind ON invitation (mailed_at) WHERE email IS NOT NULL AND reminded_at IS NULL`,
  `CREATE INDEX personal_invitation_by_expiry ON invitation (expires_at) WHERE kind = 'personal'`,
];
