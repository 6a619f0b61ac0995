import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { io } from 'socket.io-client';
import { expectStatus, password, pause, serverAddress, unique } from './world.js';
import { loadConfig, variables, withoutMarkdown } from '../src/platform/config.js';
import { openDatabases } from '../src/platform/open-databases.js';
import { within } from '../src/platform/deadline.js';
import { StartError } from '../src/platform/start-error.js';
import { type Ending, freePort, Installation, isRunning, type Service, until } from './boot/installation.js';
import { type BootedShop, openShop, read, registration, Sender } from './boot/shop.js';

/** The built service as a process: how it starts, stops, survives being killed, and refuses what cannot work. */

// Some tests start a dozen processes, which takes long on a machine that does other things as well.
jest.setTimeout(180_000);

const quick = { RATE_MESSAGES: '100000' };

/** An installation with a shop in it, which the tests stop, kill and start again as they need. */
let home: Installation;
let shop: BootedShop;
let current: Service | undefined;

/** The service on the shared installation, started unless it runs. */
async function running(): Promise<Service> {
  if (!current?.isRunning) current = await home.start(quick);
  return current;
}

async function stopped(): Promise<void> {
  if (current?.isRunning) await current.stop();
}

beforeAll(async () => {
  home = await Installation.make();
});
afterAll(() => home.remove());

test('it starts with an empty environment, says where it is, and tells of the master key once', async () => {
  current = await home.start(quick);
  const { port } = home;
  expect(current.stdout).toContain(`http://localhost:${port}`);
  expect(current.stdout).toContain(`http://localhost:${port}/api/docs`);
  expect(current.stdout).toContain(home.dataDir);
  expect(current.stdout).toContain(`The master key was made: ${home.keyFile('master.key')}`);
  expectStatus(await current.ask('GET', '/api/health/ready'), 200);
  shop = await openShop(current);

  await current.stop();
  const again = await running();
  expectStatus(await again.ask('GET', '/api/health/ready'), 200);
  expect(again.stdout).toContain(`http://localhost:${port}`);
  expect(again.stdout).not.toContain('master key');
  expect(again.stderr).toBe('');
});

test('only the user it runs as can read its keys', async () => {
  await running();
  const keys = join(home.dataDir, 'keys');
  expect((await readdir(keys)).sort()).toEqual(['epoch.key', 'master.key', 'postgres.password']);
  expect((await stat(keys)).mode & 0o777).toBe(0o700);
  for (const name of await readdir(keys)) expect((await stat(join(keys, name))).mode & 0o777).toBe(0o600);
});

