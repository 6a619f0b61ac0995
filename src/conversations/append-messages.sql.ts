import { answers, contactOfDraft, knownByDraft, refusal, repetition } from './append-rules.sql.js';

/**
 * Appends drafts, each by itself: one that may not be stored hinders no other. Two statements, because the second one needs
 * a snapshot that is younger than the locks: it has to see what others have stored under the same client ids. A
 * conversation that is locked by another transaction is passed over (`deferred`), so that it delays no other; with
 * `after_lock` its lock is waited for. Drafts of one conversation are numbered in their order; no two of a call may have the
 * same sender and client id.
 *
 * The plan is kept in any case: left to choose, PostgreSQL may plan anew for every single message, which takes three times
 * as long as storing it.
 *
 * Files of a draft become the message's with it, or it is not stored. Drafts without files cost nothing for it.
 *
 * A message that answers something raises its sender's watermarks to the message before it. That it answers is known from
 * the row of the conversation: the other party wrote last, or the subscriber may have left something unseen. Only then is
 * the row of `watermark` read, and only one that lags behind is locked: after the conversations, and in the order in which
 * receipts lock watermarks; receipts lock no conversation. So neither waits for the other in a circle.
 */
export const appendMessages = `
CREATE FUNCTION append_messages(
  subscriber_ids uuid[], conversation_ids uuid[], senders party[], author_ids uuid[], client_ids text[], digests bytea[],
  bodies bytea[], least_privacy integer, least_subscriber_terms integer, least_subscriber_privacy integer,
  after_lock boolean, file_counts smallint[], file_places integer[], file_ids uuid[]
) RETURNS TABLE (place integer, outcome text, seq integer, revision integer, sent_at timestamptz(3),
                 delivered_seq integer, seen_seq integer, seen_before integer, other_seen integer, told boolean,
                 minute timestamptz)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  held uuid[];
  moment timestamptz(3);
  changed timestamptz(3);
  places integer[];
  outcomes text[];
  seqs integer[];
  revisions integer[];
  times timestamptz(3)[];
  answers boolean[];
  lacking integer[];
BEGIN
  IF after_lock THEN
    SELECT array_agg(own.id) INTO held
    FROM (SELECT conversation.id
          FROM conversation
          JOIN (SELECT DISTINCT * FROM unnest(subscriber_ids, conversation_ids) AS pair (subscriber_id, id)) AS wanted
            USING (subscriber_id, id)
          ORDER BY conversation.id
          FOR NO KEY UPDATE OF conversation) AS own;
  ELSE
    SELECT array_agg(own.id) INTO held
    FROM (SELECT conversation.id
          FROM conversation
          JOIN (SELECT DISTINCT * FROM unnest(subscriber_ids, conversation_ids) AS pair (subscriber_id, id)) AS wanted
            USING (subscriber_id, id)
          ORDER BY conversation.id
          FOR NO KEY UPDATE OF conversation SKIP LOCKED) AS own;
  END IF;
  IF cardinality(file_ids) > 0 THEN
    SELECT array_agg(place) INTO lacking
    FROM lacking_attachments(held, subscriber_ids, conversation_ids, senders, author_ids, file_places, file_ids) AS file (place);
  END IF;
  moment := clock_timestamp();
  changed := change_time(moment);

  WITH judged AS MATERIALIZED (
    SELECT draft.*, conversation.last_seq, conversation.revision AS last_revision, conversation.last_sender,
           conversation.standing,
           known.seq AS known_seq, known.revision AS known_revision, known.sent_at AS known_at,
           CASE
             WHEN conversation.id IS NULL THEN 'not_found'
             WHEN own.id IS NULL THEN 'deferred'
             ELSE coalesce(${repetition}, ${refusal},
               CASE WHEN draft.place = ANY (lacking) THEN 'attachment_not_found' ELSE 'stored' END)
           END AS outcome
    FROM unnest(subscriber_ids, conversation_ids, senders, author_ids, client_ids, digests, bodies, file_counts) WITH ORDINALITY
           AS draft (subscriber_id, conversation_id, sender, author_id, client_id, digest, body, files, place)
    LEFT JOIN conversation
      ON conversation.subscriber_id = draft.subscriber_id AND conversation.id = draft.conversation_id
    LEFT JOIN unnest(held) AS own (id) ON own.id = draft.conversation_id
    ${contactOfDraft}
    LEFT JOIN subscriber ON subscriber.subscriber_id = draft.subscriber_id
    ${knownByDraft}
  ), numbered AS MATERIALIZED (
    SELECT judged.*, row_number() OVER run::integer AS rank,
           lead(place) OVER run IS NULL AS latest,
           CASE WHEN lag(sender) OVER run IS NOT NULL THEN lag(sender) OVER run <> sender
                ELSE ${answers('sender')}
           END AS answers
    FROM judged WHERE outcome = 'stored'
    WINDOW run AS (PARTITION BY conversation_id ORDER BY place)
  ), appended AS (
    INSERT INTO message
      (subscriber_id, conversation_id, seq, sender, author_id, client_id, digest, body, files, revision, sent_at)
    SELECT subscriber_id, conversation_id, last_seq + rank, sender, author_id, client_id, digest, body, files,
           last_revision + rank, moment
    FROM numbered
  ), grown AS (
    UPDATE conversation
    SET last_seq = conversation.last_seq + rank, revision = conversation.revision + rank,
        changed_at = changed, last_message_at = moment, last_sender = sender,
        turn_seq = conversation.last_seq + rank, turn_sender = sender, turn_at = moment,
        standing = CASE sender WHEN 'interlocutor' THEN 3 ELSE 1 END
    FROM numbered
    WHERE latest AND conversation.subscriber_id = numbered.subscriber_id
      AND conversation.id = numbered.conversation_id
  )
  SELECT array_agg(judged.place), array_agg(judged.outcome),
         array_agg(coalesce(judged.last_seq + numbered.rank, judged.known_seq)),
         array_agg(coalesce(judged.last_revision + numbered.rank, judged.known_revision)),
         array_agg(CASE WHEN numbered.rank IS NULL THEN judged.known_at ELSE moment END),
         array_agg(numbered.answers)
  INTO places, outcomes, seqs, revisions, times, answers
  FROM judged LEFT JOIN numbered USING (place);

  IF cardinality(file_ids) > 0 THEN
    PERFORM link_attachments(subscriber_ids, file_places, file_ids, places, outcomes, seqs);
  END IF;

  IF true = ANY (answers) THEN
    RETURN QUERY
    WITH answer AS MATERIALIZED (
      SELECT stored.place, subscriber_ids[stored.place] AS subscriber_id, conversation_ids[stored.place] AS conversation_id,
             senders[stored.place] AS party, stored.seq - 1 AS upto
      FROM unnest(places, seqs, answers) AS stored (place, seq, answers)
      WHERE stored.answers
    ), behind AS MATERIALIZED (
      SELECT answer.* FROM answer
      JOIN watermark USING (subscriber_id, conversation_id, party)
      WHERE watermark.seen_seq < answer.upto
    ), raised AS MATERIALIZED (
      SELECT raised.* FROM
        (SELECT array_agg(subscriber_id) AS subscribers, array_agg(conversation_id) AS conversations,
                array_agg(party) AS parties, array_agg(upto) AS uptos FROM behind HAVING count(*) > 0) AS every
        CROSS JOIN LATERAL raise_watermarks(subscribers, conversations, parties, uptos, uptos) AS raised
      WHERE raised.rose
    ), told AS (
      SELECT max(behind.place) AS place, raised.delivered_seq, raised.seen_seq, raised.seen_before, raised.other_seen,
             raised.told, raised.minute
      FROM behind JOIN raised USING (conversation_id, party)
      GROUP BY raised.conversation_id, raised.party, 2, 3, 4, 5, 6, 7
    )
    SELECT stored.place, stored.outcome, stored.seq, stored.revision, stored.sent_at,
           told.delivered_seq, told.seen_seq, told.seen_before, told.other_seen, told.told, told.minute
    FROM unnest(places, outcomes, seqs, revisions, times) AS stored (place, outcome, seq, revision, sent_at)
    LEFT JOIN told USING (place);
  ELSE
    RETURN QUERY
    SELECT stored.*, NULL::integer, NULL::integer, NULL::integer, NULL::integer, NULL::boolean, NULL::timestamptz
    FROM unnest(places, outcomes, seqs, revisions, times) AS stored (place, outcome, seq, revision, sent_at);
  END IF;
END $$`;
