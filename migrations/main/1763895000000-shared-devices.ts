import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Sessions on devices that others use too, which end by themselves after some hours without use. */
export class SharedDevices1763895000000 implements MigrationInterface {
  readonly name = 'SharedDevices1763895000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE session ADD COLUMN shared boolean NOT NULL DEFAULT false');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE session DROP COLUMN shared');
  }
}
