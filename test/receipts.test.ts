import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Party } from '../src/contract/events.js';
import { Client, plain } from './support/client.js';
import { type Device, expectStatus, type Person, settle, type Shop, World } from './support/world.js';

/** Promises 1 and 4: how far a party has received and seen: to the minute, and only as far as the business discloses it. */

let world: World;
let bakery: Shop;
let anna: Person;

beforeAll(async () => {
  world = await World.shared();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  await bakery.owner.connect();
  await anna.device.connect();
});
afterAll(() => world.close());

const receipt = (device: Device, watermarks: { deliveredSeq?: number; seenSeq?: number }) =>
  device.emit('receipt.send', { conversationId: anna.contactId, ...watermarks });
const head = async (device: Device) => (await device.ask('GET', `/api/conversations/${anna.contactId}`)).body;
const latest = async (device: Device, limit: number) =>
  (await device.ask('GET', `/api/conversations/${anna.contactId}/messages?limit=${limit}`)).body.items;

/** Lets minutes pass in what the service has written down of receipts and of its settings. */
const letMinutesPass = (minutes: number) =>
  Promise.all([
    world.rows(
      `UPDATE watermark SET minute = minute - $1 * interval '1 min', changed_minute = changed_minute - $1 * interval '1 min', told_minute = told_minute - $1 * interval '1 min',
         seen_minute = seen_minute - $1 * interval '1 min'`,
      [minutes],
    ),
    world.rows(`UPDATE watermark_move SET minute = minute - $1 * interval '1 min'`, [minutes]),
    world.rows(`UPDATE subscriber SET seen_times_since = seen_times_since - $1 * interval '1 min'`, [minutes]),
  ]);

test('each message has the minute in which a watermark passed it, even after later receipts', async () => {
  const seqs = [];
  for (const body of ['Uno', 'Due', 'Tre', 'Quattro']) seqs.push(await anna.device.say(anna.contactId, body));
  const [first, second, third, fourth] = seqs as [number, number, number, number];
  await receipt(bakery.owner, { deliveredSeq: third, seenSeq: first });
  await letMinutesPass(5);
  await receipt(bakery.owner, { seenSeq: third });
  await letMinutesPass(2);
  await receipt(bakery.owner, { seenSeq: fourth });
  await receipt(bakery.owner, { seenSeq: second });

  const items = await latest(anna.device, 4);
  const now = Date.parse(items[3].seenAt);
  expect(now % 60_000).toBe(0);
  const minutesAgo = (time: string) => (now - Date.parse(time)) / 60_000;
  expect(
    items.map((each: { deliveredAt: string; seenAt: string }) => [
      minutesAgo(each.deliveredAt),
      minutesAgo(each.seenAt),
    ]),
  ).toEqual([
    [7, 7],
    [7, 2],
    [7, 2],
    [0, 0],
  ]);
  expect(await latest(bakery.owner, 4)).toEqual(items.map((each: object) => ({ ...each, author: null })));
});

describe('a reply', () => {
  test('counts as having seen the messages before it, on every device at once', async () => {
    const asked = await anna.device.say(anna.contactId, 'Avete il pane di segale?');
    expect(await head(bakery.owner)).toMatchObject({ unread: expect.any(Number), own: { seenSeq: asked - 1 } });
    const heard = anna.device.heard.length;
    const seq = await bakery.owner.say(anna.contactId, 'Sì, fino alle dieci');

    expect(await head(bakery.owner)).toMatchObject({ unread: 0, own: { deliveredSeq: asked, seenSeq: asked } });
    expect(await head(anna.device)).toMatchObject({ other: { deliveredSeq: asked, seenSeq: asked } });
    const [question] = await latest(anna.device, 2);
    expect(question).toMatchObject({ seq: asked, deliveredAt: expect.any(String), seenAt: expect.any(String) });
    await anna.device.hears('message.sent', (message) => message.seq === seq);
    const told = anna.device.heard.slice(heard).map(({ event }) => event);
    expect(told).toEqual(['receipt.changed', 'message.sent']);
    expect(anna.device.heard.at(heard)!.payload).toMatchObject({ party: 'subscriber', seenSeq: asked });
  });

  test('in a batch raises watermarks no further than the message before it', async () => {
    const first = await bakery.owner.say(anna.contactId, 'Pronti?');
    const before = await head(bakery.owner);
    const sent = await Promise.all(
      Array.from({ length: 30 }, (_, index) => {
        const device = index % 2 === 0 ? anna.device : bakery.owner;
        return device.say(anna.contactId, `Insieme ${index}`).then((seq) => ({ seq, party: index % 2 }));
      }),
    );
    sent.push({ seq: first, party: 1 });
    sent.sort((a, b) => a.seq - b.seq);
    const answered = (party: number) => {
      const last = sent.findLastIndex((each, index) => each.party === party && sent[index - 1]?.party === 1 - party);
      return last < 0 ? undefined : sent[last]!.seq - 1;
    };
    expect(await head(bakery.owner)).toMatchObject({
      own: { seenSeq: answered(1) ?? before.own.seenSeq },
      other: { seenSeq: answered(0) ?? before.other.seenSeq },
    });
  });

  test('after an own message, or repeated, raises nothing', async () => {
    const clientId = `ripetuta-${Date.now()}`;
    const seq = await bakery.owner.say(anna.contactId, 'Ecco', clientId);
    const heard = bakery.owner.heard.length;
    const second = await bakery.owner.say(anna.contactId, 'Ancora');
    expect(await bakery.owner.say(anna.contactId, 'Ecco', clientId)).toBe(seq);
    await bakery.owner.hears('message.sent', (message) => message.seq === second);
    await settle();
    expect(bakery.owner.heard.slice(heard).map(({ event }) => event)).toEqual(['message.sent']);
  });
});

