import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { limits } from '../src/contract/limits.js';
import { PushRounds } from '../src/push/push-rounds.service.js';
import { lanes } from '../src/push/push.queries.js';
import { PushService, type Subscription } from './support/push-service.js';
import {
  type Device,
  expectStatus,
  password,
  type Person,
  settle,
  type Shop,
  unique,
  until,
  World,
} from './support/world.js';

/** Promises 5 and 7, and the notifications of issue "reached when it matters": against a push service that opens what it gets. */

let world: World;
let push: PushService;
let bakery: Shop;
let anna: Person;

beforeAll(async () => {
  world = await World.shared();
  push = await PushService.open();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  await bakery.owner.connect();
  const other = await world.join(bakery, 'osteria');
  bystander = { ...other, browser: await subscribed(other.device) };
});
afterEach(() => (push.reply = undefined));
afterAll(async () => {
  await push.close();
  await world.close();
});

/** Has a device get notifications, through a browser of its own. */
async function subscribed(device: Device, subscription?: Subscription): Promise<string> {
  const browser = push.browser();
  expectStatus(await device.ask('POST', '/api/push-subscriptions', subscription ?? browser.subscription), 201);
  return browser.name;
}

const say = (text: string, person = anna, shop = bakery) =>
  shop.owner.ask('POST', `/api/conversations/${person.contactId}/messages`, { clientId: unique(), body: text });
const answer = (text: string, person = anna) =>
  person.device.ask('POST', `/api/conversations/${person.contactId}/messages`, { clientId: unique(), body: text });
const receipt = (device: Device, { contactId }: Person, watermarks: Record<string, number>) =>
  device.ask('PUT', `/api/conversations/${contactId}/receipt`, watermarks);

/** Somebody whose pushes tell that what was due before has been decided. */
let bystander: Person & { browser: string };

/** Lets all that is due by now be decided: a later message to somebody else has been pushed. */
async function decided(): Promise<void> {
  const { body } = await say('ciao', bystander);
  await push.pushes(bystander.browser, ++told);
  expectStatus(await receipt(bystander.device, bystander, { seenSeq: body.seq }), 204);
}
let told = 0;

const subscriptionsOf = (device: Device) =>
  world.rows('SELECT FROM push_subscription WHERE session_id = $1', [device.sessionId]);

/** Seconds until a device is told of its one conversation. */
async function waitOf({ sessionId }: Device): Promise<number> {
  const [row] = await world.rows<{ seconds: number }>(
    `SELECT extract(epoch FROM due_at - now())::float8 AS seconds FROM push_notice WHERE session_id = $1`,
    [sessionId],
  );
  return row!.seconds;
}

/** Makes due what is due later. */
async function hurry(): Promise<void> {
  await world.rows('UPDATE push_notice SET due_at = now() WHERE due_at > now()');
  world.service.app.get(PushRounds).wakeIn(0, 0);
}

test('a message that no device has received is pushed after the wait, without its text or anybody’s name', async () => {
  const phone = await subscribed(anna.device);
  const counter = await subscribed(bakery.owner);
  await say('Il pane di segale è pronto');
  const { payload, headers, size } = await push.pushes(phone);
  expect(payload).toEqual({
    kind: 'message',
    locale: 'it',
    conversationId: anna.contactId,
    count: 1,
    business: 'Forno Aurora',
  });
  expect(headers).toMatchObject({ ttl: '86400', urgency: 'high', 'content-encoding': 'aes128gcm' });
  expect(headers['topic']).toMatch(/^[A-Za-z0-9_-]{32}$/);
  await answer('Passo alle cinque');
  const told = await push.pushes(counter);
  expect(told.payload).toEqual({ kind: 'message', locale: 'it', conversationId: anna.contactId, count: 1 });
  // Of one length, whichever business has written.
  expect(told.size).toBe(size);
  const { body: list } = await anna.device.ask('GET', '/api/sessions');
  const [own] = list.items.filter(({ current }: { current: boolean }) => current);
  expect(Date.parse(own.push.lastHandedOverAt)).toBeGreaterThan(Date.now() - 60_000);
});

