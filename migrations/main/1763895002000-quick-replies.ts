import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Texts that a subscriber's members send often, sealed with its key. */
export class QuickReplies1763895002000 implements MigrationInterface {
  readonly name = 'QuickReplies1763895002000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE quick_reply (
        subscriber_id uuid NOT NULL REFERENCES subscriber,
        id            uuid NOT NULL,
        title         bytea NOT NULL,
        text          bytea NOT NULL,
        created_at    timestamptz NOT NULL,
        PRIMARY KEY (subscriber_id, id)
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE quick_reply');
  }
}
