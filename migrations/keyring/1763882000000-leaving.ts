import type { MigrationInterface, QueryRunner } from 'typeorm';

/** An address that outlives its person for one last mail has a key of its own, which is destroyed once the mail was sent. */
export class Leaving1763882000000 implements MigrationInterface {
  readonly name = 'Leaving1763882000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await this.scopes(queryRunner, 'contact', 'interlocutor', 'subscriber', 'service', 'proof', 'export', 'mail');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DELETE FROM wrapped_key WHERE scope = 'mail'`);
    await this.scopes(queryRunner, 'contact', 'interlocutor', 'subscriber', 'service', 'proof', 'export');
  }

  private async scopes(queryRunner: QueryRunner, ...scopes: string[]): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE wrapped_key DROP CONSTRAINT wrapped_key_scope_check,
        ADD CONSTRAINT wrapped_key_scope_check CHECK (scope IN (${scopes.map((scope) => `'${scope}'`).join(', ')}))`);
  }
}