test('a message that one device of a party has received is pushed to none of them', async () => {
  const dario = await world.join(bakery, 'bruno');
  const phone = await subscribed(dario.device);
  const tablet = await world.signIn(dario.username);
  const { body } = await say('Domani chiuso', dario);
  expectStatus(await receipt(tablet, dario, { deliveredSeq: body.seq }), 204);
  await decided();
  expect(push.to(phone)).toEqual([]);
  await say('Anzi, aperto', dario);
  expect((await push.pushes(phone)).payload).toMatchObject({ count: 2 });
});

test('messages that follow while a push is unread are combined into one later push', async () => {
  const elio = await world.join(bakery, 'bruno');
  const phone = await subscribed(elio.device);
  await say('uno', elio);
  await push.pushes(phone);
  await say('due', elio);
  await say('tre', elio);
  await decided();
  expect(push.to(phone)).toHaveLength(1);
  await hurry();
  expect((await push.pushes(phone, 2)).payload).toMatchObject({ count: 3 });
  // A device that was read on meanwhile is told of the next message at once.
  const { body } = await say('quattro', elio);
  expectStatus(await receipt(elio.device, elio, { seenSeq: body.seq }), 204);
  await hurry();
  await decided();
  expect(push.to(phone)).toHaveLength(2);
  await say('cinque', elio);
  expect((await push.pushes(phone, 3)).payload).toMatchObject({ count: 1 });
  // Also while messages that it has read since are still being gathered.
  const last = (await say('sei', elio)).body.seq;
  await decided();
  expectStatus(await receipt(elio.device, elio, { seenSeq: last }), 204);
  await say('sette', elio);
  await decided();
  expect(push.to(phone)).toHaveLength(4);
  const topics = new Set(push.to(phone).map(({ headers }) => headers['topic']));
  expect(topics.size).toBe(1);
});

test('a push that was handed over right before a crash is repeated under the same topic, and never lost', async () => {
  const fabio = await world.join(bakery, 'bruno');
  const phone = await subscribed(fabio.device);
  await say('uno', fabio);
  await push.pushes(phone);
  await until(async () => {
    const [row] = await world.rows<{ pushed_seq: number }>('SELECT pushed_seq FROM push_notice WHERE session_id = $1', [
      fabio.device.sessionId,
    ]);
    return row!.pushed_seq > 0;
  }, 'the push is noted');
  // As the crash leaves it: taken, and not settled.
  await world.rows('UPDATE push_notice SET pushed_seq = 0, pushed_at = NULL, due_at = now() WHERE session_id = $1', [
    fabio.device.sessionId,
  ]);
  await hurry();
  await push.pushes(phone, 2);
  const [first, second] = push.to(phone);
  expect(second!.headers['topic']).toBe(first!.headers['topic']);
});

