import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tokens of mailed links. The table belongs to no subscriber: accounts reach across. */
export class Credentials1763859600000 implements MigrationInterface {
  readonly name = 'Credentials1763859600000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `CREATE TABLE account_token (
        token_hash bytea PRIMARY KEY,
        account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
        purpose    text NOT NULL CHECK (purpose IN ('verify_email', 'reset_password')),
        email_hash bytea NOT NULL,
        expires_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL
      )`,
    );
    await queryRunner.query('CREATE INDEX account_token_by_account ON account_token (account_id)');
    await queryRunner.query('CREATE INDEX account_token_by_expiry ON account_token (expires_at)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE account_token');
  }
}