test('no second of a receipt is stored or shown', async () => {
  const seq = await anna.device.say(anna.contactId, 'Che ore sono?');
  await receipt(bakery.owner, { seenSeq: seq });
  const told = await anna.device.hears('receipt.changed', ({ seenSeq }) => seenSeq === seq);
  const times = await world.rows<Record<string, Date | null>>(
    `SELECT minute, seen_minute FROM watermark UNION ALL SELECT minute, NULL FROM watermark_move`,
  );
  for (const time of [told.at, ...times.flatMap((row) => Object.values(row))]) {
    if (time !== null) expect(new Date(time).getTime() % 60_000).toBe(0);
  }
});

test('of concurrent receipts the highest counts, and one beyond the last message fails alone', async () => {
  const seqs = [];
  for (let i = 0; i < 6; i++) seqs.push(await bakery.owner.say(anna.contactId, `Avviso ${i}`));
  const last = seqs.at(-1)!;
  const heard = bakery.owner.heard.length;
  const answers = await Promise.all(
    [...seqs, last + 1, ...seqs].map((deliveredSeq) => receipt(anna.device, { deliveredSeq })),
  );
  expect(answers.map(({ error }) => error?.code)).toEqual(
    answers.map((_, index) => (index === seqs.length ? 'receipt_beyond_last' : undefined)),
  );
  expect((await head(bakery.owner)).other.deliveredSeq).toBe(last);
  await settle();
  const told = bakery.owner.heard
    .slice(heard)
    .flatMap(({ event, payload }) => (event === 'receipt.changed' ? payload.deliveredSeq : []));
  expect(told.at(-1)).toBe(last);
  expect(told).toEqual([...told].sort((a, b) => a - b));
});

