import { randomBytes } from 'node:crypto';
import { SearchMonths, monthOf } from '../../src/archive/search-months.service.js';
import { SearchTokens } from '../../src/archive/search-tokens.service.js';
import { ChangeFeed } from '../../src/change-feed/change-feed.service.js';
import { messageContext } from '../../src/conversations/message-texts.js';
import { loadConfig } from '../../src/platform/config.js';
import { Vault } from '../../src/platform/vault/vault.js';
import { startService } from '../../src/service.js';
import { Mulberry } from './chance.js';
import { environmentOf, type Shop } from './people.js';
import type { Stage } from './stage.js';
import { vocabulary, zipfWord } from '../../test/support/zipf.js';

const months = 24;
const batch = 5_000;
const conversationsUsed = 2_000;
const vocabularySize = 50_000;
/** Words that stand in one message of so many, in turns, so that the two of a pair never meet. */
const strangers: [string, string][] = [
  ['quaglia', 'fagiano'],
  ['zafferano', 'liquirizia'],
  ['organetto', 'fisarmonica'],
];
const strangersEach = 40;

/** Everything by which an archive is searched. */
export interface Filled {
  words: readonly string[];
  strangers: readonly [string, string][];
  /** Some of the texts. */
  texts: readonly string[];
  /** From the first message to the last. */
  from: Date;
  to: Date;
}

/**
 * Fills the archive of a shop with messages of two years, in the order of time: sealed, in the index, and in clear in a table
 * beside it with the same months and a GIN index of `tsvector`.
 */
export async function fillArchive(
  stage: Stage,
  database: string,
  { subscriberId, people }: Shop,
  wanted: number,
): Promise<Filled> {
  const chance = new Mulberry(11);
  const words = vocabulary(chance, vocabularySize);
  // Only its parts are used; it indexes nothing by itself.
  ChangeFeed.prototype.start = () => undefined;
  const service = await startService(loadConfig({ ...environmentOf(stage, database), PORT: '0' }));
  const client = await stage.connect(database);
  const texts: string[] = [];
  try {
    const [vault, searchTokens] = [service.app.get(Vault), service.app.get(SearchTokens, { strict: false })];
    const to = new Date();
    const from = new Date(to);
    from.setUTCMonth(from.getUTCMonth() - months + 1);
    const step = (to.getTime() - from.getTime()) / wanted;
    const times = Array.from(
      { length: months + 1 },
      (_, n) => new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + n)),
    );
    await service.app.get(SearchMonths, { strict: false }).ensure(times);
    await client.query('SET session_replication_role = replica');
    await client.query('SET synchronous_commit = off');
    await client.query('DROP INDEX search_entry_by_token');
    await client.query(clearTable);
    for (const { partition, from: first, to: last } of times.map(monthOf)) {
      const name = partition.replace('search', 'clear');
      await client.query(
        `CREATE TABLE IF NOT EXISTS ${name} PARTITION OF clear.entry FOR VALUES FROM ('${first.toISOString()}') TO ('${last.toISOString()}')`,
      );
    }
    const ids = people.slice(0, conversationsUsed).map(({ conversationId }) => conversationId);
    for (let first = 0; first < wanted; first += batch) {
      // A minute at a time, as the service does.
      const tokens = await searchTokens.of(subscriberId);
      const rows = Array.from({ length: Math.min(batch, wanted - first) }, (_, offset) => {
        const number = first + offset;
        const text = textOf(chance, words, number);
        if (chance.next() < 2_000 / wanted) texts.push(text);
        const sender = number % 3 ? 'interlocutor' : 'subscriber';
        return {
          conversationId: ids[number % ids.length]!,
          seq: Math.floor(number / ids.length) + 1,
          sentAt: new Date(from.getTime() + number * step),
          clientId: `bench-${number}`,
          sender,
          text,
        } as const;
      });
      const sealed = await vault.sealMany(
        'contact',
        rows.map(({ conversationId, sender, clientId, text }) => ({
          id: conversationId,
          text,
          context: messageContext(subscriberId, conversationId, sender, clientId),
        })),
      );
      const found = rows.map(({ conversationId, text }) => {
        const terms = new Set(tokens.wordsOf(text).map(({ term }) => term));
        const numbers = [tokens.token('conversation', conversationId), ...tokens.ofTerms('word', terms)];
        return `{${[...new Set(numbers)].sort((a, b) => a - b).join(',')}}`;
      });
      const columns = [
        subscriberId,
        rows.map(({ conversationId }) => conversationId),
        rows.map(({ seq }) => seq),
        rows.map(({ sender }) => sender),
        rows.map(({ sentAt }) => sentAt),
      ];
      await client.query(insertMessages, [...columns, rows.map(({ clientId }) => clientId), sealed, randomBytes(32)]);
      await client.query(insertEntries, [...columns, found]);
      await client.query(insertClear, [...columns, rows.map(({ text }) => text)]);
      if (first % (100 * batch) === 0)
        console.log(`${(first + rows.length).toLocaleString('en')} of ${wanted.toLocaleString('en')} messages`);
    }
    await client.query(`UPDATE conversation SET last_seq = last.seq, revision = last.seq, last_message_at = last.at, turn_seq = last.seq,
                          turn_at = last.at, turn_sender = 'interlocutor', last_sender = 'interlocutor'
                        FROM (SELECT conversation_id, max(seq) AS seq, max(sent_at) AS at FROM message GROUP BY 1) AS last WHERE id = conversation_id`);
    await client.query(
      `INSERT INTO feed_consumer (name, checkpoint) VALUES ('search', now()) ON CONFLICT (name) DO UPDATE SET checkpoint = now()`,
    );
    await client.query(`INSERT INTO feed_progress (subscriber_id, conversation_id, consumer, generation, revision)
                        SELECT subscriber_id, id, 'search', generation, revision FROM conversation, feed_consumer WHERE last_seq > 0 AND name = 'search'`);
    await client.query(`SET maintenance_work_mem = '256MB'`);
    await client.query(
      'CREATE INDEX search_entry_by_token ON search_entry USING gin (tokens) WITH (gin_pending_list_limit = 1024)',
    );
    await client.query('CREATE INDEX clear_entry_by_word ON clear.entry USING gin (words)');
    await client.query('CREATE INDEX clear_entry_by_time ON clear.entry (subscriber_id, sent_at)');
    await client.query('VACUUM ANALYZE');
    await client.query('CHECKPOINT');
    return { words, strangers, texts, from, to };
  } finally {
    await client.end();
    await service.stop();
  }
}

