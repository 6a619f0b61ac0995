import { once } from 'node:events';
import { join } from 'node:path';
import type { Writing } from './bare-writer.js';
import type { Figure } from './figure.js';
import type { LoadResult, Run } from './load-process.js';
import { median, shown } from './measures.js';
import { startNode } from './node-process.js';
import { type Contestant, type Cost, CostWatch, type Scene } from './scene.js';
import type { Stage } from './stage.js';

interface Measured {
  perSecond: number;
  cost: Cost;
}

/** Mean numbers of messages and of receipts that the service writes in one call. */
interface Batches {
  messages: number;
  receipts: number;
}

const database = 'throughput';
const bareDatabase = 'throughput_bare';

/** Messages that each pair has under way; the best of them is each system's own. */
const windows = [1, 2, 4, 8, 16];
const sweepSeconds = 2;
const warmUpSeconds = 1;

/**
 * Messages that are stored, received and acknowledged by a receipt, per second; in turns with ejabberd, and with a loop that
 * does nothing but write the same to the same PostgreSQL.
 */
export async function throughput(scene: Scene): Promise<Figure[]> {
  const stage = await scene.newDatabase(database);
  await scene.newDatabase(bareDatabase);
  const colloquio = await scene.colloquio(database);
  const ejabberd = await scene.ejabberd();
  const { rounds, seconds, pairs, profileDir } = scene.options;
  const contestants: Contestant[] = ejabberd ? [colloquio, ejabberd] : [colloquio];
  const best = new Map<Contestant, number>();
  for (const contestant of contestants) best.set(contestant, await bestWindow(scene, contestant));

  const measured = new Map<Contestant, Measured[]>(contestants.map((contestant) => [contestant, []]));
  const bare: number[] = [];
  const batches: Batches[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) {
      await stage.query('postgres', 'CHECKPOINT');
      const before = await now(stage);
      const run = { window: best.get(contestant)!, warmUpSeconds, seconds };
      measured.get(contestant)!.push(await measure(scene, contestant, run));
      if (contestant !== colloquio) continue;
      const batch = await batchesSince(stage, before);
      batches.push(batch);
      await stage.query('postgres', 'CHECKPOINT');
      bare.push(await writeBare(stage, { ...batch, conversations: pairs, warmUpSeconds, seconds }));
    }
  }
  const notes = contestants.map((contestant) => {
    const costs = measured.get(contestant)!.map(({ cost }) => cost);
    const part = (name: keyof Cost) => `${shown(median(costs.map((cost) => cost[name])))} µs`;
    const window = best.get(contestant)!;
    return `${contestant.name}: best with ${window} under way in each of ${pairs} pairs; processor time of a message: server ${part('server')}, PostgreSQL ${part('postgres')}, client ${part('client')}.`;
  });
  if (profileDir !== undefined) {
    const file = join(profileDir, 'throughput.cpuprofile');
    const run = { window: best.get(colloquio)!, warmUpSeconds: 0, seconds };
    await colloquio.server.profiled(file, () => measure(scene, colloquio, run));
    console.log(`Profile of the service: ${file}`);
  }
  const speeds = (contestant: Contestant) => measured.get(contestant)!.map(({ perSecond }) => perSecond);
  const size = (name: keyof Batches) => shown(median(batches.map((batch) => batch[name])));
  const title = 'Messages with receipts, sealed, durable and indexed for search';
  return [
    {
      title,
      unit: '/s',
      ours: speeds(colloquio),
      beside: ejabberd ? 'ejabberd' : 'ejabberd is not installed',
      others: ejabberd ? speeds(ejabberd) : [],
      mark: { kind: 'at least', value: 4 },
      notes,
    },
    {
      title,
      unit: '/s',
      ours: speeds(colloquio),
      beside: 'a loop that seals and writes the same',
      others: bare,
      mark: { kind: 'at least', value: 0.5 },
      notes: [`Written at once: ${size('messages')} messages, ${size('receipts')} receipts.`],
    },
  ];
}

/** A moment in the life of the database. */
interface Moment {
  at: Date;
  /** The next transaction that writes will have this number. */
  transaction: number;
}

async function now(stage: Stage): Promise<Moment> {
  const [moment] = await stage.query<Moment>(
    database,
    `SELECT clock_timestamp() AS at, pg_snapshot_xmax(pg_current_snapshot())::text::double precision AS transaction`,
  );
  return moment!;
}

/** Each call is a transaction: those that wrote messages are told by their rows, the others were receipts. */
async function batchesSince(stage: Stage, { at, transaction }: Moment): Promise<Batches> {
  const after = await now(stage);
  const [written] = await stage.query<{ messages: number; appends: number }>(
    database,
    `SELECT count(*)::integer AS messages, count(DISTINCT xmin::text)::integer AS appends FROM message WHERE sent_at >= $1`,
    [at],
  );
  const { messages, appends } = written!;
  const raises = after.transaction - transaction - appends;
  return {
    messages: Math.max(1, Math.round(messages / appends)),
    receipts: Math.max(1, Math.round(messages / raises)),
  };
}

async function writeBare(stage: Stage, writing: Omit<Writing, 'connection'>): Promise<number> {
  const writer = startNode(join(import.meta.dirname, 'bare-writer.ts'));
  writer.send({ ...writing, connection: stage.url(bareDatabase) } satisfies Writing);
  const [perSecond] = (await Promise.race([once(writer, 'message'), once(writer, 'exit').then(() => [NaN])])) as [
    number,
  ];
  return perSecond;
}

async function bestWindow(scene: Scene, contestant: Contestant): Promise<number> {
  let [best, most] = [1, 0];
  for (const window of windows) {
    const { perSecond } = await measure(scene, contestant, { window, warmUpSeconds, seconds: sweepSeconds });
    console.log(`${contestant.name}, ${window} under way in each pair: ${shown(perSecond)} messages/s`);
    if (perSecond > most) [best, most] = [window, perSecond];
  }
  return best;
}

async function measure(scene: Scene, contestant: Contestant, run: Run): Promise<Measured> {
  const watch = new CostWatch(contestant.pid, (await scene.stage()).postgres.pid);
  const result = await contestant.load.run(run, watch.note);
  requireAll(contestant, result);
  return {
    perSecond: result.finished / result.seconds,
    cost: watch.perMessage(result.finished, result.clientSeconds),
  };
}

/** A figure of messages that did not all arrive would be none. */
export function requireAll({ name }: Contestant, { failures, lost }: LoadResult): void {
  if (failures > 0 || lost > 0) {
    throw new Error(`${name} refused ${failures} messages or receipts, and ${lost} never were finished.`);
  }
}
