import type { Figure } from './figure.js';
import type { Delays } from './load-process.js';
import { median, shown } from './measures.js';
import type { Contestant, Scene } from './scene.js';
import type { Stage } from './stage.js';
import { requireAll } from './throughput.js';

const rate = 300;
const warmUpSeconds = 2;
/** Slow moments of a shared disk, of 50 to 200 ms each, fall into some turns and not into others: more turns level them out. */
const turnsOfRound = 3;

/** Delays of the messages of one turn, and of each flush of the write-ahead log, in milliseconds. */
interface Turn {
  delays: Delays;
  flush: number;
}

/** Measures the time of a message from the sender to the receiver when the servers have time. */
export async function latency(scene: Scene): Promise<Figure[]> {
  const stage = await scene.newDatabase('latency');
  const colloquio = await scene.colloquio('latency');
  const ejabberd = await scene.ejabberd();
  const contestants: Contestant[] = ejabberd ? [colloquio, ejabberd] : [colloquio];
  const turns = new Map<Contestant, Turn[]>(contestants.map((contestant) => [contestant, []]));
  for (let round = 0; round < scene.options.rounds * turnsOfRound; round++) {
    for (const contestant of contestants) {
      await stage.query('postgres', 'CHECKPOINT');
      const before = await flushes(stage);
      const run = { rate, warmUpSeconds, seconds: scene.options.seconds };
      const result = await contestant.load.run(run, () => undefined);
      requireAll(contestant, result);
      const after = await flushes(stage);
      const flush = (after.milliseconds - before.milliseconds) / (after.count - before.count);
      turns.get(contestant)!.push({ delays: result.delays, flush });
    }
  }
  const ofAll = (contestant: Contestant, value: (turn: Turn) => number) => turns.get(contestant)!.map(value);
  const notes = contestants.map((contestant) => {
    const flush = median(ofAll(contestant, (turn) => turn.flush));
    const longest = median(ofAll(contestant, ({ delays }) => delays.longest));
    return `${contestant.name}: a flush of the write-ahead log took ${shown(flush)} ms on average; the longest message ${shown(longest)} ms.`;
  });
  const figure = (title: string, part: keyof Delays, marked: boolean): Figure => ({
    title: `${title} messages are received within, at a steady ${rate}/s`,
    unit: 'ms',
    ours: ofAll(colloquio, ({ delays }) => delays[part]),
    beside: ejabberd ? 'ejabberd' : 'ejabberd is not installed',
    others: ejabberd ? ofAll(ejabberd, ({ delays }) => delays[part]) : [],
    ...(marked && { mark: { kind: 'at most', value: 1 } as const }),
    notes: marked ? [] : notes,
  });
  return [figure('Half of the', 'median', true), figure('90 of 100', 'p90', true), figure('99 of 100', 'p99', false)];
}

/** The flushes of the write-ahead log so far, of all that write to this PostgreSQL. */
async function flushes(stage: Stage): Promise<{ count: number; milliseconds: number }> {
  const [row] = await stage.query<{ count: number; milliseconds: number }>(
    'postgres',
    `SELECT sum(fsyncs)::double precision AS count, sum(fsync_time) AS milliseconds FROM pg_stat_io WHERE object = 'wal'`,
  );
  return row!;
}
