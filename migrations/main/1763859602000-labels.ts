import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Data that a subscriber adds to its contacts. Names of labels are sealed with the subscriber's key, a note and an external id
 * with the contact's; their hashes are keyed by the subscriber's key. All new columns may be null, so the table is not rewritten.
 */
export class Labels1763859602000 implements MigrationInterface {
  readonly name = 'Labels1763859602000';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of statements) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE contact_label, label');
    await queryRunner.query('ALTER TABLE contact DROP note, DROP external_id, DROP external_id_hash');
  }
}

const statements = [
  `CREATE TABLE label (
    subscriber_id uuid NOT NULL REFERENCES subscriber,
    id            uuid NOT NULL,
    name          bytea NOT NULL,
    name_hash     bytea NOT NULL,
    color         text,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (subscriber_id, id),
    UNIQUE (subscriber_id, name_hash)
  )`,

  `CREATE TABLE contact_label (
    subscriber_id uuid NOT NULL,
    contact_id    uuid NOT NULL,
    label_id      uuid NOT NULL,
    PRIMARY KEY (subscriber_id, contact_id, label_id),
    FOREIGN KEY (subscriber_id, contact_id) REFERENCES contact ON DELETE CASCADE,
    FOREIGN KEY (subscriber_id, label_id) REFERENCES label ON DELETE CASCADE
  )`,
  `CREATE INDEX contact_label_by_label ON contact_label (subscriber_id, label_id)`,

  `ALTER TABLE contact
     ADD note bytea, ADD external_id bytea, ADD external_id_hash bytea,
     ADD UNIQUE (subscriber_id, external_id_hash)`,
];