describe('a device', () => {
  test('on which another account signs in belongs to that account, and its former session gets no more pushes', async () => {
    const gaia = await world.join(bakery, 'bruno');
    const hugo = await world.join(bakery, 'bruno');
    const { name, subscription } = push.browser();
    await subscribed(gaia.device, subscription);
    await subscribed(hugo.device, subscription);
    expect(await subscriptionsOf(gaia.device)).toEqual([]);
    await say('per Gaia', gaia);
    await say('per Hugo', hugo);
    expect((await push.pushes(name)).payload).toMatchObject({ conversationId: hugo.contactId });
    await decided();
    expect(push.to(name)).toHaveLength(1);
    expectStatus(await gaia.device.ask('DELETE', '/api/push-subscriptions/current'), 404);
    expectStatus(await hugo.device.ask('DELETE', '/api/push-subscriptions/current'), 204);
    expectStatus(await hugo.device.ask('POST', '/api/push-subscriptions/test'), 404);
  });

  test.each([404, 410])('that its push service no longer knows (%i) is deleted', async (status) => {
    const ida = await world.join(bakery, 'bruno');
    await subscribed(ida.device);
    push.reply = () => ({ status });
    expect((await ida.device.ask('POST', '/api/push-subscriptions/test')).body).toEqual({ outcome: 'gone' });
    expect(await subscriptionsOf(ida.device)).toEqual([]);
  });

  test.each([
    { status: 429, headers: { 'retry-after': '100000000' } },
    { status: 503, headers: { 'retry-after': new Date(Date.now() + 20_000).toUTCString() } },
    { status: 500 },
  ])('whose push service is busy ($status) is tried again after a while', async (reply) => {
    const leo = await world.join(bakery, 'bruno');
    const phone = await subscribed(leo.device);
    push.reply = (browser) => (browser === phone ? reply : undefined);
    const before = push.begun;
    await say('ciao', leo);
    const waiting = () =>
      world.rows<{ attempts: number; seconds: number }>(
        `SELECT attempts, extract(epoch FROM due_at - now())::float8 AS seconds FROM push_notice WHERE session_id = $1`,
        [leo.device.sessionId],
      );
    await until(async () => (await waiting())[0]?.attempts === 1, 'it was tried');
    const { seconds } = (await waiting())[0]!;
    expect(seconds).toBeGreaterThan(5);
    expect(seconds).toBeLessThanOrEqual(60 * 60);
    expect(push.begun).toBeGreaterThan(before);
    push.reply = undefined;
    await hurry();
    await push.pushes(phone);
  });

  test('whose push service is down is retried for a day, at least every quarter of an hour', async () => {
    const lia = await world.join(bakery, 'bruno');
    const phone = await subscribed(lia.device);
    push.reply = (browser) => (browser === phone ? { status: 503 } : undefined);
    await say('ciao', lia);
    const attempts = async () => {
      const rows = await world.rows<{ attempts: number }>('SELECT attempts FROM push_notice WHERE session_id = $1', [
        lia.device.sessionId,
      ]);
      return rows[0]?.attempts;
    };
    for (let time = 1; time <= 12; time++) {
      await until(async () => (await attempts()) === time, `it was tried ${time} times`);
      expect(await waitOf(lia.device)).toBeLessThanOrEqual(15 * 60);
      await hurry();
    }
    // A later message is as good as new, and the former one is not told any more after a day.
    const age = `UPDATE push_notice SET since = since - interval '25 hours' WHERE session_id = $1`;
    await until(async () => (await attempts()) === 13, 'it was tried 13 times');
    await world.rows(age, [lia.device.sessionId]);
    await say('ancora', lia);
    await decided();
    await hurry();
    await until(async () => (await attempts()) === 14, 'it was tried 14 times');
    await world.rows(age, [lia.device.sessionId]);
    await hurry();
    await until(async () => (await attempts()) === undefined, 'it is given up');
    expect(push.to(phone)).toEqual([]);
  });

  test('whose subscription cannot be decrypted is not retried every minute for ever', async () => {
    const mia = await world.join(bakery, 'bruno');
    await subscribed(mia.device);
    await world.rows(`UPDATE push_subscription SET sealed = '\\x00' WHERE session_id = $1`, [mia.device.sessionId]);
    await say('ciao', mia);
    const attempts = () =>
      world.rows<{ attempts: number }>('SELECT attempts FROM push_notice WHERE session_id = $1', [
        mia.device.sessionId,
      ]);
    for (let time = 1; time <= 3; time++) {
      await until(async () => (await attempts())[0]?.attempts === time, `it has failed ${time} times`);
      await hurry();
    }
  });

  test.each([400, 403, 413, 302])('whose push service refuses one (%i) gets the next one', async (status) => {
    const mara = await world.join(bakery, 'bruno');
    const phone = await subscribed(mara.device);
    push.reply = (browser) =>
      browser === phone ? { status, headers: { location: `${push.url}/push/elsewhere` } } : undefined;
    expect((await mara.device.ask('POST', '/api/push-subscriptions/test')).body).toEqual({ outcome: 'failed' });
    push.reply = undefined;
    await say('ciao', mara);
    await push.pushes(phone);
    expect(push.to('elsewhere')).toEqual([]);
  });

  test('whose app was not opened for 30 days gets no more notifications', async () => {
    expect(limits.pushDays).toBe(30);
    const nina = await world.join(bakery, 'bruno');
    const phone = await subscribed(nina.device);
    const used = (days: number) =>
      world.rows(`UPDATE session SET used_at = now() - make_interval(days => $2) WHERE id = $1`, [
        nina.device.sessionId,
        days,
      ]);
    await used(limits.pushDays);
    await say('ciao', nina);
    await decided();
    expect(push.to(phone)).toEqual([]);
    // It is opened again, and says so.
    await subscribed(nina.device, { ...push.browser().subscription, endpoint: `${push.url}/push/${phone}` });
    expectStatus(await nina.device.ask('DELETE', '/api/push-subscriptions/current'), 204);
  });

  test('is refused when it does not name a push service', async () => {
    const { subscription } = push.browser();
    const { p256dh, auth } = subscription.keys;
    const refused = async (changes: Record<string, unknown>) => {
      const { status, body } = await anna.device.ask('POST', '/api/push-subscriptions', {
        ...subscription,
        ...changes,
      });
      expect(status).toBe(400);
      return body.errors.map(({ field, code }: { field: string; code: string }) => `${field} ${code}`);
    };
    expect(await refused({ endpoint: subscription.endpoint.replace('https', 'http') })).toEqual([
      'endpoint not_a_push_service',
    ]);
    expect(await refused({ endpoint: 'https://user:secret@push.example.com/' })).toEqual([
      'endpoint not_a_push_service',
    ]);
    expect(await refused({ endpoint: subscription.endpoint.replace('localhost', '"localhost"') })).toEqual([
      'endpoint not_a_push_service',
    ]);
    const longest = `${push.url}/`.padEnd(limits.pushEndpointLength, 'x');
    expect(await refused({ endpoint: `${longest}x` })).toEqual(['endpoint too_long']);
    expect(await refused({ keys: { p256dh: p256dh.slice(2), auth } })).toEqual(['keys.p256dh invalid_format']);
    const notOnTheCurve = Buffer.from(p256dh, 'base64url').fill(7, 33).toString('base64url');
    expect(await refused({ keys: { p256dh: notOnTheCurve, auth } })).toEqual(['keys.p256dh invalid_format']);
    expect(await refused({ keys: { p256dh, auth: `${auth}AA` } })).toEqual(['keys.auth invalid_format']);
    const bystander = await world.signIn(anna.username);
    expectStatus(await bystander.ask('POST', '/api/push-subscriptions', { ...subscription, endpoint: longest }), 201);
  });
});

