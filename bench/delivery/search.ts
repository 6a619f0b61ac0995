import { once } from 'node:events';
import { join } from 'node:path';
import { Mulberry } from './chance.js';
import type { ClearAsk } from './clear-search.js';
import type { Figure } from './figure.js';
import { fillArchive, type Filled } from './filled-archive.js';
import { median, shown } from './measures.js';
import { startNode } from './node-process.js';
import type { Shop } from './people.js';
import type { Scene } from './scene.js';
import type { Stage } from './stage.js';

const databases = { few: 'search_few', many: 'search_many' };
const warmUps = 20;
const asked = 120;

const kinds = ['rare word', 'common word', 'phrase', 'filter', 'words that never meet'] as const;
type Kind = (typeof kinds)[number];

/** A search as the service and the server in clear are asked for it. */
interface Ask {
  sealed: Record<string, unknown>;
  clear: ClearAsk;
}

/** Milliseconds of the answers to one kind of search. */
type Times = Record<Kind, number[]>;

/**
 * Searches of an archive of two years: among millions of messages beside a hundred thousand, and sealed beside PostgreSQL's
 * full-text search of the same texts in clear.
 */
export async function search(scene: Scene): Promise<Figure[]> {
  const stage = await scene.newDatabase(databases.few);
  await scene.newDatabase(databases.many);
  const { market } = await scene.people();
  const { searched, few, rounds } = scene.options;
  const filled = await fillArchive(stage, databases.few, market, few);
  await fillArchive(stage, databases.many, market, searched);
  const services = { few: await scene.service(databases.few), many: await scene.service(databases.many) };
  const clear = await clearServer(scene, stage, market);
  const results: Record<'few' | 'many' | 'clear', Times[]> = { few: [], many: [], clear: [] };
  for (let round = 0; round < rounds; round++) {
    const asks = asksOf(filled, new Mulberry(100 + round));
    results.few.push(await measure(asks, ({ sealed }) => askSealed(services.few.url, market, sealed)));
    results.many.push(await measure(asks, ({ sealed }) => askSealed(services.many.url, market, sealed)));
    results.clear.push(await measure(asks, (each) => askClear(clear.url, each.clear)));
  }
  clear.stop();
  const sizes = await sizesOf(stage, databases.many);
  const p95 = (of: keyof typeof results, kind: Kind) => results[of].map((times) => percentile(times[kind], 0.95));
  const all = (of: keyof typeof results) => results[of].map((times) => percentile(Object.values(times).flat(), 0.95));
  const count = (number: number) => number.toLocaleString('en');
  const figures: Figure[] = [];
  const compare = (title: string, ours: number[], beside: string, others: number[], most: number) =>
    figures.push({ title, unit: 'ms', ours, beside, others, mark: { kind: 'at most', value: most }, notes: [] });
  for (const kind of kinds) {
    compare(
      `Search of ${count(searched)} messages, p95: ${kind}`,
      p95('many', kind),
      `of ${count(few)}`,
      p95('few', kind),
      2,
    );
  }
  compare(`Search of ${count(searched)} messages, p95: all of these`, all('many'), `of ${count(few)}`, all('few'), 2);
  for (const kind of kinds) {
    compare(`Sealed search, p95: ${kind}`, p95('many', kind), 'in clear, tsvector', p95('clear', kind), 1.5);
  }
  compare('Sealed search, p95: all of these', all('many'), 'in clear, tsvector', all('clear'), 1.5);
  figures.push({
    title: 'Index of the archive, beside the sealed texts',
    unit: 'MB',
    ours: [sizes.index],
    beside: 'sealed texts',
    others: [sizes.texts],
    notes: [
      `${shown(sizes.entries)} MB are the entries, ${shown(sizes.key)} MB their primary key, ${shown(sizes.tokens)} MB the index of tokens; the tables and indexes in clear take ${shown(sizes.clear)} MB.`,
    ],
  });
  return figures;
}

