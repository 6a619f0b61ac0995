import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client as PgClient } from 'pg';
import { mainConnections } from '../src/platform/database.js';
import {
  expectStatus,
  password,
  pause,
  people,
  type Person,
  settle,
  type Shop,
  unique,
  until,
  World,
} from './support/world.js';

/** Input that no client of ours sends: it is refused with a clear problem, or means what it says. Nothing answers 500. */

let world: World;
const someId = '019a0000-0000-7000-8000-000000000000';

let bakery: Shop;
let anna: Person;

beforeAll(async () => {
  world = await World.shared();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  await bakery.owner.connect();
});
afterAll(() => world.close());

describe('an id in upper case', () => {
  test('ends the same session, with its socket', async () => {
    const phone = await (await world.signIn(anna.username)).connect();
    expectStatus(await anna.device.ask('DELETE', `/api/sessions/${phone.sessionId.toUpperCase()}`), 204);
    await until(() => !phone.connected, 'the socket is cut');
    phone.heard.length = 0;
    await bakery.owner.say(anna.contactId, 'dopo');
    await settle();
    expect(phone.heard).toEqual([]);
  });

  test('sends a message to the same conversation', async () => {
    const path = `/api/conversations/${anna.contactId.toUpperCase()}/messages`;
    const sent = await anna.device.ask('POST', path, { clientId: unique(), body: 'maiuscolo' });
    expectStatus(sent, 201);
    const told = await bakery.owner.hears('message.sent', ({ body }) => body === 'maiuscolo');
    expect(told.conversationId).toBe(anna.contactId);
    const seq = await bakery.owner.say(anna.contactId.toUpperCase(), 'anche qui');
    expect(seq).toBe(sent.body.seq + 1);
    expectStatus(await anna.device.ask('GET', path), 200);
  });
});

describe('null', () => {
  test('means the same as a missing field that is optional', async () => {
    const { code } = await world.invitation(bakery);
    const body = await world.joining(code, 'anna', {
      device: null,
      username: null,
      region: null,
      province: null,
      sector: null,
    });
    expectStatus(await world.ask('POST', `/api/invitations/by-code/${code}/acceptance`, { body }), 201);
    const registration = await world.registration('florist', { device: null, registrationCode: null, taxCode: null });
    expectStatus(await world.ask('POST', '/api/subscribers', { body: registration }), 201);
    expectStatus(
      await world.ask('POST', '/api/sessions', { body: { username: anna.username, password, device: null } }),
      201,
    );
    expectStatus(
      await bakery.owner.ask('POST', '/api/contacts/search', { query: null, region: null, sector: null }),
      200,
    );
  });

  test('is refused for a required field', async () => {
    for (const body of [{ limit: null }, { limit: { toString: 1 } }, { limit: [] }, { limit: 'x' }]) {
      expectStatus(await bakery.owner.ask('POST', '/api/contacts/search', body), 400);
    }
  });
});

describe('times', () => {
  test.each([
    '2030',
    '2030-01',
    '2030-W10',
    '2030-01-01T10',
    '2030-01-01',
    '2030-01-01T10:00:00',
    '9999-12-31T23:59:59-23:00',
    '2030-13-01T00:00:00Z',
    '2030-02-30T00:00:00+99:00',
  ])('%s is not one', async (time) => {
    const value = encodeURIComponent(time);
    expectStatus(await bakery.owner.ask('GET', `/api/conversations?changedSince=${value}`), 400);
    expectStatus(await bakery.owner.ask('GET', `/api/contacts?updatedAfter=${value}`), 400);
    expectStatus(await bakery.owner.ask('POST', '/api/invitations', { kind: 'open', expiresAt: time }), 400);
  });

  test('in another zone mean the same moment', async () => {
    const { body } = await bakery.owner.ask('POST', '/api/invitations', {
      kind: 'open',
      expiresAt: '2030-06-01T12:00:00+02:00',
    });
    expect(body.expiresAt).toBe('2030-06-01T10:00:00.000Z');
  });
});

test.each([
  ['/api/conversations', ['x', 'y']],
  ['/api/conversations', ['ListConversations', {}, ['2030-01-01T00:00:00.000Z', 'y']]],
  ['/api/conversations', ['ListConversations', { changedSince: 'ieri' }, ['2030-01-01T00:00:00.000Z', someId]]],
  ['/api/conversations', ['ListConversations', { limit: 1e9 }, ['2030-01-01T00:00:00.000Z', someId], 'more']],
  ['/api/conversations/:id/messages', ['ListMessages', { after: 0 }, [1e300]]],
  ['/api/conversations/:id/messages', ['ListMessages', { after: 0 }, [1.5]]],
  ['/api/conversations/:id/messages', ['ListMessages', { changedAfter: 0 }, [-(2 ** 31 - 1)]]],
  ['/api/conversations/:id/messages', ['ListMessages', { sideways: 1 }, [1]]],
  ['/api/conversations/:id/messages', ['ListMessages', [], [1]]],
  ['/api/invitations', ['ListInvitations', {}, ['zz']]],
  ['/api/invitations', ['ListInvitations', {}, [{ a: 1 }]]],
  ['/api/invitations', ['ListInvitations', { state: { $ne: '' } }, [someId]]],
  ['/api/invitations', ['ListBroadcasts', {}, [someId]]],
  ['/api/invitations', ['ListInvitations', null, [someId]]],
  ['/api/contacts', ['ContactSearch', {}, [someId, '', '', 1, 1]]],
])('%s refuses the forged cursor %j', async (path, content) => {
  const cursor = Buffer.from(JSON.stringify(content)).toString('base64url');
  expectStatus(await bakery.owner.ask('GET', `${path.replace(':id', anna.contactId)}?cursor=${cursor}`), 400);
});

