import type { Party } from '../contract/events.js';

export interface ConversationRef {
  subscriberId: string;
  conversationId: string;
}

/** The standing of a consumer as a whole. $1 name. */
export const consumerQuery = `SELECT generation, checkpoint FROM feed_consumer WHERE name = $1`;

export const addConsumerQuery = `INSERT INTO feed_consumer (name) VALUES ($1) ON CONFLICT DO NOTHING`;

/** Advances the checkpoint, unless the consumer was told to start over meanwhile. $1 name, $2 generation, $3 checkpoint. */
export const checkpointQuery = `
  UPDATE feed_consumer SET checkpoint = $3 WHERE name = $1 AND generation = $2 AND checkpoint < $3`;

/** Starts over: all progress counts for nothing. $1 name. */
export const restartQuery = `
  INSERT INTO feed_consumer (name, generation) VALUES ($1, 2)
  ON CONFLICT (name) DO UPDATE SET generation = feed_consumer.generation + 1, checkpoint = DEFAULT`;

export interface ProgressRow extends ConversationRef {
  revision: number;
}

/**
 * Locks the progress in conversations, in the order of their ids, passing over those that another node works on. $1
 * consumer, $2 generation, $3 subscribers, $4 conversations.
 */
export const claimQuery = `
  SELECT subscriber_id AS "subscriberId", conversation_id AS "conversationId", revision
  FROM feed_progress JOIN unnest($3::uuid[], $4::uuid[]) AS wanted (subscriber_id, conversation_id) USING (subscriber_id, conversation_id)
  WHERE consumer = $1 AND generation = $2
  ORDER BY conversation_id FOR UPDATE OF feed_progress SKIP LOCKED`;

/**
 * Creates the progress of conversations without one of this generation, and locks it; skips those that another node has just
 * created. Parameters as above.
 */
export const beginQuery = `
  INSERT INTO feed_progress (subscriber_id, conversation_id, consumer, generation, revision)
  SELECT subscriber_id, id, $1, $2, 0
  FROM conversation JOIN unnest($3::uuid[], $4::uuid[]) AS wanted (subscriber_id, id) USING (subscriber_id, id)
  WHERE NOT EXISTS (SELECT FROM feed_progress AS there
                    WHERE there.subscriber_id = conversation.subscriber_id AND there.conversation_id = conversation.id
                      AND there.consumer = $1 AND there.generation = $2)
  ORDER BY id
  ON CONFLICT (subscriber_id, conversation_id, consumer)
  DO UPDATE SET generation = excluded.generation, revision = 0 WHERE feed_progress.generation < excluded.generation
  RETURNING subscriber_id AS "subscriberId", conversation_id AS "conversationId", revision`;

/** Writes down how far the locked conversations were seen. $1 consumer, $2 subscribers, $3 conversations, $4 revisions. */
export const advanceQuery = `
  UPDATE feed_progress SET revision = seen.revision
  FROM unnest($2::uuid[], $3::uuid[], $4::integer[]) AS seen (subscriber_id, conversation_id, revision)
  WHERE feed_progress.subscriber_id = seen.subscriber_id AND feed_progress.conversation_id = seen.conversation_id
    AND consumer = $1`;

export interface ChangeRow {
  subscriberId: string;
  conversationId: string;
  /** Revision of the conversation as it is now. */
  head: number;
  /** Null when there is no change to see. */
  seq: number | null;
  revision: number;
  sender: Party;
  authorId: string | null;
  /** Null once it has gone by retention. */
  clientId: string | null;
  body: Buffer | null;
  withdrawn: boolean;
  /** Number of its files. */
  files: number;
  sentAt: Date;
}

/**
 * Changes of conversations after a revision, in the order of revisions: messages and withdrawals; what has gone by retention
 * counts as withdrawn. The entries of broadcasts
 * are left out. As in the list of a conversation's changes, one that never changed has a seq no further below its revision
 * than there were changes. $1 subscribers, $2 conversations, $3 revisions seen.
 */
export const changesQuery = (limit: number): string => `
  SELECT wanted.subscriber_id AS "subscriberId", wanted.id AS "conversationId", conversation.revision AS head,
         change.seq, change.revision, change.sender, change.author_id AS "authorId", change.client_id AS "clientId",
         change.body, change.withdrawn_at IS NOT NULL AS withdrawn, change.sent_at AS "sentAt", change.files
  FROM unnest($1::uuid[], $2::uuid[], $3::integer[]) AS wanted (subscriber_id, id, seen)
  JOIN conversation ON conversation.subscriber_id = wanted.subscriber_id AND conversation.id = wanted.id
  LEFT JOIN LATERAL (
    (SELECT message.* FROM message
     WHERE message.subscriber_id = wanted.subscriber_id AND message.conversation_id = wanted.id
       AND message.changed AND message.revision > wanted.seen
     ORDER BY message.revision LIMIT ${limit})
    UNION ALL
    (SELECT message.* FROM message
     WHERE message.subscriber_id = wanted.subscriber_id AND message.conversation_id = wanted.id
       AND NOT message.changed AND message.revision > wanted.seen AND message.broadcast_id IS NULL
       AND message.seq > greatest(conversation.expired_seq, wanted.seen - (conversation.revision - conversation.last_seq))
     ORDER BY message.seq LIMIT ${limit})
    ORDER BY revision LIMIT ${limit}
  ) AS change ON true
  ORDER BY wanted.id, change.revision`;

