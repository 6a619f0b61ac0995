import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { io, type Socket } from 'socket.io-client';
import { expectStatus, password, type Person, type Shop, unique, World } from './support/world.js';

/** Needs of browsers and web views beside the API itself: other origins, compressed answers, and answers they have already. */

const vite = 'http://localhost:5173';
const phone = 'capacitor://localhost';

let world: World;
let bakery: Shop;
let anna: Person;
beforeAll(async () => {
  world = await World.open({ ALLOWED_ORIGINS: `${phone}, ${vite}` });
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
});
afterAll(() => world.close());

describe('a page of an allowed origin', () => {
  test.each([vite, phone])('of %s acts by its token, and can read the headers that clients need', async (origin) => {
    const answer = await world.ask('GET', '/api/me', { token: anna.device.token, headers: { origin } });
    expectStatus(answer, 200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    expect(answer.headers.get('access-control-expose-headers')).toMatch(/\bETag\b.*\bRetry-After\b/);
    expect(answer.headers.get('vary')).toMatch(/\bOrigin\b/);
    const refused = await world.ask('GET', '/api/me', { headers: { origin } });
    expectStatus(refused, 401);
    expect(refused.headers.get('access-control-allow-origin')).toBe(origin);
  });

  test('learns from a preflight what it can send', async () => {
    const headers = {
      origin: vite,
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'authorization,x-colloquio-app',
    };
    const answer = await world.ask('OPTIONS', '/api/me', { headers });
    expectStatus(answer, 204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(vite);
    expect(answer.headers.get('access-control-allow-methods')).toContain('PATCH');
    expect(answer.headers.get('access-control-allow-headers')).toMatch(/Authorization.*X-Colloquio-App/);
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  });

  test('never acts by a cookie, and gets none', async () => {
    const signIn = (headers: Record<string, string>) =>
      world.ask('POST', '/api/sessions', { body: { username: anna.username, password }, headers });
    const own = await signIn({ 'x-colloquio-app': 'app' });
    expectStatus(own, 201);
    const cookie = own.headers.get('set-cookie')!.split(';')[0]!;
    const withCookie = { cookie, 'x-colloquio-app': 'app' };
    expectStatus(await world.ask('GET', '/api/me', { headers: withCookie }), 200);
    expectStatus(await world.ask('GET', '/api/me', { headers: { ...withCookie, origin: vite } }), 401);
    const foreign = await signIn({ 'x-colloquio-app': 'app', origin: vite });
    expectStatus(foreign, 201);
    expect(foreign.headers.get('set-cookie')).toBeNull();

    const transports = (['websocket', 'polling'] as const).map((transport) => [transport, vite, undefined] as const);
    for (const [transport, origin, outcome] of [...transports, ['websocket', undefined, 'connected'] as const]) {
      const socket = io(world.url, {
        transports: [transport],
        extraHeaders: { cookie, ...(origin && { origin }) },
        auth: { as: 'app' },
        reconnection: false,
        forceNew: true,
      });
      expect(await outcomeOf(socket)).toBe(outcome ?? 'unauthenticated');
    }
  });

  test.each(['websocket', 'polling'] as const)('connects by %s with its token', async (transport) => {
    const socket = io(world.url, {
      transports: [transport],
      extraHeaders: { origin: phone },
      auth: { token: anna.device.token },
      reconnection: false,
      forceNew: true,
    });
    expect(await outcomeOf(socket)).toBe('connected');
    const handshake = await fetch(`${world.url}/socket.io/?EIO=4&transport=polling`, { headers: { origin: phone } });
    expect(handshake.headers.get('access-control-allow-origin')).toBe(phone);
    expect(handshake.headers.get('access-control-allow-credentials')).toBeNull();
  });

  test.each(['null', 'http://localhost:5174', 'http://localhost:5173.boese.example', 'https://boese.example'])(
    'is none of %s',
    async (origin) => {
      const { token } = anna.device;
      const asked = await world.ask('GET', '/api/me', { token, headers: { origin } });
      expectStatus(asked, 403);
      expect(asked.body.code).toBe('origin_refused');
      expect(asked.headers.get('access-control-allow-origin')).toBeNull();
      const preflight = { origin, 'access-control-request-method': 'GET' };
      expectStatus(await world.ask('OPTIONS', '/api/me', { headers: preflight }), 403);
      const socket = io(world.url, { extraHeaders: { origin }, auth: { token }, reconnection: false, forceNew: true });
      expect(await outcomeOf(socket)).not.toBe('connected');
    },
  );
});

test('codes of invitations and of stopping them lead to the app', async () => {
  for (const path of ['/join/CODE', '/stop/CODE', '/stop/CODE/']) {
    const answer = await fetch(world.url + path, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([302, `/app${path.replace(/\/$/, '')}`]);
  }
});

/** Outcome of an attempt to connect. */
async function outcomeOf(socket: Socket): Promise<string> {
  const outcome = await new Promise<string>((resolve) => {
    socket.once('connect', () => resolve('connected'));
    socket.once('connect_error', ({ message }) => resolve(message));
  });
  socket.disconnect();
  return outcome;
}

describe('a long answer', () => {
  let path: string;
  beforeAll(async () => {
    path = `/api/conversations/${anna.contactId}/messages`;
    await anna.device.connect();
    for (let i = 0; i < 20; i++) await anna.device.say(anna.contactId, `Buongiorno, c'è ancora pane? ${unique()}`);
  });

  const sizeOf = async (encoding: string) => {
    const headers = { authorization: `Bearer ${anna.device.token}`, 'accept-encoding': encoding };
    const answer = await fetch(world.url + path, { headers });
    const { items } = (await answer.json()) as { items: unknown[] };
    return { encoding: answer.headers.get('content-encoding'), items: items.length, vary: answer.headers.get('vary') };
  };

  test('is compressed for clients that accept it', async () => {
    expect(await sizeOf('br, gzip')).toMatchObject({
      encoding: 'br',
      items: 20,
      vary: expect.stringContaining('Accept-'),
    });
    expect(await sizeOf('gzip')).toMatchObject({ encoding: 'gzip', items: 20 });
    expect(await sizeOf('identity')).toMatchObject({ encoding: null, items: 20 });
  });

  test('that contains codes is not', async () => {
    for (let i = 0; i < 10; i++) await world.invitation(bakery);
    const invitations = await bakery.owner.ask('GET', '/api/invitations');
    expectStatus(invitations, 200);
    expect(JSON.stringify(invitations.body).length).toBeGreaterThan(1024);
    expect(invitations.headers.get('content-encoding')).toBeNull();
  });

  test('that is a download in pieces arrives complete', async () => {
    const { token } = bakery.owner;
    const answer = await world.ask('GET', '/api/contacts/export?format=csv', { token });
    expectStatus(answer, 200);
    expect(answer.headers.get('content-encoding')).toMatch(/br|gzip/);
    expect(answer.body).toContain('anna.rossi@mail.example');
  });
});

describe('an answer that the client has already', () => {
  const again = (path: string, etag: string, token?: string) =>
    world.ask('GET', path, { token, headers: { 'if-none-match': etag } });

  test.each(['/api/conversations', '/api/contacts', '/api/labels', '/api/me', '/api/broadcasts'])(
    'at %s is 304 until it changes, and is kept by no browser',
    async (path) => {
      const { token } = bakery.owner;
      const first = await world.ask('GET', path, { token });
      expectStatus(first, 200);
      const etag = first.headers.get('etag')!;
      expect(etag).toMatch(/^W\/"[\w-]{22}"$/);
      expect(first.headers.get('cache-control')).toBe('no-store');
      const second = await again(path, etag, token);
      expect({ status: second.status, body: second.body }).toEqual({ status: 304, body: '' });
      expect(second.headers.get('cache-control')).toBe('no-store');
      expectStatus(await again(path, 'W/"another"', token), 200);
      expectStatus(await again(path, etag), 401);
    },
  );

  test('changes after a message', async () => {
    const { token } = bakery.owner;
    const first = await world.ask('GET', '/api/conversations', { token });
    await anna.device.say(anna.contactId, 'Ancora una cosa');
    const second = await again('/api/conversations', first.headers.get('etag')!, token);
    expectStatus(second, 200);
    expect(second.headers.get('etag')).not.toBe(first.headers.get('etag'));
  });

  test.each([
    '/api/policies/current?audience=subscriber&locale=it',
    '/api/merchant-categories?locale=it',
    '/api/countries',
  ])('at %s is the same for everybody, and may be kept', async (path) => {
    const first = await world.ask('GET', path);
    expectStatus(first, 200);
    expect(first.headers.get('cache-control')).toBe('private, no-cache');
    expect((await again(path, first.headers.get('etag')!)).status).toBe(304);
  });

  test('can be a logo too', async () => {
    const form = new FormData();
    const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    form.append('file', new Blob([Buffer.from(pixel, 'base64')], { type: 'image/png' }), 'logo.png');
    expect((await bakery.owner.ask('PUT', '/api/subscriber/logo', form)).status).toBeLessThan(300);
    const { token } = bakery.owner;
    const first = await world.ask('GET', '/api/subscriber/logo', { token });
    expectStatus(first, 200);
    expect((await again('/api/subscriber/logo', first.headers.get('etag')!, token)).status).toBe(304);
  });

  test('is never one to another method than GET, nor a problem', async () => {
    const { token } = bakery.owner;
    const made = await world.ask('POST', '/api/labels', { token, body: { name: `Fedeli ${unique()}` } });
    expectStatus(made, 201);
    expect(made.headers.get('etag')).toBeNull();
    expect((await world.ask('GET', '/api/nothing', { token })).headers.get('etag')).toBeNull();
  });
});
