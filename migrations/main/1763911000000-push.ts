import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Notifications: the devices that get them, what waits to be told, quiet hours and muted conversations. */
export class Push1763911000000 implements MigrationInterface {
  readonly name = 'Push1763911000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of statements) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['conversation_mute', 'push_notice', 'push_broadcast', 'push_wait', 'push_subscription']) {
      await queryRunner.query(`DROP TABLE ${table}`);
    }
    await queryRunner.query('DROP TABLE notification_setting');
    await queryRunner.query(`DELETE FROM feed_consumer WHERE name = 'push'`);
  }
}

const statements = [
  // A session has one at most, and it goes with the session. The receiver is the subscriber or the interlocutor.
  `CREATE TABLE push_subscription (
    session_id    uuid PRIMARY KEY REFERENCES session ON DELETE CASCADE,
    receiver_id   uuid NOT NULL,
    endpoint_hash bytea NOT NULL UNIQUE,
    sealed        bytea NOT NULL,
    renewed_at    timestamptz(3) NOT NULL,
    last_push_at  timestamptz(3)
  )`,
  'CREATE INDEX push_subscription_by_receiver ON push_subscription (receiver_id)',

  `CREATE TABLE notification_setting (
    account_id uuid PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    quiet_from smallint NOT NULL CHECK (quiet_from BETWEEN 0 AND 1439),
    quiet_to   smallint NOT NULL CHECK (quiet_to BETWEEN 0 AND 1439),
    time_zone  text NOT NULL
  )`,
  // Without a time it is muted until it is unmuted.
  `CREATE TABLE conversation_mute (
    subscriber_id   uuid NOT NULL,
    conversation_id uuid NOT NULL,
    account_id      uuid NOT NULL,
    until           timestamptz(3),
    PRIMARY KEY (subscriber_id, conversation_id, account_id),
    FOREIGN KEY (subscriber_id, conversation_id) REFERENCES conversation ON DELETE CASCADE
  )`,
  'CREATE INDEX conversation_mute_by_account ON conversation_mute (account_id)',

  // A party has not received a message yet: it has until then to receive it on a device.
  `CREATE TABLE push_wait (
    subscriber_id   uuid NOT NULL,
    conversation_id uuid NOT NULL,
    party           party NOT NULL,
    seq             integer NOT NULL,
    due_at          timestamptz(3) NOT NULL,
    PRIMARY KEY (subscriber_id, conversation_id, party),
    FOREIGN KEY (subscriber_id, conversation_id) REFERENCES conversation ON DELETE CASCADE
  ) WITH (fillfactor = 70)`,
  'CREATE INDEX push_wait_by_due ON push_wait (due_at)',

  // How far a device was told of a conversation, and when it is to be told next.
  `CREATE TABLE push_notice (
    subscriber_id   uuid NOT NULL,
    conversation_id uuid NOT NULL,
    session_id      uuid NOT NULL,
    party           party NOT NULL,
    seq             integer NOT NULL,
    lane            smallint NOT NULL,
    due_at          timestamptz(3),
    since           timestamptz(3) NOT NULL,
    attempts        smallint NOT NULL DEFAULT 0,
    pushed_seq      integer NOT NULL DEFAULT 0,
    pushed_at       timestamptz(3),
    PRIMARY KEY (subscriber_id, conversation_id, session_id),
    FOREIGN KEY (subscriber_id, conversation_id) REFERENCES conversation ON DELETE CASCADE
  ) WITH (fillfactor = 70)`,
  'CREATE INDEX push_notice_by_due ON push_notice (lane, due_at) WHERE due_at IS NOT NULL',
  'CREATE INDEX push_notice_by_session ON push_notice (session_id)',

  // A broadcast whose recipients are told: those up to the checkpoint are done, those up to `reached` have had their wait.
  `CREATE TABLE push_broadcast (
    subscriber_id uuid NOT NULL,
    broadcast_id  uuid NOT NULL,
    checkpoint    uuid,
    reached       uuid,
    due_at        timestamptz(3) NOT NULL,
    PRIMARY KEY (subscriber_id, broadcast_id),
    FOREIGN KEY (subscriber_id, broadcast_id) REFERENCES broadcast ON DELETE CASCADE
  )`,

  // Messages from before are not told.
  `INSERT INTO feed_consumer (name, checkpoint) VALUES ('push', now()) ON CONFLICT DO NOTHING`,
];
