import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { readFrames, upgrade } from './support/websocket.js';
import { limits } from '../src/contract/limits.js';
import { AccountTokens } from '../src/auth/account-tokens.service.js';
import { AddressHashes } from '../src/platform/vault/address-hashes.js';
import { ContactExport } from '../src/address-book/contact-export.service.js';
import { Invitations } from '../src/invitations/invitations.service.js';
import {
  type Answer,
  type Device,
  expectStatus,
  password,
  pause,
  type Person,
  settle,
  type Shop,
  type Staff,
  unique,
  until,
  World,
} from './support/world.js';

/** Promise 7, for what goes over HTTP and for what is stored: nothing of a session comes after its end has answered. */

let world: World;
let brief: Promise<World> | undefined;
let bakery: Shop;
let anna: Person;

beforeAll(async () => {
  world = await World.shared();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  await bakery.owner.connect();
});
afterAll(async () => {
  await (await brief)?.close();
  await world.close();
});

/** A world in which a session ends some four seconds after its last use. */
const briefWorld = () => (brief ??= World.open({ SESSION_DAYS: '0.00005' }));

const endFrom = async (other: Device, { sessionId }: Device) =>
  expectStatus(await other.ask('DELETE', `/api/sessions/${sessionId}`), 204);

/** A download that goes on as long as it is read, and how much of it has come. */
async function download(
  there: World,
  { token }: Device,
  path: string,
): Promise<{ socket: Socket; bytes: () => number }> {
  let bytes = 0;
  const socket = connect(Number(new URL(there.url).port), '127.0.0.1').on('error', () => {});
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  await until(() => bytes > 1_000_000, 'the download is under way');
  return { socket, bytes: () => bytes };
}

/** Lets the export of an address book go on for ever, as that of a very large one would. */
function endlessExport(there: World): void {
  jest.spyOn(there.service.app.get(ContactExport), 'json').mockImplementation(async function* () {
    for (;;) yield await pause(1).then(() => 'x'.repeat(64 * 1024));
  });
}

describe('a download is cut', () => {
  beforeAll(() => endlessExport(world));

  test.each<[string, (shop: Shop, device: Device) => Promise<void>]>([
    ['by its own logout', async (_, device) => expectStatus(await device.ask('DELETE', '/api/sessions/current'), 204)],
    ['when another device ends its session', (shop, device) => endFrom(shop.owner, device)],
    [
      'when the password changes',
      async (shop) => {
        const change = { currentPassword: password, newPassword: 'mestolo-9-salamandra' };
        expectStatus(await shop.owner.ask('PUT', '/api/me/password', change), 204);
      },
    ],
  ])('%s', async (_, ends) => {
    const shop = await world.shop('florist');
    const device = await world.signIn(shop.username);
    const { socket } = await download(world, device, '/api/contacts/export?format=json');
    const other = await download(world, shop.owner, '/api/contacts/export?format=json');
    await ends(shop, device);
    await until(() => socket.closed, 'the download is cut');
    const before = other.bytes();
    await until(() => other.bytes() > before, 'the download of another session goes on');
    other.socket.destroy();
  });

  test('when its member is removed', async () => {
    const { id, device } = await world.staff(bakery);
    const list = new FormData();
    list.append('file', new Blob(['nome,email\nCarla,\n']), 'list.csv');
    list.append('confirm', 'letters');
    const made = await device.ask('POST', '/api/imports', list);
    expectStatus(made, 202);
    jest.spyOn(world.service.app.get(Invitations), 'letters').mockImplementation(async function* () {
      const view = { id: unique(), kind: 'personal', code: 'x', url: 'https://chat.example/i/x', uses: 0 };
      for (;;) yield await pause(1).then(() => ({ ...view, suggestion: { surname: 'x'.repeat(64 * 1024) } }) as never);
    });
    const { socket } = await download(world, device, `/api/imports/${made.body.id}/letters`);
    expectStatus(await bakery.owner.ask('DELETE', `/api/members/${id}`), 204);
    await until(() => socket.closed, 'the download is cut');
  });

  test('when its session expires, but not while the session is prolonged', async () => {
    const brief = await briefWorld();
    endlessExport(brief);
    const shop = await brief.shop('bakery');
    const idle = await brief.signIn(shop.username);
    const expired = await download(brief, idle, '/api/contacts/export?format=json');
    const used = await download(brief, shop.owner, '/api/contacts/export?format=json');
    while (!expired.socket.closed) {
      expectStatus(await shop.owner.ask('GET', '/api/me'), 200);
      await pause(200);
    }
    expectStatus(await idle.ask('GET', '/api/me'), 401);
    expect(used.socket.closed).toBe(false);
    used.socket.destroy();
  });
});

