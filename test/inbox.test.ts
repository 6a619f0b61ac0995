import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Party } from '../src/contract/events.js';
import { Client, plain } from './support/client.js';
import { hasUnread, isBehind, type Standing, walk } from '../src/conversations/conversations.queries.js';
import { crowd } from './support/crowd.js';
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

/** The list of conversations as an inbox: in which order, with what in each head, and what of it is asked for. */

let world: World;
beforeAll(async () => {
  world = await World.shared();
});
afterAll(() => world.close());

type Query = Record<string, string | string[]>;

async function list(device: Device, query: Query = {}): Promise<Answer['body']> {
  const parameters = new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) => [value].flat().map((each) => [name, each])),
  );
  const answer = await device.ask('GET', `/api/conversations?${parameters}`);
  expectStatus(answer, 200);
  return answer.body;
}

/** The names of a list read page by page. */
async function names(device: Device, query: Query = {}, limit = '2'): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Answer['body'] = await list(device, { ...query, limit, ...(cursor && { cursor }) });
    expect(page.items.length).toBeLessThanOrEqual(Number(limit));
    found.push(
      ...page.items.map(({ counterpart }: Answer['body']) => counterpart.firstName ?? counterpart.businessName),
    );
    cursor = page.nextCursor;
  } while (cursor);
  return found;
}

const headOf = async (device: Device, id: string) => (await device.ask('GET', `/api/conversations/${id}`)).body;
const totals = async (device: Device) => (await device.ask('GET', '/api/conversations/unread')).body;

async function broadcast({ owner }: Shop, audience: Record<string, unknown> = { all: true }): Promise<void> {
  const content = { kind: 'service', reason: 'closure', body: 'Lunedì siamo chiusi', audience };
  const made = await owner.ask('POST', '/api/broadcasts', { clientId: unique(), ...content });
  expectStatus(made, 202);
  await until(
    async () => (await owner.ask('GET', `/api/broadcasts/${made.body.id}`)).body.state === 'finished',
    'the broadcast is finished',
  );
}

async function labelled({ owner }: Shop, name: string, ...people: Person[]): Promise<string> {
  const { body } = await owner.ask('POST', '/api/labels', { name });
  const contactIds = people.map(({ contactId }) => contactId);
  expectStatus(await owner.ask('POST', '/api/contacts/labels', { add: [body.id], contactIds }), 200);
  return body.id;
}

