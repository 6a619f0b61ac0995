import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A version of a policy holds from the time of its publication. What was recorded before counts as published for its own
 * day; its texts are added at the next start, from the files that they were read from.
 */
export class PolicyPublications1795867200000 implements MigrationInterface {
  readonly name = 'PolicyPublications1795867200000';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of statements) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX consent_of_members');
    await queryRunner.query('DROP TABLE policy_notice');
    await queryRunner.query('DROP TABLE policy_publication');
    await queryRunner.query('ALTER TABLE policy DROP COLUMN source');
  }
}

const statements = [
  `ALTER TABLE policy ADD COLUMN source text`,

  `CREATE TABLE policy_publication (
    id                  uuid PRIMARY KEY,
    audience            text NOT NULL CHECK (audience IN ('subscriber', 'interlocutor')),
    purpose             text NOT NULL CHECK (purpose IN ('terms', 'privacy')),
    version             integer NOT NULL,
    effective_at        timestamptz NOT NULL,
    requires_acceptance boolean NOT NULL,
    published_at        timestamptz NOT NULL,
    told_after          uuid,
    told_at             timestamptz,
    UNIQUE (audience, purpose, version)
  )`,
  `INSERT INTO policy_publication (id, audience, purpose, version, effective_at, requires_acceptance, published_at, told_at)
   SELECT gen_random_uuid(), audience, purpose, version, min(effective)::timestamp AT TIME ZONE 'UTC',
          bool_or(requires_acceptance), now(), now()
   FROM policy GROUP BY audience, purpose, version`,

  `CREATE TABLE policy_notice (
    subscriber_id uuid NOT NULL,
    id            uuid NOT NULL,
    contact_id    uuid,
    account_id    uuid NOT NULL,
    purpose       text NOT NULL CHECK (purpose IN ('terms', 'privacy')),
    version       integer NOT NULL,
    in_force      boolean NOT NULL,
    policy_id     uuid NOT NULL,
    text_sha256   bytea NOT NULL,
    shown_at      timestamptz NOT NULL,
    PRIMARY KEY (subscriber_id, id),
    UNIQUE (subscriber_id, account_id, purpose, version, in_force)
  )`,
  `CREATE INDEX policy_notice_by_contact ON policy_notice (subscriber_id, contact_id) WHERE contact_id IS NOT NULL`,

  `CREATE INDEX consent_of_members ON consent (subscriber_id, account_id) WHERE contact_id IS NULL`,
];
