import type { AttachmentState, FileFamily, FileNote } from '../contract/attachments.js';
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
  note: FileNote | null;
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

export interface PlaceRow {
  subscriber_id: string;
  restricted: boolean;
  /** Versions that the parties have accepted. */
  contact_privacy: number;
  terms_version: number;
  privacy_version: number;
  paused_at: Date | null;
  closing_asked_at: Date | null;
}

/** The conversation that a file is uploaded for, if the party is one of its two. $1 conversation, $2 the party's id. */
export const placeQuery = (side: 'subscriber' | 'interlocutor'): string => `
  SELECT contact.subscriber_id, conversation.restricted_at IS NOT NULL AS restricted,
         contact.privacy_version AS contact_privacy, subscriber.terms_version, subscriber.privacy_version,
         subscriber.paused_at, subscriber.closing_asked_at
  FROM contact JOIN conversation USING (subscriber_id, id) JOIN subscriber USING (subscriber_id)
  WHERE contact.id = $1 AND contact.${side}_id = $2`;

/** Reserves room; gives a row if there is enough. $1 subscriber, $2 bytes, $3 bytes allowed. */
export const reserveQuery = `
  INSERT INTO attachment_usage (subscriber_id, bytes) SELECT $1, $2::bigint WHERE $2::bigint <= $3::bigint
  ON CONFLICT (subscriber_id) DO UPDATE SET bytes = attachment_usage.bytes + $2::bigint
    WHERE attachment_usage.bytes + $2::bigint <= $3::bigint
  RETURNING true AS reserved`;

/** Bytes that a subscriber's files take. $1 subscriber. */
export const usedQuery = `
  SELECT coalesce((SELECT bytes FROM attachment_usage WHERE subscriber_id = $1), 0)::float8 AS used`;

/** Files of an account that are not sent. $1 subscriber, $2 account. */
export const unsentQuery = `
  SELECT count(*)::integer AS unsent FROM attachment WHERE subscriber_id = $1 AND account_id = $2 AND place IS NULL`;

/** $1 subscriber, $2 id, $3 contact, $4 sender, $5 author, $6 account, $7 resumable, $8 size, $9 details; still uploading. */
export const insertQuery = `
  INSERT INTO attachment (subscriber_id, id, contact_id, sender, author_id, account_id, state, resumable, size, family,
                          media_type, details, created_at)
  VALUES ($1, $2, $3, $4, $5, $6, 'uploading', $7, $8, 'other', 'application/octet-stream', $9, clock_timestamp())`;

/** $1 subscriber, $2 ids, $3 attachment, $4 parts, $5 starts, $6 sizes, $7 keys, $8 media types, $9 widths, $10 heights. */
export const insertObjectsQuery = `
  INSERT INTO attachment_object (subscriber_id, attachment_id, id, part, start, size, key, media_type, width, height)
  SELECT $1, $3, object.*
  FROM unnest($2::uuid[], $4::text[], $5::integer[], $6::integer[], $7::bytea[], $8::text[], $9::integer[], $10::integer[])
         AS object`;

/**
 * All of a file has come in. $1 subscriber, $2 id, $3 state, $4 family, $5 media type, $6 inline, $7 width, $8 height,
 * $9 duration, $10 pages, $11 note.
 */
export const completeQuery = `
  UPDATE attachment
  SET state = $3, family = $4, media_type = $5, inline = $6, width = $7, height = $8, duration = $9, pages = $10, note = $11
  WHERE subscriber_id = $1 AND id = $2 AND state = 'uploading'
  RETURNING id`;

/**
 * Erases files: their rows, and with them the keys of their objects, whose names stay until they are gone from the storage.
 * Gives the files, each with the number of pictures of all of them.
 * @param which a condition on `attachment`, whose first parameter is the subscriber
 */
export const eraseQuery = (which: string, limit?: number): string => `
  WITH gone AS MATERIALIZED (
    SELECT subscriber_id, id, CASE state WHEN 'rejected' THEN 0 ELSE size END AS size
    FROM attachment WHERE subscriber_id = $1 AND ${which} ORDER BY id ${limit === undefined ? '' : `LIMIT ${limit}`} FOR UPDATE
  ), objects AS (
    DELETE FROM attachment_object USING gone
    WHERE attachment_object.subscriber_id = gone.subscriber_id AND attachment_object.attachment_id = gone.id
    RETURNING attachment_object.subscriber_id, attachment_object.id, attachment_object.part
  ), erased AS (
    INSERT INTO erased_object (subscriber_id, id, erased_at) SELECT subscriber_id, id, clock_timestamp() FROM objects
  ), freed AS (
    UPDATE attachment_usage SET bytes = bytes - (SELECT coalesce(sum(size), 0) FROM gone) WHERE subscriber_id = $1
  ), rows AS (
    DELETE FROM attachment USING gone
    WHERE attachment.subscriber_id = gone.subscriber_id AND attachment.id = gone.id
    RETURNING attachment.id
  )
  SELECT id, (SELECT count(*) FROM objects WHERE part <> 'content')::integer AS pictures FROM rows`;