describe('nothing is pushed of a conversation', () => {
  test('that is muted, to the account that muted it, until the mute ends', async () => {
    const olga = await world.join(bakery, 'bruno');
    const staff = await world.staff(bakery);
    const owner = await subscribed(bakery.owner);
    const colleague = await subscribed(staff.device);
    const mute = `/api/conversations/${olga.contactId}/mute`;
    const past = new Date(Date.now() - 1_000).toISOString();
    expect((await bakery.owner.ask('PUT', mute, { until: past })).body.errors[0].code).toBe('in_the_past');
    expectStatus(await bakery.owner.ask('PUT', mute, {}), 400);
    expect((await bakery.owner.ask('PUT', mute, { until: null })).body).toEqual({
      conversationId: olga.contactId,
      until: null,
    });
    const muted = async () => (await bakery.owner.ask('GET', '/api/notification-settings')).body.muted;
    expect(await muted()).toEqual([{ conversationId: olga.contactId, until: null }]);
    await answer('Siete aperti?', olga);
    const toOlga = (browser: string) =>
      push.to(browser).filter(({ payload }) => payload.kind === 'message' && payload.conversationId === olga.contactId);
    await until(() => toOlga(colleague).length === 1, 'the colleague is told');
    await decided();
    expect(toOlga(owner)).toEqual([]);
    expectStatus(await bakery.owner.ask('DELETE', mute), 204);
    expectStatus(await bakery.owner.ask('DELETE', mute), 404);
    expectStatus(await bakery.owner.ask('PUT', mute, { until: new Date(Date.now() + 60_000).toISOString() }), 200);
    await world.rows(`UPDATE conversation_mute SET until = now() - interval '1 second'`);
    expect(await muted()).toEqual([]);
    await answer('Pronto?', olga);
    await until(() => toOlga(owner).length === 1, 'the owner is told');
  });

  test('in quiet hours; what is still unread at their end is pushed then', async () => {
    const piero = await world.join(bakery, 'bruno');
    const phone = await subscribed(piero.device);
    const settings = '/api/notification-settings';
    const set = (quietHours: unknown) => piero.device.ask('PUT', settings, { quietHours });
    const minute = (ahead: number) => {
      const at = new Date(Date.now() + ahead * 60_000);
      return at.getUTCHours() * 60 + at.getUTCMinutes();
    };
    const quietHours = { from: minute(-60), to: minute(60), timeZone: 'UTC' };
    expect((await set(quietHours)).body).toEqual({ quietHours, muted: [] });
    expect((await set({ ...quietHours, to: 1440 })).body.errors[0]).toMatchObject({ code: 'too_large' });
    expect((await set({ ...quietHours, to: quietHours.from })).body.errors[0]).toMatchObject({ code: 'exclusive' });
    expect((await set({ ...quietHours, timeZone: '+01:00' })).body.errors[0]).toMatchObject({ code: 'is_time_zone' });
    expectStatus(await piero.device.ask('PUT', settings, {}), 400);
    await say('Buonanotte', piero);
    await decided();
    expect(push.to(phone)).toEqual([]);
    const seconds = await waitOf(piero.device);
    expect(seconds).toBeGreaterThan(50 * 60);
    expect(seconds).toBeLessThanOrEqual(60 * 60);
    // Later hours are waited for as well, and without any it is told at once.
    expect((await set({ ...quietHours, to: minute(120) })).body.quietHours.to).toBe(minute(120));
    await until(async () => (await waitOf(piero.device)) > 110 * 60, 'it waits for the later end');
    expect((await set(null)).body.quietHours).toBeNull();
    await push.pushes(phone);
  });

  test('that is restricted, or whose business pauses, even right before the push', async () => {
    const florist = await world.shop('florist');
    const rosa = await world.join(florist, 'carla');
    const phone = await subscribed(rosa.device);
    const held = await world.join(florist, 'bruno');
    const other = await subscribed(held.device);
    await say('Le rose sono arrivate', rosa, florist);
    expectStatus(await rosa.device.ask('PUT', `/api/conversations/${rosa.contactId}/restriction`, {}), 200);
    await say('I tulipani anche', held, florist);
    expectStatus(await florist.owner.ask('PUT', '/api/subscriber/pause', { paused: true }), 200);
    await decided();
    await decided();
    expect([...push.to(phone), ...push.to(other)]).toEqual([]);
  });

  test('to the wrong party: each gets only its own', async () => {
    const [sara, teo] = [await world.join(bakery, 'bruno'), await world.join(bakery, 'bruno')];
    const [hers, his] = [await subscribed(sara.device), await subscribed(teo.device)];
    await say('per Sara', sara);
    expect((await push.pushes(hers)).payload).toMatchObject({ conversationId: sara.contactId });
    await decided();
    expect(push.to(his)).toEqual([]);
    expectStatus(await teo.device.ask('PUT', `/api/conversations/${sara.contactId}/mute`, { until: null }), 404);
    expectStatus(await teo.device.ask('DELETE', `/api/conversations/${sara.contactId}/mute`), 404);
  });
});

