// Runs a file of bench/ against the built service: `node scripts/bench.mjs address-book 10000`.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import './build.mjs';
import './bench-sources.mjs';

const [name, ...rest] = process.argv.slice(2);
const bench = join(import.meta.dirname, '../bench', `${name}.ts`);

process.argv.splice(1, Infinity, bench, ...rest);
await import(pathToFileURL(bench).href);
