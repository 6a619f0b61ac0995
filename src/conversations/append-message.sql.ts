import { answers, contactOfDraft, knownByDraft, refusal, repetition } from './append-rules.sql.js';

/**
 * Appends one draft without files, which is the usual call while few people write. The rules are those of `append_messages`, which
 * takes twice as long for one: to set up its plan costs more than to store the message.
 *
 * A conversation that is locked by another transaction is `deferred`. A draft that is stored already is answered as repeated or
 * reused, also when it would be refused now.
 *
 * The lock and the judgement are one statement. That is right only because it never waits (`SKIP LOCKED`): consents and pauses
 * are those of its snapshot, a moment before the lock, and PostgreSQL reads a conversation again that has changed since. A message
 * that another call has stored under the same client id must be looked for by a later statement, whose snapshot is younger than
 * the lock: the insertion conflicts with it, or the last SELECT finds it. So the function must stay VOLATILE.
 */
export const appendMessage = `
CREATE FUNCTION append_message(
  draft_subscriber uuid, draft_conversation uuid, draft_sender party, draft_author uuid, draft_client_id text,
  draft_digest bytea, draft_body bytea, least_privacy integer, least_subscriber_terms integer,
  least_subscriber_privacy integer,
  OUT place integer, OUT outcome text, OUT seq integer, OUT revision integer, OUT sent_at timestamptz(3),
  OUT delivered_seq integer, OUT seen_seq integer, OUT seen_before integer, OUT other_seen integer, OUT told boolean,
  OUT minute timestamptz
)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  held record;
  moment timestamptz(3);
BEGIN
  place := 1;
  SELECT conversation.last_seq + 1 AS seq, conversation.revision + 1 AS revision, ${answers('draft.sender')} AS answers,
         ${refusal} AS refusal
  INTO held
  FROM (SELECT draft_subscriber AS subscriber_id, draft_conversation AS conversation_id, draft_sender AS sender) AS draft
    JOIN conversation
      ON conversation.subscriber_id = draft.subscriber_id AND conversation.id = draft.conversation_id
    JOIN subscriber ON subscriber.subscriber_id = draft.subscriber_id
    ${contactOfDraft}
  FOR NO KEY UPDATE OF conversation SKIP LOCKED;
  IF NOT FOUND THEN
    PERFORM FROM conversation WHERE subscriber_id = draft_subscriber AND id = draft_conversation;
    outcome := CASE WHEN FOUND THEN 'deferred' ELSE 'not_found' END;
    RETURN;
  END IF;

  moment := clock_timestamp();
  IF held.refusal IS NULL THEN
    INSERT INTO message
      (subscriber_id, conversation_id, seq, sender, author_id, client_id, digest, body, files, revision, sent_at)
    VALUES (draft_subscriber, draft_conversation, held.seq, draft_sender, draft_author, draft_client_id, draft_digest,
            draft_body, 0, held.revision, moment)
    ON CONFLICT (subscriber_id, conversation_id, sender, client_id) DO NOTHING;
  END IF;
  IF held.refusal IS NOT NULL OR NOT FOUND THEN
    SELECT coalesce(${repetition}, held.refusal), known.seq, known.revision, known.sent_at
    INTO outcome, seq, revision, sent_at
    FROM (SELECT draft_subscriber AS subscriber_id, draft_conversation AS conversation_id, draft_sender AS sender,
                 draft_client_id AS client_id, draft_digest AS digest) AS draft
      ${knownByDraft};
    RETURN;
  END IF;

  UPDATE conversation
  SET last_seq = held.seq, revision = held.revision, changed_at = change_time(moment), last_message_at = moment,
      last_sender = draft_sender, turn_seq = held.seq, turn_sender = draft_sender, turn_at = moment,
      standing = CASE draft_sender WHEN 'interlocutor' THEN 3 ELSE 1 END
  WHERE subscriber_id = draft_subscriber AND id = draft_conversation;
  outcome := 'stored';
  seq := held.seq;
  revision := held.revision;
  sent_at := moment;

  IF held.answers THEN
    SELECT raised.delivered_seq, raised.seen_seq, raised.seen_before, raised.other_seen, raised.told, raised.minute
    INTO delivered_seq, seen_seq, seen_before, other_seen, told, minute
    FROM watermark
    CROSS JOIN LATERAL raise_watermarks(ARRAY[draft_subscriber], ARRAY[draft_conversation], ARRAY[draft_sender],
                                        ARRAY[held.seq - 1], ARRAY[held.seq - 1]) AS raised
    WHERE subscriber_id = draft_subscriber AND watermark.conversation_id = draft_conversation
      AND watermark.party = draft_sender AND watermark.seen_seq < held.seq - 1 AND raised.rose;
  END IF;
END $$`;
