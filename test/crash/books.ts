import type pg from 'pg';
import type { Party } from '../../src/contract/events.js';
import type { Held } from '../support/client.js';
import { hashOf, named, type SendLog } from './send-log.js';

export interface StoredMessage {
  conversation_id: string;
  sender: Party;
  client_id: string;
  seq: number;
  revision: number;
  sent_at: Date;
  withdrawn_at: Date | null;
  broadcast_id: string | null;
}

interface StoredConversation {
  id: string;
  last_seq: number;
  revision: number;
}

/** Rows of the database, read past the service. */
export interface Books {
  messages: StoredMessage[];
  conversations: StoredConversation[];
  watermarks: { conversation_id: string; party: Party; delivered_seq: number; seen_seq: number }[];
  broadcasts: { id: string; client_id: string; state: string; sent: number; skipped: number }[];
  /** Recipients of broadcasts, with the seq of what they got, or why they got nothing. */
  recipients: { broadcast_id: string; contact_id: string; seq: number | null; skipped: string | null }[];
}

export async function readBooks(client: pg.Client): Promise<Books> {
  const rows = async <Row extends pg.QueryResultRow>(query: string) => (await client.query<Row>(query)).rows;
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const books = {
    messages: await rows<StoredMessage>(
      `SELECT conversation_id, sender, client_id, seq, revision, sent_at, withdrawn_at, broadcast_id
       FROM message ORDER BY conversation_id, seq`,
    ),
    conversations: await rows<StoredConversation>('SELECT id, last_seq, revision FROM conversation'),
    watermarks: await rows<Books['watermarks'][number]>(
      'SELECT conversation_id, party, delivered_seq, seen_seq FROM watermark',
    ),
    broadcasts: await rows<Books['broadcasts'][number]>('SELECT id, client_id, state, sent, skipped FROM broadcast'),
    recipients: await rows<Books['recipients'][number]>(
      'SELECT broadcast_id, contact_id, seq, skipped FROM broadcast_recipient',
    ),
  };
  await client.query('COMMIT');
  return books;
}

/** Messages and broadcasts that the index of the archive lacks, and entries of what is not there. */
export async function errorsInIndex(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ count: number }>(`
    SELECT count(*)::integer AS count
    FROM (SELECT subscriber_id, sent_at, conversation_id, seq, true AS wanted FROM message
          WHERE broadcast_id IS NULL AND withdrawn_at IS NULL
          UNION ALL
          SELECT subscriber_id, started_at, id, 0, true FROM broadcast WHERE started_at IS NOT NULL) AS stored
    FULL JOIN search_entry USING (subscriber_id, sent_at, conversation_id, seq)
    WHERE wanted IS NULL OR tokens IS NULL`);
  return rows[0]!.count;
}

/** Contradictions in the books by themselves, and against the answers that clients got. */
export function errorsIn(books: Books, log: SendLog): string[] {
  return [...contradictionsIn(books), ...brokenPromises(books, log), ...wrongRecipients(books, log)];
}

function contradictionsIn({ messages, conversations, watermarks }: Books): string[] {
  const errors: string[] = [];
  const ofConversation = Map.groupBy(messages, ({ conversation_id: id }) => id);
  for (const { id, last_seq: lastSeq, revision } of conversations) {
    const own = ofConversation.get(id) ?? [];
    if (own.some(({ seq }, index) => seq !== index + 1)) errors.push(`${id}: the seqs have gaps`);
    if (own.length !== lastSeq) errors.push(`${id}: last_seq is ${lastSeq} with ${own.length} messages`);
    const revisions = own.map((message) => message.revision);
    if (new Set(revisions).size !== revisions.length) errors.push(`${id}: a revision is used twice`);
    if (Math.max(0, ...revisions) !== revision) errors.push(`${id}: its revision is none of its messages'`);
    const names = own.map((message) => named({ conversationId: id, party: message.sender }, message.client_id));
    if (new Set(names).size !== names.length) errors.push(`${id}: a clientId is stored twice`);
  }
  const lastSeqs = new Map(conversations.map(({ id, last_seq: lastSeq }) => [id, lastSeq]));
  for (const { conversation_id: id, party, delivered_seq: delivered, seen_seq: seen } of watermarks) {
    if (seen > delivered) errors.push(`${id}: the ${party} has seen more than was delivered`);
    if (delivered > lastSeqs.get(id)!) errors.push(`${id}: more was delivered to the ${party} than was sent`);
  }
  return errors;
}

