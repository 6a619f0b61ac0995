import type { IncomingMessage, Server } from 'node:http';
import type { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Sessions } from '../src/auth/sessions.service.js';
import { limits } from '../src/contract/limits.js';
import { type DeviceSocket, Realtime } from '../src/platform/realtime/realtime.js';
import { rooms } from '../src/platform/realtime/rooms.js';
import { PollingDevice } from './support/polling-device.js';
import { SilentDevice } from './support/silent-device.js';
import {
  type Device,
  expectStatus,
  password,
  pause,
  type Person,
  settle,
  type Shop,
  unique,
  until,
  World,
} from './support/world.js';

/** Promise 7: logout stops notifications. And signing in. */

let world: World;
/** A world whose sessions end after some three seconds without use. */
let brief: World;
let bakery: Shop;
let anna: Person;

beforeAll(async () => {
  [world, brief] = await Promise.all([World.shared(), World.open({ SESSION_DAYS: '0.00004' })]);
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  await bakery.owner.connect();
});
afterAll(() => Promise.all([world.close(), brief.close()]));

/** Lets something happen to a device, and says what it hears of the messages sent after that. */
async function heardAfter(device: Device, ends: () => Promise<unknown>): Promise<string[]> {
  await bakery.owner.say(anna.contactId, 'prima');
  await device.hears('message.sent', ({ body }) => body === 'prima');
  await ends();
  device.heard.length = 0;
  await bakery.owner.say(anna.contactId, 'dopo');
  await settle();
  return device.heard.map(({ event }) => event);
}

/** The socket of a session as the service holds it. */
async function socketOf({ sessionId }: { sessionId: string }, there = world): Promise<DeviceSocket> {
  const sockets = await there.service.app.get(Realtime).server.in(rooms.ofSession(sessionId)).fetchSockets();
  expect(sockets).toHaveLength(1);
  return sockets[0] as unknown as DeviceSocket;
}

/** Waits until what has this text stands in the connection of a socket, for its client to take it. */
const waitsIn = ({ conn }: DeviceSocket, text: string) =>
  until(
    () =>
      (conn as unknown as { writeBuffer: { data?: string }[] }).writeBuffer.some(({ data }) => data?.includes(text)),
    `${text} waits`,
  );

/**
 * Keeps the operating system from taking anything of what a connection answers to its next poll. Gives, once something is
 * written, what lets it be taken.
 */
function holdAnswerOf({ conn }: DeviceSocket): Promise<() => void> {
  const { id } = conn as unknown as { id: string };
  const server: Server = world.service.app.getHttpServer();
  return new Promise((resolve) => {
    const hold = ({ url, socket }: IncomingMessage) => {
      if (!url!.includes(`sid=${id}`)) return;
      server.off('request', hold);
      const write: Writable['_write'] = socket._write.bind(socket);
      const held: Parameters<typeof write>[] = [];
      const keep = (...written: Parameters<typeof write>) => {
        held.push(written);
        resolve(() => {
          socket._write = write;
          for (const each of held) write(...each);
        });
      };
      Object.assign(socket, { _write: keep, _writev: null });
    };
    server.prependListener('request', hold);
  });
}

/** Another device of Anna's, connected by long polling. */
const pollingDevice = async () => PollingDevice.connect(world, await world.signIn(anna.username));
const silentDevice = async () => SilentDevice.connect(world, await world.signIn(anna.username));

const endFromElsewhere = async ({ sessionId }: { sessionId: string }) =>
  expectStatus(await anna.device.ask('DELETE', `/api/sessions/${sessionId}`), 204);

