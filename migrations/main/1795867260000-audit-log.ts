import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The log of a business also says who signed in, and how often somebody tried to; people have a log of their own accounts.
 * Network addresses in it are sealed.
 */
export class AuditLog1795867260000 implements MigrationInterface {
  readonly name = 'AuditLog1795867260000';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of statements) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE account_event');
    await queryRunner.query('ALTER TABLE policy_publication DROP COLUMN logged_at');
    await queryRunner.query('DROP INDEX action_by_time');
    await queryRunner.query('ALTER TABLE action DROP COLUMN times, DROP COLUMN network');
  }
}

const statements = [
  `ALTER TABLE action
     ADD COLUMN times   integer NOT NULL DEFAULT 1,
     ADD COLUMN network bytea`,
  `CREATE INDEX action_by_time ON action (at)`,
  `ALTER TABLE policy_publication ADD COLUMN logged_at timestamptz`,
  `UPDATE policy_publication SET logged_at = published_at`,

  `CREATE TABLE account_event (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    kind       text NOT NULL,
    subject_id uuid,
    times      integer NOT NULL DEFAULT 1,
    network    bytea,
    at         timestamptz NOT NULL
  )`,
  `CREATE INDEX account_event_by_account ON account_event (account_id, id)`,
  `CREATE INDEX account_event_by_time ON account_event (at)`,
];
