import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { scheduleEpochRenewal } from '../src/platform/vault/epoch-renewal.js';
import { expectStatus, type Person, type Shop, unique, until, World } from './support/world.js';

/** Clocks are set back: by an hour in which somebody had mistaken the time zone, or by a year after a flat battery. */

let world: World;
let bakery: Shop;
let anna: Person;
let bruno: Person;

beforeAll(async () => {
  world = await World.open();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna', { promotions: true });
  bruno = await world.join(bakery, 'bruno');
});
afterAll(() => world.close());

const heads = async (changedSince?: string) => {
  const query = changedSince === undefined ? '' : `?changedSince=${encodeURIComponent(changedSince)}`;
  const answer = await bakery.owner.ask('GET', `/api/conversations${query}`);
  expectStatus(answer, 200);
  return { ids: answer.body.items.map(({ id }: { id: string }) => id), syncedAt: String(answer.body.syncedAt) };
};

const say = async ({ device, contactId }: Person) => {
  const content = { clientId: unique(), body: 'Buongiorno' };
  const answer = await device.ask('POST', `/api/conversations/${contactId}/messages`, content);
  expectStatus(answer, 201);
  return answer.body as { seq: number; sentAt: string };
};

/** As it is after the clock was that far ahead, while clients were told times to sync from, and was set right again. */
const wasAhead = (interval: string) =>
  world.rows(`SELECT setval('sync_mark', floor(extract(epoch FROM clock_timestamp() + $1::interval) * 1000)::bigint)`, [
    interval,
  ]);

test('a time to sync from is stored before it is disclosed', async () => {
  const { syncedAt } = await heads();
  const [mark] = await world.rows<{ at: string }>('SELECT last_value AS at FROM sync_mark');
  expect(Number(mark!.at)).toBeGreaterThanOrEqual(Date.parse(syncedAt));
});

describe.each(['1 hour', '1 year'])('after a clock that was %s ahead', (interval) => {
  let told: string;

  beforeAll(async () => {
    await wasAhead(interval);
    told = (await heads()).syncedAt;
    expect(Date.parse(told)).toBeGreaterThan(Date.now() + 50 * 60_000);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['a message', () => say(anna)],
    [
      'a receipt',
      async () => {
        const { seq } = await say(anna);
        told = (await heads()).syncedAt;
        const path = `/api/conversations/${anna.contactId}/receipt`;
        expectStatus(await bakery.owner.ask('PUT', path, { seenSeq: seq }), 204);
      },
    ],
    [
      'a withdrawal',
      async () => {
        const { seq } = await say(anna);
        const path = `/api/conversations/${anna.contactId}/messages/${seq}`;
        expectStatus(await anna.device.ask('DELETE', path), 204);
      },
    ],
    [
      'another name of a contact',
      async () => expectStatus(await anna.device.ask('PATCH', '/api/me', { surname: `Rossi ${unique()}` }), 200),
    ],
    [
      'a broadcast',
      async () => {
        const audience = { contactIds: [anna.contactId] };
        const wanted = { clientId: unique(), kind: 'service', reason: 'closure', body: 'Domani chiuso', audience };
        const { body } = await bakery.owner.ask('POST', '/api/broadcasts', wanted);
        const isSent = async () => (await bakery.owner.ask('GET', `/api/broadcasts/${body.id}`)).body.sent === 1;
        await until(isSent, 'the broadcast is sent');
      },
    ],
    ['somebody who joins', async () => (anna = await world.join(bakery, 'anna', { promotions: true }))],
  ])('%s is found by who asks since the time that was told', async (_what, change) => {
    await change();
    const now = await heads(told);
    expect(now.ids).toContain(anna.contactId);
    // It never falls.
    expect(Date.parse(now.syncedAt)).toBeGreaterThanOrEqual(Date.parse(told));
  });

  test('the list keeps the order of changes, and messages have the time of the corrected clock', async () => {
    const before = Date.now();
    await say(bruno);
    const { sentAt } = await say(anna);
    await say(bruno);
    expect((await heads()).ids.slice(0, 2)).toEqual([bruno.contactId, anna.contactId]);
    expect(Math.abs(Date.parse(sentAt) - before)).toBeLessThan(60_000);
  });

  test('the minute of a receipt is that of its arrival', async () => {
    const { seq } = await say(anna);
    const path = `/api/conversations/${anna.contactId}`;
    expectStatus(await bakery.owner.ask('PUT', `${path}/receipt`, { deliveredSeq: seq }), 204);
    const { items } = (await anna.device.ask('GET', `${path}/messages`)).body;
    const { deliveredAt } = items.find((each: { seq: number }) => each.seq === seq);
    expect(Math.abs(Date.parse(deliveredAt) - Date.now())).toBeLessThan(5 * 60_000);
  });
});

test('an earlier time to sync from is still valid after a restart', async () => {
  await wasAhead('2 years');
  const told = (await heads()).syncedAt;
  world = await world.restart();
  const { body } = await world.ask('POST', '/api/sessions', {
    body: { username: bakery.username, password: bakery.registration['password'] },
  });
  const owner = world.device(body.token, body.id);
  const { syncedAt } = (await owner.ask('GET', '/api/conversations')).body;
  expect(Date.parse(syncedAt)).toBeGreaterThanOrEqual(Date.parse(told));
});

test('an epoch key from the future is rotated at once', async () => {
  const renewEpoch = jest.fn(async () => {});
  const epochMadeAt = new Date(Date.now() + 365 * 86_400_000);
  await scheduleEpochRenewal({ epochMadeAt, renewEpoch } as never, {} as never)();
  expect(renewEpoch).toHaveBeenCalledTimes(1);
  const today = new Date();
  await scheduleEpochRenewal({ epochMadeAt: today, renewEpoch } as never, {} as never)();
  expect(renewEpoch).toHaveBeenCalledTimes(1);
});
