import type { Figure } from './figure.js';
import { median, shown } from './measures.js';
import type { Contestant, Scene } from './scene.js';
import { requireAll } from './throughput.js';

const rate = 300;
const warmUpSeconds = 2;
/** Slow moments of a shared disk, of 50 to 200 ms each, fall into some turns and not into others: more turns level them out. */
const turnsOfRound = 3;

/** How long a message takes from the sender to the receiver when the servers have time. */
export async function latency(scene: Scene): Promise<Figure[]> {
  const stage = await scene.newDatabase('latency');
  const colloquio = await scene.colloquio('latency');
  const ejabberd = await scene.ejabberd();
  const contestants: Contestant[] = ejabberd ? [colloquio, ejabberd] : [colloquio];
  const delays = new Map<Contestant, { median: number; p99: number; longest: number }[]>();
  for (const contestant of contestants) delays.set(contestant, []);
  for (let round = 0; round < scene.options.rounds * turnsOfRound; round++) {
    for (const contestant of contestants) {
      await stage.query('postgres', 'CHECKPOINT');
      const run = { rate, warmUpSeconds, seconds: scene.options.seconds };
      const result = await contestant.load.run(run, () => undefined);
      requireAll(contestant, result);
      delays.get(contestant)!.push(result.delays);
    }
  }
  const p99s = (contestant: Contestant) => delays.get(contestant)!.map(({ p99 }) => p99);
  const notes = contestants.map((contestant) => {
    const all = delays.get(contestant)!;
    const middle = median(all.map((each) => each.median));
    const longest = median(all.map((each) => each.longest));
    return `${contestant.name}: median ${shown(middle)} ms, longest ${shown(longest)} ms.`;
  });
  return [
    {
      title: `99 of 100 messages are received within, at a steady ${rate}/s`,
      unit: 'ms',
      ours: p99s(colloquio),
      beside: ejabberd ? 'ejabberd' : 'ejabberd is not installed',
      others: ejabberd ? p99s(ejabberd) : [],
      mark: { kind: 'at most', value: 0.5 },
      notes,
    },
  ];
}
