import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pg from 'pg';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/platform/embedded-postgres/embedded-postgres.js';

/** Data folders and the PostgreSQLs that are started on them, which are stopped and removed after each test of the file that imports it. */

export const onLinux = process.platform === 'linux';
export const asRoot = process.getuid?.() === 0;
export const root = fileURLToPath(new URL('../..', import.meta.url));
const builtModule = 'dist/src/platform/embedded-postgres/embedded-postgres.js';
// Durability is PostgreSQL's own affair here; not waiting for the disk keeps the tests quick.
export const settings = { fsync: 'off', shared_buffers: '16MB' };

/** A data folder whose PostgreSQL was made once and stopped: copying it is quicker than making another. */
let prepared: string;
export let folder: string;
export let dataDir: string;
export let started: EmbeddedPostgres[];
export let helpers: ChildProcess[];

beforeAll(async () => {
  prepared = await temporaryFolder();
  await (await startEmbeddedPostgres({ dataDir: join(prepared, 'data'), settings })).stop();
});
afterAll(() => rm(prepared, { recursive: true, force: true }));

beforeEach(async () => {
  folder = await temporaryFolder();
  dataDir = join(folder, 'data');
  started = [];
  helpers = [];
});

afterEach(async () => {
  for (const helper of helpers) helper.kill('SIGKILL');
  for (const server of started) await server.stop();
  await rm(folder, { recursive: true, force: true });
});

export const copying = { recursive: true, verbatimSymlinks: true };

async function temporaryFolder(): Promise<string> {
  const made = await realpath(await mkdtemp(join(tmpdir(), 'embedded-postgres-')));
  // mkdtemp closes it to others; PostgreSQL's user has to pass when the tests run as root.
  if (asRoot) await chmod(made, 0o755);
  return made;
}

/** Has the rest of a test use another data folder. */
export function lookIn(path: string): void {
  dataDir = path;
}

/** Puts the prepared data where a test looks for its own, with the owner and the rights of every file. */
export function usePrepared(): void {
  execFileSync('cp', ['-a', join(prepared, 'data'), dataDir]);
}

export async function start(path = dataDir, overrides: Record<string, string> = settings): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir: path, settings: overrides });
  started.push(server);
  return server;
}

interface ChildReport {
  server: Omit<EmbeddedPostgres, 'stop'>;
  facts: Record<string, string>;
}

/** Starts PostgreSQL from a process that then ends without stopping it. */
export async function startInChild(options: {
  env?: NodeJS.ProcessEnv;
  umask?: number;
  installation?: string;
}): Promise<ChildReport> {
  const child = inChild(
    `const server = await startEmbeddedPostgres({ dataDir, settings });
     const client = new pg.Client({ ...server.connection, database: 'postgres' });
     await client.connect();
     const { rows: [facts] } = await client.query(\`
       SELECT pg_encoding_to_char(encoding) AS encoding, datlocprovider AS provider, datlocale AS locale,
         current_setting('data_checksums') AS checksums, current_user AS superuser,
         current_setting('listen_addresses') AS listening, current_setting('TimeZone') AS zone
       FROM pg_database WHERE datname = 'template0'\`);
     await client.end();
     console.log(JSON.stringify({ server, facts }));
     process.exit();`,
    options,
  );
  let output = '';
  child.stdout!.on('data', (text) => (output += text));
  let complaint = '';
  child.stderr!.on('data', (text) => (complaint += text));
  await once(child, 'close');
  expect(complaint).toBe('');
  const report = JSON.parse(output) as ChildReport;
  // Adopted for the sake of the cleaning up.
  const owned = await startEmbeddedPostgres({ dataDir, settings });
  started.push(owned);
  expect(owned.pid).toBe(report.server.pid);
  return report;
}

export function inChild(
  code: string,
  {
    env = {},
    umask = 0o022,
    installation = root,
  }: { env?: NodeJS.ProcessEnv; umask?: number; installation?: string } = {},
): ChildProcess {
  const module = join(installation, builtModule);
  const script = `
    import { createRequire } from 'node:module';
    process.umask(${umask});
    const pg = createRequire(${JSON.stringify(module)})('pg');
    const { startEmbeddedPostgres } = await import(${JSON.stringify(pathToFileURL(module))});
    const dataDir = ${JSON.stringify(dataDir)};
    const settings = ${JSON.stringify(settings)};
    ${code}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: '/',
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  helpers.push(child);
  return child;
}

export async function connect({ connection }: EmbeddedPostgres): Promise<pg.Client> {
  const client = new pg.Client({ ...connection, database: 'postgres' });
  // Its server may be killed.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

export async function query(server: EmbeddedPostgres, sql: string): Promise<[Record<string, unknown>]> {
  const client = await connect(server);
  return client
    .query(sql)
    .then(({ rows }) => rows as [Record<string, unknown>])
    .finally(() => client.end());
}

export async function shown(server: EmbeddedPostgres, ...names: string[]): Promise<unknown[]> {
  const rows = await Promise.all(names.map((name) => query(server, `SELECT current_setting('${name}') AS value`)));
  return rows.map(([{ value }]) => value);
}

export async function filesContaining(text: string, dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.filter((file) => existsSync(file) && readFileSync(file).includes(text));
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return !onLinux || !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 100_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited in vain');
    await sleep(10);
  }
}
