import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findEjabberd, howToInstall } from './delivery/ejabberd.js';
import { type Figure, row } from './delivery/figure.js';
import { archive } from './delivery/archive.js';
import { broadcast, ledger } from './delivery/broadcast.js';
import { coldStart } from './delivery/cold-start.js';
import { latency } from './delivery/latency.js';
import { memory } from './delivery/memory.js';
import { Scene } from './delivery/scene.js';
import { throughput } from './delivery/throughput.js';

/**
 * Delivery beside ejabberd and beside the limit, on the same PostgreSQL: `npm run bench`, or `npm run bench -- latency
 * memory` for some of the figures.
 */
const figures: Record<string, (scene: Scene) => Promise<Figure[]>> = {
  throughput,
  latency,
  broadcast,
  ledger,
  memory,
  archive,
  'cold-start': coldStart,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
    pairs: { type: 'string', default: '100' },
    audience: { type: 'string', default: '10000' },
    recipients: { type: 'string', default: '100000' },
    stored: { type: 'string', default: '5000000' },
    profile: { type: 'string' },
  },
});
const unknown = positionals.find((name) => !(name in figures));
if (unknown !== undefined) {
  console.error(`There is no figure ${unknown}; there are ${Object.keys(figures).join(', ')}.`);
  process.exit(1);
}
if (values.profile !== undefined) mkdirSync(values.profile, { recursive: true });
if (!(await findEjabberd())) console.log(`ejabberd is not installed, and is left out: ${howToInstall}\n`);

const scene = new Scene({
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  pairs: Number(values.pairs),
  audience: Number(values.audience),
  recipients: Number(values.recipients),
  stored: Number(values.stored),
  profileDir: values.profile === undefined ? undefined : resolve(values.profile),
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void scene.close().finally(() => process.exit(1)));
}
try {
  for (const [name, measure] of Object.entries(figures)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    console.log(`## ${name}`);
    for (const figure of await measure(scene)) console.log([row(figure), ...figure.notes].join('\n'));
    await scene.clear();
  }
} finally {
  await scene.close();
}
