import type { Locale } from '../contract/common.js';
import type { ExportProblem, ExportState } from '../contract/rights.js';

/** An export, in the words of its table. */
export interface ExportRow {
  id: string;
  account_id: string;
  kind: 'member' | 'interlocutor';
  /** Id of the member or the interlocutor. */
  holder_id: string;
  subscriber_id: string | null;
  /** The only contact in it; null for everything. */
  contact_id: string | null;
  locale: Locale;
  state: ExportState;
  /** Attempts so far; a result counts only while it is of the last one. */
  edition: number;
  failures: number;
  problem: ExportProblem | null;
  /** Name in the storage. */
  object: string | null;
  /** Key of the object, sealed with the key of the export. */
  key: Buffer | null;
  size: number | null;
  done: number;
  total: number;
  asked_at: Date;
  ready_at: Date | null;
  expires_at: Date | null;
}

/** An export whose attempt begins. */
export interface BegunRow extends ExportRow {
  account_locale: Locale;
}

const columns = `
  id, account_id, kind, holder_id, subscriber_id, contact_id, locale, state, edition, failures, problem, object, key,
  size::float8 AS size, done::float8 AS done, total::float8 AS total, asked_at, ready_at, expires_at`;

/** $1 id, $2 account, $3 kind, $4 holder, $5 subscriber, $6 contact, $7 locale. */
export const insertQuery = `
  INSERT INTO export (id, account_id, kind, holder_id, subscriber_id, contact_id, locale, state, asked_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', clock_timestamp())
  RETURNING ${columns}`;

/** Exports of an account that have not expired, newest first. $1 account, $2 behind this id or null, $3 how many. */
export const listQuery = `
  SELECT ${columns} FROM export
  WHERE account_id = $1 AND ($2::uuid IS NULL OR id < $2) AND (expires_at IS NULL OR expires_at > now())
  ORDER BY id DESC LIMIT $3`;

/** $1 id, $2 account. */
export const getQuery = `
  SELECT ${columns} FROM export WHERE id = $1 AND account_id = $2 AND (expires_at IS NULL OR expires_at > now())`;

/** The oldest exports that are to be made. $1 ids to pass over. */
export const nextQuery = `
  SELECT ${columns} FROM export WHERE state IN ('waiting', 'running') AND id <> ALL ($1::uuid[])
  ORDER BY asked_at, id LIMIT 1`;

/** Begins an attempt. $1 id. */
export const beginQuery = `
  UPDATE export SET state = 'running', edition = edition + 1, done = 0, total = 0
  WHERE id = $1 AND state IN ('waiting', 'running')
  RETURNING ${columns}, (SELECT account.locale FROM account WHERE account.id = account_id) AS account_locale`;

/** $1 id, $2 edition, $3 done, $4 total. */
export const progressQuery = `
  UPDATE export SET done = $3, total = $4 WHERE id = $1 AND edition = $2 AND state = 'running' RETURNING id`;

/** Ends an attempt that was not overtaken. $1 id, $2 edition, $3 object, $4 key, $5 size, $6 hours that it is kept. */
export const readyQuery = `
  UPDATE export
  SET state = 'ready', object = $3, key = $4, size = $5, done = total, problem = NULL, ready_at = clock_timestamp(),
      expires_at = clock_timestamp() + $6 * interval '1 hour'
  WHERE id = $1 AND edition = $2 AND state = 'running'
  RETURNING ${columns}`;

/** Gives up after a failed attempt, or waits for the next one. $1 id, $2 edition, $3 problem, $4 whether it is final, $5 hours. */
export const failedQuery = `
  UPDATE export
  SET failures = failures + 1, problem = $3, state = CASE WHEN $4 THEN 'failed' ELSE 'waiting' END,
      expires_at = CASE WHEN $4 THEN clock_timestamp() + $5 * interval '1 hour' END
  WHERE id = $1 AND edition = $2 AND state = 'running'
  RETURNING ${columns}`;