function textOf(chance: Mulberry, words: readonly string[], number: number): string {
  const parts: string[] = [];
  for (let left = chance.between(2, 20); left > 0; left--) parts.push(zipfWord(chance, words));
  const [pair, side] = [Math.floor(number / 2) % (strangersEach / 2), number % 2];
  if (pair < strangers.length) parts.push(strangers[pair]![side]!);
  return parts.join(' ');
}

/** In a schema of its own: the service answers for every table of the other one. */
const clearTable = `
  CREATE SCHEMA clear;
  CREATE TABLE clear.entry (
    subscriber_id uuid NOT NULL, sent_at timestamptz(3) NOT NULL, conversation_id uuid NOT NULL, seq integer NOT NULL,
    sender party NOT NULL, body text NOT NULL, words tsvector NOT NULL
  ) PARTITION BY RANGE (sent_at)`;

/** $1 subscriber, $2 conversations, $3 seqs, $4 senders, $5 times, $6 client ids, $7 bodies, $8 a digest. */
const insertMessages = `
  INSERT INTO message (subscriber_id, conversation_id, seq, sender, client_id, digest, body, revision, sent_at)
  SELECT $1, conversation_id, seq, sender, client_id, $8, body, seq, sent_at
  FROM unnest($2::uuid[], $3::integer[], $4::party[], $5::timestamptz[], $6::text[], $7::bytea[])
    AS new (conversation_id, seq, sender, sent_at, client_id, body)`;

const insertEntries = `
  INSERT INTO search_entry (subscriber_id, sent_at, conversation_id, seq, sender, tokens)
  SELECT $1, sent_at, conversation_id, seq, sender, tokens::integer[]
  FROM unnest($2::uuid[], $3::integer[], $4::party[], $5::timestamptz[], $6::text[]) AS new (conversation_id, seq, sender, sent_at, tokens)`;

const insertClear = `
  INSERT INTO clear.entry (subscriber_id, sent_at, conversation_id, seq, sender, body, words)
  SELECT $1, sent_at, conversation_id, seq, sender, body, to_tsvector('italian', body)
  FROM unnest($2::uuid[], $3::integer[], $4::party[], $5::timestamptz[], $6::text[]) AS new (conversation_id, seq, sender, sent_at, body)`;
