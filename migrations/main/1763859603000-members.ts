import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Staff is invited, joins with an account of its own, and is removed: the row stays for what the member wrote, without
 * account and address. An action says who did what, in kinds and ids alone. The times of profile changes bring the head
 * of a conversation to whoever asks what has changed.
 */
export class Members1763859603000 implements MigrationInterface {
  readonly name = 'Members1763859603000';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of statements) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE action');
    await queryRunner.query('ALTER TABLE contact DROP COLUMN profile_changed_at');
    await queryRunner.query('ALTER TABLE subscriber DROP COLUMN profile_changed_at');
    await queryRunner.query('DELETE FROM member WHERE account_id IS NULL');
    await queryRunner.query(
      `ALTER TABLE member ALTER COLUMN account_id SET NOT NULL, DROP COLUMN display_name, DROP COLUMN email,
         DROP COLUMN code_hash, DROP COLUMN expires_at, DROP COLUMN joined_at, DROP COLUMN removed_at`,
    );
  }
}

const statements = [
  `ALTER TABLE member
     ALTER COLUMN account_id DROP NOT NULL,
     ADD COLUMN display_name bytea,
     ADD COLUMN email        bytea,
     ADD COLUMN code_hash    bytea,
     ADD COLUMN expires_at   timestamptz,
     ADD COLUMN joined_at    timestamptz,
     ADD COLUMN removed_at   timestamptz`,
  `UPDATE member SET joined_at = created_at`,
  `ALTER TABLE member ADD CONSTRAINT member_acts CHECK
     ((account_id IS NOT NULL) = (joined_at IS NOT NULL AND removed_at IS NULL))`,
  `CREATE INDEX member_by_code ON member (code_hash) WHERE code_hash IS NOT NULL`,

  `CREATE TABLE action (
    subscriber_id uuid NOT NULL,
    id            uuid NOT NULL,
    member_id     uuid NOT NULL,
    kind          text NOT NULL,
    subject_id    uuid,
    at            timestamptz NOT NULL,
    PRIMARY KEY (subscriber_id, id),
    FOREIGN KEY (subscriber_id, member_id) REFERENCES member
  )`,

  `ALTER TABLE contact ADD COLUMN profile_changed_at timestamptz(3)`,
  `CREATE INDEX contact_by_profile_change ON contact (subscriber_id, profile_changed_at)
     WHERE profile_changed_at IS NOT NULL`,
  `ALTER TABLE subscriber ADD COLUMN profile_changed_at timestamptz(3)`,
];
