import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The member who takes care of a conversation. The members' changed heads are found by the last change of that, while
 * `changed_at` is the time of what both parties see.
 */
export class Claims1763895001000 implements MigrationInterface {
  readonly name = 'Claims1763895001000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE conversation
        ADD COLUMN claimed_by uuid,
        ADD COLUMN claimed_at timestamptz(3),
        ADD COLUMN claim_changed_at timestamptz(3),
        ADD CHECK ((claimed_by IS NULL) = (claimed_at IS NULL))`);
    await queryRunner.query(
      'CREATE INDEX conversation_claimed ON conversation (subscriber_id, claimed_by) WHERE claimed_by IS NOT NULL',
    );
    await queryRunner.query(
      'CREATE INDEX conversation_claim_changed ON conversation (subscriber_id, claim_changed_at) WHERE claim_changed_at IS NOT NULL',
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'ALTER TABLE conversation DROP COLUMN claimed_by, DROP COLUMN claimed_at, DROP COLUMN claim_changed_at',
    );
  }
}
