import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { loadConfig } from '../src/platform/config.js';
import { openDatabases } from '../src/platform/open-databases.js';
import { freePort } from '../src/platform/free-port.js';
import { StartError } from '../src/platform/start-error.js';
import { type RunningService, startService } from '../src/service.js';
import { openShop } from './support/booted-shop.js';
import { ServicePort } from './support/service-port.js';
import { expectStatus, password, type Reach, serverAddress, type Shop, unique, until, World } from './support/world.js';

/**
 * Starts and their refusals, in this process and on the PostgreSQL of the test run. The output of a process, and that the
 * embedded PostgreSQL stops with it, is in test/process/starting.test.ts.
 */

describe('a start that cannot succeed prints one line with what to do, and leaves nothing behind:', () => {
  /** A service with accounts, which is stopped while others try to start on its data. */
  let world: World;
  let bakery: Shop;

  beforeAll(async () => {
    world = await World.open();
    bakery = await world.shop('bakery');
    await world.stop();
  });
  afterAll(() => world.close());

  /** Starts in vain, and finds that no connection is left. */
  async function refusal(environment: Record<string, string>, ...said: string[]): Promise<void> {
    await expectRefusal({ ...world.environment, ...environment }, ...said);
    await until(async () => (await connections()) === 0, 'its connections are closed');
  }

  const keyFile = (name: 'master.key' | 'epoch.key') => join(world.dataDir, 'keys', name);

  async function connections(): Promise<number> {
    const names = Object.values(world.databases).map((url) => new URL(url).searchParams.get('name'));
    const others = 'SELECT 1 FROM pg_stat_activity WHERE datname = ANY ($1) AND pid <> pg_backend_pid()';
    return (await world.rows(others, [names])).length;
  }

  /** Lets something be wrong with a file for a while. */
  async function spoiled(path: string, spoil: () => Promise<unknown>, work: () => Promise<void>): Promise<void> {
    await rename(path, `${path}.kept`);
    try {
      await spoil();
      await work();
    } finally {
      await rename(`${path}.kept`, path);
    }
  }

  test('a data directory that cannot be written', async () => {
    const file = keyFile('master.key');
    await refusal({ DATA_DIR: join(file, 'below') }, join(file, 'below'), 'DATA_DIR');
    // Root may write everywhere but in the kernel's own file systems.
    const asRoot = process.getuid?.() === 0;
    if (asRoot && process.platform !== 'linux') return;
    const closed = asRoot ? '/sys/colloquio' : join(world.dataDir, 'closed');
    if (!asRoot) await mkdir(closed, { mode: 0o500 });
    await refusal({ DATA_DIR: closed }, closed, 'DATA_DIR');
  });

  test('a wrong master key', async () => {
    const other = Buffer.alloc(32, 7).toString('base64');
    await refusal({ MASTER_KEY: other }, 'The master key does not open', 'Put the right key back');
    const path = keyFile('master.key');
    await spoiled(
      path,
      () => writeFile(path, `${other}\n`),
      () => refusal({}, 'The master key does not open', 'Put the right key back'),
    );
    await spoiled(
      path,
      () => writeFile(path, 'no key at all\n'),
      () => refusal({}, path, 'holds no master key', 'put your copy back'),
    );
  });

  test('a master key that is missing', async () => {
    const path = keyFile('master.key');
    await spoiled(
      path,
      async () => {},
      () => refusal({}, 'The master key is missing', path, 'MASTER_KEY'),
    );
  });

  test('an epoch key that is missing or damaged', async () => {
    const path = keyFile('epoch.key');
    await spoiled(
      path,
      async () => {},
      () => refusal({}, 'The epoch key is missing', path),
    );
    await spoiled(
      path,
      () => writeFile(path, '{"format":1,'),
      () => refusal({}, path, 'holds no epoch key', 'put it back'),
    );
  });

  test('a keyring or a main database that is empty although the other is not', async () => {
    const empty = `empty_${unique()}`;
    await onShared('postgres', `CREATE DATABASE "${empty}"`);
    await refusal(
      { KEYRING_DATABASE_URL: sharedUrl(empty) },
      'The keyring database is empty but the main database is not',
    );
    await refusal(
      { DATABASE_URL: sharedUrl(empty) },
      'The main database is empty but the keyring is not: correct DATABASE_URL',
    );
    await onShared('postgres', `DROP DATABASE "${empty}" WITH (FORCE)`);
  });

  test('a certificate that belongs to another key', async () => {
    const key = join(world.dataDir, 'other.key.pem');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await refusal({ TLS_CERT: pem('cert'), TLS_KEY: key }, 'TLS_CERT', 'TLS_KEY', 'mismatch');
  });

  test('invalid settings, all of them named at once', async () => {
    await refusal(
      {
        PORT: 'many',
        REGISTRATION: 'sometimes',
        TRUST_PROXY: 'yes',
        PUBLIC_URL: 'http://messages.example.com',
        MASTER_KEY: 'short',
        SESSION_DAYS: '-1',
        DATABASE_URL: 'postgres://localhost/main',
        KEYRING_DATABASE_URL: '',
      },
      ...['PORT', 'REGISTRATION', 'TRUST_PROXY', 'PUBLIC_URL', 'MASTER_KEY', 'SESSION_DAYS', 'KEYRING_DATABASE_URL'],
    );
    await refusal({ HOST: '0.0.0.0' }, 'HOST', 'in clear', 'TLS_CERT', 'TRUST_PROXY');
  });

  test('missing policy texts', async () => {
    await refusal({ POLICIES_DIR: join(world.dataDir, 'nowhere') }, 'POLICIES_DIR', join(world.dataDir, 'nowhere'));
  });

  test('a text for interlocutors without a checkbox for promotions', async () => {
    const policies = join(world.dataDir, 'policies');
    await cp(new URL('../policies', import.meta.url), policies, { recursive: true });
    const file = join(policies, 'interlocutor/privacy/1.en.md');
    const text = await readFile(file, 'utf8');
    const without = text.replace(/^checkbox\.promotions: .*\n/m, '');
    expect(without).not.toBe(text);
    await writeFile(file, without);
    await refusal({ POLICIES_DIR: policies }, file, 'checkbox.promotions');
  });

  test('and afterwards it starts as before', async () => {
    world = await world.restart();
    expectStatus(await world.ask('GET', '/api/health/ready'), 200);
    const { body } = await world.ask('GET', '/api/me', { token: bakery.owner.token });
    expect(body).toMatchObject({ principal: { subscriberId: bakery.id } });
  });
});

