import type { MigrationInterface, QueryRunner } from 'typeorm';

const renames = [
  ['TABLE', 'cursor', 'watermark'],
  ['INDEX', 'cursor_pkey', 'watermark_pkey'],
  ['INDEX', 'cursor_by_changed_minute', 'watermark_by_changed_minute'],
  ['INDEX', 'cursor_by_told_minute', 'watermark_by_told_minute'],
] as const;

/** Renames the table of the receipts' watermarks: a cursor is the place where a page of a list begins. */
export class Watermarks1763878000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const [kind, before, after] of renames) await queryRunner.query(`ALTER ${kind} ${before} RENAME TO ${after}`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const [kind, before, after] of renames) await queryRunner.query(`ALTER ${kind} ${after} RENAME TO ${before}`);
  }
}