function asksOf({ words, strangers, texts, from, to }: Filled, chance: Mulberry): Record<Kind, Ask[]> {
  const pick = <Item>(items: readonly Item[]) => items[chance.between(0, items.length - 1)]!;
  const word = (first: number, last: number) => words[chance.between(first, last)]!;
  const rankOf = new Map(words.map((each, rank) => [each, rank]));
  const simple = (q: string): Ask => ({ sealed: { q }, clear: { q } });
  const make = (one: () => Ask) => Array.from({ length: asked }, one);
  const phrase = (): string => {
    for (;;) {
      const parts = pick(texts).split(' ');
      const at = chance.between(0, Math.max(0, parts.length - 2));
      const two = parts.slice(at, at + 2);
      if (two.length === 2 && two.every((each) => (rankOf.get(each) ?? 0) > 100)) return `"${two.join(' ')}"`;
    }
  };
  return {
    'rare word': make(() => simple(word(15_000, 25_000))),
    'common word': make(() => simple(word(60, 160))),
    phrase: make(() => simple(phrase())),
    filter: make(() => {
      const begins = from.getTime() + chance.next() * 0.9 * (to.getTime() - from.getTime());
      const [after, before] = [begins, begins + 90 * 86_400_000].map((time) => new Date(time).toISOString()) as [
        string,
        string,
      ];
      const filters = { q: word(200, 3_000), from: 'interlocutor', after, before };
      return { sealed: filters, clear: filters };
    }),
    'words that never meet': make(() => simple(pick(strangers).join(' '))),
  };
}

async function measure(asks: Record<Kind, Ask[]>, ask: (each: Ask) => Promise<number>): Promise<Times> {
  const times = Object.fromEntries(kinds.map((kind) => [kind, [] as number[]])) as Times;
  for (const kind of kinds) for (const each of asks[kind].slice(0, warmUps)) await ask(each);
  // Kinds alternate, so that none has the caches to itself.
  for (let place = 0; place < asked; place++) {
    for (const kind of kinds) {
      const began = performance.now();
      const items = await ask(asks[kind][place]!);
      times[kind].push(performance.now() - began);
      if (kind === 'words that never meet' && items > 0) throw new Error('words have met that never should');
    }
  }
  return times;
}

async function askSealed(url: string, { token }: Shop, ask: Record<string, unknown>): Promise<number> {
  const answer = await fetch(`${url}/api/archive/searches`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(ask),
  });
  const body = (await answer.json()) as { items: unknown[] };
  if (answer.status !== 200) throw new Error(JSON.stringify(body));
  return body.items.length;
}

async function askClear(url: string, ask: ClearAsk): Promise<number> {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(ask) });
  return ((await answer.json()) as { items: unknown[] }).items.length;
}

async function clearServer(_scene: Scene, stage: Stage, { subscriberId }: Shop) {
  const child = startNode(join(import.meta.dirname, 'clear-search.ts'), {
    parameters: [stage.url(databases.many), subscriberId],
  });
  const [port] = (await once(child, 'message')) as [number];
  return { url: `http://127.0.0.1:${port}`, stop: () => child.kill() };
}

interface Sizes {
  entries: number;
  key: number;
  tokens: number;
  index: number;
  texts: number;
  clear: number;
}

async function sizesOf(stage: Stage, database: string): Promise<Sizes> {
  const megabytes = (what: string) => `(${what}) / 1048576.0`;
  const partitions = (of: string) => `SELECT inhrelid FROM pg_inherits WHERE inhparent = '${of}'::regclass`;
  const [row] = await stage.query<Record<keyof Sizes, string>>(
    database,
    `SELECT ${megabytes(`SELECT sum(pg_table_size(inhrelid)) FROM (${partitions('search_entry')}) AS each`)} AS entries,
            ${megabytes(`SELECT sum(pg_relation_size(inhrelid)) FROM (${partitions('search_entry_pkey')}) AS each`)} AS key,
            ${megabytes(`SELECT sum(pg_relation_size(inhrelid)) FROM (${partitions('search_entry_by_token')}) AS each`)} AS tokens,
            ${megabytes(`SELECT sum(pg_total_relation_size(inhrelid)) FROM (${partitions('search_entry')}) AS each`)} AS index,
            ${megabytes('SELECT sum(octet_length(body)) FROM message')} AS texts,
            ${megabytes(`SELECT sum(pg_total_relation_size(inhrelid)) FROM (${partitions('clear.entry')}) AS each`)} AS clear`,
  );
  return Object.fromEntries(Object.entries(row!).map(([name, value]) => [name, Number(value)])) as unknown as Sizes;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? median(values);
}