/**
 * Conversations that a consumer is behind in, of those that changed between two times: there is a message or a withdrawal that
 * it has not seen. $1 consumer, $2 generation, $3 since when, $4 until before when.
 * @param how along the index by change, or, when all of them are to be looked at, along the primary key behind $5 and $6
 */
export const behindQuery = (how: 'recent' | 'all', limit: number): string => `
  SELECT conversation.subscriber_id AS "subscriberId", conversation.id AS "conversationId"
  FROM ${
    how === 'recent'
      ? `subscriber CROSS JOIN LATERAL (
           SELECT subscriber_id, id, revision, last_seq, expired_seq FROM conversation
           WHERE conversation.subscriber_id = subscriber.subscriber_id
             AND changed_minute >= date_trunc('minute', $3::timestamptz) AND changed_at >= $3::timestamptz
             AND changed_at < $4::timestamptz) AS conversation`
      : `(SELECT subscriber_id, id, revision, last_seq, expired_seq FROM conversation
          WHERE (subscriber_id, id) > ($5::uuid, $6::uuid) AND changed_at >= $3::timestamptz AND changed_at < $4::timestamptz
          ORDER BY subscriber_id, id) AS conversation`
  }
  LEFT JOIN feed_progress AS progress
    ON progress.subscriber_id = conversation.subscriber_id AND progress.conversation_id = conversation.id
   AND progress.consumer = $1 AND progress.generation = $2
  WHERE conversation.revision > coalesce(progress.revision, 0)
    AND (EXISTS (SELECT FROM message
                 WHERE message.subscriber_id = conversation.subscriber_id AND message.conversation_id = conversation.id
                   AND message.changed AND message.revision > coalesce(progress.revision, 0))
      OR EXISTS (SELECT FROM message
                 WHERE message.subscriber_id = conversation.subscriber_id AND message.conversation_id = conversation.id
                   AND NOT message.changed AND message.revision > coalesce(progress.revision, 0)
                   AND message.broadcast_id IS NULL
                   AND message.seq > greatest(conversation.expired_seq, coalesce(progress.revision, 0)
                                                                        - (conversation.revision - conversation.last_seq))))
  ${how === 'all' ? 'ORDER BY conversation.subscriber_id, conversation.id' : ''}
  LIMIT ${limit}`;

/**
 * Broadcasts that have begun and were not seen. They are looked for from a day before the checkpoint on, because their time is
 * that of a clock. $1 consumer, $2 generation, $3 checkpoint.
 */
export const begunQuery = (limit: number): string => `
  SELECT broadcast.subscriber_id AS "subscriberId", id, author_id AS "authorId", started_at AS "startedAt", body
  FROM broadcast
  WHERE started_at >= $3::timestamptz - interval '1 day' AND expired_at IS NULL
    AND NOT EXISTS (SELECT FROM feed_broadcast AS seen
                    WHERE seen.subscriber_id = broadcast.subscriber_id AND seen.broadcast_id = broadcast.id
                      AND seen.consumer = $1 AND seen.generation = $2)
  ORDER BY started_at LIMIT ${limit}`;

/** Claims broadcasts, so that another node passes over them or waits. $1 consumer, $2 generation, $3 subscribers, $4 broadcasts. */
export const claimBroadcastsQuery = `
  INSERT INTO feed_broadcast (subscriber_id, broadcast_id, consumer, generation)
  SELECT subscriber_id, broadcast_id, $1, $2 FROM unnest($3::uuid[], $4::uuid[]) AS begun (subscriber_id, broadcast_id)
  ORDER BY broadcast_id
  ON CONFLICT (subscriber_id, broadcast_id, consumer)
  DO UPDATE SET generation = excluded.generation WHERE feed_broadcast.generation < excluded.generation
  RETURNING broadcast_id AS id`;

/** Numbers of conversations with messages, and of those already seen in this generation. $1 consumer, $2 generation. */
export const shareQuery = `
  SELECT count(*)::integer AS conversations, count(progress.revision)::integer AS seen
  FROM conversation
  LEFT JOIN feed_progress AS progress
    ON progress.subscriber_id = conversation.subscriber_id AND progress.conversation_id = conversation.id
   AND progress.consumer = $1 AND progress.generation = $2
  WHERE turn_at IS NOT NULL`;
