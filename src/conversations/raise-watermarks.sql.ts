/**
 * Raises watermarks: of several receipts for one party of a conversation the highest counts. One beyond the last message counts
 * for nothing, as does one in a conversation that is restricted, or whose business pauses or closes. Gives a row for each party
 * of a conversation that is there: its last message, what its watermarks are now, how far it had seen before, and whether they
 * rose. `other_seen` is what the other party may know, and
 * `told` whether anything rose of that.
 */
export const raiseWatermarks = `
CREATE FUNCTION raise_watermarks(
  subscriber_ids uuid[], conversation_ids uuid[], parties party[], delivered integer[], seen integer[]
) RETURNS TABLE (conversation_id uuid, party party, last_seq integer, rose boolean, delivered_seq integer, seen_seq integer,
                 seen_before integer, other_seen integer, told boolean, minute timestamptz, restricted boolean)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  this_minute timestamptz := date_trunc('minute', clock_timestamp());
  change_minute timestamptz := date_trunc('minute', change_time());
BEGIN
  PERFORM FROM watermark
  JOIN (SELECT DISTINCT * FROM unnest(subscriber_ids, conversation_ids, parties)
          AS receipt (subscriber_id, conversation_id, party)) AS wanted
    USING (subscriber_id, conversation_id, party)
  ORDER BY watermark.conversation_id, watermark.party
  FOR NO KEY UPDATE OF watermark;

  RETURN QUERY
  WITH wanted AS (
    SELECT receipt.subscriber_id, receipt.conversation_id, receipt.party, conversation.last_seq,
           coalesce(conversation.restricted_at, subscriber.stopped_at) IS NOT NULL AS restricted,
           coalesce(max(greatest(receipt.delivered, receipt.seen))
             FILTER (WHERE greatest(receipt.delivered, receipt.seen) <= conversation.last_seq
                       AND conversation.restricted_at IS NULL AND subscriber.stopped_at IS NULL), 0) AS delivered,
           coalesce(max(receipt.seen)
             FILTER (WHERE greatest(receipt.delivered, receipt.seen) <= conversation.last_seq
                       AND conversation.restricted_at IS NULL AND subscriber.stopped_at IS NULL), 0) AS seen
    FROM unnest(subscriber_ids, conversation_ids, parties, delivered, seen)
           AS receipt (subscriber_id, conversation_id, party, delivered, seen)
    JOIN conversation
      ON conversation.subscriber_id = receipt.subscriber_id AND conversation.id = receipt.conversation_id
    JOIN subscriber ON subscriber.subscriber_id = receipt.subscriber_id
    GROUP BY 1, 2, 3, 4, 5
  ), compared AS MATERIALIZED (
    SELECT wanted.*, watermark.delivered_seq, watermark.seen_seq, watermark.minute, watermark.seen_minute,
           greatest(watermark.delivered_seq, wanted.delivered) AS new_delivered,
           greatest(watermark.seen_seq, wanted.seen) AS new_seen,
           watermark.delivered_seq < wanted.delivered OR watermark.seen_seq < wanted.seen AS rises,
           CASE WHEN watermark.seen_seq < wanted.seen THEN this_minute ELSE watermark.seen_minute END AS new_seen_minute,
           watermark.delivered_seq < wanted.delivered
             OR (watermark.seen_seq < wanted.seen AND this_minute >= subscriber.seen_times_since) IS TRUE AS told,
           subscriber.seen_times_since
    FROM wanted
    JOIN watermark USING (subscriber_id, conversation_id, party)
    JOIN subscriber USING (subscriber_id)
  ), past AS (
    INSERT INTO watermark_move (subscriber_id, conversation_id, party, minute, delivered_seq, seen_seq)
    SELECT subscriber_id, conversation_id, party, minute, delivered_seq, seen_seq
    FROM compared
    WHERE rises AND minute <> this_minute AND delivered_seq > 0
    ON CONFLICT (subscriber_id, conversation_id, party, minute)
      DO UPDATE SET delivered_seq = EXCLUDED.delivered_seq, seen_seq = EXCLUDED.seen_seq
  ), raised AS (
    UPDATE watermark
    SET delivered_seq = new_delivered, seen_seq = new_seen, minute = this_minute,
        changed_minute = greatest(watermark.changed_minute, change_minute),
        told_minute = CASE WHEN told THEN greatest(watermark.told_minute, change_minute) ELSE watermark.told_minute END,
        seen_minute = new_seen_minute
    FROM compared
    WHERE rises AND watermark.subscriber_id = compared.subscriber_id
      AND watermark.conversation_id = compared.conversation_id AND watermark.party = compared.party
  )
  SELECT conversation_id, party, last_seq, rises, new_delivered, new_seen, seen_seq,
         CASE WHEN new_seen_minute >= seen_times_since THEN new_seen ELSE 0 END,
         told, CASE WHEN rises THEN this_minute ELSE minute END, restricted
  FROM compared;
END $$`;
