import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { frame, readFrames, upgrade } from './support/websocket.js';
import { limits } from '../src/contract/limits.js';
import {
  type Answer,
  type Device,
  expectStatus,
  type Person,
  settle,
  type Shop,
  unique,
  until,
  World,
} from './support/world.js';

/** Bodies, packets and frames in numbers are cut off, and others go on writing beside them. */

// Elsewhere the loopback has one address only.
const onLinux = process.platform === 'linux' ? test : test.skip;

let world: World;
let bakery: Shop;
let anna: Person;

beforeAll(async () => {
  world = await World.open({ RATE_MESSAGES: '60' });
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  await anna.device.connect();
});
afterAll(() => world.close());

/** Anna's messages are acknowledged while an attacker sends something. */
async function beside<Result>(attack: () => Promise<Result>): Promise<Result> {
  const attacking = attack();
  for (let sent = 0; sent < 3; sent++) await anna.device.say(anna.contactId, `${sent}`);
  const result = await attacking;
  expectStatus(await world.ask('GET', '/api/health/ready'), 200);
  return result;
}

const port = () => Number(new URL(world.url).port);
const address = { host: '127.0.0.1', port: 0 };

/** Sends bytes over a connection of its own; resolves with what came back once the other side has closed it. */
async function raw(...parts: (string | Buffer)[]): Promise<string> {
  const socket = connect({ ...address, port: port() }).on('error', () => {});
  const answer = text(socket);
  for (const part of parts) socket.write(part);
  return answer.catch(() => '');
}

const head = (...lines: string[]) =>
  ['POST /api/sessions HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', ...lines, '\r\n'].join('\r\n');

/** A WebSocket that is connected to the service, and closed when the test has seen enough. */
async function webSocket(token?: string, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ ...address, port: port(), localAddress }).on('error', () => {});
  const packets: string[] = [];
  readFrames(socket, (packet) => packets.push(packet));
  socket.write(upgrade(port()));
  await until(() => packets.length > 0, 'Engine.IO greets');
  if (token !== undefined) {
    socket.write(frame(`40{"token":"${token}"}`), 'latin1');
    await until(() => packets.some((packet) => packet.startsWith('40')), 'it is admitted');
  }
  return socket;
}

