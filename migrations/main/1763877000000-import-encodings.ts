import type { MigrationInterface, QueryRunner } from 'typeorm';

/** An import keeps which encoding its file was read in. */
export class ImportEncodings1763877000000 implements MigrationInterface {
  readonly name = 'ImportEncodings1763877000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE import ADD COLUMN encoding text');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE import DROP COLUMN encoding');
  }
}