function brokenPromises({ messages, watermarks }: Books, log: SendLog): string[] {
  const errors: string[] = [];
  const stored = new Map(
    messages.map((message) => [
      named({ conversationId: message.conversation_id, party: message.sender }, message.client_id),
      message,
    ]),
  );
  for (const told of log.read('sent')) {
    const message = stored.get(named(told, told.clientId));
    if (!message) errors.push(`${told.clientId}: acknowledged, and lost`);
    else if (message.seq !== told.seq || message.sent_at.toISOString() !== told.sentAt)
      errors.push(`${told.clientId}: acknowledged as ${told.seq}, stored as ${message.seq}`);
  }
  const attempted = new Set(log.read('sending').map((entry) => named(entry, entry.clientId)));
  for (const [name, { broadcast_id: broadcastId }] of stored) {
    if (!broadcastId && !attempted.has(name)) errors.push(`${name}: stored, and never sent`);
  }
  const placed = new Map(messages.map((message) => [`${message.conversation_id} ${message.seq}`, message]));
  for (const { conversationId, seq } of log.read('withdrawn')) {
    if (!placed.get(`${conversationId} ${seq}`)?.withdrawn_at) errors.push(`${conversationId} ${seq}: still there`);
  }
  const withdrawing = new Set(log.read('withdrawing').map(({ conversationId, seq }) => `${conversationId} ${seq}`));
  for (const [place, { withdrawn_at: withdrawnAt }] of placed) {
    if (withdrawnAt && !withdrawing.has(place)) errors.push(`${place}: withdrawn by nobody`);
  }
  const passed = new Map(watermarks.map((each) => [`${each.conversation_id} ${each.party}`, each]));
  for (const { conversationId, party, deliveredSeq, seenSeq } of log.read('received')) {
    const own = passed.get(`${conversationId} ${party}`)!;
    if (own.delivered_seq < deliveredSeq || own.seen_seq < seenSeq) errors.push(`${conversationId}: a receipt is lost`);
  }
  return errors;
}

/**
 * Every recipient of whom the ledger says that it was sent a broadcast has exactly one message, and nobody else has one; the
 * counts are those of the ledger; a finished broadcast has passed over nobody.
 */
function wrongRecipients({ messages, broadcasts, recipients, conversations }: Books, log: SendLog): string[] {
  const errors: string[] = [];
  const accepted = new Map(log.read('broadcast').map(({ clientId, id }) => [clientId, id]));
  for (const [clientId, id] of accepted) {
    const stored = broadcasts.filter(({ client_id: each }) => each === clientId);
    if (stored.length !== 1 || stored[0]!.id !== id)
      errors.push(`${clientId}: accepted, and stored ${stored.length} times`);
  }
  for (const { id, state, sent, skipped } of broadcasts) {
    const ledger = recipients.filter(({ broadcast_id: each }) => each === id);
    const entered = ledger.flatMap(({ contact_id: contactId, seq }) => (seq === null ? [] : `${contactId} ${seq}`));
    const arrived = messages
      .filter(({ broadcast_id: each }) => each === id)
      .map(({ conversation_id: conversationId, seq }) => `${conversationId} ${seq}`);
    if (entered.sort().join() !== arrived.sort().join()) errors.push(`${id}: the ledger and the messages differ`);
    if (sent !== entered.length || sent + skipped !== ledger.length) errors.push(`${id}: the counts are wrong`);
    if (state === 'finished' && ledger.length !== conversations.length) errors.push(`${id}: somebody was passed over`);
  }
  return errors;
}

/** Differences between the entries that a device reads and those that were written. */
export function misread(held: Held, { broadcasts }: Books, log: SendLog): string[] {
  const written = new Map(
    [...log.read('sending'), ...log.read('broadcasting')].map(({ clientId, body }) => [clientId, body]),
  );
  for (const { id, client_id: clientId } of broadcasts) written.set(`broadcast/${id}`, written.get(clientId)!);
  const messages = [...held.messages.values()].flatMap((each) => [...each.values()]);
  return messages
    .filter(({ clientId, body, withdrawnAt }) => (withdrawnAt ? body !== '' : hashOf(body) !== written.get(clientId)))
    .map(({ clientId }) => `${clientId}: reads otherwise than it was written`);
}
