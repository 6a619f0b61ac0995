import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Reads settings from the file .env beside package.json, unless there is none. A variable of the environment goes before
 * one of the file. Only npm start and the commands call this: tests, bench and demo are not to depend on such a file.
 */
export function readEnvFile(say = console.log) {
  const path = join(import.meta.dirname, '../.env');
  if (!existsSync(path)) return;
  try {
    process.loadEnvFile(path);
  } catch ({ code, message }) {
    console.error(`The settings in ${path} cannot be read (${code ?? message}): make the file readable, or remove it.`);
    process.exit(1);
  }
  say(`Settings are read from ${path} too; the environment goes before it.`);
}
