import { mkdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { archive } from './delivery/archive.js';
import { attachments } from './delivery/attachments.js';
import { attackers } from './delivery/attackers.js';
import { backup } from './delivery/backup.js';
import { broadcast, ledger } from './delivery/broadcast.js';
import { coldStart } from './delivery/cold-start.js';
import { erasure } from './delivery/erasure.js';
import { exports } from './delivery/exports.js';
import { findEjabberd, howToInstall } from './delivery/ejabberd.js';
import { type Figure, tableOf } from './delivery/figure.js';
import { latency } from './delivery/latency.js';
import { memory } from './delivery/memory.js';
import { measuredNow, writeResults } from './delivery/results.js';
import { indexing } from './delivery/indexing.js';
import { search } from './delivery/search.js';
import { Scene } from './delivery/scene.js';
import { throughput } from './delivery/throughput.js';

/**
 * Delivery beside ejabberd and beside the limit, on the same PostgreSQL: `npm run bench`, or `npm run bench -- latency
 * memory` for some of the figures. What is measured goes into RESULTS.md, unless it was measured in short.
 */
const figures: Record<string, (scene: Scene) => Promise<Figure[]>> = {
  throughput,
  latency,
  broadcast,
  ledger,
  memory,
  archive,
  attachments,
  search,
  indexing,
  erasure,
  exports,
  attackers,
  backup,
  'cold-start': coldStart,
};

const whole = {
  rounds: 3,
  seconds: 10,
  pairs: 100,
  audience: 10_000,
  recipients: 100_000,
  stored: 5_000_000,
  searched: 5_000_000,
  few: 100_000,
  erasedMessages: 100_000,
  erasedContacts: 10_000,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...Object.fromEntries(Object.keys(whole).map((name) => [name, { type: 'string' as const }])),
    profile: { type: 'string' },
    attacks: { type: 'string' },
  },
});
const unknown = positionals.find((name) => !(name in figures));
if (unknown !== undefined) {
  console.error(`There is no figure ${unknown}; there are ${Object.keys(figures).join(', ')}.`);
  process.exit(1);
}
const given: Partial<Record<string, string>> = values;
const sizes = { ...whole };
for (const name of Object.keys(whole) as (keyof typeof whole)[]) sizes[name] = Number(given[name] ?? whole[name]);
const inShort =
  Object.entries(whole).some(([name, size]) => sizes[name as keyof typeof whole] < size) ||
  values.attacks !== undefined;
const { profile, attacks } = values;
if (profile !== undefined) mkdirSync(profile, { recursive: true });

if (!(await findEjabberd())) console.log(`ejabberd is not installed, and is left out: ${howToInstall}\n`);
const [load] = loadavg();
if (load! > 0.5)
  console.log(`The machine has other work (load ${load!.toFixed(1)}): figures will be worse, and waver.\n`);

const scene = new Scene({
  ...sizes,
  profileDir: profile === undefined ? undefined : resolve(profile),
  attacks: attacks?.split(','),
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void scene.close().finally(() => process.exit(1)));
}
try {
  for (const [name, measure] of Object.entries(figures)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const began = Date.now();
    console.log(`## ${name}\n`);
    try {
      const measured = await measure(scene);
      for (const { notes } of measured) console.log(notes.join('\n'));
      console.log(`\n${tableOf(measured)}\n`);
      // At once, so that a later figure can be measured another time.
      if (measured.length > 0 && !inShort) {
        await writeResults(Object.keys(figures), { [name]: await measuredNow(measured) });
      }
    } catch (error) {
      // The other figures are worth having all the same.
      console.error(error);
      process.exitCode = 1;
    }
    await scene.clear();
    console.log(`(${Math.round((Date.now() - began) / 1000)} s)\n`);
  }
} finally {
  await scene.close();
}
if (inShort) console.log('A short run: nothing is written into RESULTS.md.');