describe('a signed-out device hears nothing', () => {
  test('after its own logout has answered', async () => {
    const phone = await (await world.signIn(anna.username)).connect();
    const heard = await heardAfter(phone, async () =>
      expectStatus(await phone.ask('DELETE', '/api/sessions/current'), 204),
    );
    expect(heard).toEqual([]);
    await until(() => !phone.connected, 'the socket is cut');
  });

  test('after another device has ended its session, which it is told', async () => {
    const lost = await (await world.signIn(anna.username)).connect();
    const heard = await heardAfter(lost, async () => {
      expectStatus(await anna.device.ask('DELETE', `/api/sessions/${lost.sessionId}`), 204);
      await lost.hears('session.ended', ({ id }) => id === lost.sessionId);
    });
    expect(heard).toEqual([]);
    expect(lost.connected).toBe(false);
  });

  test('after its session has expired', async () => {
    const shop = await brief.shop('bakery');
    const bruno = await brief.join(shop, 'bruno');
    await bruno.device.connect();
    expect(bruno.device.connected).toBe(true);
    await until(() => !bruno.device.connected, 'the expired session is cut');
    expectStatus(await bruno.device.ask('GET', '/api/me'), 401);
  });

  test('and cannot come back, neither over HTTP nor over a socket', async () => {
    const phone = await world.signIn(anna.username);
    await phone.ask('DELETE', '/api/sessions/current');
    expectStatus(await phone.ask('GET', '/api/conversations'), 401);
    await expect(phone.connect()).rejects.toMatchObject({ data: { code: 'unauthenticated', status: 401 } });
  });

  test('while it connects at the very moment of its logout', async () => {
    const phones = await Promise.all(Array.from({ length: 10 }, () => world.signIn(anna.username)));
    await Promise.all(
      phones.map(async (phone, round) => {
        const entering = phone.connect().catch(() => undefined);
        await pause(round);
        await phone.ask('DELETE', '/api/sessions/current');
        phone.heard.length = 0;
        await bakery.owner.say(anna.contactId, 'dopo');
        await entering;
        await settle();
        expect(phone.heard).toEqual([]);
        await until(() => !phone.connected, 'the socket is cut');
      }),
    );
  });
});

describe('data waiting for a signed-out device is not delivered', () => {
  const long = '🥐'.repeat(limits.messageLength);
  const own = async (device: Device) => expectStatus(await device.ask('DELETE', '/api/sessions/current'), 204);
  const leave = async (device: Device, polling: PollingDevice) => {
    const socket = await socketOf(device);
    await polling.post('41');
    await until(() => !socket.connected, 'the socket has left');
    await endFromElsewhere(device);
  };

  test.each<[string, (device: Device, polling: PollingDevice) => Promise<void>]>([
    ['by itself', own],
    ['from another device', endFromElsewhere],
    ['after its socket had left the connection standing', leave],
  ])('when it polls again with its old connection, signed out %s', async (_, ends) => {
    const phone = await world.signIn(anna.username);
    const [polling, control] = [await PollingDevice.connect(world, phone), await pollingDevice()];
    const [socket, stays] = [await socketOf(polling), await socketOf(control)];
    await bakery.owner.say(anna.contactId, 'in attesa');
    await Promise.all([waitsIn(socket, 'in attesa'), waitsIn(stays, 'in attesa')]);
    await ends(phone, polling);
    const answer = await polling.poll();
    expect(answer.packets).not.toContain('in attesa');
    expect(answer.status).toBe(400);
    expect((await control.poll()).packets).toContain('in attesa');
    await endFromElsewhere(control);
  });

  test('when it polls again after its session has expired', async () => {
    const shop = await brief.shop('bakery');
    const bruno = await brief.join(shop, 'bruno');
    const polling = await PollingDevice.connect(brief, bruno.device);
    const socket = await socketOf(polling, brief);
    const path = `/api/conversations/${bruno.contactId}/messages`;
    expectStatus(await shop.owner.ask('POST', path, { clientId: unique(), body: 'in attesa' }), 201);
    await waitsIn(socket, 'in attesa');
    await until(() => !socket.connected, 'the expired session is cut');
    const answer = await polling.poll();
    expect(answer.packets).not.toContain('in attesa');
    expect(answer.status).toBe(400);
  });

  test('when a poll is waiting: it is told why, and nothing more', async () => {
    const polling = await pollingDevice();
    const { conn } = await socketOf(polling);
    const polled = polling.poll();
    await until(() => conn.transport.writable, 'a poll waits for its answer');
    await endFromElsewhere(polling);
    expect((await polled).packets.split('\x1e')).toEqual([
      `42${JSON.stringify(['session.ended', { id: polling.sessionId }])}`,
      '41',
    ]);
    expect((await polling.poll()).status).toBe(400);
  });

  test('when the operating system has not accepted the answer to its poll', async () => {
    const devices = [await pollingDevice(), await pollingDevice()] as const;
    await bakery.owner.say(anna.contactId, 'per ultimo');
    const sockets = await Promise.all(devices.map((device) => socketOf(device)));
    for (const socket of sockets) await waitsIn(socket, 'per ultimo');
    const written = Promise.all(sockets.map(holdAnswerOf));
    const [cut, control] = devices.map((device) =>
      device.poll().then(
        ({ packets }) => packets,
        () => 'cut off',
      ),
    );
    const release = await written;
    await endFromElsewhere(devices[0]);
    for (const letGo of release) letGo();
    expect(await cut).toBe('cut off');
    expect(await control).toContain('per ultimo');
    await endFromElsewhere(devices[1]);
  });

  test('when it resumes reading a WebSocket', async () => {
    const [silent, control] = [await silentDevice(), await silentDevice()];
    const sockets = await Promise.all([socketOf(silent), socketOf(control)]);
    for (const device of [silent, control]) device.stopReading();
    // The operating system takes some megabytes for each, before anything waits in the service.
    while (sockets.some(({ conn }) => conn.transport.writable)) {
      await Promise.all(Array.from({ length: 5 }, () => bakery.owner.say(anna.contactId, long)));
    }
    await bakery.owner.say(anna.contactId, 'per ultimo');
    await Promise.all(sockets.map((socket) => waitsIn(socket, 'per ultimo')));
    await endFromElsewhere(silent);
    for (const device of [silent, control]) device.readOn();
    const hasLast = ({ packets }: SilentDevice) => packets.some((packet) => packet.includes('per ultimo'));
    await until(() => hasLast(control), 'the other device reads the last message');
    await until(() => silent.closed || hasLast(silent), 'the connection is closed');
    expect(hasLast(silent)).toBe(false);
    control.leave();
  });
});

