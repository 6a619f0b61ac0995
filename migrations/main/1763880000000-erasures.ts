import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Erasures, their ledger, and the proofs of consent that outlive a person (docs/decisions/0018).
 *
 * A contact and its conversation are deleted at once, while what hangs on them goes in slices. So messages, watermarks, files
 * and the ledgers of broadcasts hang on a root of their own, which is made with the contact and goes last: while there is one
 * of them, it cannot go, and once it has gone, there can be none.
 */
export class Erasures1763880000000 implements MigrationInterface {
  readonly name = 'Erasures1763880000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    // It looks at every message once.
    await queryRunner.query('SET LOCAL statement_timeout = 0');
    for (const statement of [...roots, ...erasures, ...proofs]) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const statement of back) await queryRunner.query(statement);
  }
}

/** Constraints that pointed to the conversation or the contact, with where they point from. */
const rooted = [
  {
    table: 'message',
    column: 'conversation_id',
    before: 'message_subscriber_id_conversation_id_fkey',
    to: 'conversation',
  },
  {
    table: 'watermark',
    column: 'conversation_id',
    before: 'cursor_subscriber_id_conversation_id_fkey',
    to: 'conversation',
  },
  { table: 'attachment', column: 'contact_id', before: 'attachment_subscriber_id_contact_id_fkey', to: 'contact' },
  {
    table: 'broadcast_recipient',
    column: 'contact_id',
    before: 'broadcast_recipient_subscriber_id_contact_id_fkey',
    to: 'contact',
    cascade: true,
  },
];

const roots = [
  `CREATE TABLE contact_root (
    subscriber_id uuid NOT NULL REFERENCES subscriber,
    id            uuid NOT NULL,
    PRIMARY KEY (subscriber_id, id)
  )`,
  `INSERT INTO contact_root SELECT subscriber_id, id FROM contact`,
  `CREATE FUNCTION make_contact_root() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO contact_root (subscriber_id, id) VALUES (NEW.subscriber_id, NEW.id) ON CONFLICT DO NOTHING;
      RETURN NULL;
    END $$`,
  `CREATE TRIGGER contact_has_a_root AFTER INSERT ON contact FOR EACH ROW EXECUTE FUNCTION make_contact_root()`,
  ...rooted.flatMap(({ table, column, before }) => [
    `ALTER TABLE ${table} DROP CONSTRAINT ${before}`,
    `ALTER TABLE ${table} ADD CONSTRAINT ${table}_root FOREIGN KEY (subscriber_id, ${column}) REFERENCES contact_root NOT VALID`,
    `ALTER TABLE ${table} VALIDATE CONSTRAINT ${table}_root`,
  ]),
];

/**
 * `erased_contact` is the ledger: of a contact that was erased its id alone stays. What else the erasure needs to know of it
 * goes when it ends; `told_hash`, by which devices that were away learn of it, after some weeks.
 */
const erasures = [
  `CREATE TABLE erasure (
    subscriber_id         uuid NOT NULL REFERENCES subscriber,
    id                    uuid NOT NULL,
    origin                text NOT NULL,
    requested_by          uuid,
    contacts              integer NOT NULL,
    begun_at              timestamptz(3) NOT NULL,
    unreadable_at         timestamptz(3),
    epoch                 integer,
    residue_unreadable_at timestamptz(3),
    finished_at           timestamptz(3),
    proofs_until          timestamptz(3),
    counts                jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (subscriber_id, id)
  )`,
  `CREATE INDEX erasure_unfinished ON erasure (begun_at) WHERE finished_at IS NULL OR residue_unreadable_at IS NULL`,

  `CREATE TABLE erased_contact (
    subscriber_id   uuid NOT NULL,
    contact_id      uuid NOT NULL,
    erasure_id      uuid NOT NULL,
    cut_at          timestamptz(3),
    gone_at         timestamptz(3),
    interlocutor_id uuid,
    account_gone    boolean NOT NULL DEFAULT false,
    address_hash    bytea,
    proof_key_id    uuid,
    proof_hash      bytea,
    told_hash       bytea,
    PRIMARY KEY (subscriber_id, contact_id),
    FOREIGN KEY (subscriber_id, erasure_id) REFERENCES erasure
  )`,
  `CREATE INDEX erased_contact_by_erasure ON erased_contact (subscriber_id, erasure_id, contact_id)`,
  `CREATE INDEX erased_contact_by_time ON erased_contact (subscriber_id, cut_at) WHERE cut_at IS NOT NULL`,
  `CREATE INDEX erased_contact_by_reader ON erased_contact (told_hash) WHERE told_hash IS NOT NULL`,

  `CREATE TABLE erasure_proposal (
    subscriber_id uuid NOT NULL,
    contact_id    uuid NOT NULL,
    proposed_by   uuid NOT NULL,
    proposed_at   timestamptz(3) NOT NULL,
    PRIMARY KEY (subscriber_id, contact_id),
    FOREIGN KEY (subscriber_id, contact_id) REFERENCES contact ON DELETE CASCADE
  )`,
];

