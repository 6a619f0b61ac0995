/**
 * Finds the files that drafts of messages name and may not have: those that do not exist, are another conversation's or
 * another sender's, are sent, not complete or rejected; of one that two drafts name, the second has it not. Locks the others
 * until the transaction ends, in the order of their ids and behind the conversations, which are locked before (`held`).
 * `file_places` says of each file, from 1, to which draft it belongs.
 */
export const lackingAttachments = `
CREATE FUNCTION lacking_attachments(
  held uuid[], subscriber_ids uuid[], conversation_ids uuid[], senders party[], author_ids uuid[],
  file_places integer[], file_ids uuid[]
) RETURNS TABLE (place integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM FROM attachment
  JOIN (SELECT DISTINCT subscriber_ids[file.place] AS subscriber_id, file.id
        FROM unnest(file_places, file_ids) AS file (place, id)
        WHERE conversation_ids[file.place] = ANY (held)) AS wanted USING (subscriber_id, id)
  ORDER BY attachment.id
  FOR UPDATE OF attachment;

  RETURN QUERY
  SELECT DISTINCT file.place
  FROM (SELECT file.place, file.id, row_number() OVER (PARTITION BY file.id ORDER BY file.place) AS named
        FROM unnest(file_places, file_ids) AS file (place, id)) AS file
  LEFT JOIN attachment
    ON attachment.subscriber_id = subscriber_ids[file.place] AND attachment.id = file.id
   AND attachment.contact_id = conversation_ids[file.place] AND attachment.sender = senders[file.place]
   AND attachment.author_id IS NOT DISTINCT FROM author_ids[file.place]
   AND attachment.place IS NULL AND attachment.state IN ('pending', 'ready')
  WHERE attachment.id IS NULL OR file.named > 1;
END $$`;

/** Gives the stored ones of these drafts their files, in the order in which they name them. */
export const linkAttachments = `
CREATE FUNCTION link_attachments(
  subscriber_ids uuid[], file_places integer[], file_ids uuid[], places integer[], outcomes text[], seqs integer[]
) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  UPDATE attachment SET seq = file.seq, place = file.position
  FROM (SELECT subscriber_ids[stored.place] AS subscriber_id, named.id, stored.seq,
               row_number() OVER (PARTITION BY named.place ORDER BY named.number) - 1 AS position
        FROM unnest(file_places, file_ids) WITH ORDINALITY AS named (place, id, number)
        JOIN unnest(places, outcomes, seqs) AS stored (place, outcome, seq) USING (place)
        WHERE stored.outcome = 'stored') AS file
  WHERE attachment.subscriber_id = file.subscriber_id AND attachment.id = file.id;
END $$`;