/** Erases single objects of a file. $1 subscriber, $2 ids. */
export const eraseObjectsQuery = `
  WITH objects AS (
    DELETE FROM attachment_object WHERE subscriber_id = $1 AND id = ANY ($2::uuid[]) RETURNING subscriber_id, id
  )
  INSERT INTO erased_object (subscriber_id, id, erased_at) SELECT subscriber_id, id, clock_timestamp() FROM objects`;

/** Objects that are to be removed from the storage. $1 how many. */
export const erasedQuery = `SELECT subscriber_id, id FROM erased_object ORDER BY erased_at LIMIT $1`;

/** They are gone. $1 subscribers, $2 ids. */
export const removedQuery = `
  DELETE FROM erased_object USING unnest($1::uuid[], $2::uuid[]) AS gone (subscriber_id, id)
  WHERE erased_object.subscriber_id = gone.subscriber_id AND erased_object.id = gone.id`;

/** Finds objects that belong to a file or wait to be removed. $1 ids. */
export const knownObjectsQuery = `
  SELECT id FROM attachment_object WHERE id = ANY ($1::uuid[])
  UNION ALL SELECT id FROM erased_object WHERE id = ANY ($1::uuid[])`;

/** The scanner has spoken. $1 subscriber, $2 id, $3 state, $4 whether it was scanned. */
export const scannedQuery = `
  WITH scanned AS (
    UPDATE attachment SET state = $3, scanned = $4 WHERE subscriber_id = $1 AND id = $2 AND state = 'pending' RETURNING seq
  )
  SELECT seq FROM scanned`;

/** $1 subscriber, $2 conversation. */
export const partyOfConversationQuery = `SELECT interlocutor_id FROM contact WHERE subscriber_id = $1 AND id = $2`;

/** $1 subscriber, $2 attachment. */
export const objectIdsQuery = `SELECT id FROM attachment_object WHERE subscriber_id = $1 AND attachment_id = $2`;

/** Gives the room of a file back. $1 subscriber, $2 attachment. */
export const freeQuery = `
  UPDATE attachment_usage
  SET bytes = bytes - (SELECT size FROM attachment WHERE attachment.subscriber_id = $1 AND attachment.id = $2)
  WHERE subscriber_id = $1`;

/** Files that were not sent. $1 uploaded before, $2 how many. */
export const unsentSinceQuery = `
  SELECT subscriber_id, id FROM attachment WHERE place IS NULL AND created_at < $1 ORDER BY created_at LIMIT $2`;

/** Files that the scanner has said nothing about. $1 uploaded before, $2 how many. */
export const pendingSinceQuery = `
  SELECT subscriber_id, id FROM attachment WHERE state = 'pending' AND created_at < $1 ORDER BY created_at LIMIT $2`;

/** Locks files for a broadcast that its author uploaded and has not sent, in the order of their ids. $1 subscriber, $2 author, $3 ids. */
export const lockForBroadcastQuery = `
  SELECT id, state FROM attachment
  WHERE subscriber_id = $1 AND author_id = $2 AND id = ANY ($3::uuid[]) AND contact_id IS NULL AND place IS NULL
    AND state IN ('pending', 'ready')
  ORDER BY id FOR UPDATE`;

/** Gives a broadcast its files, in their order. $1 subscriber, $2 broadcast, $3 ids. */
export const linkToBroadcastQuery = `
  UPDATE attachment SET broadcast_id = $2, place = file.number - 1
  FROM unnest($3::uuid[]) WITH ORDINALITY AS file (id, number)
  WHERE attachment.subscriber_id = $1 AND attachment.id = file.id`;

/**
 * A resumable upload of an account, complete or not, with how much of it has come in. $1 id, $2 account, $3 the subscriber or
 * the interlocutor.
 */
export const uploadQuery = `
  SELECT ${columns},
         (SELECT coalesce(sum(size), 0)::integer FROM attachment_object
          WHERE attachment_object.subscriber_id = attachment.subscriber_id AND attachment_id = attachment.id
            AND part = 'content') AS "offset"
  FROM attachment
  WHERE id = $1 AND account_id = $2 AND resumable
    AND subscriber_id IN (SELECT $3::uuid UNION ALL SELECT subscriber_id FROM contact WHERE interlocutor_id = $3)`;
