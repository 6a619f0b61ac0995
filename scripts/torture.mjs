// The crashes and random commands of `npm run test:long`, for as long as you like: npm run test:torture -- --minutes 30 --seed 7
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
process.env['TORTURE_MINUTES'] = values.minutes;
process.env['TORTURE_SEED'] = values.seed;
console.error(`Torture of ${values.minutes} minutes, seed ${values.seed}`);

process.argv.splice(2, Infinity, '--testMatch=<rootDir>/test/torture/*.torture.ts');
await import('./test.mjs');
