import { createHash } from 'node:crypto';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { lackingAttachments, linkAttachments } from '../../src/attachments/link-attachments.sql.js';
import { appendMessage } from '../../src/conversations/append-message.sql.js';
import { appendMessages } from '../../src/conversations/append-messages.sql.js';
import { raiseWatermarks } from '../../src/conversations/raise-watermarks.sql.js';

/** Functions of the database, whose present text stands in the slice that calls them. */
export const functions = {
  append_message: appendMessage,
  append_messages: appendMessages,
  lacking_attachments: lackingAttachments,
  link_attachments: linkAttachments,
  raise_watermarks: raiseWatermarks,
};

const version = createHash('sha256').update(JSON.stringify(functions)).digest('hex').slice(0, 16);

/**
 * Makes the functions anew whenever the text of one has changed: its name is made of their texts, so that a changed one has
 * not been run yet. It comes after every other migration.
 */
export class Functions implements MigrationInterface {
  readonly name = `Functions${version}_9999999999999`;

  async up(queryRunner: QueryRunner): Promise<void> {
    await this.down(queryRunner);
    // An earlier text that comes back has to be run again.
    await queryRunner.query(`DELETE FROM migrations WHERE name LIKE 'Functions%'`);
    for (const text of Object.values(functions)) await queryRunner.query(text);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const name of Object.keys(functions)) await queryRunner.query(`DROP FUNCTION IF EXISTS ${name}`);
  }
}