describe('a list of conversations', () => {
  let shop: Shop;
  let [anna, bruno, carla, dario]: Person[] = [];
  let question: number;
  let label: string;

  beforeAll(async () => {
    shop = await world.shop('bakery');
    anna = await world.join(shop, 'anna');
    bruno = await world.join(shop, 'bruno');
    carla = await world.join(shop, 'carla');
    dario = await world.join(shop, 'anna', { firstName: 'Dàrio', surname: "D'Angelo", email: 'd.angelo@mail.example' });
    for (const { device } of [anna, bruno, carla, dario]) await device.connect();
    await shop.owner.connect();
    question = await bruno.device.say(bruno.contactId, 'Siete aperti?');
    await anna.device.say(anna.contactId, 'Vorrei una torta');
    await shop.owner.say(anna.contactId, 'Volentieri');
    label = await labelled(shop, 'Soci', anna, carla);
  });

  test('has the latest message first, and contacts without a message last, the newest first', async () => {
    expect(await names(shop.owner)).toEqual(['Anna', 'Bruno', 'Dàrio', 'Carla']);
  });

  test('says in each head who wrote last, how, and whether it is unanswered', async () => {
    expect(await headOf(shop.owner, bruno!.contactId)).toMatchObject({
      lastSender: 'interlocutor',
      lastKind: 'message',
      lastTurn: { seq: question, sender: 'interlocutor', sentAt: expect.any(String), preview: 'Siete aperti?' },
      unanswered: true,
      unread: 1,
      labels: [],
    });
    expect(await headOf(shop.owner, anna!.contactId)).toMatchObject({
      lastSender: 'subscriber',
      lastKind: 'message',
      unanswered: false,
      unread: 0,
      labels: [label],
    });
    const none = { lastSender: null, lastKind: null, lastTurn: null, unanswered: false };
    expect(await headOf(shop.owner, carla!.contactId)).toMatchObject(none);
    const seenByAnna = await headOf(anna!.device, anna!.contactId);
    expect(seenByAnna).toMatchObject({ lastSender: 'subscriber', unanswered: true });
    expect(seenByAnna).not.toHaveProperty('labels');
  });

  test('can be filtered by unread, unanswered, label or name, and the filters combine', async () => {
    expect(await names(shop.owner, { unread: 'true' })).toEqual(['Bruno']);
    expect(await names(shop.owner, { unanswered: 'true' })).toEqual(['Bruno']);
    expect(await names(shop.owner, { label })).toEqual(['Anna', 'Carla']);
    expect(await names(shop.owner, { query: 'dangelo' })).toEqual(['Dàrio']);
    expect(await names(shop.owner, { query: 'rossi' })).toEqual(['Anna']);
    expect(await names(shop.owner, { unread: 'true', label })).toEqual([]);
    expect(await names(shop.owner, { query: 'bruno', unread: 'true' })).toEqual(['Bruno']);
    const label2 = await labelled(shop, 'Torte', anna!);
    expect(await names(shop.owner, { label: [label, label2] })).toEqual(['Anna']);
    const search = await shop.owner.ask('POST', '/api/conversations/search', { query: 'ROSSI', unanswered: true });
    expect(search).toMatchObject({ status: 200, body: { items: [] } });
    expect(await names(anna!.device, { query: 'aurora', unanswered: 'true' })).toEqual(['Forno Aurora']);
    expect(await names(anna!.device, { query: 'fiori' })).toEqual([]);
    for (const query of ['%', '???', '🙂']) {
      for (const device of [shop.owner, anna!.device]) expect(await names(device, { query })).toEqual([]);
    }
    expect(await names(anna!.device, { query: '' })).toEqual(['Forno Aurora']);
    expect(await names(anna!.device, { unread: 'true' })).toEqual(['Forno Aurora']);
    expect(await names(bruno!.device, { unread: 'true' })).toEqual([]);
  });

  test('has totals of unread messages, which equal the sums over the heads', async () => {
    await bruno!.device.say(bruno!.contactId, 'Pronto?');
    await carla!.device.say(carla!.contactId, 'Buongiorno');
    expect(await totals(shop.owner)).toEqual({ conversations: 2, messages: 3, unanswered: 2 });
    const { items } = await list(shop.owner);
    expect(items.reduce((sum: number, { unread }: Answer['body']) => sum + unread, 0)).toBe(3);
    expect(await totals(anna!.device)).toEqual({ conversations: 1, messages: 1, unanswered: 1 });
    expect(await totals(bruno!.device)).toEqual({ conversations: 0, messages: 0, unanswered: 0 });
  });

  test('is not reordered by withdrawing an old message, and a withdrawn question needs no answer', async () => {
    const before = await names(shop.owner);
    const { changedAt } = await headOf(shop.owner, anna!.contactId);
    expectStatus(await anna!.device.ask('DELETE', `/api/conversations/${anna!.contactId}/messages/1`), 204);
    expect((await headOf(shop.owner, anna!.contactId)).changedAt > changedAt).toBe(true);
    expect(await names(shop.owner)).toEqual(before);

    expect(await names(shop.owner, { unanswered: 'true' })).toEqual(['Carla', 'Bruno']);
    expectStatus(await carla!.device.ask('DELETE', `/api/conversations/${carla!.contactId}/messages/1`), 204);
    expect(await names(shop.owner, { unanswered: 'true' })).toEqual(['Bruno']);
    expect(await names(shop.owner, { unread: 'true' })).toEqual(['Bruno']);
    expect(await headOf(shop.owner, carla!.contactId)).toMatchObject({
      lastKind: 'withdrawn',
      lastSender: 'interlocutor',
      lastTurn: null,
      unanswered: false,
    });
  });

  test('without broadcasts skips unanswered ones, and keeps the messages before them', async () => {
    await broadcast(shop);
    expect((await names(shop.owner)).length).toBe(4);
    expect(await headOf(shop.owner, carla!.contactId)).toMatchObject({
      lastKind: 'broadcast',
      lastSender: 'subscriber',
      lastTurn: null,
      unanswered: false,
    });
    // A broadcast is no answer.
    expect(await headOf(shop.owner, bruno!.contactId)).toMatchObject({
      lastKind: 'broadcast',
      unanswered: true,
      lastTurn: { sender: 'interlocutor', preview: 'Pronto?' },
    });
    expect(await names(shop.owner, { withoutBroadcasts: 'true' })).toEqual(['Bruno', 'Anna']);
    expect(await names(shop.owner, { unread: 'true' })).toEqual(['Bruno']);
    await dario!.device.say(dario!.contactId, 'Grazie');
    expect(await names(shop.owner, { withoutBroadcasts: 'true' })).toEqual(['Dàrio', 'Bruno', 'Anna']);
    // To its recipient it is unread like anything else, but asks for no answer.
    expect(await names(carla!.device, { unread: 'true' })).toEqual(['Forno Aurora']);
    expect(await names(carla!.device, { unanswered: 'true' })).toEqual([]);
  });

  test('drops what was seen, and soon from the index of unread conversations too', async () => {
    const { lastSeq } = await headOf(shop.owner, dario!.contactId);
    await shop.owner.emit('receipt.send', { conversationId: dario!.contactId, seenSeq: lastSeq });
    expect(await names(shop.owner, { unread: 'true' })).toEqual(['Bruno']);
    expect(await names(shop.owner, { unanswered: 'true' })).toEqual(['Dàrio', 'Bruno']);
    const standing = () =>
      world.rows<{ standing: number }>('SELECT standing FROM conversation WHERE id = $1', [dario!.contactId]);
    await until(async () => (await standing())[0]!.standing === 2, 'the conversation is told apart');
    await dario!.device.say(dario!.contactId, 'E domani?');
    expect(await names(shop.owner, { unread: 'true' })).toEqual(['Dàrio', 'Bruno']);
  });

  test('leaves out conversations marked as needing no answer, until the other party writes again', async () => {
    const path = `/api/conversations/${dario!.contactId}`;
    const { lastTurn, changedAt } = await headOf(shop.owner, dario!.contactId);
    const before = await headOf(dario!.device, dario!.contactId);
    const { syncedAt } = (await shop.owner.ask('GET', '/api/conversations')).body;
    const { unanswered } = await totals(shop.owner);
    expectStatus(await shop.owner.ask('PUT', `${path}/answered`, { seq: lastTurn.seq - 1 }), 204);
    expect(await headOf(shop.owner, dario!.contactId)).toMatchObject({ unanswered: true });
    expectStatus(await shop.owner.ask('PUT', `${path}/answered`, { seq: lastTurn.seq }), 204);
    expectStatus(await shop.owner.ask('PUT', `${path}/answered`, { seq: 1 }), 204);
    const head = { changedAt, lastTurn, unanswered: false, answeredSeq: lastTurn.seq };
    expect(await headOf(shop.owner, dario!.contactId)).toMatchObject(head);
    await shop.owner.hears('conversation.answered', ({ answeredSeq }) => answeredSeq === lastTurn.seq);
    expect(await names(shop.owner, { unanswered: 'true' })).toEqual(['Bruno']);
    expect(await totals(shop.owner)).toMatchObject({ unanswered: unanswered - 1 });
    expect(await names(shop.owner, { changedSince: syncedAt })).toContain('Dàrio');
    // The interlocutor is not told, and its head stays as it was.
    expect(await headOf(dario!.device, dario!.contactId)).toEqual(before);
    expect(before).not.toHaveProperty('answeredSeq');
    expect(dario!.device.heard.map(({ event }) => event)).not.toContain('conversation.answered');

    await dario!.device.say(dario!.contactId, 'Anzi, dopodomani');
    expect(await headOf(shop.owner, dario!.contactId)).toMatchObject({ unanswered: true, answeredSeq: lastTurn.seq });
    expect(await names(shop.owner, { unanswered: 'true' })).toEqual(['Dàrio', 'Bruno']);
    expectStatus(await dario!.device.ask('DELETE', `${path}/messages/${lastTurn.seq + 1}`), 204);
    expect(await headOf(shop.owner, dario!.contactId)).toMatchObject({ unanswered: false, lastTurn });
  });

  test('cannot be marked as answered at a missing entry, or by the interlocutor', async () => {
    const path = `/api/conversations/${dario!.contactId}/answered`;
    const { lastSeq } = await headOf(shop.owner, dario!.contactId);
    const beyond = await shop.owner.ask('PUT', path, { seq: lastSeq + 1 });
    expect(beyond).toMatchObject({ status: 422, body: { code: 'receipt_beyond_last' } });
    expect(beyond.body.detail).toContain(`seq ${lastSeq}`);
    expectStatus(await shop.owner.ask('PUT', path, { seq: lastSeq }), 204);
    for (const seq of [0, 1.5, '1', 2 ** 31]) expectStatus(await shop.owner.ask('PUT', path, { seq }), 400);
    expectStatus(await dario!.device.ask('PUT', path, { seq: lastSeq }), 404);
  });

  test('shows which member has claimed a conversation, and nothing of it to the interlocutor', async () => {
    const path = `/api/conversations/${dario!.contactId}`;
    const { id: memberId, device: staff } = await world.staff(shop);
    await staff.connect();
    const before = await headOf(dario!.device, dario!.contactId);
    const { claim, changedAt } = await headOf(shop.owner, dario!.contactId);
    expect(claim).toBeNull();
    const { syncedAt } = (await shop.owner.ask('GET', '/api/conversations')).body;
    expectStatus(await staff.ask('PUT', `${path}/claim`), 204);
    const told = await shop.owner.hears('claim.changed', (each) => each.conversationId === dario!.contactId);
    const taken = await headOf(shop.owner, dario!.contactId);
    expect(taken).toMatchObject({ changedAt, claim: { memberId, displayName: 'Sara', at: expect.any(String) } });
    expect(told.claim).toEqual(taken.claim);
    expectStatus(await staff.ask('PUT', `${path}/claim`), 204);
    expect(await headOf(shop.owner, dario!.contactId)).toEqual(taken);
    expect(await names(shop.owner, { changedSince: syncedAt })).toContain('Dàrio');
    expect(await names(staff, { claimed: 'me' })).toEqual(['Dàrio']);
    expect(await names(shop.owner, { claimed: 'me' })).toEqual([]);

    // A colleague takes it over, and gives it back.
    expectStatus(await shop.owner.ask('PUT', `${path}/claim`), 204);
    expect((await headOf(staff, dario!.contactId)).claim.memberId).not.toBe(memberId);
    expect(await names(staff, { claimed: 'me' })).toEqual([]);
    expectStatus(await staff.ask('DELETE', `${path}/claim`), 204);
    expectStatus(await staff.ask('DELETE', `${path}/claim`), 204);
    expect((await headOf(staff, dario!.contactId)).claim).toBeNull();

    // With a member go its claims, as devices that were away learn too; one event tells of all of them.
    expectStatus(await staff.ask('PUT', `${path}/claim`), 204);
    expectStatus(await staff.ask('PUT', `/api/conversations/${carla!.contactId}/claim`), 204);
    const { syncedAt: later } = (await shop.owner.ask('GET', '/api/conversations')).body;
    await settle();
    const heard = shop.owner.heard.length;
    expectStatus(await shop.owner.ask('DELETE', `/api/members/${memberId}`), 204);
    expect((await headOf(shop.owner, dario!.contactId)).claim).toBeNull();
    expect(await names(shop.owner, { changedSince: later })).toContain('Dàrio');
    await shop.owner.hears('member.removed', ({ id }) => id === memberId);
    const events = shop.owner.heard.slice(heard).map(({ event }) => event);
    expect(events.filter((event) => event !== 'session.ended')).toEqual(['member.removed']);

    expect(await headOf(dario!.device, dario!.contactId)).toEqual(before);
    expect(before).not.toHaveProperty('claim');
    expect(dario!.device.heard.map(({ event }) => event)).not.toContain('claim.changed');
    for (const method of ['PUT', 'DELETE']) expectStatus(await dario!.device.ask(method, `${path}/claim`), 404);
    const filtered = await dario!.device.ask('GET', '/api/conversations?claimed=me');
    expect(filtered).toMatchObject({ status: 400, body: { errors: [{ code: 'not_for_interlocutors' }] } });
    expectStatus(await shop.owner.ask('GET', '/api/conversations?claimed=you'), 400);
  });

  test('can be completed by its contacts, loaded by their ids', async () => {
    const query = [anna!, carla!].map(({ contactId }) => `ids=${contactId}`).join('&');
    const { body } = await shop.owner.ask('GET', `/api/contacts?${query}&ids=${randomUUID()}`);
    expect(body.items.map(({ firstName }: Answer['body']) => firstName)).toEqual(['Anna', 'Carla']);
    const ids = (count: number) => Array.from({ length: count }, () => `ids=${randomUUID()}`).join('&');
    expect((await shop.owner.ask('GET', `/api/contacts?${ids(200)}`)).body).toMatchObject({ items: [], total: 0 });
    const refused = await shop.owner.ask('GET', `/api/contacts?${ids(201)}`);
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ field: 'ids' }] } });
    expect(refused.body.detail).toContain('200');
  });

  test('has labels that differ in more than letters, accents and apostrophes', async () => {
    const named = (name: string) => shop.owner.ask('POST', '/api/labels', { name });
    expectStatus(await named('Caffè dell’Angolo'), 201);
    for (const name of ["caffe dell'angolo", 'ＣＡＦＦＥ DELL´ANGOLO', 'Caffè\u200B dell’Angolo'])
      expect(await named(name)).toMatchObject({ status: 409, body: { code: 'label_taken' } });
    for (const name of ['\u2800', '\u3164\u200B', '\uFFFC', '\u{1D159}']) expectStatus(await named(name), 400);
    expectStatus(await named('Caffè dell’Angolo!'), 201);
  });

  test('contains no message without a visible character', async () => {
    for (const body of [
      '\u200B',
      '\u2060',
      '\u00AD',
      '\uFE0F',
      '\u3164',
      '\u2800',
      ' \u2800\n',
      '\uFFFC',
      '\u{1D159}',
    ]) {
      const answer = await shop.owner.ask('POST', `/api/conversations/${anna!.contactId}/messages`, {
        clientId: unique(),
        body,
      });
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: 'body' }] } });
    }
  });

  test.each([
    [{ unread: 'false' }, 'unread'],
    [{ withoutBroadcasts: '1' }, 'withoutBroadcasts'],
    [{ label: 'soci' }, 'label'],
    [{ query: 'a'.repeat(201) }, 'query'],
    [{ changedSince: '2026-01-01T00:00:00Z', unread: 'true' }, 'changedSince'],
    [{ cursor: 'x' }, 'cursor'],
  ])('refuses %j', async (query, field) => {
    const answer = await shop.owner.ask('GET', `/api/conversations?${new URLSearchParams(query)}`);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field }] } });
  });

  test('refuses a cursor of another order, and labels for a party that may not see them', async () => {
    const { nextCursor } = await list(shop.owner, { limit: '1' });
    const other = await shop.owner.ask('GET', `/api/conversations?unanswered=true&cursor=${nextCursor}`);
    expect(other).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'unanswered', code: 'cursor_differs' }] },
    });
    const asked = await anna!.device.ask('GET', `/api/conversations?label=${label}`);
    expect(asked).toMatchObject({ status: 400, body: { errors: [{ field: 'label' }] } });
  });
});

