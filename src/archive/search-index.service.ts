import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { NIL } from 'uuid';
import { Attachments } from '../attachments/attachments.service.js';
import type {
  BegunBroadcast,
  Change,
  ChangedFile,
  Consumer,
  GoneMessage,
  StoredChange,
} from '../change-feed/consumers.js';
import { broadcastContext } from '../conversations/broadcast-mark.js';
import { messageContext } from '../conversations/message-texts.js';
import type { ErasedCounts } from '../contract/erasures.js';
import type { Party } from '../contract/events.js';
import type { Holding } from '../platform/forgetting/holdings.js';
import { pausing } from '../platform/pausing.js';
import { KeyGoneError } from '../platform/vault/keyring.js';
import { Vault } from '../platform/vault/vault.js';
import { joinedNumbersIn } from './joined-numbers.js';
import type { Place } from './search-keys.service.js';
import { SearchMonths } from './search-months.service.js';
import { SearchTokens, type SubscriberTokens } from './search-tokens.service.js';

/** Milliseconds of reading texts before a pause: people wait for messages, and nobody for the index. */
const readingMilliseconds = 0.5;
/** Milliseconds of a pause, and of all pauses of a batch: a large one must not take long. */
const restingMilliseconds = 4;
const restingInAll = 100;
/** An entry that was read longer ago is read again, because the search key may have been replaced meanwhile. */
const preparedMilliseconds = 10_000;

/** A row of the index. */
interface Entry {
  subscriberId: string;
  sentAt: Date;
  /** Or a broadcast, with seq 0. */
  conversationId: string;
  seq: number;
  sender: Party;
  tokens: number[];
}

/** Keeps the index of the archive up to date with what is stored. */
@Injectable()
export class SearchIndex implements Consumer {
  readonly name = 'search';
  private readonly prepared = new WeakMap<Change, { entry: Entry; at: number }>();

  constructor(
    private readonly attachments: Attachments,
    private readonly database: DataSource,
    private readonly months: SearchMonths,
    private readonly tokens: SearchTokens,
    private readonly vault: Vault,
  ) {}

  async prepare(changes: readonly Change[]): Promise<void> {
    const at = performance.now();
    const stored = changes.filter((change) => change.state === 'stored');
    for (const [change, entry] of await this.read(stored)) this.prepared.set(change, { entry, at });
  }

  async see(manager: EntityManager, changes: readonly Change[]): Promise<void> {
    // The last change of a message is what counts.
    const latest = new Map(changes.map((change) => [`${change.conversationId} ${change.seq}`, change]));
    const stored: StoredChange[] = [];
    const withdrawn: Change[] = [];
    for (const change of latest.values()) {
      if (change.state === 'stored') stored.push(change);
      else withdrawn.push(change);
    }
    const entries = await this.entriesOf(stored);
    await this.write(manager, entries);
    if (withdrawn.length > 0) {
      await manager.query(removeQuery, [
        withdrawn.map(({ subscriberId }) => subscriberId),
        withdrawn.map(({ conversationId }) => conversationId),
        withdrawn.map(({ seq }) => seq),
      ]);
    }
  }

  async seeBroadcasts(manager: EntityManager, broadcasts: readonly BegunBroadcast[]): Promise<void> {
    await this.write(manager, await this.entriesOfBroadcasts(broadcasts));
  }

  private async entriesOfBroadcasts(broadcasts: readonly BegunBroadcast[]): Promise<Entry[]> {
    const texts = await this.vault.openMany(
      'subscriber',
      broadcasts.map(({ subscriberId, id, body }) => ({
        id: subscriberId,
        sealed: body,
        context: broadcastContext(subscriberId, id),
      })),
    );
    const files = await this.attachments.ofMessages(
      broadcasts.map(({ subscriberId, id }) => ({ subscriberId, conversationId: id, seq: 0, broadcastId: id })),
    );
    const entries: Entry[] = [];
    for (const [index, { subscriberId, id, authorId, startedAt }] of broadcasts.entries()) {
      const tokens = await this.tokensOf(subscriberId);
      const text = texts[index];
      if (!tokens || text === undefined) continue;
      const facts = [tokens.token('broadcast', ''), tokens.token('author', authorId)];
      const found = [...facts, ...tokensIn(text, files[index]!, tokens)];
      entries.push({
        subscriberId,
        sentAt: startedAt,
        conversationId: id,
        seq: 0,
        sender: 'subscriber',
        tokens: found,
      });
    }
    return entries;
  }

