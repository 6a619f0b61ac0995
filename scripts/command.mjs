// Runs a command of src/commands, with what is stale built: `node scripts/command.mjs outbox --retry`.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import './build.mjs';
import { readEnvFile } from './env-file.mjs';

const [name, ...rest] = process.argv.slice(2);
const command = join(import.meta.dirname, '../dist/src/commands', `${name}.js`);

// What a command prints may be taken up by a script.
readEnvFile(console.error);
process.argv.splice(1, Infinity, command, ...rest);
await import(pathToFileURL(command).href);
