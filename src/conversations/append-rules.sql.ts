/**
 * Rules that are the same for one draft and for many. They call the rows `draft`, its `conversation`, the `contact` and the
 * `subscriber`, and `known` a message with the draft's sender and client id.
 */

/** Outcome of a draft that is stored already; null for a new one. */
export const repetition = `CASE WHEN known.digest <> draft.digest THEN 'reused' WHEN known.seq IS NOT NULL THEN 'repeated' END`;

/** Reason to refuse a draft; null when it may be stored. */
export const refusal = `CASE
    WHEN CASE draft.sender
           WHEN 'interlocutor' THEN contact.privacy_version < least_privacy
           ELSE subscriber.terms_version < least_subscriber_terms
                OR subscriber.privacy_version < least_subscriber_privacy
         END THEN 'consent_required'
    WHEN subscriber.stopped_at IS NOT NULL THEN
      CASE WHEN subscriber.closing_asked_at IS NOT NULL THEN 'closing' ELSE 'paused' END
    WHEN conversation.restricted_at IS NOT NULL THEN 'restricted'
  END`;

/**
 * The contact of a draft, which is looked for as the first one from there on, as only the right index can give it. As a mere
 * equality it was looked for among all contacts of the subscriber, by a plan that was made while the tables were empty and
 * then kept.
 */
export const contactOfDraft = `LEFT JOIN LATERAL (
      SELECT id, privacy_version FROM contact
      WHERE subscriber_id = draft.subscriber_id AND id >= draft.conversation_id
      ORDER BY id LIMIT 1
    ) AS contact ON contact.id = draft.conversation_id`;

/** A message with the sender and client id of a draft; looked for like its contact. */
export const knownByDraft = `LEFT JOIN LATERAL (
      SELECT seq, revision, sent_at, digest, client_id FROM message
      WHERE subscriber_id = draft.subscriber_id AND conversation_id = draft.conversation_id
        AND sender = draft.sender AND client_id >= draft.client_id
      ORDER BY client_id LIMIT 1
    ) AS known ON known.client_id = draft.client_id`;

/**
 * Tells if a message answers something: the other party wrote last, or the subscriber may have left something unseen.
 * @param sender an expression for the party that writes, beside the columns of the conversation
 */
export const answers = (sender: string): string =>
  `coalesce(last_sender <> ${sender}, false) OR (standing = 3 AND ${sender} = 'subscriber')`;
