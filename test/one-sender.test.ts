import { connect, type Socket } from 'node:net';
import { crc32, deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { frame, readFrames, upgrade } from './support/websocket.js';
import { limits } from '../src/contract/limits.js';
import { mainConnections } from '../src/platform/database.js';
import { HotStatements } from '../src/platform/hot-statements.js';
import { Realtime } from '../src/platform/realtime/realtime.js';
import { rooms } from '../src/platform/realtime/rooms.js';
import {
  type Answer,
  type Device,
  expectStatus,
  password,
  type Person,
  type Shop,
  unique,
  until,
  World,
} from './support/world.js';

/** Nothing that one address, account or socket sends may keep others from writing to each other. */

let world: World;
let bakery: Shop;
let anna: Person;
let florist: Shop;

beforeAll(async () => {
  world = await World.open();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  florist = await world.shop('florist');
  await anna.device.connect();
});
afterAll(() => world.close());

/** Sends something as an attacker, while Anna's messages are acknowledged and the service is ready. */
async function beside<Result>(attack: () => Promise<Result>): Promise<Result> {
  const attacking = attack();
  for (let sent = 0; sent < 5; sent++) {
    await anna.device.say(anna.contactId, `${sent}`);
    expectStatus(await world.ask('GET', '/api/health/ready'), 200);
  }
  const result = await attacking;
  await anna.device.say(anna.contactId, 'anche dopo');
  return result;
}

const unknownToken = () => `unknown-${unique()}`.padEnd(43, '-');
const port = () => Number(new URL(world.url).port);
const statusesOf = (answers: Answer[]) => [...new Set(answers.map(({ status }) => status))].sort();
const socketsOf = async ({ sessionId }: Device) =>
  (await world.service.app.get(Realtime).server.in(rooms.ofSession(sessionId)).fetchSockets()).length;

/** A WebSocket on which nobody is admitted yet, and what comes over it. */
async function rawSocket(): Promise<{ socket: Socket; packets: string[] }> {
  const packets: string[] = [];
  const socket = connect(port(), '127.0.0.1').on('error', () => {});
  readFrames(socket, (packet) => packets.push(packet));
  socket.write(upgrade(port()));
  await until(() => packets.length > 0, 'the connection is open');
  return { socket, packets };
}

const asking = (token: string, namespace = '') => frame(`40${namespace}${JSON.stringify({ token })}`);

describe('one connection', () => {
  test('is closed after failing to authenticate, whatever it sends next', async () => {
    const { socket, packets } = await beside(async () => {
      const opened = await rawSocket();
      opened.socket.write(asking(unknownToken()).repeat(20_000), 'latin1');
      await until(() => opened.socket.closed, 'the connection is closed');
      return opened;
    });
    expect(socket.closed).toBe(true);
    expect(packets.filter((packet) => packet.startsWith('44')).length).toBeLessThanOrEqual(1);
    expect(packets.filter((packet) => packet.startsWith('40'))).toEqual([]);
  });

  test('is told why authenticating failed before it is closed', async () => {
    const { socket, packets } = await rawSocket();
    socket.write(asking(unknownToken()), 'latin1');
    await until(() => socket.closed || packets.some((packet) => packet.startsWith('44')), 'the refusal is told');
    expect(packets.at(1)).toContain('unauthenticated');
    await until(() => socket.closed, 'the connection is closed');
  });

  test.each(['one after the other', 'before the first is answered'])(
    'is no second session’s: admissions %s close it',
    async (when) => {
      const others = [await world.signIn(anna.username), await world.signIn(anna.username)] as const;
      const { socket, packets } = await rawSocket();
      const first = asking(others[0].token);
      const second = asking(others[1].token);
      if (when === 'before the first is answered') socket.write(first + second, 'latin1');
      else {
        socket.write(first, 'latin1');
        await until(() => packets.some((packet) => packet.startsWith('40')), 'the first is admitted');
        expect(await socketsOf(others[0])).toBe(1);
        socket.write(second, 'latin1');
      }
      await until(() => socket.closed, 'the connection is closed');
      await until(async () => (await socketsOf(others[0])) === 0, 'the first is not connected any more');
      expect(await socketsOf(others[1])).toBe(0);
    },
  );

  test('to another namespace is refused and closed', async () => {
    const { socket, packets } = await rawSocket();
    socket.write(asking(anna.device.token, '/admin,'), 'latin1');
    await until(() => packets.some((packet) => packet.startsWith('44/admin')), 'the namespace is refused');
    await until(() => socket.closed, 'the connection is closed');
  });

  test('can have at most 20 unanswered requests; one more closes it after their answers', async () => {
    const pipelined = async (count: number) => {
      const socket = connect(port(), '127.0.0.1').on('error', () => {});
      let answers = '';
      socket.on('data', (chunk: Buffer) => (answers += chunk.toString('latin1')));
      const request = `GET /api/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${unknownToken()}\r\n\r\n`;
      socket.write(request.repeat(count));
      const statuses = () => [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
      return { socket, statuses };
    };
    const allowed = await pipelined(limits.requestsPerConnection);
    await until(() => allowed.statuses().length === limits.requestsPerConnection, 'all are answered');
    expect(new Set(allowed.statuses())).toEqual(new Set([401]));
    expect(allowed.socket.closed).toBe(false);
    allowed.socket.destroy();
    const refused = await beside(async () => {
      const sent = await pipelined(3_000);
      await until(() => sent.socket.closed, 'the connection is closed');
      return sent;
    });
    expect(refused.statuses().length).toBeLessThanOrEqual(limits.requestsPerConnection + 1);
    expect(refused.statuses().at(-1)).toBe(429);
  });
});

test('a network can have at most 200 connections that are not authenticated yet', async () => {
  const { entering } = world.service.app.get(Realtime).entrance;
  const network = '127.0.0.1';
  await until(() => !entering.has(network), 'everybody before has been admitted or has left');
  const waiting = await Promise.all(Array.from({ length: limits.socketsEntering }, rawSocket));
  expect(entering.get(network)).toBe(limits.socketsEntering);
  const refused = await fetch(`${world.url}/socket.io/?EIO=4&transport=polling`);
  expect(refused.status).toBe(429);
  expect(await refused.json()).toMatchObject({ code: 'rate_limited', retryAfter: expect.any(Number) });
  waiting[0]!.socket.destroy();
  await until(() => entering.get(network)! < limits.socketsEntering, 'one has left');
  const phone = await (await world.signIn(anna.username)).connect();
  expect(phone.connected).toBe(true);
  for (const { socket } of waiting) socket.destroy();
  await until(() => !entering.has(network), 'all have left');
});

// Elsewhere the loopback has one address only.
const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('a network has at most 500 connections that have had no answer, and those that had one go on', async () => {
  const answered = connect(port(), '127.0.0.1').on('error', () => {});
  let heard = '';
  answered.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  const ask = () => answered.write('GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n');
  ask();
  await until(() => heard.includes('live'), 'a connection has its answer');
  const half =
    'POST /api/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{';
  const silent = Array.from({ length: limits.connectionsUnanswered + 20 }, () => {
    const socket = connect({ port: port(), host: '127.0.0.1', localAddress: '127.0.0.2' }).on('error', () => {});
    socket.write(half);
    return socket;
  });
  await until(() => silent.filter(({ closed }) => closed).length >= 20, 'those beyond are closed');
  expect(silent.filter(({ closed }) => closed)).toHaveLength(20);
  await beside(async () => {});
  heard = '';
  ask();
  await until(() => heard.includes('live'), 'it has another');
  for (const socket of [answered, ...silent]) socket.destroy();
});

onLinux(
  'a network has at most 1,000 connections; a new one closes the one that has been idle for longest',
  async () => {
    const ask = 'GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const answered = async () => {
      const socket = connect({ port: port(), host: '127.0.0.1', localAddress: '127.0.0.3' }).on('error', () => {});
      let heard = '';
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
      socket.write(ask);
      await until(() => heard.includes('live') || socket.closed, 'it has an answer, or is closed');
      return { socket, again: () => ((heard = ''), socket.write(ask)), heard: () => heard };
    };
    const crowd: Awaited<ReturnType<typeof answered>>[] = [];
    for (let group = 0; group < limits.connectionsPerNetwork / 100; group++) {
      crowd.push(...(await Promise.all(Array.from({ length: 100 }, answered))));
    }
    const [used, idle] = [crowd[0]!, crowd[1]!];
    expect(crowd.every(({ socket }) => !socket.closed)).toBe(true);
    used.again();
    await until(() => used.heard().includes('live'), 'the first is used again');
    const further = await beside(answered);
    expect(further.heard()).toContain('live');
    await until(() => idle.socket.closed, 'the one that has been idle for longest is closed');
    expect(crowd.filter(({ socket }) => socket.closed)).toHaveLength(1);
    for (const { socket } of [...crowd, further]) socket.destroy();
  },
);

describe('unknown tokens', () => {
  test('are looked up once, a few at a time, and then refused to their network, while known ones still work', async () => {
    const lookUp = jest.spyOn(world.service.app.get(HotStatements), 'query');
    const looked = () => lookUp.mock.calls.filter(([{ name }]) => name === 'session_of_token').length;
    const same = unknownToken();
    expectStatus(await world.ask('GET', '/api/me', { token: same }), 401);
    expect(looked()).toBe(1);
    for (let again = 0; again < 5; again++) expectStatus(await world.ask('GET', '/api/me', { token: same }), 401);
    expect(looked()).toBe(1);

    const answers = await beside(() =>
      Promise.all(Array.from({ length: 400 }, () => world.ask('GET', '/api/me', { token: unknownToken() }))),
    );
    expect(statusesOf(answers)).toEqual([401, 429]);
    const refused = await world.ask('GET', '/api/me', { token: unknownToken() });
    expectStatus(refused, 429);
    expect(refused.body).toMatchObject({ code: 'rate_limited', retryAfter: expect.any(Number) });
    expect(looked()).toBeLessThan(limits.unknownTokensPerMinute + 50);
    lookUp.mockRestore();

    expectStatus(await anna.device.ask('GET', '/api/me'), 200);
    const phone = await world.signIn(anna.username);
    expectStatus(await phone.ask('GET', '/api/me'), 200);
    expect((await phone.connect()).connected).toBe(true);
  });
});

describe('requests beyond the queue are refused, and delay no others', () => {
  const beyond = 25;
  const asked = limits.requestsAtOnce + limits.requestsWaiting + beyond;

  /** Keeps the first ones waiting for a table, so that the others have to wait for them. */
  async function refusedOf(table: string, ask: () => Promise<Answer>): Promise<Answer[]> {
    const answers: Answer[] = [];
    let all: Promise<unknown> = Promise.resolve();
    await world.holding(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`, [], async () => {
      all = Promise.all(Array.from({ length: asked }, () => ask().then((answer) => answers.push(answer))));
      await until(() => answers.length >= beyond, 'those beyond are refused');
      await beside(async () => {});
    });
    await all;
    expect(answers.slice(beyond).filter(({ status }) => status !== 200)).toEqual([]);
    return answers.slice(0, beyond);
  }

  test.each<[string, string, () => Promise<() => Promise<Answer>>]>([
    ['of one account', 'label', async () => () => florist.owner.ask('GET', '/api/labels')],
    [
      'of one network without a session',
      'invitation',
      async () => {
        const { code } = await world.invitation(florist);
        return () => world.ask('GET', `/api/invitations/by-code/${code}?locale=it`);
      },
    ],
  ])('%s', async (_, table, prepare) => {
    for (const { status, body } of await refusedOf(table, await prepare())) {
      expect(status).toBe(429);
      expect(body).toMatchObject({ code: 'rate_limited', retryAfter: expect.any(Number) });
    }
  });
});

test('messages do not wait for connections in use by other requests', async () => {
  const accounts = [florist.owner];
  while (accounts.length * limits.requestsAtOnce < mainConnections + limits.requestsAtOnce) {
    accounts.push((await world.staff(florist)).device);
  }
  let asked: Promise<Answer>[] = [];
  await world.holding('LOCK TABLE label IN ACCESS EXCLUSIVE MODE', [], async () => {
    asked = accounts.flatMap((account) =>
      Array.from({ length: limits.requestsAtOnce }, () => account.ask('GET', '/api/labels')),
    );
    const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await until(
      async () => (await world.rows(waiting)).length >= mainConnections,
      'every connection for lists waits for the table',
    );
    await anna.device.say(anna.contactId, 'intanto');
    const path = `/api/conversations/${anna.contactId}/messages`;
    expectStatus(await anna.device.ask('POST', path, { clientId: unique(), body: 'anche così' }), 201);
    expect(await anna.device.emit('receipt.send', { conversationId: anna.contactId, seenSeq: 0 })).toEqual({
      data: {},
    });
  });
  expect(statusesOf(await Promise.all(asked))).toEqual([200]);
});

test('passwords are compared a few at a time; too many from one network are refused, while those of an account are not', async () => {
  const signIn = () => world.ask('POST', '/api/sessions', { body: { username: `${unique()}@mail.example`, password } });
  const [answers, changed] = await beside(async () => {
    const signingIn = Promise.all(Array.from({ length: 60 }, signIn));
    const currentPassword = 'non-questa-parola';
    const changing = anna.device.ask('PUT', '/api/me/password', {
      currentPassword,
      newPassword: 'mestolo-9-salamandra',
    });
    return Promise.all([signingIn, changing]);
  });
  expect(statusesOf(answers)).toEqual([401, 429]);
  expect(answers.find(({ status }) => status === 429)!.body).toMatchObject({
    code: 'rate_limited',
    retryAfter: expect.any(Number),
  });
  expectStatus(changed, 403);
});

test('pictures are drawn one at a time, and one with too many rows is refused by its header', async () => {
  const upload = (bytes: Buffer) => {
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(bytes)]), 'logo.png');
    return florist.owner.ask('PUT', '/api/subscriber/logo', form);
  };
  const tall = tallPng(40_000_000);
  const answers = await beside(() => Promise.all(Array.from({ length: 12 }, () => upload(tall))));
  for (const { status } of answers) expect([422, 429]).toContain(status);
  const refused = await upload(tall);
  expectStatus(refused, 422);
  expect(refused.body).toMatchObject({
    code: 'logo_dimensions',
    detail: 'A logo can have at most 10,000 pixels a side and 40 megapixels. Make the image smaller and send it again.',
  });
  expectStatus(await upload(tallPng(limits.logoSide)), 204);
  expectStatus(await upload(tallPng(limits.logoSide + 1)), 422);
});

test('an account can send twice as many messages as one session, however many sessions it has', async () => {
  const strict = await World.open({ RATE_MESSAGES: '3' });
  const shop = await strict.shop('bakery');
  const person = await strict.join(shop, 'anna');
  const sessions = [person.device, ...(await Promise.all([1, 2, 3].map(() => strict.signIn(person.username))))];
  const path = `/api/conversations/${person.contactId}/messages`;
  const codes: (number | string)[] = [];
  for (const session of sessions) {
    for (let sent = 0; sent < 3; sent++) {
      const { status, body } = await session.ask('POST', path, { clientId: unique(), body: 'ciao' });
      codes.push(status === 201 ? status : body.code);
    }
  }
  expect(codes).toEqual([...Array<number>(6).fill(201), ...Array<string>(6).fill('rate_limited')]);
  const receipts: unknown[] = [];
  for (const session of sessions) {
    for (let sent = 0; sent < 20; sent++) {
      const { status } = await session.ask('PUT', `/api/conversations/${person.contactId}/receipt`, { seenSeq: 0 });
      receipts.push(status);
    }
  }
  expect(receipts).toEqual([...Array<number>(60).fill(204), ...Array<number>(20).fill(429)]);
  // The other party is not counted with it.
  await shop.owner.connect();
  await shop.owner.say(person.contactId, 'eccomi');
  await strict.close();
});

test('all connections to the database are open from the start, and none is closed when idle', async () => {
  const connections = () =>
    world.rows<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'colloquio' ORDER BY pid`,
    );
  const { pool } = world.service.app.get(HotStatements);
  expect(pool.totalCount).toBe(pool.options.max);
  expect(pool.options.idleTimeoutMillis).toBe(0);
  expect((await connections()).length).toBeGreaterThanOrEqual(mainConnections + pool.options.max);
});

/** A black-and-white PNG of one column, one bit a pixel: forty million rows take 80 KB. */
function tallPng(height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(1, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(data.length, 0);
    body.copy(framed, 4);
    framed.writeUInt32BE(crc32(body), body.length + 4);
    return framed;
  };
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(2 * height), { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