test('a socket that closes while its session is checked is released', async () => {
  const shop = await brief.shop('bakery');
  const { device, contactId } = await brief.join(shop, 'bruno');
  await device.connect();
  const socket = await socketOf(device, brief);
  await pause(1_000);
  // Its use prolongs the session when the end that was known of it comes.
  await device.say(contactId, 'ci sono');
  const timer = socket.data.expiry;
  await brief.holding('SELECT FROM session WHERE id = $1 FOR UPDATE', [device.sessionId], async () => {
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await until(async () => (await brief.rows(waiting)).length > 0, 'its session is looked at');
    device.disconnect();
    await until(() => !socket.connected, 'the socket has left');
  });
  const prolonged = 'SELECT 1 FROM session WHERE id = $1 AND used_at > created_at';
  await until(async () => (await brief.rows(prolonged, [device.sessionId])).length > 0, 'its session is prolonged');
  await settle();
  expect(timer).toBeDefined();
  expect(socket.data.expiry).toBe(timer);
});

test('a session in use is prolonged, and an unused one ends', async () => {
  const shop = await brief.shop('bakery');
  const idle = await brief.signIn(shop.username);
  for (let i = 0; i < 8; i++) {
    await pause(500);
    expectStatus(await shop.owner.ask('GET', '/api/me'), 200);
  }
  expectStatus(await idle.ask('GET', '/api/me'), 401);
});