/** Locks an export of an account for its removal. $1 id, $2 account. */
export const lockQuery = `SELECT ${columns} FROM export WHERE id = $1 AND account_id = $2 FOR UPDATE`;

/** $1 ids. */
export const removeQuery = `DELETE FROM export WHERE id = ANY ($1::uuid[])`;

/** $1 before, $2 how many. */
export const expiredQuery = `SELECT id, object FROM export WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2`;

/**
 * Exports that hold something of contacts: those of the subscriber's members, and those of the people who are these contacts.
 * $1 subscriber, $2 contacts.
 */
export const concerningContactsQuery = `
  SELECT id, object FROM export WHERE subscriber_id = $1
  UNION
  SELECT export.id, export.object
  FROM contact JOIN export ON export.holder_id = contact.interlocutor_id AND export.kind = 'interlocutor'
  WHERE contact.subscriber_id = $1 AND contact.id = ANY ($2::uuid[])
    AND (export.contact_id IS NULL OR export.contact_id = contact.id)`;

/** $1 accounts. */
export const ofAccountsQuery = `SELECT id, object FROM export WHERE account_id = ANY ($1::uuid[])`;

/** $1 subscribers. */
export const ofSubscribersQuery = `SELECT id, object FROM export WHERE subscriber_id = ANY ($1::uuid[])`;

/** Makes exports that wait or run anew, and removes the others. $1 ids. */
export const remakeQuery = `
  WITH again AS (
    UPDATE export SET state = 'waiting', edition = edition + 1, done = 0
    WHERE id = ANY ($1::uuid[]) AND state IN ('waiting', 'running')
  )
  DELETE FROM export WHERE id = ANY ($1::uuid[]) AND state IN ('ready', 'failed')`;

/** Names of objects that exports have. $1 names. */
export const knownObjectsQuery = `SELECT object FROM export WHERE object = ANY ($1)`;

/** Lets a session download an export. $1 export, $2 session, $3 until. */
export const letDownloadQuery = `
  INSERT INTO export_download (export_id, session_id, until) VALUES ($1, $2, $3)
  ON CONFLICT (export_id, session_id) DO UPDATE SET until = EXCLUDED.until`;

/** $1 export, $2 session. */
export const mayDownloadQuery = `
  SELECT until FROM export_download WHERE export_id = $1 AND session_id = $2 AND until > now()`;

/** An estimate of the work: a message counts as a kilobyte. $1 subscriber. */
export const sizeOfSubscriberQuery = `
  SELECT ((SELECT coalesce(sum(last_seq), 0) FROM conversation WHERE subscriber_id = $1) * 1000
          + (SELECT coalesce(sum(size), 0) FROM attachment WHERE subscriber_id = $1 AND place IS NOT NULL AND state = 'ready')
         )::float8 AS total`;

/** The same of an interlocutor's conversations. $1 interlocutor, $2 the only contact, or null. */
export const sizeOfInterlocutorQuery = `
  WITH own AS (
    SELECT subscriber_id, id FROM contact WHERE interlocutor_id = $1 AND ($2::uuid IS NULL OR id = $2)
  )
  SELECT ((SELECT coalesce(sum(last_seq), 0) FROM own JOIN conversation USING (subscriber_id, id)) * 1000
          + (SELECT coalesce(sum(size), 0) FROM own
             JOIN attachment ON attachment.subscriber_id = own.subscriber_id AND attachment.contact_id = own.id
             WHERE place IS NOT NULL AND state = 'ready')
          + (SELECT coalesce(sum(size), 0) FROM own
             JOIN message ON message.subscriber_id = own.subscriber_id AND message.conversation_id = own.id
             JOIN attachment ON attachment.subscriber_id = message.subscriber_id
                            AND attachment.broadcast_id = message.broadcast_id
             WHERE message.broadcast_id IS NOT NULL AND message.withdrawn_at IS NULL AND attachment.state = 'ready')
         )::float8 AS total`;
