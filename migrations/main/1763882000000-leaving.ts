import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Deletion requests of people, pauses and closings of businesses, and accounts that nobody uses.
 *
 * `stopped_at` and `restricted_at` follow from the reasons for which nothing is sent, and are what statements look at.
 * A row of `certificate_mail` is the address to which a certificate will be mailed, under a key of its own that lives for a
 * day at most.
 */
export class Leaving1763882000000 implements MigrationInterface {
  readonly name = 'Leaving1763882000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('SET LOCAL statement_timeout = 0');
    for (const statement of statements) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const statement of back) await queryRunner.query(statement);
  }
}

const statements = [
  `ALTER TABLE subscriber
     ADD COLUMN paused_at timestamptz(3),
     ADD COLUMN closing_asked_at timestamptz(3),
     ADD COLUMN closes_at timestamptz(3),
     ADD COLUMN closing_told_id uuid,
     ADD COLUMN closing_told_at timestamptz(3),
     ADD COLUMN closing_erasure_id uuid,
     ADD COLUMN closed_at timestamptz(3),
     ADD COLUMN stopped_at timestamptz(3) GENERATED ALWAYS AS (least(paused_at, closing_asked_at)) STORED,
     ADD CHECK ((closing_asked_at IS NULL) = (closes_at IS NULL))`,
  `CREATE INDEX subscriber_closing ON subscriber (closes_at) WHERE closes_at IS NOT NULL AND closed_at IS NULL`,

  `ALTER TABLE conversation
     DROP COLUMN restricted_at,
     ADD COLUMN deletion_asked_at timestamptz(3),
     ADD COLUMN deletion_due_at timestamptz(3),
     ADD COLUMN restricted_at timestamptz(3) GENERATED ALWAYS AS
       (least(restricted_by_subscriber, restricted_by_interlocutor, deletion_asked_at)) STORED`,

  `ALTER TABLE rights_request
     ADD COLUMN legal_reason text CHECK (legal_reason IN
       ('expression', 'legal_obligation', 'public_health', 'archiving', 'legal_claims')),
     ADD CHECK ((kind = 'erasure' AND state = 'refused') = (legal_reason IS NOT NULL))`,
  `CREATE INDEX rights_request_erasure ON rights_request (due_at) WHERE kind = 'erasure' AND state IN ('open', 'fulfilled')`,

  `ALTER TABLE erasure
     ADD COLUMN of_subscriber boolean NOT NULL DEFAULT false,
     ADD COLUMN address_until timestamptz(3)`,
  `CREATE TABLE certificate_mail (
    subscriber_id uuid NOT NULL,
    id            uuid NOT NULL,
    erasure_id    uuid NOT NULL,
    sealed        bytea,
    until         timestamptz(3) NOT NULL,
    posted_at     timestamptz(3),
    PRIMARY KEY (subscriber_id, id),
    FOREIGN KEY (subscriber_id, erasure_id) REFERENCES erasure,
    CHECK ((posted_at IS NULL) = (sealed IS NOT NULL))
  )`,

  `ALTER TABLE account
     ADD COLUMN alone_since timestamptz(3),
     ADD COLUMN last_used_at timestamptz(3),
     ADD COLUMN asked_to_stay_at timestamptz(3)`,
];

const back = [
  'ALTER TABLE account DROP COLUMN alone_since, DROP COLUMN last_used_at, DROP COLUMN asked_to_stay_at',
  'DROP TABLE certificate_mail',
  'ALTER TABLE erasure DROP COLUMN of_subscriber, DROP COLUMN address_until',
  'ALTER TABLE rights_request DROP COLUMN legal_reason',
  `ALTER TABLE conversation
     DROP COLUMN restricted_at, DROP COLUMN deletion_asked_at, DROP COLUMN deletion_due_at,
     ADD COLUMN restricted_at timestamptz(3)
       GENERATED ALWAYS AS (least(restricted_by_subscriber, restricted_by_interlocutor)) STORED`,
  `ALTER TABLE subscriber
     DROP COLUMN stopped_at, DROP COLUMN paused_at, DROP COLUMN closing_asked_at, DROP COLUMN closes_at,
     DROP COLUMN closing_told_id, DROP COLUMN closing_told_at, DROP COLUMN closing_erasure_id, DROP COLUMN closed_at`,
];