describe('the state of a device', () => {
  test('equals a fresh load in all fields of heads, after any events', async () => {
    const shop = await world.shop('bakery');
    const [anna, bruno] = [await world.join(shop, 'anna'), await world.join(shop, 'bruno')];
    const devices: [Device, Party][] = [
      [shop.owner, 'subscriber'],
      [anna.device, 'interlocutor'],
    ];
    for (const [device] of [...devices, [bruno.device] as const]) await device.connect();
    const clients = await Promise.all(devices.map(([device, party]) => new Client(device, party).load()));
    const label = await labelled(shop, 'Soci', anna, bruno);
    await anna.device.say(anna.contactId, 'Una domanda');
    await anna.device.say(anna.contactId, 'E un’altra');
    await shop.owner.say(anna.contactId, 'Una risposta');
    await broadcast(shop);
    await anna.device.say(anna.contactId, '🇮🇹'.repeat(80));
    for (const seq of [5, 2]) {
      expectStatus(await anna.device.ask('DELETE', `/api/conversations/${anna.contactId}/messages/${seq}`), 204);
    }
    await bruno.device.say(bruno.contactId, '👨‍👩‍👧‍👦'.repeat(40));
    await settle();
    for (const [index, [device, party]] of devices.entries()) {
      await clients[index]!.hear();
      expect(plain(clients[index]!.held)).toEqual(plain((await new Client(device, party).load()).held));
    }
    const { preview } = await headOf(shop.owner, bruno.contactId);
    expect(preview).toBe(`${'👨‍👩‍👧‍👦'.repeat(17)}…`);

    // Labels that change while a device is away come with what has changed.
    const [{ syncedAt }] = [await list(shop.owner, { limit: '1' })];
    shop.owner.disconnect();
    const staff = await world.signIn(shop.username);
    expectStatus(
      await staff.ask('POST', '/api/contacts/labels', { remove: [label], contactIds: [bruno.contactId] }),
      200,
    );
    const { items } = await list(shop.owner, { changedSince: syncedAt });
    const changed = items.find(({ id }: Answer['body']) => id === bruno.contactId);
    expect(changed).toMatchObject({ labels: [] });
  });
});

