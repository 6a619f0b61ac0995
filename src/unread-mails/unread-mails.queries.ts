/** Rows whose time is further away are not looked at just now, so that what sees a message need not wait for them. */
const farAway = `due_at > now() + interval '1 minute' AND NOT of_broadcast`;

/** Accounts of people to tell, beside the time of the message: they are to be looked at once it has been unread for long enough. */
const noteRecipients = (told: string, ofBroadcast: boolean): string => `
  INSERT INTO unread_mail (account_id, since, due_at, of_broadcast)
  SELECT told.account_id, told.since, told.since + interval '60 minutes', ${ofBroadcast}
  FROM (${told}) AS told
  WHERE EXISTS (SELECT FROM session WHERE session.account_id = told.account_id AND session.expires_at > now())
    AND NOT EXISTS (SELECT FROM unread_mail AS there
                    WHERE there.account_id = told.account_id AND (there.wait_minutes = 0 OR ${farAway}))
  ORDER BY told.account_id
  ON CONFLICT (account_id) DO UPDATE
    SET since = CASE WHEN unread_mail.due_at IS NULL THEN excluded.since ELSE unread_mail.since END,
        due_at = CASE WHEN unread_mail.due_at IS NULL
                      THEN excluded.since + unread_mail.wait_minutes * interval '1 minute' ELSE unread_mail.due_at END,
        of_broadcast = excluded.of_broadcast AND (unread_mail.due_at IS NULL OR unread_mail.of_broadcast)
    WHERE unread_mail.wait_minutes > 0
      AND (unread_mail.due_at IS NULL OR unread_mail.of_broadcast AND NOT excluded.of_broadcast)`;

/**
 * Records messages that the other party may have to be told of. $1 subscribers, $2 conversations, $3 senders, $4 when the first
 * message of each was sent.
 */
export const noteQuery = noteRecipients(
  `WITH change AS (
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::party[], $4::timestamptz[])
       AS change (subscriber_id, conversation_id, sender, since))
   SELECT interlocutor.account_id, min(change.since) AS since
   FROM change
   JOIN contact ON contact.subscriber_id = change.subscriber_id AND contact.id = change.conversation_id
   JOIN interlocutor ON interlocutor.id = contact.interlocutor_id
   WHERE change.sender = 'subscriber'
   GROUP BY interlocutor.account_id
   UNION ALL
   SELECT member.account_id, min(change.since)
   FROM change
   JOIN member ON member.subscriber_id = change.subscriber_id AND member.removed_at IS NULL AND member.account_id IS NOT NULL
   WHERE change.sender = 'interlocutor'
   GROUP BY member.account_id`,
  false,
);

/** $1 subscribers, $2 broadcasts, $3 when they began. */
export const noteBroadcastsQuery = `
  INSERT INTO unread_broadcast (subscriber_id, broadcast_id, started_at)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) ORDER BY 1, 2
  ON CONFLICT DO NOTHING`;

export interface BroadcastToWalk {
  subscriberId: string;
  broadcastId: string;
  walkedTo: string | null;
}

/** A broadcast that has ended, and which its recipients have had some minutes ($1) to see. */
export const broadcastToWalkQuery = `
  SELECT walk.subscriber_id AS "subscriberId", walk.broadcast_id AS "broadcastId", walk.walked_to AS "walkedTo"
  FROM unread_broadcast AS walk
  JOIN broadcast ON broadcast.subscriber_id = walk.subscriber_id AND broadcast.id = walk.broadcast_id
  WHERE broadcast.ended_at <= now() - $1 * interval '1 minute'
  ORDER BY walk.started_at LIMIT 1 FOR UPDATE OF walk SKIP LOCKED`;

/** Contacts that are erased ($2) of a subscriber ($1) mark no place any more: the recipient before them does. */
export const forgetPlacesQuery = `
  UPDATE unread_broadcast AS walk SET walked_to = (
    SELECT contact_id FROM broadcast_recipient AS recipient
    WHERE recipient.subscriber_id = walk.subscriber_id AND recipient.broadcast_id = walk.broadcast_id
      AND contact_id < walked_to AND NOT contact_id = ANY ($2::uuid[])
    ORDER BY contact_id DESC LIMIT 1)
  WHERE subscriber_id = $1 AND walked_to = ANY ($2::uuid[])`;

/** $1 subscriber, $2 broadcast, $3 contact behind which they come, $4 how many. */
export const recipientsQuery = `
  SELECT contact_id AS id FROM broadcast_recipient
  WHERE subscriber_id = $1 AND broadcast_id = $2 AND contact_id > coalesce($3::uuid, '00000000-0000-0000-0000-000000000000')
  ORDER BY contact_id LIMIT $4`;

/** Notes recipients of a broadcast who have not seen it. $1 subscriber, $2 broadcast, $3 contacts. */
export const noteRecipientsQuery = noteRecipients(
  `SELECT interlocutor.account_id, min(message.sent_at) AS since
   FROM broadcast_recipient AS recipient
   JOIN contact ON contact.subscriber_id = recipient.subscriber_id AND contact.id = recipient.contact_id
   JOIN interlocutor ON interlocutor.id = contact.interlocutor_id
   JOIN watermark ON watermark.subscriber_id = recipient.subscriber_id AND watermark.conversation_id = recipient.contact_id
                 AND watermark.party = 'interlocutor' AND watermark.seen_seq < recipient.seq
   JOIN message ON message.subscriber_id = recipient.subscriber_id AND message.conversation_id = recipient.contact_id
               AND message.seq = recipient.seq
   WHERE recipient.subscriber_id = $1 AND recipient.broadcast_id = $2 AND recipient.contact_id = ANY ($3::uuid[])
   GROUP BY interlocutor.account_id`,
  true,
);

