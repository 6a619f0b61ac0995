import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Devices on which an account has been signed in, so that only new ones are told of. */
export class KnownDevices1795870800000 implements MigrationInterface {
  readonly name = 'KnownDevices1795870800000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE known_device (
        account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
        mark_hash  bytea NOT NULL,
        used_at    timestamptz NOT NULL,
        PRIMARY KEY (account_id, mark_hash)
      )`);
    await queryRunner.query('CREATE INDEX known_device_by_use ON known_device (used_at)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE known_device');
  }
}
