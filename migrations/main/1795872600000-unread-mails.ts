import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Mails about unread messages: the choice of each account, and the time when it is to be looked at next. No row points to
 * `account`, because the feed of changes would then wait for accounts that are being erased; the rows are deleted with them.
 * The consumer begins with what comes from now on: nobody is mailed about messages of long ago.
 */
export class UnreadMails1795872600000 implements MigrationInterface {
  readonly name = 'UnreadMails1795872600000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE unread_mail (
        account_id   uuid PRIMARY KEY,
        wait_minutes integer NOT NULL DEFAULT 60,
        since        timestamptz,
        due_at       timestamptz,
        of_broadcast boolean NOT NULL DEFAULT false,
        mailed_at    timestamptz
      )`);
    await queryRunner.query(
      'CREATE INDEX unread_mail_by_due ON unread_mail (of_broadcast, due_at) WHERE due_at IS NOT NULL',
    );
    await queryRunner.query(`
      CREATE TABLE unread_broadcast (
        subscriber_id uuid NOT NULL,
        broadcast_id  uuid NOT NULL,
        started_at    timestamptz NOT NULL,
        walked_to     uuid,
        PRIMARY KEY (subscriber_id, broadcast_id),
        FOREIGN KEY (subscriber_id, broadcast_id) REFERENCES broadcast ON DELETE CASCADE
      )`);
    await queryRunner.query(
      `INSERT INTO feed_consumer (name, checkpoint) VALUES ('unread-mail', now()) ON CONFLICT DO NOTHING`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DELETE FROM feed_consumer WHERE name = 'unread-mail'`);
    await queryRunner.query(`DELETE FROM feed_progress WHERE consumer = 'unread-mail'`);
    await queryRunner.query(`DELETE FROM feed_broadcast WHERE consumer = 'unread-mail'`);
    await queryRunner.query('DROP TABLE unread_broadcast');
    await queryRunner.query('DROP TABLE unread_mail');
  }
}
