import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Figure } from './figure.js';
import { median, shown } from './measures.js';
import type { ServerProcess } from './server-process.js';
import type { Contestant, Scene } from './scene.js';
import type { Stage } from './stage.js';
import { requireAll } from './throughput.js';

const databases = { indexed: 'indexing_on', bare: 'indexing_off' };
const window = 8;
const warmUpSeconds = 2;
/** Messages per second beside which it is measured how soon one is found. */
const rate = 300;
const samples = 40;
const patienceMilliseconds = 120_000;

/** Messages with receipts per second while they are indexed for search, in turns with a service that indexes nothing. */
export async function indexing(scene: Scene): Promise<Figure[]> {
  const stage = await scene.newDatabase(databases.indexed);
  await scene.newDatabase(databases.bare);
  const without = pathToFileURL(join(import.meta.dirname, 'without-index.mjs')).href;
  const indexed = await scene.colloquio(databases.indexed);
  const bare = await scene.colloquio(databases.bare, { NODE_OPTIONS: `--import ${without}` });
  const speeds = new Map<Contestant, number[]>([
    [indexed, []],
    [bare, []],
  ]);
  let behind = 0;
  for (let round = 0; round < scene.options.rounds; round++) {
    for (const [contestant, measured] of speeds) {
      await stage.query('postgres', 'CHECKPOINT');
      const run = { window, warmUpSeconds, seconds: scene.options.seconds };
      const result = await contestant.load.run(run, () => undefined);
      requireAll(contestant, result);
      measured.push(result.finished / result.seconds);
      if (contestant === indexed) behind = Math.max(behind, await untilIndexed(stage));
    }
  }
  const found = await soonFound(scene, indexed);
  const [count] = await stage.query<{ count: number }>(
    databases.bare,
    'SELECT count(*)::integer AS count FROM search_entry',
  );
  if (count!.count > 0) throw new Error('The service that was to index nothing has indexed something.');
  return [
    {
      title: 'Messages with receipts, indexed for search',
      unit: '/s',
      ours: speeds.get(indexed)!,
      beside: 'without indexing',
      others: speeds.get(bare)!,
      mark: { kind: 'at least', value: 0.75 },
      notes: [`Everything was in the index at the latest ${shown(behind)} s after the last message.`],
    },
    {
      title: `Sent until found, p95, at ${rate} messages/s`,
      unit: 'ms',
      ours: found.map(({ untilFound }) => untilFound),
      beside: 'one search',
      others: found.map(({ oneSearch }) => oneSearch),
      ownMark: { kind: 'at most', value: 1_000 },
      notes: [],
    },
  ];
}

/** @returns milliseconds from an acknowledged message until a search finds it (p95), and of a search (median) */
async function soonFound(
  scene: Scene,
  { load, server }: Contestant & { server: ServerProcess },
): Promise<{ untilFound: number; oneSearch: number }[]> {
  const { couples } = await scene.people();
  const { token, people } = couples[0]!;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const ask = async (path: string, body: unknown) => {
    const answer = await fetch(server.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await answer.json()) as { items?: unknown[] };
  };
  const results: { untilFound: number; oneSearch: number }[] = [];
  for (let round = 0; round < scene.options.rounds; round++) {
    const running = load.run({ rate, warmUpSeconds: 1, seconds: scene.options.seconds }, () => undefined);
    const [waits, searches]: [number[], number[]] = [[], []];
    for (let number = 0; number < samples; number++) {
      const word = `cercami${round}x${number}`;
      const clientId = `found-${Date.now()}-${number}`;
      await ask(`/api/conversations/${people[0]!.conversationId}/messages`, { clientId, body: `Vieni, ${word}!` });
      const began = performance.now();
      for (let found = false; !found;) {
        const searching = performance.now();
        found = (await ask('/api/archive/searches', { q: word })).items?.length === 1;
        searches.push(performance.now() - searching);
      }
      waits.push(performance.now() - began);
    }
    await running;
    waits.sort((a, b) => a - b);
    results.push({ untilFound: waits[Math.floor(0.95 * waits.length)]!, oneSearch: median(searches) });
  }
  return results;
}

/** @returns seconds until every message was in the index */
async function untilIndexed(stage: Stage): Promise<number> {
  const began = performance.now();
  for (;;) {
    const [counts] = await stage.query<{ messages: number; entries: number }>(
      databases.indexed,
      `SELECT (SELECT count(*) FROM message)::integer AS messages, (SELECT count(*) FROM search_entry)::integer AS entries`,
    );
    const passed = performance.now() - began;
    if (counts!.entries === counts!.messages) return passed / 1000;
    if (passed > patienceMilliseconds)
      throw new Error(`${counts!.messages - counts!.entries} messages were never indexed.`);
  }
}
