import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Every export has a key of its own. */
export class Exports1763881000000 implements MigrationInterface {
  readonly name = 'Exports1763881000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE wrapped_key DROP CONSTRAINT wrapped_key_scope_check');
    await queryRunner.query(
      `ALTER TABLE wrapped_key ADD CONSTRAINT wrapped_key_scope_check
         CHECK (scope IN ('contact', 'interlocutor', 'subscriber', 'service', 'proof', 'export'))`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DELETE FROM wrapped_key WHERE scope = 'export'`);
    await queryRunner.query('ALTER TABLE wrapped_key DROP CONSTRAINT wrapped_key_scope_check');
    await queryRunner.query(
      `ALTER TABLE wrapped_key ADD CONSTRAINT wrapped_key_scope_check
         CHECK (scope IN ('contact', 'interlocutor', 'subscriber', 'service', 'proof'))`,
    );
  }
}