test('it serves the description of its API', async () => {
  const service = await running();
  const page = await service.ask('GET', '/api/docs');
  expectStatus(page, 200);
  expect(page.headers.get('content-type')).toContain('text/html');
  const events = await service.ask('GET', '/api/docs/events.md');
  expect({ status: events.status, body: events.body }).toEqual({
    status: 200,
    body: expect.stringMatching(/^# Events/),
  });
  const document = await service.ask('GET', '/api/docs-json');
  expectStatus(document, 200);
  expect(document.body).toEqual(JSON.parse(await readFile(new URL('../openapi.json', import.meta.url), 'utf8')));
});

describe('stopping', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s finishes what is under way, PostgreSQL last', async (signal) => {
    const service = await running();
    const postgres = home.postgresPid!;
    expect(isRunning(postgres)).toBe(true);
    await shop.owner.connect();
    const phone = io(service.url, {
      auth: { token: shop.anna.token },
      transports: ['websocket'],
      reconnectionDelay: 50,
    });
    await until(() => phone.connected, 'a phone is connected');
    const signIn = await service.begin('POST', '/api/sessions', { username: shop.username, password });
    const body = `Fino alla fine, ${signal}`;
    let sent: Promise<{ data?: { seq: number } }>;
    await home.onPostgres(async (client) => {
      await client.query('BEGIN');
      await client.query('LOCK TABLE message IN SHARE MODE');
      sent = shop.owner.emit('message.send', { conversationId: shop.conversationId, clientId: unique(), body });
      await until(() => waitsForLock(client), 'the message waits in the database');
      service.signal(signal);
      await until(async () => !(await service.listens()), 'nobody new comes in');
      expect(service.isRunning).toBe(true);
      await client.query('COMMIT');
    });

    expect((await sent!).data).toMatchObject({ seq: expect.any(Number) });
    expect(await signIn.finish()).toBe(201);
    expect(await service.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(service.stdout).toMatch(/Colloquio has stopped\.\n$/);
    expect(isRunning(postgres)).toBe(false);

    await running();
    expect((await read(shop.anna, shop.conversationId)).at(-1)).toMatchObject({ body });
    await until(() => phone.connected, 'the phone comes back by itself');
    phone.close();
  });

  test('waits for no client that has nothing under way or will never finish', async () => {
    const service = await running();
    const idle = await service.dial('GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const upgrade =
      'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n' +
      'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
    const mute = await service.dial(upgrade);
    const half = await service.begin('POST', '/api/sessions', { username: shop.username, password });
    expect(await service.stop()).toMatchObject({ code: 0, stderr: '' });
    expect(home.postgresPid).toBeUndefined();
    half.drop();
    for (const socket of [idle, mute]) socket.destroy();
  });

  test('is possible while it starts', async () => {
    await stopped();
    const service = home.spawn(quick);
    await until(() => home.postgresPid !== undefined, 'PostgreSQL runs');
    expect(await service.stop()).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(home.postgresPid).toBeUndefined();
  });

  test('is possible while it brings PostgreSQL back', async () => {
    const service = await running();
    process.kill(home.postgresPid!, 'SIGKILL');
    await until(async () => (await service.ask('GET', '/api/health/ready')).status !== 200, 'PostgreSQL is missed');
    expect(await service.stop()).toMatchObject({ code: 0, signal: null });
    expect(home.postgresPid).toBeUndefined();
  });
});

describe('when PostgreSQL is halted and answers nothing', () => {
  /** Nobody who asks for readiness waits longer. */
  const readiness = (service: Service) => within(5_000, service.ask('GET', '/api/health/ready'), 'readiness');

  test('readiness says so in time, sends are refused in the end, and all goes on when it does', async () => {
    const service = await running();
    await shop.owner.connect();
    const content = { clientId: unique(), body: 'Ci siete?' };
    home.signalPostgres('SIGSTOP');
    try {
      const [one, ...others] = await Promise.all([1, 2, 3].map(() => readiness(service)));
      expect(one).toMatchObject({ status: 503, body: { detail: 'The database does not answer in time.' } });
      expect(others.map(({ status }) => status)).toEqual([503, 503]);
      expectStatus(await service.ask('GET', '/api/health/live'), 200);
      const { error } = await shop.owner.emit(
        'message.send',
        { conversationId: shop.conversationId, ...content },
        60_000,
      );
      expect(error).toMatchObject({ code: 'unavailable', status: 503, retryAfter: expect.any(Number) });
    } finally {
      home.signalPostgres('SIGCONT');
    }
    await until(async () => (await readiness(service)).status === 200, 'it is ready again');
    let sent: Awaited<ReturnType<typeof shop.owner.ask>>;
    const path = `/api/conversations/${shop.conversationId}/messages`;
    await until(
      async () => (sent = await shop.owner.ask('POST', path, content)).status < 300,
      'the same message is taken',
    );
    const stored = (await read(shop.anna, shop.conversationId)).filter(({ clientId }) => clientId === content.clientId);
    expect(stored).toEqual([expect.objectContaining({ seq: sent!.body.seq })]);
    shop.owner.disconnect();
  });

  test('the service stops all the same, and PostgreSQL with it', async () => {
    const service = await running();
    home.signalPostgres('SIGSTOP');
    const asked = [1, 2, 3].map(() => shop.anna.ask('GET', '/api/conversations').catch(() => undefined));
    await pause(200);
    expect(await service.stop()).toMatchObject({ code: 0, signal: null, stderr: '' });
    await Promise.all(asked);
    expect(home.postgresPid).toBeUndefined();
    expect(service.stdout).toContain('Stopping goes on without waiting any longer for requests under way.');
    await running();
    expect((await read(shop.anna, shop.conversationId)).length).toBeGreaterThan(0);
  });
});