  /**
   * Makes some entries of a subscriber anew, behind a place, and removes those of messages that are gone. An entry that was
   * removed meanwhile stays so.
   * @returns the place that was reached; undefined when there was nothing behind the last one
   */
  async remake(subscriberId: string, behind: Place | undefined, most: number): Promise<Place | undefined> {
    const { sentAt, id, seq } = behind ?? { sentAt: new Date(0), id: NIL, seq: 0 };
    const parameters = [subscriberId, sentAt, id, seq, most];
    const rows = await this.database.query<RemadeRow[]>(remadeQuery, parameters);
    const last = rows.at(-1);
    if (!last) return undefined;
    const messages = rows.filter(({ body, isBroadcast }) => body && !isBroadcast);
    const broadcasts = rows.filter(({ body, isBroadcast }) => body && isBroadcast);
    const entries = [
      ...(await this.entriesOf(
        messages.map((row) => ({ ...row, subscriberId, revision: 0, state: 'stored' as const, body: row.body! })),
      )),
      ...(await this.entriesOfBroadcasts(
        broadcasts.map(({ conversationId, authorId, sentAt: startedAt, body }) => ({
          subscriberId,
          id: conversationId,
          authorId: authorId!,
          startedAt,
          body: body!,
        })),
      )),
    ];
    const made = new Set(entries.map((entry) => `${entry.conversationId} ${entry.seq}`));
    const gone = rows.filter((row) => !made.has(`${row.conversationId} ${row.seq}`));
    await this.database.query(remakeQuery, [
      subscriberId,
      entries.map((each) => each.sentAt),
      entries.map((each) => each.conversationId),
      entries.map((each) => each.seq),
      entries.map(({ tokens }) => written(tokens)),
    ]);
    await this.forget(
      this.database.manager,
      gone.map((each) => ({ ...each, subscriberId })),
    );
    return { sentAt: last.sentAt, id: last.conversationId, seq: last.seq };
  }

  /** Month by month, so that each statement looks into one partition alone. */
  async forget(manager: EntityManager, messages: readonly GoneMessage[]): Promise<Partial<ErasedCounts>> {
    let deleted = 0;
    const months = Map.groupBy(messages, ({ sentAt }) => sentAt.toISOString().slice(0, 7));
    for (const of of months.values()) {
      const times = of.map(({ sentAt }) => sentAt.getTime());
      const [, entries] = await manager.query<[unknown[], number]>(forgetQuery, [
        of.map(({ subscriberId }) => subscriberId),
        of.map(({ sentAt }) => sentAt),
        of.map(({ conversationId }) => conversationId),
        of.map(({ seq }) => seq),
        new Date(times.reduce((a, b) => Math.min(a, b))),
        new Date(times.reduce((a, b) => Math.max(a, b))),
      ]);
      deleted += entries;
    }
    return { search_entries: deleted };
  }

  /**
   * Removes entries of messages that were withdrawn or are gone, which a rebuilt index may still have from before.
   * @returns how many
   */
  async tidy(): Promise<number> {
    let removed = 0;
    for (const { partition } of await this.months.all()) {
      const rows = await this.database.query<[unknown[], number]>(tidyQuery(partition));
      removed += rows[1];
    }
    return removed;
  }

  private async entriesOf(stored: readonly StoredChange[]): Promise<Entry[]> {
    const latest = performance.now() - preparedMilliseconds;
    const prepared = new Map<StoredChange, Entry>();
    for (const change of stored) {
      const ready = this.prepared.get(change);
      if (ready && ready.at > latest) prepared.set(change, ready.entry);
    }
    const read = await this.read(stored.filter((change) => !prepared.has(change)));
    return stored.flatMap((change) => prepared.get(change) ?? read.get(change) ?? []);
  }

  private async read(stored: readonly StoredChange[]): Promise<Map<StoredChange, Entry>> {
    const texts = await this.open(stored);
    const filesOf = await this.filesOf(stored);
    const entries = new Map<StoredChange, Entry>();
    const pause = pausing(readingMilliseconds, { restingMilliseconds, restingInAll });
    for (const [index, change] of stored.entries()) {
      await pause();
      const { subscriberId, conversationId, seq, sender, authorId, sentAt } = change;
      const text = texts[index];
      const tokens = await this.tokensOf(subscriberId);
      // The key was destroyed: there is nothing to find any more.
      if (!tokens || text === undefined) continue;
      const found = [
        tokens.token('conversation', conversationId),
        ...tokensIn(text, filesOf.get(change) ?? [], tokens),
      ];
      if (authorId !== null) found.push(tokens.token('author', authorId));
      entries.set(change, { subscriberId, sentAt, conversationId, seq, sender, tokens: found });
    }
    return entries;
  }

