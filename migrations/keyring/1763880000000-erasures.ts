import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The ledger of keys that erasures have destroyed, in ids only. It is written in the statement that destroys them and nothing
 * is ever deleted from it, so that a backup of the main database that is older than an erasure can be rid of the same people.
 * Keys of the scope `proof` seal nothing: proofs of consent that outlive their person are hashed with them.
 */
export class Erasures1763880000000 implements MigrationInterface {
  readonly name = 'Erasures1763880000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE erased (
        scope      text NOT NULL CHECK (scope IN ('contact', 'interlocutor', 'subscriber')),
        id         uuid NOT NULL,
        erasure_id uuid NOT NULL,
        erased_at  timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (scope, id)
      )`);
    await queryRunner.query('CREATE INDEX erased_by_erasure ON erased (erasure_id)');
    await this.scopes(queryRunner, 'contact', 'interlocutor', 'subscriber', 'service', 'proof');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE erased');
    await queryRunner.query(`DELETE FROM wrapped_key WHERE scope = 'proof'`);
    await this.scopes(queryRunner, 'contact', 'interlocutor', 'subscriber', 'service');
  }

  private async scopes(queryRunner: QueryRunner, ...scopes: string[]): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE wrapped_key DROP CONSTRAINT wrapped_key_scope_check,
        ADD CONSTRAINT wrapped_key_scope_check CHECK (scope IN (${scopes.map((scope) => `'${scope}'`).join(', ')}))`);
  }
}
