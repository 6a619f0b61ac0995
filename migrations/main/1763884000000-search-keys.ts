import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The search keys of subscribers, which are renewed from time to time (docs/decisions/0017). New entries of the index are made
 * with the key of this number; until `done_at`, older ones behind the place still have the key before it.
 */
export class SearchKeys1763884000000 implements MigrationInterface {
  readonly name = 'SearchKeys1763884000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE TABLE search_key (
      subscriber_id uuid PRIMARY KEY REFERENCES subscriber ON DELETE CASCADE,
      number        integer NOT NULL,
      begun_at      timestamptz(3) NOT NULL,
      done_at       timestamptz(3),
      place_time    timestamptz(3),
      place_id      uuid,
      place_seq     integer
    )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE search_key');
  }
}
