import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Retention: messages older than so many months go (docs/decisions/0021). Their rows stay as empty entries, so that numbers have
 * no gaps; `withdrawn_at` says of these too since when they have no content, and `expired_at` that nobody withdrew them. All
 * entries of a conversation up to `expired_seq` have gone so. An old broadcast loses its ledger and all that it says; its row
 * stays empty, because to delete it every message would have to be looked through.
 */
export class Retention1795860000000 implements MigrationInterface {
  readonly name = 'Retention1795860000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    // It looks at every message once.
    await queryRunner.query('SET LOCAL statement_timeout = 0');
    for (const statement of statements) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const statement of back) await queryRunner.query(statement);
  }
}

const statements = [
  `ALTER TABLE subscriber
     ADD COLUMN retention_months smallint CHECK (retention_months BETWEEN 1 AND 120),
     ADD COLUMN retention_from timestamptz(3),
     ADD CONSTRAINT subscriber_retention CHECK ((retention_months IS NULL) = (retention_from IS NULL))`,
  `ALTER TABLE conversation ADD COLUMN expired_seq integer NOT NULL DEFAULT 0`,
  `ALTER TABLE message
     ALTER COLUMN client_id DROP NOT NULL,
     ADD COLUMN expired_at timestamptz(3)`,
  `ALTER TABLE message
     ADD CONSTRAINT message_expired CHECK
       (CASE WHEN expired_at IS NULL THEN client_id IS NOT NULL
             ELSE client_id IS NULL AND author_id IS NULL AND broadcast_id IS NULL AND files = 0
                  AND withdrawn_at IS NOT NULL END) NOT VALID`,
  `ALTER TABLE message VALIDATE CONSTRAINT message_expired`,
  `ALTER TABLE broadcast ADD COLUMN expired_at timestamptz(3)`,
  `CREATE TABLE retention_run (
    subscriber_id uuid NOT NULL REFERENCES subscriber,
    id            uuid NOT NULL,
    months        smallint NOT NULL,
    cutoff        timestamptz(3) NOT NULL,
    started_at    timestamptz(3) NOT NULL,
    finished_at   timestamptz(3),
    checkpoint    uuid,
    messages      integer NOT NULL DEFAULT 0,
    files         integer NOT NULL DEFAULT 0,
    broadcasts    integer NOT NULL DEFAULT 0,
    left_out      integer NOT NULL DEFAULT 0,
    PRIMARY KEY (subscriber_id, id)
  )`,
  `CREATE UNIQUE INDEX retention_run_under_way ON retention_run (subscriber_id) WHERE finished_at IS NULL`,
];

const back = [
  `DROP TABLE retention_run`,
  `ALTER TABLE broadcast DROP COLUMN expired_at`,
  `ALTER TABLE message DROP CONSTRAINT message_expired, DROP COLUMN expired_at`,
  `UPDATE message SET client_id = 'expired ' || seq WHERE client_id IS NULL`,
  `ALTER TABLE message ALTER COLUMN client_id SET NOT NULL`,
  `ALTER TABLE conversation DROP COLUMN expired_seq`,
  `ALTER TABLE subscriber DROP CONSTRAINT subscriber_retention, DROP COLUMN retention_months, DROP COLUMN retention_from`,
];