test('two spellings of an endpoint are one device, which gets pushes like any other', async () => {
  const nora = await world.join(bakery, 'bruno');
  const { name, subscription } = push.browser();
  const { endpoint } = subscription;
  for (const spelled of [endpoint.replace('localhost', 'LOCAL%48ost'), `${endpoint}#top`, endpoint]) {
    const given = await nora.device.ask('POST', '/api/push-subscriptions', { ...subscription, endpoint: spelled });
    expect(given.body.wasKnown).toBe(spelled !== endpoint.replace('localhost', 'LOCAL%48ost'));
    expect((await nora.device.ask('POST', '/api/push-subscriptions/test')).body.outcome).toBe('handed_over');
  }
  expect(push.to(name)).toHaveLength(3);
});

test('a push service that does not answer delays pushes to others at most once', async () => {
  const silent = await PushService.open();
  const florist = await world.shop('florist');
  const held = silent.holdConnections();
  const waiting = [];
  for (let count = 0; count < 9; count++) waiting.push(await world.join(florist, 'bruno'));
  for (const { device } of waiting)
    expectStatus(await device.ask('POST', '/api/push-subscriptions', silent.browser().subscription), 201);
  const last = await world.join(florist, 'anna');
  const phone = await subscribed(last.device);
  const tell = async () => {
    const content = { kind: 'service', reason: 'order', body: 'Domani chiuso', clientId: unique() };
    expectStatus(await florist.owner.ask('POST', '/api/broadcasts', { ...content, audience: { all: true } }), 202);
  };
  await tell();
  await push.pushes(phone);
  await until(() => held.waiting() > 8, 'all have been tried');
  expectStatus(await receipt(last.device, last, { seenSeq: 1 }), 204);
  const before = held.waiting();
  await hurry();
  await tell();
  const begun = Date.now();
  await push.pushes(phone, 2);
  // One request to the silent service takes ten seconds.
  expect(Date.now() - begun).toBeLessThan(8_000);
  expect(held.waiting() - before).toBeLessThanOrEqual(2);
  held.release();
  await silent.close();
});