  /** The texts of messages: as they came, or opened; undefined where the key is gone. */
  private async open(stored: readonly StoredChange[]): Promise<(string | undefined)[]> {
    const sealed = stored.filter(({ body }) => typeof body !== 'string');
    const opened = await this.vault.openMany(
      'contact',
      sealed.map(({ subscriberId, conversationId, sender, clientId, body }) => ({
        id: conversationId,
        sealed: body as Buffer,
        context: messageContext(subscriberId, conversationId, sender, clientId),
      })),
    );
    const texts = new Map(sealed.map((change, index) => [change, opened[index]]));
    return stored.map((change) => (typeof change.body === 'string' ? change.body : texts.get(change)));
  }

  private async filesOf(stored: readonly StoredChange[]): Promise<Map<StoredChange, readonly ChangedFile[]>> {
    const known = new Map<StoredChange, readonly ChangedFile[]>();
    const unknown: StoredChange[] = [];
    for (const change of stored) {
      if (typeof change.files !== 'number') known.set(change, change.files);
      else if (change.files > 0) unknown.push(change);
    }
    if (unknown.length === 0) return known;
    const views = await this.attachments.ofMessages(unknown);
    for (const [index, change] of unknown.entries()) known.set(change, views[index]!);
    return known;
  }

  private async tokensOf(subscriberId: string): Promise<SubscriberTokens | undefined> {
    try {
      return await this.tokens.of(subscriberId);
    } catch (error) {
      if (error instanceof KeyGoneError) return undefined;
      throw error;
    }
  }

  private async write(manager: EntityManager, entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return;
    await this.months.ensure(entries.map(({ sentAt }) => sentAt));
    await manager.query(writeQuery, [
      entries.map(({ subscriberId }) => subscriberId),
      entries.map(({ sentAt }) => sentAt),
      entries.map(({ conversationId }) => conversationId),
      entries.map(({ seq }) => seq),
      entries.map(({ sender }) => sender),
      entries.map(({ tokens }) => written(tokens)),
    ]);
  }
}

/** An array of PostgreSQL. */
const written = (tokens: readonly number[]) => `{${[...new Set(tokens)].sort((a, b) => a - b).join(',')}}`;

/** An entry with what it was made of; without a body, that is gone. */
interface RemadeRow extends Pick<
  StoredChange,
  'conversationId' | 'seq' | 'sender' | 'authorId' | 'clientId' | 'sentAt'
> {
  body: Buffer | null;
  files: number;
  isBroadcast: boolean;
}

/** Entries of a subscriber behind a place. $1 subscriber, $2 to $4 the place, $5 how many. */
const remadeQuery = `
  SELECT entry.sent_at AS "sentAt", entry.conversation_id AS "conversationId", entry.seq, entry.sender,
         coalesce(message.author_id, broadcast.author_id) AS "authorId", message.client_id AS "clientId",
         coalesce(message.files, 0) AS files, coalesce(message.body, broadcast.body) AS body, entry.seq = 0 AS "isBroadcast"
  FROM (SELECT sent_at, conversation_id, seq, sender FROM search_entry
        WHERE subscriber_id = $1 AND (sent_at, conversation_id, seq) > ($2::timestamptz, $3::uuid, $4::integer)
        ORDER BY sent_at, conversation_id, seq LIMIT $5) AS entry
  LEFT JOIN message ON entry.seq > 0 AND message.subscriber_id = $1 AND message.conversation_id = entry.conversation_id
                   AND message.seq = entry.seq AND message.sent_at = entry.sent_at AND message.withdrawn_at IS NULL
  LEFT JOIN broadcast ON entry.seq = 0 AND broadcast.subscriber_id = $1 AND broadcast.id = entry.conversation_id
                     AND broadcast.expired_at IS NULL
  ORDER BY entry.sent_at, entry.conversation_id, entry.seq`;

/** $1 subscriber, $2 times, $3 conversations, $4 seqs, $5 tokens, each an array in words. */
const remakeQuery = `
  UPDATE search_entry SET tokens = remade.tokens::integer[]
  FROM unnest($2::timestamptz[], $3::uuid[], $4::integer[], $5::text[]) AS remade (sent_at, conversation_id, seq, tokens)
  WHERE search_entry.subscriber_id = $1 AND search_entry.sent_at = remade.sent_at
    AND search_entry.conversation_id = remade.conversation_id AND search_entry.seq = remade.seq
    AND search_entry.tokens <> remade.tokens::integer[]`;