describe('nothing is stored after a session’s end has answered', () => {
  /** Without what an accepted broadcast goes on to send: that belongs to no session. */
  const state = () =>
    world.rows(
      `SELECT (SELECT count(*) FROM message WHERE broadcast_id IS NULL) AS messages, (SELECT count(*) FROM broadcast) AS broadcasts,
         (SELECT array_agg(seen_seq ORDER BY conversation_id, party) FROM watermark) AS seen,
         (SELECT count(*) FROM message WHERE withdrawn_at IS NOT NULL) AS withdrawn`,
    );

  test('of messages, receipts, withdrawals and broadcasts in progress', async () => {
    const withdrawable = await Promise.all(
      Array.from({ length: 20 }, (_, index) => anna.device.ask('POST', path('messages'), message(`${index}`))),
    );
    let refused = 0;
    let stored = 0;
    for (let round = 0; round < 12; round++) {
      const phone = await (await world.signIn(anna.username)).connect();
      const counter = await (await world.signIn(bakery.username)).connect();
      const content = { kind: 'service', reason: 'order', audience: { contactIds: [anna.contactId] } };
      const asked = [phone, counter].flatMap((device) => [
        ...[1, 2, 3].map(() => device.ask('POST', path('messages'), message('ciao'))),
        ...[1, 2, 3].map(() => emitted(device, 'message.send', { conversationId: anna.contactId, ...message('ehi') })),
        emitted(device, 'receipt.send', { conversationId: anna.contactId, seenSeq: 20 + round }),
        device.ask('PUT', path('receipt'), { seenSeq: 21 + round }),
      ]);
      asked.push(phone.ask('DELETE', path(`messages/${withdrawable[round]!.body.seq}`)));
      asked.push(counter.ask('POST', '/api/broadcasts', { ...content, ...message('Domani chiuso') }));
      const answers = Promise.all(asked.map((each) => each.catch(() => undefined)));
      await pause(Math.random() * 20);
      await Promise.all([endFrom(anna.device, phone), endFrom(bakery.owner, counter)]);
      const atTheEnd = await state();
      for (const answer of await answers) {
        if (answer && answer.status < 300) stored++;
        else refused++;
      }
      await settle();
      expect(await state()).toEqual(atTheEnd);
    }
    // Ends came before some of it and after some of it, or this would show nothing.
    expect([stored, refused].every((count) => count > 0)).toBe(true);
  });

  test.each(['over HTTP', 'over a socket'])(
    'an end waits for a message %s that the database keeps waiting',
    async (way) => {
      const phone = await (await world.signIn(anna.username)).connect();
      const lock = 'SELECT FROM conversation WHERE id = $1 FOR UPDATE';
      const content = message(`in viaggio ${way}`);
      let ended = false;
      let ending: Promise<void> | undefined;
      await world.holding(lock, [anna.contactId], async () => {
        const sending =
          way === 'over HTTP'
            ? phone.ask('POST', path('messages'), content)
            : emitted(phone, 'message.send', { conversationId: anna.contactId, ...content });
        sending.catch(() => undefined);
        await settle();
        ending = endFrom(anna.device, phone).then(() => void (ended = true));
        await settle();
        expect(ended).toBe(false);
        expect(phone.connected).toBe(false);
      });
      await ending;
      expect(await world.rows('SELECT FROM message WHERE client_id = $1', [content.clientId])).toHaveLength(1);
    },
  );

  test('an upload in progress is cut, and not waited for', async () => {
    const device = await world.signIn(bakery.username);
    const socket = connect(Number(new URL(world.url).port), '127.0.0.1').on('error', () => {});
    const head = '--e\r\nContent-Disposition: form-data; name="file"; filename="list.csv"\r\n\r\nnome,email\n';
    socket.write(
      `POST /api/imports HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${device.token}\r\n` +
        `Content-Type: multipart/form-data; boundary=e\r\nContent-Length: 100000\r\n\r\n${head}`,
    );
    await settle();
    await endFrom(bakery.owner, device);
    await until(() => socket.closed, 'the upload is cut');
  });

  test('two sessions that end each other at once both get their answer', async () => {
    for (let round = 0; round < 5; round++) {
      const [one, other] = [await world.signIn(anna.username), await world.signIn(anna.username)];
      const statuses = await Promise.all([
        one.ask('DELETE', `/api/sessions/${other.sessionId}`),
        other.ask('DELETE', `/api/sessions/${one.sessionId}`),
        one.ask('DELETE', '/api/sessions/current'),
      ]);
      for (const { status } of statuses) expect([204, 401, 404]).toContain(status);
      expectStatus(await one.ask('GET', '/api/me'), 401);
      // A session that had signed itself out before ends no other any more.
      expectStatus(await other.ask('GET', '/api/me'), statuses[0].status === 401 ? 200 : 401);
    }
  });

  const path = (rest: string) => `/api/conversations/${anna.contactId}/${rest}`;
  const message = (body: string) => ({ clientId: unique(), body });

  /** An event's acknowledgement as an answer; none comes when its socket is cut. */
  async function emitted(device: Device, event: string, payload: unknown): Promise<Answer> {
    const { error } = await device.emit(event, payload, 1_000);
    return { status: error ? error.status : 200, headers: new Headers(), body: error };
  }
});