test('a database that does not answer, or refuses the sign-in, is reported without its password', async () => {
  const port = await freePort();
  const closed = `postgres://anna:sesamo@127.0.0.1:${port}/main`;
  const ours = { DATABASE_URL: sharedUrl('template_main'), KEYRING_DATABASE_URL: sharedUrl('template_keyring') };
  const dataDir = await mkdtemp(join(tmpdir(), 'colloquio-start-'));
  await expectRefusal(
    { DATA_DIR: dataDir, ...ours, DATABASE_URL: closed },
    ...['DATABASE_URL', `nothing listens at 127.0.0.1:${port}`, 'start PostgreSQL there'],
  );
  await rm(dataDir, { recursive: true });

  const role = `boot_${unique()}`;
  const ascii = `${role}_ascii`;
  await onShared(
    'postgres',
    `CREATE ROLE "${role}" LOGIN PASSWORD 'sesamo'`,
    `CREATE DATABASE "${role}"`,
    `CREATE DATABASE "${ascii}" TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C' LOCALE_PROVIDER libc`,
  );
  const noTls = await withoutTls();
  const refused: [Record<string, string>, ...string[]][] = [
    [{ DATABASE_URL: closed }, 'DATABASE_URL cannot be used: nothing listens'],
    [{ KEYRING_DATABASE_URL: closed }, 'KEYRING_DATABASE_URL cannot be used: nothing listens'],
    [{ DATABASE_URL: sharedUrl('no such one') }, 'the database "no such one" does not exist: create it'],
    [{ DATABASE_URL: sharedUrl('postgres', { password: 'sesamo' }) }, 'the password is wrong'],
    [{ DATABASE_URL: sharedUrl(role, { user: role, password: 'sesamo' }) }, 'the user may not create tables'],
    [{ DATABASE_URL: sharedUrl(ascii) }, 'names a database in SQL_ASCII, which cannot hold every text: make one with'],
    [
      { KEYRING_DATABASE_URL: `${noTls.url}?sslmode=require` },
      'KEYRING_DATABASE_URL',
      'does no TLS, which sslmode in the address asks for',
      'leave sslmode out',
    ],
    [{ DATABASE_URL: `${noTls.url}?sslmode=require` }, 'DATABASE_URL', 'does no TLS', 'leave sslmode out'],
  ];
  for (const [changes, ...said] of refused) {
    const opened = openDatabases(loadConfig({ ...ours, ...changes }));
    await expect(opened).rejects.toThrow(StartError);
    for (const words of said) await expect(opened).rejects.toThrow(words);
    await expect(opened).rejects.not.toThrow('sesamo');
  }
  noTls.close();
  await onShared('postgres', `DROP DATABASE "${role}" WITH (FORCE)`, `DROP DATABASE "${ascii}"`, `DROP ROLE "${role}"`);
});

