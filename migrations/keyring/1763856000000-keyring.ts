import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Keyring1763856000000 implements MigrationInterface {
  readonly name = 'Keyring1763856000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- The number of the epoch that wraps now. The epoch key itself is a file, never a row.
      CREATE TABLE epoch (
        singleton  boolean PRIMARY KEY DEFAULT true CHECK (singleton),
        number     integer NOT NULL,
        renewed_at timestamptz NOT NULL DEFAULT now()
      )`);
    await queryRunner.query(`
      CREATE TABLE wrapped_key (
        scope   text NOT NULL CHECK (scope IN ('contact', 'interlocutor', 'subscriber', 'service')),
        id      uuid NOT NULL,
        epoch   integer NOT NULL,
        wrapped bytea NOT NULL,
        PRIMARY KEY (scope, id)
      )`);
    await queryRunner.query('CREATE INDEX wrapped_key_by_epoch ON wrapped_key (epoch)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE wrapped_key, epoch');
  }
}