test('recipients in quiet hours do not delay the other recipients of a broadcast', async () => {
  const florist = await world.shop('florist');
  const person = await world.join(florist, 'anna');
  const phone = await subscribed(person.device);
  const [{ id }] = (await world.rows<{ id: string }>('SELECT subscriber_id AS id FROM conversation WHERE id = $1', [
    person.contactId,
  ])) as [{ id: string }];
  await world.rows(
    `INSERT INTO push_notice (subscriber_id, conversation_id, session_id, party, seq, lane, due_at, since)
     SELECT $1, $2, gen_random_uuid(), 'interlocutor', 1, 1, now() + interval '9 hours', now() FROM generate_series(1, 600)`,
    [id, person.contactId],
  );
  const content = { kind: 'service', reason: 'order', body: 'Domani chiuso', clientId: unique() };
  expectStatus(await florist.owner.ask('POST', '/api/broadcasts', { ...content, audience: { all: true } }), 202);
  await push.pushes(phone);
  await world.rows(`DELETE FROM push_notice WHERE conversation_id = $1 AND due_at > now() + interval '1 hour'`, [
    person.contactId,
  ]);
});

test('a broadcast is pushed to its recipients in a lane of its own, with normal urgency', async () => {
  const florist = await world.shop('florist');
  const people = [
    await world.join(florist, 'anna'),
    await world.join(florist, 'bruno'),
    await world.join(florist, 'carla'),
  ];
  const phones = await Promise.all(people.map(({ device }) => subscribed(device)));
  const content = { kind: 'service', reason: 'order', body: 'Domani chiuso', clientId: unique() };
  const audience = { contactIds: people.map(({ contactId }) => contactId) };
  const made = await florist.owner.ask('POST', '/api/broadcasts', { ...content, audience });
  expectStatus(made, 202);
  for (const [index, phone] of phones.entries()) {
    const { payload, headers } = await push.pushes(phone);
    expect(payload).toMatchObject({ conversationId: people[index]!.contactId, count: 1, business: 'Fiori di Marta' });
    expect(headers['urgency']).toBe('normal');
  }
  const left = () => world.rows('SELECT FROM push_broadcast WHERE broadcast_id = $1', [made.body.id]);
  await until(async () => (await left()).length === 0, 'all are told');
});

