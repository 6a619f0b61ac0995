import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Every table whose rows belong to a subscriber has `subscriber_id` as the first column of its primary key, and foreign
 * keys between such tables are composite. The others (policy, account, session, interlocutor, registration_code,
 * mail) belong to no subscriber. Columns of type bytea hold sealed values or keyed hashes, except a logo and the hashes of policies.
 */
export class Start1763856000000 implements MigrationInterface {
  readonly name = 'Start1763856000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of statements) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `DROP TABLE watermark_move, cursor, message, conversation, consent, shown_text, contact, invitation,
                  member, subscriber_logo, subscriber, interlocutor, session, account, registration_code, mail, policy`,
    );
    await queryRunner.query('DROP FUNCTION refuse_change');
    await queryRunner.query('DROP TYPE party');
  }
}

const statements = [
  `CREATE TYPE party AS ENUM ('subscriber', 'interlocutor')`,

  `CREATE TABLE policy (
    id                  uuid PRIMARY KEY,
    audience            text NOT NULL CHECK (audience IN ('subscriber', 'interlocutor')),
    purpose             text NOT NULL CHECK (purpose IN ('terms', 'privacy')),
    version             integer NOT NULL,
    locale              text NOT NULL,
    effective           date NOT NULL,
    requires_acceptance boolean NOT NULL,
    source_sha256       bytea NOT NULL,
    UNIQUE (audience, purpose, version, locale)
  )`,

  `CREATE TABLE registration_code (
    code_hash bytea PRIMARY KEY,
    used_at   timestamptz NOT NULL
  )`,

  `CREATE TABLE mail (
    id         uuid PRIMARY KEY,
    key_scope  text NOT NULL,
    key_id     uuid NOT NULL,
    about      uuid,
    template   text NOT NULL,
    sealed     bytea NOT NULL,
    created_at timestamptz NOT NULL,
    not_after  timestamptz NOT NULL,
    attempts   integer NOT NULL,
    failure    text,
    failed_at  timestamptz
  )`,
  `CREATE INDEX mail_by_addressee ON mail (key_scope, key_id)`,

  `CREATE TABLE account (
    id            uuid PRIMARY KEY,
    kind          text NOT NULL CHECK (kind IN ('member', 'interlocutor')),
    subscriber_id uuid CHECK ((kind = 'member') = (subscriber_id IS NOT NULL)),
    username      bytea NOT NULL,
    username_hash bytea NOT NULL UNIQUE,
    email_hash    bytea,
    password_hash text NOT NULL,
    locale        text NOT NULL,
    created_at    timestamptz NOT NULL
  )`,
  `CREATE INDEX account_by_email ON account (email_hash) WHERE email_hash IS NOT NULL`,

  `CREATE TABLE session (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    token_hash bytea NOT NULL UNIQUE,
    device     bytea,
    created_at timestamptz NOT NULL,
    used_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
  )`,
  `CREATE INDEX session_by_account ON session (account_id)`,
  `CREATE INDEX session_by_expiry ON session (expires_at)`,

  `CREATE TABLE interlocutor (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL UNIQUE REFERENCES account ON DELETE CASCADE,
    identity   bytea NOT NULL,
    region     text,
    province   text,
    sector     text,
    created_at timestamptz NOT NULL
  )`,

  `CREATE TABLE subscriber (
    subscriber_id   uuid PRIMARY KEY,
    business_name   text NOT NULL,
    email           text NOT NULL,
    street          text NOT NULL,
    street_number   text NOT NULL,
    postcode        text NOT NULL,
    city            text NOT NULL,
    province        text,
    country         text NOT NULL,
    category        text NOT NULL,
    vat_number      text,
    tax_code        text,
    locale          text NOT NULL,
    terms_version   integer NOT NULL,
    privacy_version integer NOT NULL,
    created_at      timestamptz NOT NULL
  )`,

  `CREATE TABLE subscriber_logo (
    subscriber_id uuid PRIMARY KEY REFERENCES subscriber,
    media_type    text NOT NULL,
    bytes         bytea NOT NULL,
    updated_at    timestamptz NOT NULL
  )`,

  `CREATE TABLE member (
    subscriber_id uuid NOT NULL REFERENCES subscriber,
    id            uuid NOT NULL,
    account_id    uuid NOT NULL,
    role          text NOT NULL CHECK (role IN ('owner', 'staff')),
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (subscriber_id, id),
    UNIQUE (subscriber_id, account_id)
  )`,

  `CREATE TABLE invitation (
    subscriber_id uuid NOT NULL REFERENCES subscriber,
    id            uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('personal', 'open')),
    code          bytea NOT NULL,
    code_hash     bytea NOT NULL,
    email         bytea,
    uses          integer NOT NULL DEFAULT 0,
    max_uses      integer,
    created_by    uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz,
    revoked_at    timestamptz,
    PRIMARY KEY (subscriber_id, id),
    UNIQUE (subscriber_id, code_hash)
  )`,
  `CREATE INDEX invitation_by_code ON invitation (code_hash)`,

  `CREATE TABLE contact (
    subscriber_id   uuid NOT NULL REFERENCES subscriber,
    id              uuid NOT NULL,
    interlocutor_id uuid NOT NULL,
    identity        bytea NOT NULL,
    region          text,
    province        text,
    sector          text,
    promotions      boolean NOT NULL,
    privacy_version integer NOT NULL,
    joined_at       timestamptz(3) NOT NULL,
    updated_at      timestamptz(3) NOT NULL,
    PRIMARY KEY (subscriber_id, id),
    UNIQUE (subscriber_id, interlocutor_id)
  )`,
  `CREATE INDEX contact_by_interlocutor ON contact (interlocutor_id)`,

  `CREATE TABLE shown_text (
    subscriber_id uuid NOT NULL REFERENCES subscriber,
    sha256        bytea NOT NULL,
    text          text NOT NULL,
    PRIMARY KEY (subscriber_id, sha256)
  )`,

  `CREATE TABLE consent (
    subscriber_id  uuid NOT NULL REFERENCES subscriber,
    id             uuid NOT NULL,
    contact_id     uuid,
    account_id     uuid NOT NULL,
    purpose        text NOT NULL CHECK (purpose IN ('terms', 'privacy', 'promotions')),
    given          boolean NOT NULL,
    basis          text NOT NULL CHECK (basis IN ('contract', 'consent', 'acknowledgement')),
    policy_id      uuid NOT NULL,
    policy_version integer NOT NULL,
    locale         text NOT NULL,
    text_sha256    bytea NOT NULL,
    words_sha256   bytea NOT NULL,
    how            text NOT NULL CHECK (how IN ('registration', 'joining', 'settings')),
    recorded_at    timestamptz NOT NULL,
    PRIMARY KEY (subscriber_id, id),
    FOREIGN KEY (subscriber_id, contact_id) REFERENCES contact,
    FOREIGN KEY (subscriber_id, text_sha256) REFERENCES shown_text,
    FOREIGN KEY (subscriber_id, words_sha256) REFERENCES shown_text
  )`,
  `CREATE INDEX consent_by_contact ON consent (subscriber_id, contact_id, purpose, recorded_at)`,
  `CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END $$`,
  `CREATE TRIGGER consent_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consent
     FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,

  `CREATE TABLE conversation (
    subscriber_id   uuid NOT NULL,
    id              uuid NOT NULL,
    last_seq        integer NOT NULL DEFAULT 0,
    revision        integer NOT NULL DEFAULT 0,
    changed_at      timestamptz(3) NOT NULL,
    last_message_at timestamptz(3),
    PRIMARY KEY (subscriber_id, id),
    FOREIGN KEY (subscriber_id, id) REFERENCES contact
  )`,
  `CREATE INDEX conversation_by_change ON conversation (subscriber_id, changed_at DESC, id DESC)`,

  `CREATE TABLE message (
    subscriber_id   uuid NOT NULL,
    conversation_id uuid NOT NULL,
    seq             integer NOT NULL,
    sender          party NOT NULL,
    author_id       uuid,
    client_id       text NOT NULL,
    digest          bytea NOT NULL,
    body            bytea NOT NULL,
    revision        integer NOT NULL,
    sent_at         timestamptz(3) NOT NULL,
    PRIMARY KEY (subscriber_id, conversation_id, seq),
    UNIQUE (subscriber_id, conversation_id, sender, client_id),
    FOREIGN KEY (subscriber_id, conversation_id) REFERENCES conversation
  )`,
  `CREATE INDEX message_by_revision ON message (subscriber_id, conversation_id, revision)`,

  `CREATE TABLE cursor (
    subscriber_id   uuid NOT NULL,
    conversation_id uuid NOT NULL,
    party           party NOT NULL,
    delivered_seq   integer NOT NULL DEFAULT 0,
    seen_seq        integer NOT NULL DEFAULT 0,
    changed_at      timestamptz(3) NOT NULL,
    PRIMARY KEY (subscriber_id, conversation_id, party),
    FOREIGN KEY (subscriber_id, conversation_id) REFERENCES conversation,
    CHECK (seen_seq <= delivered_seq)
  )`,
  `CREATE INDEX cursor_by_change ON cursor (subscriber_id, changed_at)`,

  `CREATE TABLE watermark_move (
    subscriber_id   uuid NOT NULL,
    conversation_id uuid NOT NULL,
    party           party NOT NULL,
    minute          timestamptz NOT NULL,
    delivered_seq   integer NOT NULL,
    seen_seq        integer NOT NULL,
    PRIMARY KEY (subscriber_id, conversation_id, party, minute),
    FOREIGN KEY (subscriber_id, conversation_id, party) REFERENCES cursor
  )`,
  `CREATE INDEX watermark_move_by_delivered ON watermark_move (subscriber_id, conversation_id, party, delivered_seq, minute)`,
  `CREATE INDEX watermark_move_by_seen ON watermark_move (subscriber_id, conversation_id, party, seen_seq, minute)`,
];