export const dueQuery = `
  SELECT account_id AS id FROM unread_mail WHERE due_at <= now() ORDER BY of_broadcast, due_at LIMIT $1`;

export interface DueRow {
  waitMinutes: number;
  mailedAt: Date | null;
}

/** Locks an account's row, unless it is not due any more or another node is at it. */
export const takeQuery = `
  SELECT wait_minutes AS "waitMinutes", mailed_at AS "mailedAt" FROM unread_mail
  WHERE account_id = $1 AND due_at <= now() FOR UPDATE SKIP LOCKED`;

export interface UnreadRow {
  conversations: number;
  messages: number;
  businesses: number;
  /** Name of one of them. */
  businessName: string | null;
  /** Time of the first message that is unread and came after the last mail. */
  firstNewAt: Date | null;
  /** Something was seen since the last mail, or there was none. */
  isBack: boolean;
}

/** Unread messages of one conversation, of a party that writes ($2) to who has seen so far. */
const unseen = (seen: string, sender: string) => `
  SELECT count(*)::integer AS messages, min(sent_at) FILTER (WHERE sent_at > coalesce($2::timestamptz, '-infinity')) AS first_new_at
  FROM (SELECT sent_at FROM message
        WHERE message.subscriber_id = conversation.subscriber_id AND message.conversation_id = conversation.id
          AND message.seq > ${seen} AND message.sender = '${sender}' AND message.withdrawn_at IS NULL
        LIMIT $3) AS message`;

/** The minute of a watermark says when something was seen; within the minute of the mail it counts as after it. */
const isBack = (where: string) => `
  ($2::timestamptz IS NULL OR EXISTS (
    SELECT FROM ${where} AND watermark.seen_minute >= date_trunc('minute', $2::timestamptz)))`;

const counted = `
  SELECT count(*)::integer AS conversations, coalesce(sum(messages), 0)::integer AS messages,
         count(DISTINCT subscriber_id)::integer AS businesses, min(business_name) AS "businessName",
         min(first_new_at) AS "firstNewAt"`;

/** Conversations that are frozen, or that the account ($1) has muted, count for nothing, nor do those of a business that pauses or closes. */
const isAlive = `conversation.restricted_at IS NULL AND subscriber.stopped_at IS NULL
  AND NOT EXISTS (SELECT FROM conversation_mute AS mute
                  WHERE mute.subscriber_id = conversation.subscriber_id AND mute.conversation_id = conversation.id
                    AND mute.account_id = $1 AND coalesce(mute.until, 'infinity') > now())`;

/** Messages that an interlocutor has not seen. $1 account, $2 when it was mailed last, $3 messages counted in a conversation at most. */
export const unreadOfInterlocutorQuery = `
  ${counted},
    ${isBack(`interlocutor
      JOIN contact ON contact.interlocutor_id = interlocutor.id
      JOIN watermark ON watermark.subscriber_id = contact.subscriber_id AND watermark.conversation_id = contact.id
      WHERE interlocutor.account_id = $1 AND watermark.party = 'interlocutor'`)} AS "isBack"
  FROM (SELECT conversation.subscriber_id, subscriber.business_name, unseen.*
        FROM interlocutor
        JOIN contact ON contact.interlocutor_id = interlocutor.id
        JOIN subscriber ON subscriber.subscriber_id = contact.subscriber_id
        JOIN conversation ON conversation.subscriber_id = contact.subscriber_id AND conversation.id = contact.id
        JOIN watermark ON watermark.subscriber_id = contact.subscriber_id AND watermark.conversation_id = contact.id
                      AND watermark.party = 'interlocutor'
        CROSS JOIN LATERAL (${unseen('watermark.seen_seq', 'subscriber')}) AS unseen
        WHERE interlocutor.account_id = $1 AND unseen.messages > 0 AND ${isAlive}) AS those`;

/** The same for a member: what one member of the business has seen, all have seen. */
export const unreadOfMemberQuery = `
  ${counted},
    ${isBack(`member
      JOIN watermark ON watermark.subscriber_id = member.subscriber_id
      WHERE member.account_id = $1 AND watermark.party = 'subscriber'
        AND watermark.changed_minute >= date_trunc('minute', $2::timestamptz)`)} AS "isBack"
  FROM (SELECT conversation.subscriber_id, subscriber.business_name, unseen.*
        FROM member
        JOIN subscriber ON subscriber.subscriber_id = member.subscriber_id
        JOIN conversation ON conversation.subscriber_id = member.subscriber_id AND conversation.standing = 3
        JOIN watermark ON watermark.subscriber_id = conversation.subscriber_id AND watermark.conversation_id = conversation.id
                      AND watermark.party = 'subscriber'
        CROSS JOIN LATERAL (${unseen('watermark.seen_seq', 'interlocutor')}) AS unseen
        WHERE member.account_id = $1 AND member.removed_at IS NULL AND unseen.messages > 0 AND ${isAlive}) AS those`;