/** Promise 7, whole: each way in which a session ends, against everything by which something could still reach it. */
describe('nothing reaches a session after its end has answered, and nothing it sent is stored,', () => {
  interface Scene {
    there: World;
    shop: Shop;
    person: Person;
    email: string;
    staff: Staff;
    target: Device;
  }
  const signedOut = (device: Device) =>
    until(async () => (await device.ask('GET', '/api/me')).status === 401, 'the session has ended');
  const ends: [string, 'person' | 'staff', (scene: Scene) => Promise<unknown>][] = [
    [
      'by logging out',
      'person',
      async ({ target }) => expectStatus(await target.ask('DELETE', '/api/sessions/current'), 204),
    ],
    ['from another device', 'person', ({ person, target }) => endFrom(person.device, target)],
    [
      'by signing out all other devices',
      'staff',
      async ({ staff }) => expectStatus(await staff.device.ask('DELETE', '/api/sessions/others'), 204),
    ],
    [
      'by a new password',
      'person',
      async ({ person }) => {
        const change = { currentPassword: password, newPassword: 'mestolo-9-salamandra' };
        expectStatus(await person.device.ask('PUT', '/api/me/password', change), 204);
      },
    ],
    [
      'by a forgotten password that is replaced',
      'person',
      async ({ there, person, email }) => {
        const [account] = await there.rows<{ id: string }>('SELECT account_id AS id FROM session WHERE id = $1', [
          person.device.sessionId,
        ]);
        const emailHash = there.service.app.get(AddressHashes).of('email', email);
        await there.rows('UPDATE account SET email_hash = $2 WHERE id = $1', [account!.id, emailHash]);
        const asked = { accountId: account!.id, purpose: 'reset_password', emailHash, minutes: 15 } as const;
        const { token } = await there.service.app
          .get(DataSource)
          .transaction((manager) => there.service.app.get(AccountTokens).issue(manager, asked));
        const reset = { body: { token, password: 'mestolo-9-salamandra' } };
        expectStatus(await there.ask('POST', '/api/password-resets/confirmation', reset), 204);
      },
    ],
    [
      'by expiring',
      'person',
      async ({ target }) => {
        await until(() => !target.connected, 'the expired session is cut');
        await signedOut(target);
      },
    ],
    [
      'with a member who is removed',
      'staff',
      async ({ shop, staff }) => expectStatus(await shop.owner.ask('DELETE', `/api/members/${staff.id}`), 204),
    ],
    [
      'with a person who is erased',
      'person',
      async ({ shop, person, target }) => {
        expectStatus(await shop.owner.ask('DELETE', `/api/contacts/${person.contactId}`), 202);
        await signedOut(target);
      },
    ],
  ];

  test.each(ends)(
    '%s: on a socket, in another tab, after coming back, from work in progress',
    async (way, who, end) => {
      const there = way === 'by expiring' ? await briefWorld() : world;
      const shop = await there.shop('florist');
      const email = `carla-${unique()}@mail.example`;
      const person = await there.join(shop, 'carla', { email });
      const staff = await there.staff(shop);
      const target = await there.signIn(who === 'person' ? person.username : staff.username);
      const [tab, away] = [0, 1].map(() => there.device(target.token, target.sessionId)) as [Device, Device];
      const speaker = who === 'person' ? shop.owner : person.device;
      for (const device of [target, tab, away, speaker]) await device.connect();
      const { contactId } = person;
      await speaker.say(contactId, 'prima');
      for (const device of [target, tab, away]) await device.hears('message.sent');
      away.disconnect();

      const sends = [1, 2, 3, 4, 5, 6].map(() => ({ clientId: unique(), body: 'in viaggio' }));
      const asked = sends.map((content, index) =>
        index % 2 === 0
          ? target.ask('POST', `/api/conversations/${contactId}/messages`, content)
          : tab.emit('message.send', { conversationId: contactId, ...content }, 1_000),
      );
      const underWay = Promise.allSettled(asked);
      await end({ there, shop, person, email, staff, target });
      const stored = () =>
        there.rows('SELECT seq FROM message WHERE client_id = ANY ($1) ORDER BY seq', [
          sends.map(({ clientId }) => clientId),
        ]);
      const atTheEnd = await stored();
      target.heard.length = tab.heard.length = 0;
      // The other side goes on, where there is one still.
      await there.signIn(who === 'person' ? shop.username : person.username).then(
        (other) => other.ask('POST', `/api/conversations/${contactId}/messages`, { clientId: unique(), body: 'dopo' }),
        () => undefined,
      );
      await underWay;
      await settle();
      // With a person what it has written goes too.
      if (way === 'with a person who is erased') expect(atTheEnd).toEqual(expect.arrayContaining(await stored()));
      else expect(await stored()).toEqual(atTheEnd);
      expect([...target.heard, ...tab.heard]).toEqual([]);
      expect([target.connected, tab.connected]).toEqual([false, false]);
      await expect(away.connect()).rejects.toThrow();
      expect(away.heard.filter(({ event }) => event !== 'message.sent')).toEqual([]);
      expectStatus(await away.ask('GET', '/api/conversations'), 401);
    },
  );
});

