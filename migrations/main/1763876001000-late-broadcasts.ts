import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Broadcasts that are late are held, and planned ones can be edited. */
export class LateBroadcasts1763876001000 implements MigrationInterface {
  readonly name = 'LateBroadcasts1763876001000';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of statements) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const statement of back) await queryRunner.query(statement);
  }
}

const statements = [
  `ALTER TABLE broadcast
     ADD COLUMN not_after timestamptz(3),
     ADD COLUMN edition integer NOT NULL DEFAULT 1,
     DROP CONSTRAINT broadcast_state_check,
     ADD CONSTRAINT broadcast_state_check
       CHECK (state IN ('scheduled', 'running', 'held', 'finished', 'cancelled', 'stopped'))`,
  `UPDATE broadcast SET not_after = send_at + interval '6 hours'`,
  `ALTER TABLE broadcast ALTER COLUMN not_after SET NOT NULL`,
  // Holding a late broadcast is done by no member.
  `ALTER TABLE action ALTER COLUMN member_id DROP NOT NULL`,
];

const back = [
  `DELETE FROM action WHERE member_id IS NULL`,
  `ALTER TABLE action ALTER COLUMN member_id SET NOT NULL`,
  `UPDATE broadcast SET state = 'cancelled', ended_at = now() WHERE state = 'held'`,
  `ALTER TABLE broadcast DROP COLUMN not_after, DROP COLUMN edition, DROP CONSTRAINT broadcast_state_check,
     ADD CONSTRAINT broadcast_state_check CHECK (state IN ('scheduled', 'running', 'finished', 'cancelled', 'stopped'))`,
];