/**
 * A consent may be deleted in one case: its proof, which says the same of it but who gave it, stands in `consent_proof`. A
 * proof may be deleted in one case too: its term is over.
 */
const proofs = [
  `CREATE TABLE consent_proof_key (
    subscriber_id uuid NOT NULL REFERENCES subscriber,
    id            uuid NOT NULL,
    month         date NOT NULL,
    keep_until    timestamptz NOT NULL,
    PRIMARY KEY (subscriber_id, id),
    UNIQUE (subscriber_id, month)
  )`,
  `CREATE TABLE consent_proof (
    subscriber_id  uuid NOT NULL,
    id             uuid NOT NULL,
    key_id         uuid NOT NULL,
    address_hash   bytea NOT NULL,
    purpose        text NOT NULL,
    given          boolean NOT NULL,
    basis          text NOT NULL,
    policy_id      uuid NOT NULL,
    policy_version integer NOT NULL,
    locale         text NOT NULL,
    text_sha256    bytea NOT NULL,
    words_sha256   bytea NOT NULL,
    how            text NOT NULL,
    recorded_at    timestamptz NOT NULL,
    keep_until     timestamptz NOT NULL,
    PRIMARY KEY (subscriber_id, id),
    FOREIGN KEY (subscriber_id, key_id) REFERENCES consent_proof_key,
    FOREIGN KEY (subscriber_id, text_sha256) REFERENCES shown_text,
    FOREIGN KEY (subscriber_id, words_sha256) REFERENCES shown_text
  )`,
  `CREATE INDEX consent_proof_by_address ON consent_proof (subscriber_id, address_hash)`,
  `CREATE INDEX consent_proof_by_term ON consent_proof (keep_until)`,

  `DROP TRIGGER consent_is_append_only ON consent`,
  `CREATE TRIGGER consent_is_append_only BEFORE UPDATE OR TRUNCATE ON consent
     FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,
  `CREATE FUNCTION refuse_unproven_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF OLD.contact_id IS NULL OR NOT EXISTS (
        SELECT FROM consent_proof AS proof
        WHERE proof.subscriber_id = OLD.subscriber_id AND proof.id = OLD.id
          AND (proof.purpose, proof.given, proof.basis, proof.policy_id, proof.policy_version, proof.locale,
               proof.text_sha256, proof.words_sha256, proof.how, proof.recorded_at)
            = (OLD.purpose, OLD.given, OLD.basis, OLD.policy_id, OLD.policy_version, OLD.locale,
               OLD.text_sha256, OLD.words_sha256, OLD.how, OLD.recorded_at)) THEN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN OLD;
    END $$`,
  `CREATE TRIGGER consent_ends_in_a_proof BEFORE DELETE ON consent
     FOR EACH ROW EXECUTE FUNCTION refuse_unproven_deletion()`,

  `CREATE TRIGGER consent_proof_is_append_only BEFORE UPDATE OR TRUNCATE ON consent_proof
     FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,
  `CREATE FUNCTION refuse_early_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF OLD.keep_until > now() THEN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN OLD;
    END $$`,
  `CREATE TRIGGER consent_proof_has_a_term BEFORE DELETE ON consent_proof
     FOR EACH ROW EXECUTE FUNCTION refuse_early_deletion()`,
];

const back = [
  'DROP TRIGGER consent_ends_in_a_proof ON consent',
  'DROP TRIGGER consent_is_append_only ON consent',
  `CREATE TRIGGER consent_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consent
     FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,
  'DROP TABLE consent_proof, consent_proof_key, erasure_proposal, erased_contact, erasure',
  'DROP FUNCTION refuse_early_deletion, refuse_unproven_deletion',
  ...rooted.flatMap(({ table, column, before, to, cascade }) => [
    `ALTER TABLE ${table} DROP CONSTRAINT ${table}_root`,
    `ALTER TABLE ${table} ADD CONSTRAINT ${before} FOREIGN KEY (subscriber_id, ${column}) REFERENCES ${to}${cascade ? ' ON DELETE CASCADE' : ''}`,
  ]),
  'DROP TRIGGER contact_has_a_root ON contact',
  'DROP FUNCTION make_contact_root',
  'DROP TABLE contact_root',
];