describe('a JSON body', () => {
  const many = `{"consents":[${Array.from({ length: 80_000 }, () => '{}').join()}]}`;
  const send = (body: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> =>
    fetch(`${world.url}/api/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    }).then(async (response) => ({ status: response.status, headers: response.headers, body: await response.json() }));

  test('waits for its turn if it is large, and is refused beyond the queue', async () => {
    const arrived: Socket[] = [];
    const keep = (socket: Socket) => void arrived.push(socket);
    const server = world.service.app.getHttpServer();
    server.on('connection', keep);
    // All but a byte of each, and then the last bytes together.
    const beginning = head(`Content-Length: ${many.length}`, 'Connection: close') + many.slice(0, -1);
    const sockets = Array.from({ length: limits.bodiesWaitingPerNetwork + 20 }, () => {
      const socket = connect({ ...address, port: port() }).on('error', () => {});
      socket.write(beginning);
      return { socket, answer: text(socket) };
    });
    const whole = () => arrived.filter(({ bytesRead }) => bytesRead === beginning.length).length;
    await until(() => whole() === sockets.length, 'all has arrived but the last bytes');
    server.off('connection', keep);
    const answers = await beside(() => {
      for (const { socket } of sockets) socket.write('}');
      return Promise.all(sockets.map(({ answer }) => answer));
    });
    const statuses = answers.map((answer) => /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
    expect([...new Set(statuses)].sort()).toEqual(['400', '429']);
    expect(statuses.filter((status) => status === '400').length).toBeGreaterThan(limits.bodiesWaitingPerNetwork);
    expect((await send('{"username":"nobody","password":"x"}')).status).toBeLessThan(500);
  });

  test('is refused if it is compressed, in another charset, not an object, or invalid', async () => {
    const zipped = await send(gzipSync(many), { 'content-encoding': 'gzip' });
    expect([zipped.status, zipped.body.code]).toEqual([415, 'media_type_refused']);
    const latin = await send('{}', { 'content-type': 'application/json; charset=iso-8859-1' });
    expect([latin.status, latin.body.code]).toEqual([415, 'media_type_refused']);
    for (const body of ['"text"', '7', 'null', '{', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])]) {
      const { status, body: told } = await send(body);
      expect([status, told.code]).toEqual([400, 'malformed_request']);
    }
    expect((await send('{}', { 'content-type': 'application/json; charset="UTF-8"' })).body.code).toBe(
      'validation_failed',
    );
  });

  test('is refused one byte above its limit, whether or not its length is declared', async () => {
    const at = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`;
    expect((await send(at(limits.jsonBytes))).status).toBe(400);
    const over = await send(at(limits.jsonBytes + 1));
    expect([over.status, over.body.code]).toEqual([413, 'too_large']);
    const size = (limits.jsonBytes + 1).toString(16);
    const answer = await raw(head('Transfer-Encoding: chunked'), `${size}\r\n${at(limits.jsonBytes + 1)}\r\n0\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('in chunks of one byte is refused after a few of them', async () => {
    const answer = await beside(() => raw(head('Transfer-Encoding: chunked'), '1\r\n1\r\n'.repeat(20_000)));
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*Connection: close/s);
  });
});

describe('a connection is cut', () => {
  test('that sends more than a few packets before it is authenticated', async () => {
    const socket = await webSocket();
    await beside(async () => {
      socket.write(frame('6').repeat(limits.packetsBeforeAdmission + 1), 'latin1');
      await until(() => socket.closed, 'it is cut');
    });
  });

  test('that polls with thousands of packets in one request', async () => {
    const url = `${world.url}/socket.io/?EIO=4&transport=polling`;
    const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1)) as { sid: string };
    const headers = { 'content-type': 'text/plain;charset=UTF-8' };
    await beside(() => fetch(`${url}&sid=${sid}`, { method: 'POST', body: '3\x1e'.repeat(20_000), headers }));
    expect((await fetch(`${url}&sid=${sid}`)).status).toBe(400);
  });

  test('that sends ping frames without end', async () => {
    const socket = await webSocket();
    const ping = '\x89\x80\0\0\0\0';
    socket.write(ping.repeat(limits.controlFramesPerMinute), 'latin1');
    const phone = await (await world.signIn(anna.username)).connect();
    expect(socket.closed).toBe(false);
    await beside(async () => {
      socket.write(ping.repeat(1_000), 'latin1');
      await until(() => socket.closed, 'it is cut');
    });
    expect(phone.connected).toBe(true);
  });

  test('of a session that sends events without acknowledgement callbacks', async () => {
    const attacker = await world.signIn(bakery.username);
    const socket = await webSocket(attacker.token);
    await beside(async () => {
      for (let part = 0; part < 50 && !socket.closed; part++) socket.write(frame('42["x"]').repeat(100), 'latin1');
      await until(() => socket.closed, 'it is cut');
    });
  });

  onLinux('and refused for a while when its network has had too many of them', async () => {
    const network = '127.0.0.3';
    const attacker = await world.signIn(bakery.username);
    for (let cut = 0; cut < limits.connectionsCutPerMinute; cut++) {
      const socket = await webSocket(attacker.token, network);
      const packets = cut === 0 ? 60 * 24 + 240 : 0;
      socket.write(frame('42["x"]').repeat(packets + 1), 'latin1');
      await until(() => socket.closed, 'it is cut');
    }
    const socket = connect({ ...address, port: port(), localAddress: network }).on('error', () => {});
    socket.write(upgrade(port()));
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 429 /);
    expect(answer).toMatch(/Retry-After: \d+/i);
    const elsewhere = await world.signIn(bakery.username);
    expect((await elsewhere.connect()).connected).toBe(true);
  });

  test('of a session that has connected too often within a minute, but not its existing ones', async () => {
    const restless = await world.signIn(bakery.username);
    const first = await webSocket(restless.token);
    for (let more = 1; more < limits.admissionsPerMinute; more++) (await webSocket(restless.token)).destroy();
    await expect(restless.connect()).rejects.toMatchObject({ data: { code: 'rate_limited' } });
    expect(first.closed).toBe(false);
    first.destroy();
  });

  test('but not at once: an event without a callback counts as a message', async () => {
    const eager = await world.join(bakery, 'carla');
    const device = await eager.device.connect();
    const socket = await webSocket(device.token);
    socket.write(frame('42["message.send",{}]').repeat(60), 'latin1');
    await settle();
    const { error } = await device.emit('message.send', {
      conversationId: eager.contactId,
      clientId: unique(),
      body: 'Ciao',
    });
    expect(error).toMatchObject({ code: 'rate_limited', retryAfter: expect.any(Number) });
    expect([device.connected, socket.closed]).toEqual([true, false]);
    socket.destroy();
  });

  test('but not of a session within its rate', async () => {
    const device: Device = await (await world.signIn(anna.username)).connect();
    const sends = Array.from({ length: 40 }, () =>
      device.emit('message.send', { conversationId: anna.contactId, clientId: unique(), body: 'x'.repeat(9_000) }),
    );
    expect((await Promise.all(sends)).every(({ data, error }) => data ?? error.code === 'rate_limited')).toBe(true);
    expect(device.connected).toBe(true);
  });
});

describe('messages are sent during', () => {
  test('a thousand preflights from a foreign origin', async () => {
    const preflight = () =>
      fetch(`${world.url}/api/me`, {
        method: 'OPTIONS',
        headers: { origin: 'https://elsewhere.example', 'access-control-request-method': 'PATCH' },
      }).then(({ status, headers }) => [status, headers.get('access-control-allow-origin')]);
    const answers = await beside(async () => {
      const all: unknown[][] = [];
      for (let group = 0; group < 10; group++) all.push(...(await Promise.all(Array.from({ length: 100 }, preflight))));
      return all;
    });
    expect(new Set(answers.map(([status]) => status))).toEqual(new Set([403]));
    expect(answers.every(([, allowed]) => allowed === null)).toBe(true);
  });

  test('a form of ten thousand tiny parts, or of ten thousand headers in one', async () => {
    const part = (name: string) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n1\r\n`;
    const headers = Array.from({ length: 10_000 }, (_, index) => `X-${index}: 1`).join('\r\n');
    const bodies = [
      Array.from({ length: 10_000 }, (_, index) => part(`f${index}`)).join(''),
      part('labels').repeat(10_000),
      `--x\r\n${headers}\r\nContent-Disposition: form-data; name="labels"\r\n\r\n1\r\n`,
    ];
    for (const path of ['/api/imports', '/api/subscriber/logo']) {
      for (const body of bodies) {
        const answer = await beside(() =>
          fetch(`${world.url}${path}`, {
            method: path.endsWith('logo') ? 'PUT' : 'POST',
            headers: {
              authorization: `Bearer ${bakery.owner.token}`,
              'content-type': 'multipart/form-data; boundary=x',
            },
            body: `${body}--x--\r\n`,
          }),
        );
        expect([400, 413]).toContain(answer.status);
        expect(answer.headers.get('content-type')).toContain('problem+json');
      }
    }
  });

  test('many concurrent sign-ins and logouts of one account', async () => {
    const held = async () => (await bakery.owner.ask('GET', '/api/sessions?limit=200')).body.items.length as number;
    const before = await held();
    const signIn = async (_: unknown, index: number) => {
      const device = await world.signIn(bakery.username);
      if (index % 2 === 1) expectStatus(await device.ask('DELETE', '/api/sessions/current'), 204);
    };
    await beside(() => Promise.all(Array.from({ length: 16 }, signIn)));
    expect(await held()).toBe(before + 8);
  });
});

describe('an unreadable HTTP request', () => {
  const get = (...lines: string[]) => ['GET /api/health/live HTTP/1.1', ...lines, '\r\n'].join('\r\n');
  const longHeader = (bytes: number) => get('Host: localhost', 'Connection: close', `X-Long: ${'x'.repeat(bytes)}`);

  test.each([
    ['no HTTP at all', 'HELO localhost\r\n\r\n', 400, 'malformed_request'],
    ['TLS', Buffer.from('1603010200010001fc0303', 'hex'), 400, 'malformed_request'],
    ['a header that ends in the middle', get('Host: localhost', 'X: a\0b'), 400, 'malformed_request'],
    ['two lengths', head('Content-Length: 2', 'Transfer-Encoding: chunked') + '{}', 400, 'malformed_request'],
    ['no host', get('Accept: */*'), 400, 'malformed_request'],
    ['a broken chunk', `${head('Transfer-Encoding: chunked')}zz\r\n`, 400, 'malformed_request'],
    ['a chunk with a long extension', `${head('Transfer-Encoding: chunked')}2;${'x'.repeat(20_000)}`, 413, 'too_large'],
    ['another expectation', get('Host: localhost', 'Expect: tea'), 400, 'malformed_request'],
    ['headers of more than 16 KB', longHeader(limits.headerBytes), 431, 'headers_too_large'],
  ])('is answered with a problem, and the connection closed: %s', async (_, bytes, status, code) => {
    const [answered = '', body = ''] = (await raw(bytes)).split('\r\n\r\n');
    expect(answered).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answered).toMatch(/\r\nContent-Type: application\/problem\+json/i);
    expect(answered).toMatch(/\r\nConnection: close/i);
    expect(JSON.parse(body)).toEqual({
      type: `urn:colloquio:problem:${code}`,
      title: expect.any(String),
      ...{ status, code },
      detail: expect.any(String),
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  test('does not include one with headers of almost 16 KB', async () => {
    expect(await raw(longHeader(limits.headerBytes - 200))).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('after a pending request does not answer that one', async () => {
    const wanted = `POST /api/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
    const body = JSON.stringify({ username: unique(), password: 'una parola qualunque' });
    expect(await raw(`${wanted}Content-Length: ${body.length}\r\n\r\n${body}HELO\r\n\r\n`)).toBe('');
  });

  test('does not include the offer of HTTP/2 in clear', async () => {
    const offer = ['Connection: Upgrade, HTTP2-Settings, close', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'];
    expect(await raw(get('Host: localhost', ...offer))).toMatch(/^HTTP\/1\.1 200 /);
  });
});
