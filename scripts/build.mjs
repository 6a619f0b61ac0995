// Builds what is stale: `npm start` and `npm test` call it, so that nobody has to remember to.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const stamp = join(root, 'dist/.built');
const sources = [
  'src',
  'migrations',
  'client',
  'tsconfig.json',
  'tsconfig.build.json',
  'nest-cli.json',
  'package-lock.json',
];

/** Changes whenever a source file is added, removed or written. */
function fingerprint() {
  const hash = createHash('sha256').update(process.version);
  for (const source of sources) add(hash, join(root, source));
  return hash.digest('hex');
}

function add(hash, path) {
  const status = statSync(path);
  if (status.isDirectory()) for (const name of entriesOf(path)) add(hash, join(path, name));
  else hash.update(`${path}\0${status.size}\0${status.mtimeMs}\0`);
}

const entriesOf = (folder) =>
  readdirSync(folder)
    .filter((name) => name !== 'dist')
    .sort();

const compiler = join(root, 'node_modules/@nestjs/cli/bin/nest.js');
/** The engine of clients is compiled by itself: without the types of Node and of browsers, and with its own beside it. */
const compilations = [
  [compiler, 'build'],
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'client/tsconfig.build.json'],
];
const built = existsSync(stamp) ? readFileSync(stamp, 'utf8') : undefined;
// An image that holds only the built service has no compiler, and nothing that could be stale.
if (existsSync(compiler) && built !== fingerprint()) {
  rmSync(stamp, { force: true });
  console.log('Building …');
  for (const compilation of compilations) {
    const { status } = spawnSync(process.execPath, compilation, { cwd: root, stdio: 'inherit' });
    if (status !== 0) process.exit(status ?? 1);
  }
  writeFileSync(stamp, fingerprint());
} else if (built === undefined) {
  console.error('The service is not built and the compiler is not installed: run npm ci first.');
  process.exit(1);
}