describe('the sessions of an account', () => {
  test('are listed in pages', async () => {
    const carla = await world.join(bakery, 'carla');
    const devices = [carla.device];
    for (let i = 0; i < 4; i++) devices.push(await world.signIn(carla.username, `phone ${i}`));
    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor ? `&cursor=${cursor}` : '';
      const { body } = await carla.device.ask('GET', `/api/sessions?limit=2${query}`);
      expect(body.items.length).toBeLessThanOrEqual(2);
      ids.push(...body.items.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor;
    } while (cursor);
    expect(ids).toEqual(devices.map(({ sessionId }) => sessionId).reverse());
    expectStatus(await carla.device.ask('GET', '/api/sessions?cursor=x'), 400);
    expectStatus(await carla.device.ask('GET', '/api/sessions?limit=201'), 400);
  });

  test('are limited to 50: one more ends the unconnected one that was unused for longest', async () => {
    const bruno = await world.join(bakery, 'bruno');
    await bruno.device.connect();
    const used = await world.signIn(bruno.username);
    const idle = await world.signIn(bruno.username);
    await world.rows(`UPDATE session SET used_at = now() - interval '2 days' WHERE id = ANY ($1)`, [
      [bruno.device.sessionId, idle.sessionId],
    ]);
    await world.rows(
      `INSERT INTO session (id, account_id, token_hash, created_at, used_at, expires_at)
       SELECT gen_random_uuid(), account_id, sha256(convert_to(n::text || id, 'UTF8')), created_at, used_at, expires_at
       FROM session, generate_series(1, $2::integer) AS n WHERE id = $1`,
      [used.sessionId, limits.sessionsPerAccount - 3],
    );
    const count = async () =>
      (
        await world.rows('SELECT FROM session WHERE account_id = (SELECT account_id FROM session WHERE id = $1)', [
          bruno.device.sessionId,
        ])
      ).length;
    expect(await count()).toBe(limits.sessionsPerAccount);
    const newest = await world.signIn(bruno.username);
    expect(await count()).toBe(limits.sessionsPerAccount);
    expectStatus(await idle.ask('GET', '/api/me'), 401);
    expectStatus(await newest.ask('GET', '/api/me'), 200);
    expect(bruno.device.connected).toBe(true);
    await bruno.device.hears('session.ended', ({ id }) => id === idle.sessionId);
  });
});

