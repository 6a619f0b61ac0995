import type { Party } from '../contract/events.js';
import type { Month } from './search-months.service.js';

/** A place in an archive, which is read from the newest to the oldest. */
export interface Position {
  sentAt: Date;
  /** A conversation; a broadcast where seq is 0. */
  id: string;
  seq: number;
}

export interface EntryRow {
  sent_at: Date;
  conversation_id: string;
  seq: number;
}

/** Facts that the rows of the index are filtered by. */
export interface EntryFilter {
  subscriberId: string;
  /** All of them must be present. */
  tokens: readonly number[];
  /** The same under the search key before, while entries of that are left. */
  tokensBefore?: readonly number[] | undefined;
  conversationId?: string | undefined;
  sender?: Party | undefined;
  labels?: readonly string[] | undefined;
}

const order = 'sent_at DESC, conversation_id DESC, seq DESC';

/** A statement whose text is the same for all that ask for the same kinds of things. */
export interface Statement {
  text: string;
  values: unknown[];
}

/** Collects the parameters of a statement. $1 subscriber, $2 to $4 a position, $5 tokens. */
function parametersOf({ subscriberId, tokens }: EntryFilter, { sentAt, id, seq }: Position) {
  const values: unknown[] = [subscriberId, sentAt, id, seq, tokens];
  return { values, parameter: (value: unknown) => `$${values.push(value)}` };
}

/** The condition that an entry has the tokens, under either key. */
function having({ tokensBefore }: EntryFilter, parameter: (value: unknown) => string): string {
  if (!tokensBefore) return 'tokens @> $5::integer[]';
  return `(tokens @> $5::integer[] OR tokens @> ${parameter(tokensBefore)}::integer[])`;
}

function conditionsOf(
  { conversationId, sender, labels }: EntryFilter,
  parameter: (value: unknown) => string,
): string[] {
  const conditions: string[] = [];
  if (conversationId) conditions.push(`conversation_id = ${parameter(conversationId)}::uuid`);
  if (sender) conditions.push(`sender = ${parameter(sender)}::party`);
  for (const label of labels ?? []) {
    conditions.push(`EXISTS (SELECT FROM contact_label
      WHERE contact_label.subscriber_id = $1 AND contact_id = conversation_id AND label_id = ${parameter(label)}::uuid)`);
  }
  return conditions;
}

export interface WalkedRow extends EntryRow {
  matches: boolean;
  walked: number;
}

/**
 * Walks along a subscriber's newest entries before a position, through these months, the latest first. Gives those that match,
 * and the last one walked in any case. Each month is read only when those after it did not suffice.
 */
export function walkStatement(
  filter: EntryFilter,
  months: readonly Month[],
  before: Position,
  limit: number,
): Statement {
  const { values, parameter } = parametersOf(filter, before);
  const matches = [having(filter, parameter), ...conditionsOf(filter, parameter)].join(' AND ');
  const arms = months.map(
    ({ partition }) => `
      (SELECT sent_at, conversation_id, seq, sender, tokens FROM ${partition}
       WHERE subscriber_id = $1 AND (sent_at, conversation_id, seq) < ($2::timestamptz, $3::uuid, $4::integer)
       ORDER BY ${order} LIMIT ${limit})`,
  );
  const text = `
    SELECT sent_at, conversation_id, seq, matches, walked FROM (
      SELECT sent_at, conversation_id, seq, ${matches} AS matches,
             row_number() OVER () AS place, (count(*) OVER ())::integer AS walked
      FROM (SELECT * FROM (${arms.join(' UNION ALL ')}) AS month LIMIT ${limit}) AS entry) AS entry
    WHERE matches OR place = walked ORDER BY place`;
  return { text, values };
}

/**
 * Finds entries before a position by their tokens, in these months, the latest first. Only the index of tokens can be used:
 * everything else is applied to what it gives. Each month is read only when those after it did not suffice.
 */
export function tokensStatement(
  filter: EntryFilter,
  months: readonly Month[],
  before: Position,
  limit: number,
): Statement {
  const { values, parameter } = parametersOf(filter, before);
  const conditions = [
    'subscriber_id = $1',
    '(sent_at, conversation_id, seq) < ($2::timestamptz, $3::uuid, $4::integer)',
    ...conditionsOf(filter, parameter),
  ].join(' AND ');
  const tokens = having(filter, parameter);
  const arms = months.map(
    ({ partition }) => `
      (WITH found AS MATERIALIZED (
         SELECT subscriber_id, sent_at, conversation_id, seq, sender FROM ${partition} WHERE ${tokens})
       SELECT sent_at, conversation_id, seq FROM found WHERE ${conditions} ORDER BY ${order} LIMIT ${limit})`,
  );
  return { text: `SELECT * FROM (${arms.join(' UNION ALL ')}) AS month LIMIT ${limit}`, values };
}

/**
 * Entries of broadcasts in one conversation before a position, through the ledger; those whose common text does not have the
 * tokens are left out, those with a text of their own are not. $1 subscriber, $2 conversation, $3 and $4 time and
 * seq of the position, $5 tokens, $6 those under the key before, or null.
 */
export const ledgerStatement = (limit: number): string => `
  SELECT message.sent_at, message.conversation_id, message.seq
  FROM broadcast_recipient AS recipient
  JOIN broadcast ON broadcast.subscriber_id = recipient.subscriber_id AND broadcast.id = recipient.broadcast_id
  JOIN message ON message.subscriber_id = recipient.subscriber_id AND message.conversation_id = recipient.contact_id
              AND message.seq = recipient.seq
  WHERE recipient.subscriber_id = $1 AND recipient.contact_id = $2
    AND (message.sent_at, message.conversation_id, message.seq) < ($3::timestamptz, $2::uuid, $4::integer)
    AND (broadcast.personal OR EXISTS (
      SELECT FROM search_entry AS entry
      WHERE entry.subscriber_id = broadcast.subscriber_id AND entry.sent_at = broadcast.started_at
        AND entry.conversation_id = broadcast.id AND entry.seq = 0 AND (entry.tokens @> $5::integer[] OR entry.tokens @> $6::integer[])))
  ORDER BY message.sent_at DESC, message.seq DESC LIMIT ${limit}`;

export interface CandidateRow {
  place: number;
  sender: Party;
  author_id: string | null;
  client_id: string | null;
  body: Buffer | null;
  withdrawn_at: Date | null;
  broadcast_id: string | null;
  broadcast_body: Buffer | null;
  sent_at: Date;
  /** Number of its files. */
  files: number;
}

/** Messages as they are now. $1 subscribers, $2 conversations, $3 seqs. */
export const candidatesQuery = `
  SELECT place::integer, message.sender, message.author_id, message.client_id, message.body, message.withdrawn_at,
         message.broadcast_id, message.sent_at, message.files, broadcast.body AS broadcast_body
  FROM unnest($1::uuid[], $2::uuid[], $3::integer[]) WITH ORDINALITY AS wanted (subscriber_id, conversation_id, seq, place)
  JOIN message USING (subscriber_id, conversation_id, seq)
  LEFT JOIN broadcast ON broadcast.subscriber_id = message.subscriber_id AND broadcast.id = message.broadcast_id`;

export interface BroadcastRow {
  id: string;
  author_id: string;
  started_at: Date;
  body: Buffer;
}

/** Broadcasts that have begun. $1 subscriber, $2 ids. */
export const broadcastsQuery = `
  SELECT id, author_id, started_at, body FROM broadcast
  WHERE subscriber_id = $1 AND id = ANY ($2::uuid[]) AND started_at IS NOT NULL AND expired_at IS NULL`;
