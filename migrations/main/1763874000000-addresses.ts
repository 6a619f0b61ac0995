import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A contact says how it came about, whether its address was verified and, by keyed hashes, who else has the address and which
 * acceptance made it. Hashes of the addresses of older contacts are made by a job, which has the keys.
 */
export class Addresses1763874000000 implements MigrationInterface {
  readonly name = 'Addresses1763874000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    // Every contact is written once, which may take longer than a statement otherwise may.
    await queryRunner.query('SET LOCAL statement_timeout = 0');
    for (const statement of statements) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE invitation DROP COLUMN name');
    await queryRunner.query(
      `ALTER TABLE contact DROP COLUMN invitation_id, DROP COLUMN email_verified, DROP COLUMN address_hash,
         DROP COLUMN joining_key, DROP COLUMN joining_digest`,
    );
  }
}

const statements = [
  'ALTER TABLE invitation ADD COLUMN name bytea',
  `ALTER TABLE contact
     ADD COLUMN invitation_id uuid,
     ADD COLUMN email_verified boolean NOT NULL DEFAULT false,
     ADD COLUMN address_hash bytea,
     ADD COLUMN joining_key bytea,
     ADD COLUMN joining_digest bytea,
     ADD UNIQUE (subscriber_id, joining_key),
     ADD FOREIGN KEY (subscriber_id, invitation_id) REFERENCES invitation`,
  // A personal invitation becomes the contact: both have one id. Which open one brought somebody was not written down.
  `UPDATE contact SET invitation_id = id
   WHERE EXISTS (SELECT FROM invitation
                 WHERE invitation.subscriber_id = contact.subscriber_id AND invitation.id = contact.id)`,
  `UPDATE contact SET email_verified = true
   FROM interlocutor JOIN account ON account.id = interlocutor.account_id
   WHERE interlocutor.id = contact.interlocutor_id AND account.email_hash IS NOT NULL`,
  'CREATE INDEX contact_by_address ON contact (subscriber_id, address_hash)',
  'CREATE INDEX contact_without_address_hash ON contact (subscriber_id, id) WHERE address_hash IS NULL',
];