describe('a body', () => {
  const codeOf = async (answer: Response) => ((await answer.json()) as { code: string }).code;
  const post = (body: string, path = '/api/sessions') =>
    fetch(world.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body });

  test('nested beyond 20 levels is refused, with or without a session', async () => {
    const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
    for (const levels of [21, 20_000]) {
      const answer = await post(nested(levels));
      expect([answer.status, await codeOf(answer)]).toEqual([400, 'malformed_request']);
    }
    expect(await codeOf(await post(nested(20)))).toBe('validation_failed');
    const { error } = await bakery.owner.emit('message.send', JSON.parse(nested(5_000)));
    expect(error).toMatchObject({ status: 400, code: 'malformed_request' });
  });

  test('that refers to a prototype is refused', async () => {
    const { code } = await world.invitation(bakery);
    for (const body of [
      '{"constructor":{"prototype":1}}',
      '{"__proto__":{"polluted":1}}',
      '{"consents":[{"prototype":1}]}',
    ]) {
      expect((await post(body, `/api/invitations/by-code/${code}/acceptance`)).status).toBe(400);
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each(['', '[]', '"text"', 'null', '1', '{', '{"username":"a","username":{}}'])(
    'of %j is refused',
    async (body) => {
      expect((await post(body)).status).toBe(400);
    },
  );
});

test('one personal invitation accepted several times at once creates one account and one contact', async () => {
  const { body: invitation } = await bakery.owner.ask('POST', '/api/invitations', {
    kind: 'personal',
    email: `${unique()}@mail.example`,
  });
  const accounts = async () => (await world.rows('SELECT FROM account')).length;
  const before = await accounts();
  const body = await world.joining(invitation.code, 'carla');
  const answers = await Promise.all(
    [1, 2, 3].map((number) =>
      world.ask('POST', `/api/invitations/by-code/${invitation.code}/acceptance`, {
        body: { ...body, email: `carla${number}@mail.example` },
      }),
    ),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 410, 410]);
  expect(await accounts()).toBe(before + 1);
  const orphans = await world.rows(
    'SELECT FROM interlocutor WHERE NOT EXISTS (SELECT FROM contact WHERE interlocutor_id = interlocutor.id)',
  );
  expect(orphans).toEqual([]);
});

test('many people who join at once need no more connections than there are', async () => {
  // They come from several networks, as through a proxy: of one, only a few are answered at once.
  const proxied = await World.open({ TRUST_PROXY: 'loopback', HOST: '127.0.0.1', PUBLIC_URL: 'https://chat.example' });
  const { code } = await proxied.invitation(await proxied.shop('bakery'));
  const body = await proxied.joining(code, 'carla');
  const holder = new PgClient({ connectionString: proxied.databases.main });
  await holder.connect();
  // Held so that every connection of the pool is in a transaction at once: one that needed a second would wait for ever.
  await holder.query('BEGIN; LOCK TABLE account IN ACCESS EXCLUSIVE MODE');
  const joining = Array.from({ length: mainConnections + 8 }, (_, index) =>
    proxied.ask('POST', `/api/invitations/by-code/${code}/acceptance`, {
      body: { ...body, email: `carla-${index}@mail.example` },
      headers: { 'x-forwarded-for': `192.0.2.${index}` },
    }),
  );
  try {
    const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await until(
      async () => (await proxied.rows(waiting)).length >= mainConnections,
      'every connection waits for the table',
    );
  } finally {
    await holder.query('ROLLBACK');
    await holder.end();
  }
  expect((await Promise.all(joining)).filter(({ status }) => status !== 201)).toEqual([]);
  await proxied.close();
});

test('promotions can be withdrawn whatever policy text the withdrawal names', async () => {
  const bruno = await world.join(bakery, 'bruno', { promotions: true });
  const consent = { purpose: 'promotions', given: false, contactId: bruno.contactId };
  const gone = await bruno.device.ask('POST', '/api/consents', {
    ...consent,
    policyId: '01900000-0000-7000-8000-000000000000',
    sha256: 'a'.repeat(64),
  });
  expectStatus(gone, 204);
  expect((await bakery.owner.ask('GET', `/api/contacts/${bruno.contactId}`)).body.promotions).toBe(false);
});

describe('the session cookie', () => {
  const app = { 'x-colloquio-app': 'app' };
  const signIn = async () => {
    const answer = await world.ask('POST', '/api/sessions', {
      body: { username: anna.username, password },
      headers: app,
    });
    return {
      token: answer.body.token as string,
      id: answer.body.id as string,
      cookie: answer.headers.get('set-cookie')!.split(';')[0]!,
    };
  };

  test('of an ended session does not authenticate, does not prevent joining, and is cleared', async () => {
    const { id, cookie } = await signIn();
    await anna.device.ask('DELETE', `/api/sessions/${id}`);
    const headers = { ...app, cookie };
    const policies = await world.ask('GET', '/api/policies/current?audience=subscriber', { headers });
    expectStatus(policies, 200);
    expect(policies.headers.get('set-cookie')).toMatch(/^colloquio-app=;/);
    const { code } = await world.invitation(bakery);
    const joined = await world.ask('POST', `/api/invitations/by-code/${code}/acceptance`, {
      headers,
      body: await world.joining(code, 'carla'),
    });
    expectStatus(joined, 201);
    expectStatus(await world.ask('DELETE', '/api/sessions/current', { headers }), 401);
  });

  test('is set only for the web app of that kind of account', async () => {
    const registration = await world.registration('florist');
    const answer = await world.ask('POST', '/api/subscribers', { body: registration, headers: app });
    expectStatus(answer, 201);
    expect(answer.headers.get('set-cookie')).toBeNull();
  });

  test('lasts as long as the prolonged session', async () => {
    const brief = await World.open({ SESSION_DAYS: '0.0001' });
    const shop = await brief.shop('bakery');
    const signedIn = await brief.ask('POST', '/api/sessions', {
      body: { username: shop.username, password },
      headers: { 'x-colloquio-app': 'dashboard' },
    });
    const cookie = signedIn.headers.get('set-cookie')!.split(';')[0]!;
    await pause(1_500);
    const used = await brief.ask('GET', '/api/me', { headers: { 'x-colloquio-app': 'dashboard', cookie } });
    expect(used.headers.get('set-cookie')!.split(';')[0]).toBe(cookie);
    await brief.close();
  });

  test('works with ?as= on routes with their own query', async () => {
    const { cookie } = await signIn();
    for (const path of ['/api/conversations?as=app', '/api/conversations?limit=2&as=app', '/api/sessions?as=app']) {
      expectStatus(await world.ask('GET', path, { headers: { cookie } }), 200);
    }
    expectStatus(await world.ask('GET', '/api/conversations?as=dashboard', { headers: { cookie } }), 401);
  });
});

test('using a socket prolongs its session', async () => {
  const brief = await World.open({ SESSION_DAYS: '0.00003' });
  const shop = await brief.shop('bakery');
  const person = await brief.join(shop, 'anna');
  await person.device.connect();
  for (let i = 0; i < 16; i++) {
    await person.device.say(person.contactId, `${i}`);
    await pause(300);
  }
  expect(person.device.connected).toBe(true);
  await brief.close();
});

test('a successful sign-in does not count as a failure', async () => {
  const strict = await World.open({ RATE_SIGN_IN: '1' });
  const shop = await strict.shop('bakery');
  for (let i = 0; i < 12; i++) await strict.signIn(shop.username);
  await strict.close();
});

describe('one session', () => {
  test('can have at most 20 connections', async () => {
    const phone = await world.signIn(anna.username);
    const tabs = Array.from({ length: 20 }, () => world.device(phone.token, phone.sessionId));
    for (const tab of tabs) await tab.connect();
    await expect(world.device(phone.token, phone.sessionId).connect()).rejects.toMatchObject({
      data: { code: 'rate_limited' },
    });
  });

  test('can have at most 50 events in progress on a socket, and send ten receipts for each allowed message', async () => {
    const strict = await World.open({ RATE_MESSAGES: '6' });
    const shop = await strict.shop('bakery');
    const person = await strict.join(shop, 'anna');
    await person.device.connect();
    const receipt = { conversationId: person.contactId, seenSeq: 0 };
    const answers = await Promise.all(Array.from({ length: 70 }, () => person.device.emit('receipt.send', receipt)));
    expect(answers.filter(({ data }) => data)).toHaveLength(50);
    expect(answers.filter(({ error }) => error?.code === 'rate_limited')).toHaveLength(20);
    for (let i = 0; i < 10; i++) expect(await person.device.emit('receipt.send', receipt)).toEqual({ data: {} });
    expect((await person.device.emit('receipt.send', receipt)).error).toMatchObject({
      code: 'rate_limited',
      retryAfter: expect.any(Number),
    });
    await strict.close();
  });
});

test('a person and a company cannot both be stated', async () => {
  const { code } = await world.invitation(bakery);
  const body = await world.joining(code, 'osteria', people.anna);
  const answer = await world.ask('POST', `/api/invitations/by-code/${code}/acceptance`, { body });
  expectStatus(answer, 400);
});
