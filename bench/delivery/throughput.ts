import { join } from 'node:path';
import type { Figure } from './figure.js';
import type { LoadResult, Run } from './load-process.js';
import { median, shown } from './measures.js';
import { type Contestant, type Cost, CostWatch, type Scene } from './scene.js';

interface Measured {
  perSecond: number;
  cost: Cost;
}

/** Messages that each pair has under way; the best of them is each system's own. */
const windows = [1, 2, 4, 8, 16];
const sweepSeconds = 2;
const warmUpSeconds = 1;

/** Messages that are stored, received and acknowledged by a receipt, per second, in turns with ejabberd. */
export async function throughput(scene: Scene): Promise<Figure[]> {
  const stage = await scene.stage();
  const colloquio = await scene.colloquio('throughput');
  const ejabberd = await scene.ejabberd();
  const { rounds, seconds, pairs, profileDir } = scene.options;
  const contestants: Contestant[] = ejabberd ? [colloquio, ejabberd] : [colloquio];
  const best = new Map<Contestant, number>();
  for (const contestant of contestants) best.set(contestant, await bestWindow(scene, contestant));

  const measured = new Map<Contestant, Measured[]>(contestants.map((contestant) => [contestant, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) {
      await stage.query('postgres', 'CHECKPOINT');
      const run = { window: best.get(contestant)!, warmUpSeconds, seconds };
      measured.get(contestant)!.push(await measure(scene, contestant, run));
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
  return [
    {
      title: 'Messages with receipts, sealed and durable',
      unit: '/s',
      ours: speeds(colloquio),
      beside: ejabberd ? 'ejabberd' : 'ejabberd is not installed',
      others: ejabberd ? speeds(ejabberd) : [],
      mark: { kind: 'at least', value: 3 },
      notes,
    },
  ];
}

async function bestWindow(scene: Scene, contestant: Contestant): Promise<number> {
  let [best, most] = [1, 0];
  for (const window of windows) {
    const { perSecond } = await measure(scene, contestant, { window, warmUpSeconds, seconds: sweepSeconds });
    console.log(`${contestant.name}, ${window} under way in each pair: ${shown(perSecond)} messages/s`);
    // With more than are answered, more only wait longer.
    if (perSecond < most * 0.8) break;
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