describe('signing in', () => {
  test('works by username, in any letter case', async () => {
    const answer = await world.ask('POST', '/api/sessions', {
      body: { username: ` ${bakery.username.toUpperCase()} `, password },
    });
    expectStatus(answer, 201);
    expect(answer.body.principal).toMatchObject({ kind: 'member', subscriberId: bakery.id, role: 'owner' });
    expect(answer.body.token).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  test('works by a verified address, which several accounts may share', async () => {
    const bruno = await world.join(bakery, 'bruno');
    const again = await world.join(await world.shop('florist'), 'bruno', { password: 'un-altra-parola-9' });
    const byAddress = (secret: string) =>
      world.ask('POST', '/api/sessions', { body: { username: 'Bruno@mail.example', password: secret } });
    expectStatus(await byAddress(password), 401);
    const hash = world.service.app
      .get((await import('../src/platform/vault/vault.js')).Vault)
      .lookupHash('email', 'bruno@mail.example');
    await world.rows(
      'UPDATE account SET email_hash = $1 WHERE id IN (SELECT account_id FROM interlocutor WHERE id = ANY ($2))',
      [hash, [bruno.id, again.id]],
    );
    expect((await byAddress(password)).body.principal.interlocutorId).toBe(bruno.id);
    expect((await byAddress('un-altra-parola-9')).body.principal.interlocutorId).toBe(again.id);
  });

  test('an unknown name and a wrong password get the same answer', async () => {
    const unknown = await world.ask('POST', '/api/sessions', { body: { username: 'nessuno', password } });
    const wrong = await world.ask('POST', '/api/sessions', {
      body: { username: bakery.username, password: 'sbagliata-del-tutto' },
    });
    const noAddress = await world.ask('POST', '/api/sessions', {
      body: { username: 'nessuno@mail.example', password },
    });
    for (const { body } of [unknown, wrong, noAddress]) delete body.requestId;
    expectStatus(unknown, 401);
    expect(wrong.body).toEqual(unknown.body);
    expect(noAddress.body).toEqual(unknown.body);
  });

  test('is slowed down after too many failures, and says for how long', async () => {
    const strict = await World.open({ RATE_SIGN_IN: '3' });
    const shop = await strict.shop('bakery');
    const attempt = (secret: string, username = shop.username) =>
      strict.ask('POST', '/api/sessions', { body: { username, password: secret } });
    for (let i = 0; i < 3; i++) expectStatus(await attempt('sbagliata-ancora'), 401);
    const refused = await attempt(password);
    expectStatus(refused, 429);
    expect(refused.body).toMatchObject({ code: 'rate_limited', retryAfter: expect.any(Number) });
    expect(Number(refused.headers.get('retry-after'))).toBe(refused.body.retryAfter);
    expectStatus(await attempt(password, 'un.altro'), 401);
    await strict.close();
  });

  test('gives a web app its cookie, which works only with the app’s name', async () => {
    const signIn = await world.ask('POST', '/api/sessions', {
      body: { username: bakery.username, password },
      headers: { 'x-colloquio-app': 'dashboard' },
    });
    const cookie = signIn.headers.get('set-cookie')!;
    expect(cookie).toMatch(/^colloquio-dashboard=[^;]+;.*HttpOnly.*SameSite=Strict/);
    const value = cookie.split(';')[0]!;
    const ask = (headers: Record<string, string>, path = '/api/me') =>
      world.ask('GET', path, { headers: { cookie: value, ...headers } });
    expectStatus(await ask({ 'x-colloquio-app': 'dashboard' }), 200);
    expectStatus(await ask({}, '/api/me?as=dashboard'), 200);
    expectStatus(await ask({ 'x-colloquio-app': 'app' }), 401);
    expectStatus(await ask({}), 401);
    const logout = await world.ask('DELETE', '/api/sessions/current', {
      headers: { cookie: value, 'x-colloquio-app': 'dashboard' },
    });
    expectStatus(logout, 204);
    expect(logout.headers.get('set-cookie')).toMatch(/^colloquio-dashboard=;.*Max-Age=0/);
  });

  test('to a web app works only for its kind of account', async () => {
    const signIn = (app: string, username: string) =>
      world.ask('POST', '/api/sessions', { body: { username, password }, headers: { 'x-colloquio-app': app } });
    expectStatus(await signIn('app', bakery.username), 401);
    expectStatus(await signIn('dashboard', anna.username), 401);
    expectStatus(await signIn('app', anna.username), 201);
  });
});

describe('devices', () => {
  test('are listed with the names that their owner gave them, and the current one is marked', async () => {
    const carla = await world.join(bakery, 'carla', { device: 'Telefono di Carla' });
    const tablet = await world.signIn(carla.username, 'Tablet');
    const { body } = await tablet.ask('GET', '/api/sessions');
    expect(body.items.map(({ device, current }: { device: string; current: boolean }) => [device, current])).toEqual([
      ['Tablet', true],
      ['Telefono di Carla', false],
    ]);
  });

  test('that are shared have no persistent cookie, and are signed out after 12 hours without use', async () => {
    const headers = { 'x-colloquio-app': 'app' };
    const signIn = (shared: unknown) =>
      world.ask('POST', '/api/sessions', { body: { username: anna.username, password, shared }, headers });
    expect((await signIn('si')).body.errors[0].field).toBe('shared');
    const own = await signIn(false);
    expect(own.headers.get('set-cookie')).toMatch(/Expires=/);
    const shared = await signIn(true);
    expectStatus(shared, 201);
    const { id } = shared.body;
    const hours = (time: string | Date) => Math.round((new Date(time).getTime() - Date.now()) / 3_600_000);
    expect(hours(own.body.expiresAt)).toBeGreaterThan(limits.sharedSessionHours);
    expect(hours(shared.body.expiresAt)).toBe(limits.sharedSessionHours);
    const cookie = shared.headers.get('set-cookie')!;
    expect(cookie).toMatch(/HttpOnly.*SameSite=Strict/);
    expect(cookie).not.toMatch(/Expires|Max-Age/);
    const ask = () => world.ask('GET', '/api/sessions', { headers: { ...headers, cookie: cookie.split(';')[0]! } });
    const device = (await ask()).body.items.find((item: { id: string }) => item.id === id);
    expect(device).toMatchObject({ shared: true, current: true });
    const sessionsOf = await anna.device.ask('GET', '/api/sessions');
    expect(sessionsOf.body.items.find((item: { id: string }) => item.id === own.body.id).shared).toBe(false);

    const lastUsed = (hoursAgo: number) =>
      world.rows(
        `UPDATE session SET used_at = now() - make_interval(hours => $2),
           expires_at = now() - make_interval(hours => $2) + interval '12 hours' WHERE id = $1`,
        [id, hoursAgo],
      );
    await lastUsed(11);
    const used = await ask();
    expectStatus(used, 200);
    expect(used.headers.get('set-cookie')).toBeNull();
    const [{ expires_at: expiresAt }] = (await world.rows<{ expires_at: Date }>(
      'SELECT expires_at FROM session WHERE id = $1',
      [id],
    )) as [{ expires_at: Date }];
    expect(hours(expiresAt)).toBe(limits.sharedSessionHours);
    await lastUsed(12);
    expectStatus(await ask(), 401);
  });

  test('that are shared stay signed in while their socket is used', async () => {
    const { id, token } = (
      await world.ask('POST', '/api/sessions', { body: { username: anna.username, password, shared: true } })
    ).body;
    const usedAt = new Date(Date.now() - 60_000);
    await world.rows(`UPDATE session SET expires_at = now() + interval '1 hour' WHERE id = $1`, [id]);
    const prolonged = await world.service.app.get(Sessions).expiryOf(id, usedAt);
    expect(prolonged!.getTime()).toBe(usedAt.getTime() + limits.sharedSessionHours * 3_600_000);
    expectStatus(await world.ask('GET', '/api/me', { token }), 200);
  });

  test('of another account cannot be ended', async () => {
    expectStatus(await anna.device.ask('DELETE', `/api/sessions/${bakery.owner.sessionId}`), 404);
    expectStatus(await bakery.owner.ask('GET', '/api/me'), 200);
  });
});

describe('a sign-in', () => {
  const makeCode = async (device: Device): Promise<string> => {
    const answer = await device.ask('POST', '/api/sessions/carry-codes');
    expectStatus(answer, 201);
    const minutes = (Date.parse(answer.body.expiresAt) - Date.now()) / 60_000;
    expect(Math.round(minutes)).toBe(limits.carryMinutes);
    return answer.body.code;
  };
  const carried = (code: string, more: object = {}, headers: Record<string, string> = {}) =>
    world.ask('POST', '/api/sessions/carried', { body: { code, ...more }, headers });

  test('can be carried into another program by a code, once', async () => {
    const person = await world.join(bakery, 'anna');
    const code = await makeCode(person.device);
    const [{ hash }] = (await world.rows<{ hash: Buffer }>('SELECT code_hash AS hash FROM carry_code')).slice(-1) as [
      { hash: Buffer },
    ];
    expect(hash.toString('base64url')).not.toBe(code);
    const dashboard = { 'x-colloquio-app': 'dashboard' };
    expect((await carried(code, {}, dashboard)).body.code).toBe('link_invalid');
    const answer = await carried(code, { device: 'App di Anna' }, { 'x-colloquio-app': 'app' });
    expectStatus(answer, 201);
    expect(answer.headers.get('set-cookie')).toMatch(/^colloquio-app=[^;]+;.*HttpOnly.*SameSite=Strict/);
    expect(answer.body.principal).toEqual({ kind: 'interlocutor', interlocutorId: person.id });
    const { body } = await world.ask('GET', '/api/sessions', { token: answer.body.token });
    const [newest, maker] = body.items;
    expect(newest).toMatchObject({ id: answer.body.id, device: 'App di Anna', current: true, shared: false });
    expect(maker.id).toBe(person.device.sessionId);
    expect((await carried(code)).body).toMatchObject({ status: 410, code: 'link_invalid' });
    expectStatus(await person.device.ask('GET', '/api/me'), 200);
  });

  test('cannot be carried by a code that has expired, is unknown, is beyond the limit, or was made by an ended session', async () => {
    const person = await world.join(bakery, 'anna');
    expectStatus(await carried('x'.repeat(43)), 410);
    const late = await makeCode(person.device);
    await world.rows(`UPDATE carry_code SET expires_at = now() WHERE session_id = $1`, [person.device.sessionId]);
    expectStatus(await carried(late), 410);
    const codes: string[] = [];
    for (let made = 0; made <= limits.carryCodesPerSession; made++) codes.push(await makeCode(person.device));
    expectStatus(await carried(codes[0]!), 410);
    expectStatus(await carried(codes[1]!), 201);
    expectStatus(await person.device.ask('DELETE', '/api/sessions/current'), 204);
    expectStatus(await carried(codes[2]!), 410);
  });

  test('on a shared device stays a shared one when it is carried', async () => {
    const signIn = { username: anna.username, password, shared: true };
    const { token } = (await world.ask('POST', '/api/sessions', { body: signIn })).body;
    const { code } = (await world.ask('POST', '/api/sessions/carry-codes', { token })).body;
    const answer = await carried(code, {}, { 'x-colloquio-app': 'app' });
    expect(answer.headers.get('set-cookie')).not.toMatch(/Expires|Max-Age/);
    const hours = (Date.parse(answer.body.expiresAt) - Date.now()) / 3_600_000;
    expect(Math.round(hours)).toBe(limits.sharedSessionHours);
  });
});

describe('requests from another site', () => {
  const foreign = { origin: 'https://boese.example' };

  test.each([foreign, { 'sec-fetch-site': 'cross-site' }])('are refused with %j', async (headers) => {
    const before = await world.ask('GET', '/api/conversations', { token: anna.device.token });
    expectStatus(before, 200);
    const asked = await world.ask('POST', `/api/conversations/${anna.contactId}/messages`, {
      token: anna.device.token,
      headers,
      body: { clientId: unique(), body: 'di nascosto' },
    });
    expectStatus(asked, 403);
    expect(asked.body.code).toBe('origin_refused');
    const after = await world.ask('GET', '/api/conversations', { token: anna.device.token });
    expect(after.body.items).toEqual(before.body.items);
  });

  test('the service’s own origin is accepted', async () => {
    const { port } = new URL(world.url);
    for (const origin of [`http://localhost:${port}`, `http://127.0.0.1:${port}`]) {
      expectStatus(await world.ask('GET', '/api/me', { token: anna.device.token, headers: { origin } }), 200);
    }
  });
});