describe('signing in again in a browser', () => {
  const signIn = (app: string, username: string, cookie?: string) =>
    world.ask('POST', '/api/sessions', {
      body: { username, password },
      headers: { 'x-colloquio-app': app, ...(cookie !== undefined && { cookie }) },
    });
  const cookieOf = ({ headers }: Answer) => headers.get('set-cookie')!.split(';')[0]!;

  test('ends the session whose cookie it replaces, with its sockets, and no other', async () => {
    const first = await signIn('app', anna.username);
    const merchant = await signIn('dashboard', bakery.username);
    const both = `${cookieOf(first)}; ${cookieOf(merchant)}`;
    const tab = await world.device(first.body.token, first.body.id).connect();
    const second = await signIn('app', anna.username, both);
    expectStatus(second, 201);
    expectStatus(await world.ask('GET', '/api/me', { token: first.body.token }), 401);
    await until(() => !tab.connected, 'its sockets are cut');
    expectStatus(await world.ask('GET', '/api/me', { token: second.body.token }), 200);
    expectStatus(await world.ask('GET', '/api/me', { token: merchant.body.token }), 200);
    expectStatus(await anna.device.ask('GET', '/api/me'), 200);
  });

  test('unsuccessfully ends nothing', async () => {
    const first = await signIn('app', anna.username);
    expectStatus(await signIn('app', 'nessuno', cookieOf(first)), 401);
    expectStatus(await world.ask('GET', '/api/me', { token: first.body.token }), 200);
  });

  test('by joining as another person ends the session whose cookie is replaced', async () => {
    const merchant = await signIn('dashboard', bakery.username);
    const registered = await world.ask('POST', '/api/subscribers', {
      body: await world.registration('florist'),
      headers: { 'x-colloquio-app': 'dashboard', cookie: cookieOf(merchant) },
    });
    expectStatus(registered, 201);
    expectStatus(await world.ask('GET', '/api/me', { token: merchant.body.token }), 401);
  });
});

describe('a connection from another site', () => {
  test('by WebSocket is refused with 403 and the problem', async () => {
    const port = Number(new URL(world.url).port);
    let answer = '';
    const socket = connect(port, '127.0.0.1').on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.write(upgrade(port).replace('\r\n\r\n', '\r\nOrigin: https://elsewhere.example\r\n\r\n'));
    await until(() => socket.closed, 'the connection is closed');
    expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    expect(answer).toContain('application/problem+json');
    expect(JSON.parse(answer.split('\r\n\r\n')[1]!)).toMatchObject({ status: 403, code: 'origin_refused' });
  });

  test('by long polling likewise', async () => {
    const headers = { origin: 'https://elsewhere.example' };
    const answer = await fetch(`${world.url}/socket.io/?EIO=4&transport=polling`, { headers });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ status: 403, code: 'origin_refused' });
  });

  test('while the service’s own origin is accepted', async () => {
    const port = Number(new URL(world.url).port);
    const packets: string[] = [];
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    readFrames(socket, (packet) => packets.push(packet));
    socket.write(upgrade(port).replace('\r\n\r\n', `\r\nOrigin: http://localhost:${port}\r\n\r\n`));
    await until(() => packets.length > 0, 'the connection is open');
    socket.destroy();
  });
});
