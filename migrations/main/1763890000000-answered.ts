import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Up to which entry of a conversation the business has said that no answer is needed, and when it said so last: the
 * members' changed heads are found by that, while `changed_at` is the time of what both parties see.
 */
export class Answered1763890000000 implements MigrationInterface {
  readonly name = 'Answered1763890000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'ALTER TABLE conversation ADD COLUMN answered_seq integer NOT NULL DEFAULT 0, ADD COLUMN answered_at timestamptz(3)',
    );
    await queryRunner.query(
      'CREATE INDEX conversation_answered ON conversation (subscriber_id, answered_at) WHERE answered_at IS NOT NULL',
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE conversation DROP COLUMN answered_seq, DROP COLUMN answered_at');
  }
}