const link = /(?:^|[^\p{L}\p{N}])(?:https?:\/\/|www\.)\p{L}/iu;

/** Tells if there is a link in a text, as clients show it. */
export const hasLink = (text: string): boolean => link.test(text);

/** Families of files that are asked for by themselves. */
const families = ['image', 'audio'] as const;

function tokensIn(text: string, files: readonly ChangedFile[], tokens: SubscriberTokens): number[] {
  const terms = new Set<string>();
  addTerms(terms, text, tokens);
  const inNames = new Set<string>();
  for (const { name } of files) addTerms(inNames, name, tokens);
  for (const term of inNames) terms.add(term);
  const found = [...tokens.ofTerms('word', terms), ...tokens.ofTerms('file name', inNames)];
  if (files.length > 0) found.push(tokens.token('has', 'file'));
  for (const family of families) {
    if (files.some((file) => file.family === family)) found.push(tokens.token('has', family));
  }
  if (hasLink(text)) found.push(tokens.token('has', 'link'));
  return found;
}

function addTerms(terms: Set<string>, text: string, tokens: SubscriberTokens): void {
  const words = tokens.wordsOf(text);
  for (const { term } of words) terms.add(term);
  for (const { joined } of joinedNumbersIn(text, words)) terms.add(joined);
}

/** $1 subscribers, $2 times, $3 conversations, $4 seqs, $5 senders, $6 tokens, each an array in words. */
const writeQuery = `
  INSERT INTO search_entry (subscriber_id, sent_at, conversation_id, seq, sender, tokens)
  SELECT subscriber_id, sent_at, conversation_id, seq, sender, tokens::integer[]
  FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::integer[], $5::party[], $6::text[])
    AS entry (subscriber_id, sent_at, conversation_id, seq, sender, tokens)
  ON CONFLICT (subscriber_id, sent_at, conversation_id, seq)
  DO UPDATE SET tokens = excluded.tokens WHERE search_entry.tokens <> excluded.tokens`;

/** $1 subscribers, $2 conversations, $3 seqs. */
const removeQuery = `
  DELETE FROM search_entry USING message
  WHERE (message.subscriber_id, message.conversation_id, message.seq) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[]))
    AND search_entry.subscriber_id = message.subscriber_id AND search_entry.sent_at = message.sent_at
    AND search_entry.conversation_id = message.conversation_id AND search_entry.seq = message.seq`;

/** $1 subscribers, $2 times, $3 conversations, $4 seqs, $5 the first time, $6 the last. */
const forgetQuery = `
  DELETE FROM search_entry USING unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::integer[])
    AS gone (subscriber_id, sent_at, conversation_id, seq)
  WHERE search_entry.sent_at BETWEEN $5::timestamptz AND $6::timestamptz
    AND search_entry.subscriber_id = gone.subscriber_id AND search_entry.sent_at = gone.sent_at
    AND search_entry.conversation_id = gone.conversation_id AND search_entry.seq = gone.seq`;

/** Rows of a subscriber in some partition. $1 subscribers. */
const forgetSubscriberQuery = (limit: number) => `
  DELETE FROM search_entry WHERE (tableoid, ctid) IN (
    SELECT tableoid, ctid FROM search_entry WHERE subscriber_id = ANY ($1::uuid[]) LIMIT ${limit})`;

/** Entries of contacts go with their messages. */
export const searchEntries: Holding = {
  table: 'search_entry',
  contact: () => Promise.resolve({ counts: {}, more: false }),
  subscriber: async (manager, { ids }, limit) => {
    const [, deleted] = await manager.query<[unknown[], number]>(forgetSubscriberQuery(limit), [ids]);
    return { counts: { search_entries: deleted }, more: deleted === limit };
  },
};

const tidyQuery = (partition: string): string => `
  DELETE FROM ${partition} AS entry
  WHERE CASE WHEN seq = 0 THEN NOT EXISTS (
               SELECT FROM broadcast WHERE broadcast.subscriber_id = entry.subscriber_id AND id = conversation_id
                 AND expired_at IS NULL)
             ELSE NOT EXISTS (
               SELECT FROM message
               WHERE message.subscriber_id = entry.subscriber_id AND message.conversation_id = entry.conversation_id
                 AND message.seq = entry.seq AND message.sent_at = entry.sent_at AND withdrawn_at IS NULL) END`;
