// What `npm test` does with a few hundred cases, with as many as you like: npm run test:fuzz -- --cases 50000 --seed 7
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '50000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
process.env['FUZZ_CASES'] = values.cases;
process.env['FUZZ_SEED'] = values.seed;

process.argv.splice(2, Infinity, '--runTestsByPath', 'test/process/fuzz.test.ts');
await import('./test.mjs');
