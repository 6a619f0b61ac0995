import type { AttachmentState, FileFamily } from '../contract/attachments.js';
import type { Party } from '../contract/events.js';

/** Parts of an attachment that are stored: the file, and the pictures made of it. */
export const parts = ['content', 'thumbnail', 'display'] as const;
export type Part = (typeof parts)[number];

export interface PictureRow {
  part: 'thumbnail' | 'display';
  width: number;
  height: number;
}

export interface AttachmentRow {
  subscriber_id: string;
  id: string;
  /** The conversation it is for; null for a broadcast's file. */
  contact_id: string | null;
  sender: Party;
  author_id: string | null;
  account_id: string;
  seq: number | null;
  broadcast_id: string | null;
  state: AttachmentState | 'uploading';
  scanned: boolean;
  resumable: boolean;
  size: number;
  family: FileFamily;
  media_type: string;
  inline: boolean;
  width: number | null;
  height: number | null;
  duration: number | null;
  pages: number | null;
  note: string | null;
  /** Sealed {@link AttachmentDetails}. */
  details: Buffer;
  created_at: Date;
  pictures: PictureRow[] | null;
}

/** The sealed part of an attachment's row. */
export interface AttachmentDetails {
  name: string;
  /** Heights of 0 to 100. */
  waveform?: number[];
  /** Milliseconds, as the sender's client says; for files of which nothing else tells. */
  duration?: number;
}

const columns = `
  attachment.subscriber_id, attachment.id, attachment.contact_id, attachment.sender, attachment.author_id,
  attachment.account_id, attachment.seq, attachment.broadcast_id, attachment.state, attachment.scanned,
  attachment.resumable, attachment.size, attachment.family, attachment.media_type, attachment.inline, attachment.width,
  attachment.height, attachment.duration, attachment.pages, attachment.note, attachment.details, attachment.created_at,
  (SELECT json_agg(json_build_object('part', part, 'width', picture.width, 'height', picture.height))
   FROM attachment_object AS picture
   WHERE picture.subscriber_id = attachment.subscriber_id AND picture.attachment_id = attachment.id
     AND part <> 'content') AS pictures`;

/** The files of messages, in their order. $1 subscribers, $2 conversations, $3 seqs. */
export const ofMessagesQuery = `
  SELECT ${columns}
  FROM unnest($1::uuid[], $2::uuid[], $3::integer[]) AS place (subscriber_id, contact_id, seq)
  JOIN attachment USING (subscriber_id, contact_id, seq)
  ORDER BY attachment.place`;

/** The files of broadcasts, in their order. $1 subscribers, $2 broadcasts. */
export const ofBroadcastsQuery = `
  SELECT ${columns}
  FROM unnest($1::uuid[], $2::uuid[]) AS place (subscriber_id, broadcast_id)
  JOIN attachment USING (subscriber_id, broadcast_id)
  ORDER BY attachment.place`;

/** A file that a member may have: every sent one of its subscriber, and those it uploaded itself. $1 id, $2 subscriber, $3 account. */
export const accessOfMemberQuery = `
  SELECT ${columns} FROM attachment
  WHERE id = $1 AND subscriber_id = $2 AND state <> 'uploading' AND (place IS NOT NULL OR account_id = $3)`;

/**
 * A file that an interlocutor may have: the sent ones of its conversations, those of broadcasts whose entries it has, and
 * those it uploaded itself. $1 id, $2 interlocutor, $3 account.
 */
export const accessOfInterlocutorQuery = `
  SELECT ${columns}
  FROM contact
  JOIN attachment ON attachment.subscriber_id = contact.subscriber_id AND attachment.id = $1
  WHERE contact.interlocutor_id = $2 AND state <> 'uploading'
    AND CASE
          WHEN broadcast_id IS NULL THEN contact_id = contact.id AND (place IS NOT NULL OR account_id = $3)
          ELSE EXISTS (
            SELECT FROM broadcast_recipient AS recipient
            JOIN message ON message.subscriber_id = recipient.subscriber_id AND message.conversation_id = contact.id
                        AND message.seq = recipient.seq
            WHERE recipient.subscriber_id = contact.subscriber_id AND recipient.broadcast_id = attachment.broadcast_id
              AND recipient.contact_id = contact.id AND message.withdrawn_at IS NULL)
        END`;

/** Files as their own service knows them. $1 subscriber, $2 ids. */
export const byIdsQuery = `
  SELECT ${columns} FROM attachment WHERE subscriber_id = $1 AND id = ANY ($2::uuid[])`;

export interface ObjectRow {
  id: string;
  start: number;
  size: number;
  /** Sealed key of the object. */
  key: Buffer;
  media_type: string | null;
}

/** The objects of a part, in the order of their bytes. $1 subscriber, $2 attachment, $3 part. */
export const objectsQuery = `
  SELECT id, start, size, key, media_type FROM attachment_object
  WHERE subscriber_id = $1 AND attachment_id = $2 AND part = $3 ORDER BY start`;
