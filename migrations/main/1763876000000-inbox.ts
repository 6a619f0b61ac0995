import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Columns of the conversation by which an inbox is sorted and filtered; and an answer counts as having seen the messages
 * before it.
 */
export class Inbox1763876000000 implements MigrationInterface {
  readonly name = 'Inbox1763876000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    // It reads every message once, which with millions of them takes longer than a statement may otherwise.
    await queryRunner.query('SET LOCAL statement_timeout = 0');
    for (const statement of [...turns, ...minutes, ...indices]) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const statement of back) await queryRunner.query(statement);
  }
}

/**
 * A turn is a message that somebody wrote in this conversation: no broadcast, and not withdrawn. `standing` is the
 * subscriber's view: 0 without a turn, 1 the last turn is its own, 2 it is the interlocutor's, 3 something may be unseen.
 * An interlocutor's message sets 3 and the subscriber's sets 1, in the update that a message costs anyway. Seeing does not
 * touch this row; 3 becomes 2 a little later, so what is unread is looked for among the threes, and checked.
 */
const turns = [
  `ALTER TABLE conversation
     ADD COLUMN last_sender party,
     ADD COLUMN turn_seq integer,
     ADD COLUMN turn_sender party,
     ADD COLUMN turn_at timestamptz(3),
     ADD COLUMN standing smallint NOT NULL DEFAULT 0`,
  `UPDATE conversation SET last_sender = message.sender
   FROM message
   WHERE message.subscriber_id = conversation.subscriber_id AND message.conversation_id = conversation.id
     AND message.seq = conversation.last_seq`,
  `UPDATE conversation
   SET turn_seq = turn.seq, turn_sender = turn.sender, turn_at = turn.sent_at,
       standing = CASE
         WHEN EXISTS (SELECT FROM message
                      WHERE message.subscriber_id = turn.subscriber_id AND message.conversation_id = turn.conversation_id
                        AND message.seq > cursor.seen_seq AND message.sender = 'interlocutor'
                        AND message.withdrawn_at IS NULL) THEN 3
         WHEN turn.sender = 'interlocutor' THEN 2
         ELSE 1
       END
   FROM (SELECT DISTINCT ON (subscriber_id, conversation_id) subscriber_id, conversation_id, seq, sender, sent_at
         FROM message WHERE broadcast_id IS NULL AND withdrawn_at IS NULL
         ORDER BY subscriber_id, conversation_id, seq DESC) AS turn
   JOIN cursor ON cursor.subscriber_id = turn.subscriber_id AND cursor.conversation_id = turn.conversation_id
              AND cursor.party = 'subscriber'
   WHERE conversation.subscriber_id = turn.subscriber_id AND conversation.id = turn.conversation_id`,
];

/**
 * The orders of the list, to the minute: within a minute the few that share it are sorted when they are read. A message
 * changes no minute but the first one of each, so most of them touch no index (a heap-only update), which saves a third of
 * what storing one costs PostgreSQL. Conversations without a message come last.
 */
const minuteOf = (time: string) => `date_bin('1 minute', ${time}, timestamptz '1970-01-01 00:00:00+00')`;

const minutes = [
  `ALTER TABLE conversation
     ADD COLUMN changed_minute timestamptz(3) NOT NULL GENERATED ALWAYS AS (${minuteOf('changed_at')}) STORED,
     ADD COLUMN message_minute timestamptz(3) NOT NULL GENERATED ALWAYS AS
       (${minuteOf(`coalesce(last_message_at, timestamptz '1970-01-01 00:00:00+00')`)}) STORED,
     ADD COLUMN turn_minute timestamptz(3) GENERATED ALWAYS AS (${minuteOf('turn_at')}) STORED,
     SET (fillfactor = 50)`,
];

const indices = [
  `DROP INDEX conversation_by_change`,
  `CREATE INDEX conversation_by_change ON conversation (subscriber_id, changed_minute DESC)`,
  `CREATE INDEX conversation_by_message ON conversation (subscriber_id, message_minute DESC)`,
  `CREATE INDEX conversation_by_turn ON conversation (subscriber_id, standing, turn_minute DESC) WHERE standing > 0`,
];

const back = [
  `DROP INDEX conversation_by_message, conversation_by_turn, conversation_by_change`,
  `CREATE INDEX conversation_by_change ON conversation (subscriber_id, changed_at DESC, id DESC)`,
  `ALTER TABLE conversation DROP COLUMN changed_minute, DROP COLUMN message_minute, DROP COLUMN turn_minute, RESET (fillfactor)`,
  `ALTER TABLE conversation DROP COLUMN last_sender, DROP COLUMN turn_seq, DROP COLUMN turn_sender, DROP COLUMN turn_at,
     DROP COLUMN standing`,
];
