// Runs a file of bench/ against the built service: `node scripts/bench.mjs address-book 10000`.
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import './build.mjs';

const root = join(import.meta.dirname, '..');
const [name, ...rest] = process.argv.slice(2);
const bench = pathToFileURL(join(root, 'bench', `${name}.ts`)).href;

// Node strips the types of bench/ itself; the service needs its decorators, so it is taken as it was built.
registerHooks({
  resolve: (specifier, context, next) =>
    specifier.startsWith('../src/') && context.parentURL?.startsWith(pathToFileURL(join(root, 'bench')).href)
      ? next(pathToFileURL(join(root, 'dist', specifier.slice(3))).href, context)
      : next(specifier, context),
});
process.argv.splice(1, Infinity, bench, ...rest);
await import(bench);