describe('a long list', () => {
  test('read page by page contains each unmoved conversation once, while others move', async () => {
    const shop = await world.shop('florist');
    const people: Person[] = [];
    for (const firstName of ['Ada', 'Bea', 'Cleo', 'Dora', 'Elsa'])
      people.push(await world.join(shop, 'anna', { firstName, email: `${firstName}@mail.example` }));
    for (const person of people) await (await person.device.connect()).say(person.contactId, 'Eccomi');
    for (const query of [
      {},
      { unanswered: 'true' },
      { withoutBroadcasts: 'true' },
      { unread: 'true' },
      { query: 'rossi' },
    ] as Query[]) {
      const found: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Answer['body'] = await list(shop.owner, { ...query, limit: '1', ...(cursor && { cursor }) });
        found.push(page.items[0].counterpart.firstName);
        cursor = page.nextCursor;
        // The one that is read, and one that is still to come, move to the front.
        const mover = people[[4, 1][found.length - 1] ?? 4]!;
        if (found.length <= 2) await mover.device.say(mover.contactId, 'Ancora');
      } while (cursor);
      expect(new Set(found).size).toBe(found.length);
      for (const name of ['Ada', 'Cleo', 'Dora']) expect(found).toContain(name);
    }
  });

  test.each([
    ['message', {}, ['conversation_by_message']],
    ['change', {}, ['conversation_by_change']],
    ['turn', {}, ['conversation_by_turn']],
    ['turn', { conditions: [hasUnread], standings: [3] }, ['conversation_by_turn']],
  ] as const)('by %s is walked along its index %#', async (order, asked, indices) => {
    const shop = await world.shop('florist');
    const ids = await crowd(world, shop, 3_000);
    await world.rows(
      `UPDATE conversation SET last_message_at = now() - n * interval '1 second', turn_seq = 1, turn_sender = 'interlocutor',
         turn_at = now() - n * interval '1 second', standing = 1 + n % 3
       FROM unnest($2::uuid[]) WITH ORDINALITY AS each (id, n)
       WHERE conversation.subscriber_id = $1 AND conversation.id = each.id`,
      [shop.id, ids],
    );
    await world.rows('ANALYZE conversation');
    const { conditions = [], standings = [1, 2, 3] } = asked as { conditions?: string[]; standings?: Standing[] };
    const place = isBehind(order, [`(now() - interval '5 minutes')`, `'${ids[300]}'`]);
    const text = walk(order, { conditions: [place, ...conditions], standings, limit: 51 })
      .replaceAll('$1', `'subscriber'::party`)
      .replaceAll('$2', `'interlocutor'::party`)
      .replaceAll('$3', `'${shop.id}'::uuid`);
    const rows = await world.rows<Record<string, string>>(`EXPLAIN ${text}`);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    for (const index of indices) expect(plan).toContain(`using ${index} on conversation`);
    expect(plan).not.toMatch(/Seq Scan on conversation|Bitmap Heap Scan on conversation/);
  });
});
