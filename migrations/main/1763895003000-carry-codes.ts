import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Codes that carry a sign-in into another program on the same device. They go with the session that made them. */
export class CarryCodes1763895003000 implements MigrationInterface {
  readonly name = 'CarryCodes1763895003000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE carry_code (
        code_hash  bytea PRIMARY KEY,
        account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
        session_id uuid NOT NULL REFERENCES session ON DELETE CASCADE,
        expires_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL
      )`);
    await queryRunner.query('CREATE INDEX carry_code_by_session ON carry_code (session_id)');
    await queryRunner.query('CREATE INDEX carry_code_by_account ON carry_code (account_id)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE carry_code');
  }
}