test('a broadcast that is held is looked at once a minute, until the business has decided', async () => {
  const florist = await world.shop('florist');
  await world.join(florist, 'anna');
  const content = { kind: 'service', reason: 'order', body: 'Domani chiuso', clientId: unique() };
  const sendAt = new Date(Date.now() + 86_400_000).toISOString();
  const made = await florist.owner.ask('POST', '/api/broadcasts', { ...content, sendAt, audience: { all: true } });
  expectStatus(made, 202);
  const { id } = made.body;
  await world.rows(`UPDATE broadcast SET state = 'held' WHERE id = $1`, [id]);
  await world.rows(
    `INSERT INTO push_broadcast (subscriber_id, broadcast_id, due_at)
     SELECT subscriber_id, id, now() FROM broadcast WHERE id = $1`,
    [id],
  );
  world.service.app.get(PushRounds).wakeIn(lanes.broadcasts, 0);
  const later = `SELECT FROM push_broadcast WHERE broadcast_id = $1 AND due_at > now() + interval '30 seconds'`;
  await until(async () => (await world.rows(later, [id])).length === 1, 'it is left alone for a while');
  await world.rows('DELETE FROM push_broadcast WHERE broadcast_id = $1', [id]);
});

/** Ways of ending a session, each of another person's own. */
const ends: Record<string, (person: Person, device: Device) => Promise<void>> = {
  'its own logout': async (_, device) => expectStatus(await device.ask('DELETE', '/api/sessions/current'), 204),
  'another device': async ({ device: other }, device) =>
    expectStatus(await other.ask('DELETE', `/api/sessions/${device.sessionId}`), 204),
  'a change of the password': async ({ device: other }) => {
    const change = { currentPassword: password, newPassword: 'mestolo-9-salamandra' };
    expectStatus(await other.ask('PUT', '/api/me/password', change), 204);
  },
  'its own unsubscribing': async (_, device) =>
    expectStatus(await device.ask('DELETE', '/api/push-subscriptions/current'), 204),
  'somebody else on the same device': async (person, device) => {
    const [row] = await world.rows<{ endpoint_hash: Buffer }>(
      'SELECT endpoint_hash FROM push_subscription WHERE session_id = $1',
      [device.sessionId],
    );
    expect(row).toBeDefined();
    const other = await world.join(bakery, 'bruno');
    await subscribed(other.device, subscriptions.get(person.contactId));
  },
  'the erasure of its person': async ({ contactId }) => {
    const erased = await bakery.owner.ask('DELETE', `/api/contacts/${contactId}`, { password });
    expectStatus(erased, 202);
    await until(async () => {
      const [row] = await world.rows<{ sessions: number }>(
        'SELECT count(*)::integer AS sessions FROM conversation WHERE id = $1',
        [contactId],
      );
      return row!.sessions === 0;
    }, 'the contact is gone');
  },
};
const subscriptions = new Map<string, Subscription>();

