// Builds what is stale and then runs a file that needs it: `node scripts/built.mjs demo/play.mjs --once`.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import './build.mjs';

const [name, ...rest] = process.argv.slice(2);
const file = resolve(import.meta.dirname, '..', name);

process.argv.splice(1, Infinity, file, ...rest);
await import(pathToFileURL(file).href);
