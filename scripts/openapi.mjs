// Writes openapi.json from the built service; with --check only says whether it is stale.
import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { describeApi } from '../dist/src/openapi.js';

const file = new URL('../openapi.json', import.meta.url);
const options = await resolveConfig(file);
const fresh = await format(JSON.stringify(await describeApi()), { ...options, parser: 'json' });

if (process.argv.includes('--check')) {
  if ((await readFile(file, 'utf8').catch(() => '')) !== fresh) {
    console.error('openapi.json is stale: run `npm run openapi` and commit it.');
    process.exitCode = 1;
  }
} else {
  await writeFile(file, fresh);
}