describe('promise 7: no push is handed over after the answer to', () => {
  test.each(Object.keys(ends))('%s, of one that is under way', async (way) => {
    const ugo = await world.join(bakery, 'bruno');
    const phone = await world.signIn(ugo.username);
    const { name, subscription } = push.browser();
    subscriptions.set(ugo.contactId, subscription);
    await subscribed(phone, subscription);
    // It stands at the push service's door, before its first byte.
    const held = push.holdConnections();
    await say('ciao', ugo);
    await until(() => held.waiting() > 0, 'the push is under way');
    await ends[way]!(ugo, phone);
    const before = push.begun;
    held.release();
    await settle();
    expect(push.to(name)).toEqual([]);
    expect(push.begun).toBe(before);
    await say('ancora', ugo).catch(() => undefined);
    await hurry();
    await decided();
    expect(push.to(name)).toEqual([]);
  });

  test('the removal of a member, not even one in progress', async () => {
    const staff = await world.staff(bakery);
    const phone = await subscribed(staff.device);
    const held = push.holdConnections();
    await answer('C’è pane?');
    await until(() => held.waiting() > 0, 'the push is under way');
    expectStatus(await bakery.owner.ask('DELETE', `/api/members/${staff.id}`), 204);
    held.release();
    await settle();
    await decided();
    expect(push.to(phone)).toEqual([]);
  });

  test('the expiry of its session, not even one in progress', async () => {
    const vera = await world.join(bakery, 'bruno');
    const phone = await subscribed(vera.device);
    await world.rows(`UPDATE session SET expires_at = now() + interval '3 seconds' WHERE id = $1`, [
      vera.device.sessionId,
    ]);
    const held = push.holdConnections();
    await say('ciao', vera);
    await until(() => held.waiting() > 0, 'the push is under way');
    const expired = () =>
      world.rows('SELECT FROM session WHERE id = $1 AND expires_at <= now()', [vera.device.sessionId]);
    await until(async () => (await expired()).length === 1, 'the session expires');
    held.release();
    await decided();
    expect(push.to(phone)).toEqual([]);
  });

  test('a logout, which waits a moment for a push in progress', async () => {
    const wanda = await world.join(bakery, 'bruno');
    const phone = await subscribed(wanda.device);
    const held = push.holdAnswers();
    await say('ciao', wanda);
    await push.pushes(phone);
    const ending = wanda.device.ask('DELETE', '/api/sessions/current');
    let ended = false;
    void ending.then(() => (ended = true));
    await settle();
    expect(ended).toBe(false);
    held.release();
    expectStatus(await ending, 204);
  });
});

test('promise 5: the stored data of a device does not identify it, and is deleted with its session', async () => {
  const zoe = await world.join(bakery, 'bruno');
  const phone = await subscribed(zoe.device);
  const [row] = await world.rows<{ text: string }>(
    `SELECT push_subscription::text AS text FROM push_subscription WHERE session_id = $1`,
    [zoe.device.sessionId],
  );
  expect(row!.text).not.toContain(Buffer.from(phone).toString('hex'));
  expect(row!.text).not.toContain(Buffer.from('localhost').toString('hex'));
  expectStatus(await zoe.device.ask('DELETE', '/api/sessions/current'), 204);
  expect(await subscriptionsOf(zoe.device)).toEqual([]);
});

test('test notifications and subscriptions are limited', async () => {
  const device = await world.signIn(anna.username);
  const phone = await subscribed(device);
  for (let time = 0; time < limits.pushTestsPerTenMinutes; time++) {
    const { body } = await device.ask('POST', '/api/push-subscriptions/test');
    expect(body).toEqual({ outcome: 'handed_over' });
  }
  expect(push.to(phone).every(({ payload }) => payload.kind === 'test')).toBe(true);
  expect((await device.ask('POST', '/api/push-subscriptions/test')).body.code).toBe('rate_limited');
  const { subscription } = push.browser();
  for (let time = 1; time < limits.pushSubscriptionsPerHour; time++) {
    expectStatus(await device.ask('POST', '/api/push-subscriptions', subscription), 201);
  }
  expect((await device.ask('POST', '/api/push-subscriptions', subscription)).body.code).toBe('rate_limited');
  const { body } = await device.ask('GET', '/api/push-key');
  expect(Buffer.from(body.publicKey, 'base64url')).toHaveLength(65);
});