test('the service stops although an SMTP server has greeted and says nothing more', async () => {
  await stopped();
  const greeted: Socket[] = [];
  const silent = createServer((socket) => void greeted.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  silent.on('connection', (socket: Socket) => socket.write('220 mail.example ESMTP\r\n'));
  const { port } = silent.address() as AddressInfo;
  const service = await home.start({ ...quick, SMTP_URL: `smtp://127.0.0.1:${port}` });
  await until(() => greeted.length > 0, 'a mail is handed over');
  expect(await service.stop()).toMatchObject({ code: 0, signal: null, stderr: '' });
  for (const socket of greeted) socket.destroy();
  silent.close();
});

describe('no acknowledged message is lost, doubled or out of line', () => {
  /** Lets both parties send before, while and after something happens, and compares what they were told with what is there. */
  async function sendingThrough(happening: (service: Service) => Promise<void>): Promise<void> {
    const service = await running();
    const senders = [shop.owner, shop.owner, shop.anna].map((device) => new Sender(device, shop.conversationId));
    const eachSends = async (what: string) => {
      const begun = senders.map(({ acknowledged }) => acknowledged.length);
      await until(() => senders.every(({ acknowledged }, index) => acknowledged.length >= begun[index]! + 5), what);
    };
    try {
      await eachSends('messages are sent before');
      await happening(service);
      await eachSends('messages are sent after');
    } finally {
      await Promise.all(senders.map((sender) => sender.finish()));
    }
    const messages = await read(shop.anna, shop.conversationId);
    expect(messages.map(({ seq }) => seq)).toEqual(messages.map((_, index) => index + 1));
    expect(new Set(messages.map(({ clientId }) => clientId)).size).toBe(messages.length);
    const bySeq = new Map(messages.map((message) => [message.seq, message]));
    for (const { clientId, seq } of senders.flatMap(({ acknowledged }) => acknowledged)) {
      expect(bySeq.get(seq)).toMatchObject({ clientId, body: `Un messaggio: ${clientId}` });
    }
  }

  test('when the service is killed and PostgreSQL survives', () =>
    sendingThrough(async (service) => {
      const postgres = home.postgresPid;
      service.kill();
      await service.ended;
      expect(home.postgresPid).toBe(postgres);
      await running();
    }));

  test('when both are killed', () =>
    sendingThrough(async (service) => {
      service.kill();
      process.kill(home.postgresPid!, 'SIGKILL');
      await service.ended;
      await until(() => home.postgresPid === undefined, 'PostgreSQL is gone');
      await running();
    }));

  test('when PostgreSQL is killed, and the service brings it back by itself', () =>
    sendingThrough(async (service) => {
      const postgres = home.postgresPid!;
      process.kill(postgres, 'SIGKILL');
      await until(() => ![undefined, postgres].includes(home.postgresPid), 'there is another PostgreSQL');
      await until(async () => (await service.ask('GET', '/api/health/ready')).status === 200, 'it is ready again');
      expect(service.isRunning).toBe(true);
    }));
});

describe('a second service', () => {
  test('is refused on the same data, and the first keeps working', async () => {
    const service = await running();
    const second = await home.failToStart({ PORT: String(await freePort()) });
    expectOneLine(second, 'Another Colloquio is running on this data');
    expectStatus(await service.ask('GET', '/api/health/ready'), 200);
    expectStatus(await shop.anna.ask('GET', '/api/conversations'), 200);
  });

  test('is refused on the same new data when both start at once', async () => {
    const installation = await Installation.make();
    try {
      const both = [installation.spawn(), installation.spawn({ PORT: String(await freePort()) })];
      await until(() => both.some(({ hasGreeted }) => hasGreeted), 'one runs');
      const loser = both.find(({ hasGreeted }) => !hasGreeted)!;
      expectOneLine(await loser.ended, 'Another Colloquio is running on this data');
      const winner = both.find(({ hasGreeted }) => hasGreeted)!;
      expectStatus(await winner.ask('GET', '/api/health/ready'), 200);
    } finally {
      await installation.remove();
    }
  });
});

test('a first start that is killed halfway does not hinder the next', async () => {
  const installation = await Installation.make();
  try {
    const lands = ['keys/postgres.password', 'keys/master.key', 'keys/epoch.key'];
    for (const file of lands) {
      const service = installation.spawn();
      await until(() => existsSync(join(installation.dataDir, file)), `${file} is there`);
      service.kill();
      await service.ended;
    }
    const service = await installation.start();
    await openShop(service);
    expect(await service.stop()).toMatchObject({ code: 0 });
  } finally {
    await installation.remove();
  }
});

describe('a start that cannot succeed says in one line what to do and leaves nothing behind:', () => {
  beforeAll(stopped);

  /** Starts in vain, and finds that PostgreSQL is gone. */
  async function refusal(environment: Record<string, string>, ...said: string[]): Promise<void> {
    expectOneLine(await home.failToStart(environment), ...said);
    expect(home.postgresPid).toBeUndefined();
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

  test('a port that is taken', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    try {
      await refusal({ PORT: String(port) }, `Port ${port} is taken`, 'PORT');
    } finally {
      other.close();
    }
  });

  test('a data directory that cannot be written', async () => {
    const file = join(home.dataDir, 'keys', 'master.key');
    await refusal({ DATA_DIR: join(file, 'below') }, join(file, 'below'), 'DATA_DIR');
    // Root may write everywhere but in the kernel's own file systems.
    const asRoot = process.getuid?.() === 0;
    if (asRoot && process.platform !== 'linux') return;
    const closed = asRoot ? '/sys/colloquio' : join(home.dataDir, 'closed');
    if (!asRoot) await mkdir(closed, { mode: 0o500 });
    await refusal({ DATA_DIR: closed }, closed, 'DATA_DIR');
  });

  test('another master key than the one the data was sealed with', async () => {
    const other = Buffer.alloc(32, 7).toString('base64');
    await refusal({ MASTER_KEY: other }, 'The master key does not open', 'Put the right key back');
    const path = home.keyFile('master.key');
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
    const path = home.keyFile('master.key');
    await spoiled(
      path,
      async () => {},
      () => refusal({}, 'The master key is missing', path, 'MASTER_KEY'),
    );
  });

  test('an epoch key that is missing or damaged', async () => {
    const path = home.keyFile('epoch.key');
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

  test('a database that does not answer, or that does not let it in', async () => {
    const port = await freePort();
    const closed = `postgres://anna:sesamo@127.0.0.1:${port}/main`;
    const ours = { DATABASE_URL: sharedUrl('template_main'), KEYRING_DATABASE_URL: sharedUrl('template_keyring') };
    const ending = await home.failToStart({ ...ours, DATABASE_URL: closed });
    expectOneLine(ending, 'DATABASE_URL', `nothing listens at 127.0.0.1:${port}`, 'start PostgreSQL there');
    expect(ending.stderr).not.toContain('sesamo');

    const role = `boot_${unique()}`;
    const ascii = `${role}_ascii`;
    await onShared(
      'postgres',
      `CREATE ROLE "${role}" LOGIN PASSWORD 'sesamo'`,
      `CREATE DATABASE "${role}"`,
      `CREATE DATABASE "${ascii}" TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C' LOCALE_PROVIDER libc`,
    );
    const noTls = await withoutTls();
    const refused: [Record<string, string>, string][] = [
      [{ KEYRING_DATABASE_URL: closed }, 'KEYRING_DATABASE_URL cannot be used: nothing listens'],
      [{ DATABASE_URL: sharedUrl('no such one') }, 'the database "no such one" does not exist: create it'],
      [{ DATABASE_URL: sharedUrl('postgres', { password: 'sesamo' }) }, 'the password is wrong'],
      [{ DATABASE_URL: sharedUrl(role, { user: role, password: 'sesamo' }) }, 'the user may not create tables'],
      [
        { DATABASE_URL: sharedUrl(ascii) },
        'names a database in SQL_ASCII, which cannot hold every text: make one with',
      ],
      [{ KEYRING_DATABASE_URL: `${noTls.url}?sslmode=require` }, 'does no TLS, which sslmode in the address asks for'],
    ];
    for (const [changes, said] of refused) {
      const opened = openDatabases(loadConfig({ ...ours, ...changes }));
      await expect(opened).rejects.toThrow(StartError);
      await expect(opened).rejects.toThrow(said);
      await expect(opened).rejects.not.toThrow('sesamo');
    }
    const tls = await home.failToStart({ ...ours, DATABASE_URL: `${noTls.url}?sslmode=require` });
    expectOneLine(tls, 'DATABASE_URL', 'does no TLS', 'leave sslmode out');
    noTls.close();
    await onShared(
      'postgres',
      `DROP DATABASE "${role}" WITH (FORCE)`,
      `DROP DATABASE "${ascii}"`,
      `DROP ROLE "${role}"`,
    );
  });

  test('a certificate that belongs to another key', async () => {
    const key = join(home.dataDir, 'other.key.pem');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await refusal({ TLS_CERT: pem('cert'), TLS_KEY: key }, 'TLS_CERT', 'TLS_KEY', 'mismatch');
  });

  test('settings that cannot be used, all of them named at once', async () => {
    await refusal(
      {
        PORT: 'many',
        REGISTRATION: 'sometimes',
        TRUST_PROXY: 'yes',
        PUBLIC_URL: 'http://messages.example.com',
        MASTER_KEY: 'short',
        SESSION_DAYS: '-1',
        DATABASE_URL: 'postgres://localhost/main',
      },
      ...['PORT', 'REGISTRATION', 'TRUST_PROXY', 'PUBLIC_URL', 'MASTER_KEY', 'SESSION_DAYS', 'KEYRING_DATABASE_URL'],
    );
    await refusal({ HOST: '0.0.0.0' }, 'HOST', 'in clear', 'TLS_CERT', 'TRUST_PROXY');
  });

  test('texts of the policies that are missing', async () => {
    await refusal({ POLICIES_DIR: join(home.dataDir, 'nowhere') }, 'POLICIES_DIR', join(home.dataDir, 'nowhere'));
  });

  test('a text for interlocutors by which nobody could say yes or no to promotions', async () => {
    const policies = join(home.dataDir, 'policies');
    await cp(new URL('../policies', import.meta.url), policies, { recursive: true });
    const file = join(policies, 'interlocutor/privacy/1.en.md');
    const text = await readFile(file, 'utf8');
    const without = text.replace(/^checkbox\.promotions: .*\n/m, '');
    expect(without).not.toBe(text);
    await writeFile(file, without);
    await refusal({ POLICIES_DIR: policies }, file, 'checkbox.promotions');
  });

  test('after all of which it starts as before', async () => {
    const service = await running();
    expectStatus(await service.ask('GET', '/api/health/ready'), 200);
    expect((await read(shop.anna, shop.conversationId)).length).toBeGreaterThan(0);
  });
});

test('a first start that fails tells of the master key that it made, for the next one will not', async () => {
  const installation = await Installation.make();
  const other = createServer().listen(installation.port, '127.0.0.1');
  try {
    const failed = await installation.failToStart();
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('is taken') });
    const made = existsSync(installation.keyFile('master.key'));
    expect(failed.stdout.includes('The master key was made')).toBe(made);
    other.close();
    const service = await installation.start();
    expect(service.stdout.includes('The master key was made')).toBe(!made);
  } finally {
    other.close();
    await installation.remove();
  }
});

describe('with databases of its own', () => {
  test('it makes its tables there and leaves that PostgreSQL running', async () => {
    const installation = await Installation.make();
    const databases = await emptyDatabases();
    try {
      for (const round of ['first', 'second']) {
        const service = await installation.start(databases.environment);
        if (round === 'first') await openShop(service);
        expect((await service.ask('GET', '/api/registration')).body).toEqual({ state: 'closed' });
        expect(existsSync(join(installation.dataDir, 'pg'))).toBe(false);
        expect(await service.stop()).toMatchObject({ code: 0, stderr: '' });
      }
      const tables = `SELECT count(*)::integer AS count FROM information_schema.tables WHERE table_name = 'wrapped_key'`;
      expect(await databases.ask('main', tables)).toEqual([{ count: 0 }]);
      expect(await databases.ask('keyring', tables)).toEqual([{ count: 1 }]);
      expectOneLine(
        await installation.failToStart({ ...databases.environment, KEYRING_DATABASE_URL: databases.another }),
        'The keyring database is empty but the main database is not',
      );
      expectOneLine(
        await installation.failToStart({ ...databases.environment, DATABASE_URL: databases.another }),
        'The main database is empty but the keyring is not: correct DATABASE_URL',
      );
    } finally {
      await installation.remove();
      await databases.drop();
    }
  });

  test('HTTPS tells browsers to come back by HTTPS only, and ties its cookies to it; in clear there is neither', async () => {
    const installation = await Installation.make();
    const databases = await emptyDatabases();
    const tls = { TLS_CERT: pem('cert'), TLS_KEY: pem('key') };
    try {
      const secure = await installation.start({ ...databases.environment, ...tls });
      expect(secure.stdout).toContain(`https://localhost:${installation.port}/api/docs`);
      for (const address of loopbacks()) expect(await secure.listens(address)).toBe(true);
      const signedIn = await signInByBrowser(secure, await openShop(secure));
      expect(signedIn.headers.get('strict-transport-security')).toMatch(/^max-age=\d{7,}$/);
      expect(signedIn.cookie).toMatch(/^__Host-colloquio-dashboard=[\w-]{43}; /);
      expect(signedIn.attributes).toEqual(expect.arrayContaining(['Secure', 'HttpOnly', 'SameSite=Strict', 'Path=/']));
      expect(signedIn.cookie).not.toContain('Domain');
    } finally {
      await installation.remove();
      await databases.drop();
    }

    const plain = await signInByBrowser(await running(), shop);
    expect(plain.headers.get('strict-transport-security')).toBeNull();
    expect(plain.cookie).toMatch(/^colloquio-dashboard=[\w-]{43}; /);
    expect(plain.attributes).toEqual(expect.arrayContaining(['HttpOnly', 'SameSite=Strict', 'Path=/']));
    expect(plain.attributes).not.toContain('Secure');
  });
});

describe('check-config', () => {
  test('explains every variable, shows what is set, and keeps secrets', async () => {
    const secrets = {
      MASTER_KEY: Buffer.alloc(32, 7).toString('hex'),
      DATABASE_URL: 'postgres://anna:sesamo@db.example.com/main',
      KEYRING_DATABASE_URL: 'postgres://anna:sesamo@db.example.com/keyring',
    };
    const { code, stdout, stderr } = await home.command('check-config', { ...secrets, REGISTRATION: 'open' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const [name, { about }] of Object.entries(variables)) {
      expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
      expect(stdout).toContain(withoutMarkdown(about));
    }
    expect(stdout).toMatch(/^REGISTRATION +open$/m);
    expect(stdout).toMatch(/^LOG_LEVEL +\(not set: info\)$/m);
    expect(stdout).toMatch(/^MASTER_KEY +\(set, secret\)$/m);
    for (const secret of [secrets.MASTER_KEY, 'sesamo', 'db.example.com']) expect(stdout).not.toContain(secret);
    expect(stdout).toMatch(/No mistakes found\.\n$/);
  });

  test('finds mistakes and misspelled names, and says so by its exit code', async () => {
    const wrong = { SESSION_DAYS: 'ever', PUBLIC_URLS: 'x', REGISTRATON: 'open', master_key: 'sesamo' };
    const { code, stdout } = await home.command('check-config', wrong);
    expect(code).toBe(1);
    const mistakes = stdout.split('\n').filter((line) => line.startsWith('MISTAKE'));
    expect(mistakes).toEqual([
      expect.stringContaining('SESSION_DAYS: "ever" is not a number'),
      'MISTAKE  PUBLIC_URLS: is not read; did you mean PUBLIC_URL?',
      'MISTAKE  REGISTRATON: is not read; did you mean REGISTRATION?',
      'MISTAKE  master_key: is not read; did you mean MASTER_KEY?',
    ]);
    expect(stdout).not.toContain('sesamo');
  });
});

test('registration-code gives a code with which exactly one subscriber registers', async () => {
  const installation = await Installation.make();
  const databases = await emptyDatabases();
  try {
    const early = await installation.command('registration-code');
    expect(early).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('There is no Colloquio data in'),
    });

    const service = await installation.start({ ...databases.environment, REGISTRATION: 'invited' });
    const register = async (code?: string) => {
      const body = { ...(await registration(service)), ...(code !== undefined && { registrationCode: code }) };
      const { status, body: answer } = await service.ask('POST', '/api/subscribers', { body });
      return status === 201 ? status : answer.code;
    };
    const { code, stdout, stderr } = await installation.command('registration-code');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [given, about] = stdout.trim().split('\n') as [string, string];
    expect(about).toMatch(/^Good once, until \d{4}-\d\d-\d\d, while REGISTRATION=invited\.$/);
    expect(await register()).toBe('registration_code_invalid');
    expect(await register(given.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')))).toBe(
      'registration_code_invalid',
    );
    expect((await Promise.all([register(given), register(given), register(given)])).sort()).toEqual([
      201,
      'registration_code_invalid',
      'registration_code_invalid',
    ]);
    expect(await register(given)).toBe('registration_code_invalid');
  } finally {
    await installation.remove();
    await databases.drop();
  }
});

function expectOneLine({ code, stdout, stderr }: Ending, ...said: string[]): void {
  expect(stderr).toMatch(/^Colloquio cannot start\. [^\n]+\n$/);
  for (const words of said) expect(stderr).toContain(words);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
}

async function waitsForLock(client: pg.Client): Promise<boolean> {
  const { rowCount } = await client.query(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`);
  return rowCount === 1;
}

/** Loopback addresses of this machine. */
function loopbacks(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all!.map(({ address }) => address));
  return ['127.0.0.1', '::1'].filter((loopback) => addresses.includes(loopback));
}

function pem(part: 'cert' | 'key'): string {
  return fileURLToPath(new URL(`boot/tests-only.${part}.pem`, import.meta.url));
}

async function signInByBrowser(service: Service, { username }: BootedShop) {
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
  const { port } = server.address() as AddressInfo;
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

/** Three databases without a table on the shared PostgreSQL, as an operator makes them. */
async function emptyDatabases() {
  const names = ['main', 'keyring', 'another'].map((name) => `boot_${name}_${unique()}`) as [string, string, string];
  for (const name of names) await onShared('postgres', `CREATE DATABASE "${name}"`);
  const [main, keyring, another] = names;
  return {
    environment: { DATABASE_URL: sharedUrl(main), KEYRING_DATABASE_URL: sharedUrl(keyring) },
    another: sharedUrl(another),
    ask: (which: 'main' | 'keyring', statement: string) => onShared(which === 'main' ? main : keyring, statement),
    drop: () => onShared('postgres', ...names.map((name) => `DROP DATABASE "${name}" WITH (FORCE)`)),
  };
}
