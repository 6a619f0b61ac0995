// Builds what is stale: `npm start` and `npm test` call it, so that nobody has to remember to.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const module = (path) => join(root, 'node_modules', path);
const compiler = module('@nestjs/cli/bin/nest.js');

/** Parts that are built, each when one of its sources has changed, in this order. */
const parts = [
  {
    name: 'the service',
    stamp: 'dist/.built',
    sources: ['src', 'migrations', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json', 'package-lock.json'],
    steps: [[compiler, 'build']],
  },
  {
    // Compiled by itself: without the types of Node and of browsers.
    name: 'the engine of clients',
    stamp: 'client/dist/.built',
    sources: ['client', 'src/contract', 'tsconfig.json', 'package-lock.json'],
    steps: [[module('typescript/bin/tsc'), '-p', 'client/tsconfig.build.json']],
  },
  {
    name: 'the types of the API for the web apps',
    stamp: 'web/api/.built',
    sources: ['openapi.json', 'package-lock.json'],
    steps: [[module('openapi-typescript/bin/cli.js'), 'openapi.json', '--output', 'web/api/schema.ts']],
  },
  {
    name: 'the web apps',
    stamp: 'dist/web/.built',
    sources: ['web', 'vite.config.ts', 'client', 'src/contract', 'package-lock.json'],
    steps: [[module('vite/bin/vite.js'), 'build']],
  },
];

/** Changes whenever a source file is added, removed or written. */
function fingerprint(sources) {
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
    .filter((name) => name !== 'dist' && name !== '.built' && name !== 'schema.ts')
    .sort();

// An image that holds only the built service has no compiler, and nothing that could be stale.
const canBuild = existsSync(compiler);
for (const { name, stamp, sources, steps } of parts) {
  const path = join(root, stamp);
  const built = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  if (canBuild && built !== fingerprint(sources)) {
    rmSync(path, { force: true });
    console.log(`Building ${name} …`);
    for (const step of steps) {
      const { status, stdout } = spawnSync(process.execPath, step, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
      if (status === 0) continue;
      process.stdout.write(stdout);
      process.exit(status ?? 1);
    }
    writeFileSync(path, fingerprint(sources));
  } else if (built === undefined && stamp.startsWith('dist/')) {
    console.error('The service is not built and the compiler is not installed: run npm ci first.');
    process.exit(1);
  }
}