describe('with your own databases', () => {
  /** The main database and the keyring, without a table, as an operator makes them; and where its keys go. */
  let names: [string, string];
  let environment: Record<string, string>;
  let dataDir: string;

  beforeAll(async () => {
    names = [`boot_main_${unique()}`, `boot_keyring_${unique()}`];
    for (const name of names) await onShared('postgres', `CREATE DATABASE "${name}"`);
    dataDir = await mkdtemp(join(tmpdir(), 'colloquio-start-'));
    const [main, keyring] = names.map((name) => sharedUrl(name)) as [string, string];
    environment = {
      DATA_DIR: dataDir,
      PORT: '0',
      LOG_LEVEL: 'error',
      DATABASE_URL: main,
      KEYRING_DATABASE_URL: keyring,
    };
  });
  afterAll(async () => {
    await onShared('postgres', ...names.map((name) => `DROP DATABASE "${name}" WITH (FORCE)`));
    await rm(dataDir, { recursive: true, force: true });
  });

  /** Does something with a service that runs meanwhile. */
  async function whileItRuns<Result>(
    additions: Record<string, string>,
    work: (port: ServicePort, service: RunningService) => Promise<Result>,
  ): Promise<Result> {
    const service = await startService(loadConfig({ ...environment, ...additions }));
    try {
      return await work(new ServicePort(service.config.port, additions['TLS_CERT']), service);
    } finally {
      await service.stop();
    }
  }

  let username: string;

  test('it creates its tables there, once, and starts no PostgreSQL', async () => {
    await whileItRuns({}, async (port) => {
      ({ username } = await openShop(port));
      expect((await port.ask('GET', '/api/registration')).body).toEqual({ state: 'closed' });
    });
    await whileItRuns({}, async (port) => {
      expect((await port.ask('GET', '/api/registration')).body).toEqual({ state: 'closed' });
    });
    expect(existsSync(join(dataDir, 'pg'))).toBe(false);
    const tables = `SELECT count(*)::integer AS count FROM information_schema.tables WHERE table_name = 'wrapped_key'`;
    expect(await onShared(names[0], tables)).toEqual([{ count: 0 }]);
    expect(await onShared(names[1], tables)).toEqual([{ count: 1 }]);
  });

  test('with HTTPS, browsers are told to use only HTTPS and cookies are bound to it; in clear, neither', async () => {
    const secure = await whileItRuns({ TLS_CERT: pem('cert'), TLS_KEY: pem('key') }, async (port, { url, config }) => {
      expect(url).toBe(`https://localhost:${config.port}`);
      for (const address of loopbacks()) expect(await port.listens(address)).toBe(true);
      return signInByBrowser(port, username);
    });
    expect(secure.headers.get('strict-transport-security')).toMatch(/^max-age=\d{7,}$/);
    expect(secure.cookie).toMatch(/^__Host-colloquio-dashboard=[\w-]{43}; /);
    expect(secure.attributes).toEqual(expect.arrayContaining(['Secure', 'HttpOnly', 'SameSite=Strict', 'Path=/']));
    expect(secure.cookie).not.toContain('Domain');

    const plain = await whileItRuns({}, (port) => signInByBrowser(port, username));
    expect(plain.headers.get('strict-transport-security')).toBeNull();
    expect(plain.cookie).toMatch(/^colloquio-dashboard=[\w-]{43}; /);
    expect(plain.attributes).toEqual(expect.arrayContaining(['HttpOnly', 'SameSite=Strict', 'Path=/']));
    expect(plain.attributes).not.toContain('Secure');
  });
});

/** Starts a service that is expected to refuse. */
async function expectRefusal(environment: Record<string, string>, ...said: string[]): Promise<void> {
  const start = async () => (await startService(loadConfig(environment))).stop();
  const refused = await start().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refused).toBeInstanceOf(StartError);
  const { message } = refused as StartError;
  expect(message).not.toMatch(/\n|sesamo/);
  for (const words of said) expect(message).toContain(words);
}

/** Loopback addresses of this machine. */
function loopbacks(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all!.map(({ address }) => address));
  return ['127.0.0.1', '::1'].filter((loopback) => addresses.includes(loopback));
}

function pem(part: 'cert' | 'key'): string {
  return fileURLToPath(new URL(`support/tests-only.${part}.pem`, import.meta.url));
}

async function signInByBrowser(service: Reach, username: string) {
  const { status, headers } = await service.ask('POST', '/api/sessions', {
    body: { username, password },
    headers: { 'x-colloquio-app': 'dashboard' },
  });
  expect(status).toBe(201);
  const [cookie = ''] = headers.getSetCookie();
  return { headers, cookie, attributes: cookie.split('; ') };
}

/** A server that answers the question for TLS as a PostgreSQL without it does: https://www.postgresql.org/docs/current/protocol-flow.html. */
async function withoutTls(): Promise<{ url: string; close(): void }> {
  const server = createServer((socket) => socket.once('data', () => socket.end('N')).on('error', () => {}));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  return { url: `postgres://anna:sesamo@127.0.0.1:${port}/main`, close: () => void server.close() };
}

/** An address on the PostgreSQL that the test run shares. */
function sharedUrl(database: string, changes: { user?: string; password?: string } = {}): string {
  const { host, port, user, password: secret } = { ...serverAddress(), ...changes };
  const path = encodeURIComponent(database);
  return `postgres://${user}:${encodeURIComponent(secret)}@localhost:${port}/${path}?${new URLSearchParams({ host })}`;
}

async function onShared(database: string, ...statements: string[]): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: sharedUrl(database) });
  await client.connect();
  try {
    let rows: unknown[] = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows;
  } finally {
    await client.end();
  }
}
