import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The ledger of keys that an erasure destroyed, in ids only. It is written in the statement that destroys them and nothing
 * is ever deleted from it, so that a backup of the main database that is older than an erasure can be rid of the same people.
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
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE erased');
  }
}
