import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Telephone numbers of contacts, imports that are cancelled, and reports that say what became of each line. */
export class Imports1763875000000 implements MigrationInterface {
  readonly name = 'Imports1763875000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of statements) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE contact DROP COLUMN phone');
    await queryRunner.query('ALTER TABLE import DROP COLUMN cancelled_at');
    await queryRunner.query('ALTER TABLE import_line DROP COLUMN via, DROP COLUMN same_as');
  }
}

const statements = [
  'ALTER TABLE contact ADD COLUMN phone bytea',
  'ALTER TABLE import ADD COLUMN cancelled_at timestamptz',
  'ALTER TABLE import_line ADD COLUMN via text, ADD COLUMN same_as integer',
  'ALTER TABLE import_line DROP CONSTRAINT import_line_outcome_check',
  `ALTER TABLE import_line ADD CONSTRAINT import_line_outcome_check CHECK (outcome IN
     ('invited', 'corrected', 'already_there', 'already_invited', 'duplicate_in_file', 'asked_not_to_be_written_to',
      'invalid'))`,
];