describe('seen times that the business has turned off', () => {
  const equalsFreshLoad = async (client: Client, device: Device, party: Party) => {
    const fresh = await new Client(device, party).load();
    expect(plain(client.held)).toEqual(plain(fresh.held));
  };
  const switchSeenTimes = async (seenTimes: boolean) =>
    expectStatus(await bakery.owner.ask('PATCH', '/api/subscriber', { seenTimes }), 200);
  const seenTimes = async (device: Device) =>
    (await latest(device, 200)).filter((each: { seenAt?: string }) => each.seenAt).length;

  test('are shown to neither side, not even how far, while delivery is', async () => {
    expect(await seenTimes(anna.device)).toBeGreaterThan(0);
    await switchSeenTimes(false);
    const seq = await anna.device.say(anna.contactId, 'Mi leggi?');
    const [heardByAnna, heardByOwner] = [anna.device.heard.length, bakery.owner.heard.length];
    await receipt(bakery.owner, { deliveredSeq: seq });
    await receipt(bakery.owner, { seenSeq: seq });
    await settle();
    const told = (device: Device, since: number) =>
      device.heard.slice(since).flatMap(({ event, payload }) => (event === 'receipt.changed' ? payload : []));
    expect(told(anna.device, heardByAnna)).toEqual([
      expect.objectContaining({ party: 'subscriber', deliveredSeq: seq, seenSeq: 0 }),
    ]);
    expect(told(bakery.owner, heardByOwner).at(-1)).toMatchObject({ deliveredSeq: seq, seenSeq: seq });
    expect(await head(anna.device)).toMatchObject({ seenTimesSince: null, other: { deliveredSeq: seq, seenSeq: 0 } });
    expect(await head(bakery.owner)).toMatchObject({ own: { seenSeq: seq }, other: { seenSeq: 0 }, unread: 0 });
    for (const device of [anna.device, bakery.owner]) expect(await seenTimes(device)).toBe(0);
    expect((await latest(anna.device, 1))[0].deliveredAt).toEqual(expect.any(String));
  });

  test('reveal nothing of that time when they are turned on again, and everything from then on', async () => {
    const [before] = await latest(anna.device, 1);
    await switchSeenTimes(true);
    await letMinutesPass(1);
    expect(await seenTimes(anna.device)).toBe(0);
    expect((await head(anna.device)).other.seenSeq).toBe(0);
    const seq = await anna.device.say(anna.contactId, 'E adesso?');
    await receipt(bakery.owner, { seenSeq: seq });
    const items = await latest(anna.device, 2);
    expect(items.map((each: { seq: number; seenAt?: string }) => [each.seq, each.seenAt !== undefined])).toEqual([
      [before.seq, false],
      [seq, true],
    ]);
    expect((await head(anna.device)).other.seenSeq).toBe(seq);
  });

  test('leave every device equal to a fresh load, live and after an absence', async () => {
    const tablet = await (await world.signIn(anna.username)).connect();
    const away = await new Client(tablet, 'interlocutor').load();
    const counter = await world.signIn(bakery.username);
    const awayAtWork = await new Client(counter, 'subscriber').load();
    tablet.disconnect();
    const live = await new Client(anna.device, 'interlocutor').load();
    await switchSeenTimes(false);
    await receipt(bakery.owner, { seenSeq: await anna.device.say(anna.contactId, 'Spento') });
    await switchSeenTimes(true);
    await receipt(bakery.owner, { seenSeq: await anna.device.say(anna.contactId, 'Acceso') });
    await settle();
    await live.hear();
    for (const [client, device, party] of [
      [live, anna.device, 'interlocutor'],
      [away, tablet, 'interlocutor'],
      [awayAtWork, counter, 'subscriber'],
    ] as const) {
      if (client !== live) await client.catchUp();
      await equalsFreshLoad(client, device, party);
    }
  });

  test('leave connected devices without seen times that a fresh load would not have', async () => {
    const phone = await new Client(anna.device, 'interlocutor').load();
    const counter = await new Client(bakery.owner, 'subscriber').load();
    const bothSee = async (body: string) => {
      await receipt(bakery.owner, { seenSeq: await anna.device.say(anna.contactId, `${body}, da Anna`) });
      await receipt(anna.device, { seenSeq: await bakery.owner.say(anna.contactId, `${body}, dal forno`) });
      await settle();
      for (const client of [phone, counter]) await client.hear();
      await equalsFreshLoad(phone, anna.device, 'interlocutor');
      await equalsFreshLoad(counter, bakery.owner, 'subscriber');
    };
    await switchSeenTimes(false);
    await bothSee('Spento');
    expect(await seenTimes(anna.device)).toBe(0);
    await switchSeenTimes(true);
    // They are disclosed from the next full minute on.
    await letMinutesPass(2);
    for (const client of [phone, counter]) await client.load();
    expect(phone.held.heads.get(anna.contactId)).toMatchObject({ other: { seenSeq: 0 } });
    await bothSee('Acceso');
    expect(await seenTimes(anna.device)).toBe(2);
  });

  test('do not show through a changed head that something was seen', async () => {
    await switchSeenTimes(false);
    await world.rows(`UPDATE subscriber SET seen_times_changed_at = seen_times_changed_at - interval '5 min'`);
    const since = encodeURIComponent(new Date().toISOString());
    const changed = async (device: Device) =>
      (await device.ask('GET', `/api/conversations?changedSince=${since}`)).body.items.length;
    for (const [reader, other] of [
      [bakery.owner, anna.device],
      [anna.device, bakery.owner],
    ] as const) {
      const own = await other.say(anna.contactId, 'E ora?');
      await receipt(reader, { deliveredSeq: own });
      await letMinutesPass(5);
      await world.rows(`UPDATE conversation SET changed_at = changed_at - interval '5 min'`);
      expect([await changed(reader), await changed(other)]).toEqual([0, 0]);
      await receipt(reader, { seenSeq: own });
      expect([await changed(reader), await changed(other)]).toEqual([1, 0]);
      await letMinutesPass(5);
    }
    await receipt(bakery.owner, { deliveredSeq: await anna.device.say(anna.contactId, 'Consegnato') });
    await world.rows(`UPDATE conversation SET changed_at = changed_at - interval '5 min'`);
    expect(await changed(anna.device)).toBe(1);
    await switchSeenTimes(true);
  });

  test('can be turned on and off only by the owner', async () => {
    const staff = await world.staff(bakery);
    expectStatus(await staff.device.ask('PATCH', '/api/subscriber', { seenTimes: false }), 404);
    expectStatus(await bakery.owner.ask('PATCH', '/api/subscriber', { seenTimes: 'no' }), 400);
    expect((await bakery.owner.ask('GET', '/api/me')).body.subscriber.seenTimes).toBe(true);
  });
});
