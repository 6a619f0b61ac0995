import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Vault } from '../src/platform/vault/vault.js';
import { expectStatus, type Person, type Shop, unique, World } from './support/world.js';

/** Promise 3: a send is acknowledged after commit, stored once, and numbered without gaps. */

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

const path = () => `/api/conversations/${anna.contactId}/messages`;
const stored = () =>
  world.rows<{ seq: number; client_id: string }>(
    'SELECT seq, client_id FROM message WHERE conversation_id = $1 ORDER BY seq',
    [anna.contactId],
  );

describe('the same clientId', () => {
  test('is stored once, over HTTP and over the socket, with the same answer', async () => {
    const message = { clientId: unique(), body: 'Due pizze' };
    const first = await anna.device.ask('POST', path(), message);
    const second = await anna.device.ask('POST', path(), message);
    const third = await anna.device.emit('message.send', { conversationId: anna.contactId, ...message });
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body).toEqual(first.body);
    expect(third.data).toEqual(first.body);
    expect((await stored()).filter(({ client_id: id }) => id === message.clientId)).toHaveLength(1);
  });

  test('with other content is refused, and the first content stays', async () => {
    const clientId = unique();
    await anna.device.say(anna.contactId, 'Una torta', clientId);
    const refused = await anna.device.ask('POST', path(), { clientId, body: 'Due torte' });
    expectStatus(refused, 409);
    expect(refused.body.code).toBe('client_id_reused');
    const { body } = await anna.device.ask('GET', `${path()}?limit=1`);
    expect(body.items[0]).toMatchObject({ clientId, body: 'Una torta' });
  });

  test('of the other party is another message', async () => {
    const clientId = unique();
    const first = await anna.device.say(anna.contactId, 'Ciao', clientId);
    expect(await bakery.owner.say(anna.contactId, 'Ciao', clientId)).toBe(first + 1);
  });

  test('sent many times at once is stored once, and causes one event', async () => {
    const message = { conversationId: anna.contactId, clientId: unique(), body: 'Una volta sola' };
    const answers = await Promise.all(Array.from({ length: 20 }, () => anna.device.emit('message.send', message)));
    expect(new Set(answers.map(({ data }) => data.seq)).size).toBe(1);
    expect((await stored()).filter(({ client_id: id }) => id === message.clientId)).toHaveLength(1);
    await bakery.owner.hears('message.sent', ({ clientId }) => clientId === message.clientId);
    const told = bakery.owner.heard.filter(
      ({ event, payload }) =>
        event === 'message.sent' && (payload as { clientId: string }).clientId === message.clientId,
    );
    expect(told).toHaveLength(1);
  });
});

test('seq has no gaps when both parties send at once, and every acknowledged message is stored', async () => {
  const sends = Array.from({ length: 60 }, (_, i) => {
    const sender = i % 2 ? anna.device : bakery.owner;
    return sender.say(anna.contactId, `Messaggio ${i}`);
  });
  const acknowledged = await Promise.all(sends);
  const rows = await stored();
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, index) => index + 1));
  expect(new Set(acknowledged).size).toBe(60);
  expect(rows.length).toBeGreaterThanOrEqual(Math.max(...acknowledged));
});

describe('a body', () => {
  const send = (body: unknown, clientId: string = unique()) => anna.device.ask('POST', path(), { clientId, body });
  const emit = (body: unknown) =>
    anna.device.emit('message.send', { conversationId: anna.contactId, clientId: unique(), body });

  test.each([
    ['one character', 'a'],
    ['10,000 characters', 'a'.repeat(10_000)],
    ['10,000 characters of four bytes', '😀'.repeat(10_000)],
    ['blanks around and lines within', '  prima\n\n\tseconda\r\n '],
    ['other scripts and joined emoji', 'مرحبا 你好 👩‍👩‍👧 é'],
  ])('of %s arrives as it was sent', async (_, body) => {
    expectStatus(await send(body), 201);
    const { body: list } = await bakery.owner.ask('GET', `${path()}?limit=1`);
    expect(list.items[0].body).toBe(body);
  });

  test.each([
    ['empty', ''],
    ['of blanks only', ' \n\t '],
    ['of 10,001 characters', 'a'.repeat(10_001)],
    ['with a lone surrogate', 'ciao \ud83d'],
    ['with NUL', 'ciao \0'],
    ['that is no text', { text: 'ciao' }],
    ['that is missing', undefined],
  ])('%s is refused alike over HTTP and the socket, and nothing is stored', async (_, body) => {
    const before = (await stored()).length;
    const refused = await send(body);
    expectStatus(refused, 400);
    expect(refused.body.errors).toEqual([
      expect.objectContaining({ field: 'body', message: expect.stringMatching(/\.$/) }),
    ]);
    const { error } = await emit(body);
    for (const problem of [error, refused.body]) delete problem.requestId;
    expect(error).toEqual(refused.body);
    expect((await stored()).length).toBe(before);
  });

  test('has its first 120 characters as a preview, on one line', async () => {
    const previewOf = async (body: string) => {
      await anna.device.say(anna.contactId, body);
      return (await bakery.owner.ask('GET', `/api/conversations/${anna.contactId}`)).body.preview;
    };
    expect(await previewOf('🥖'.repeat(120))).toBe('🥖'.repeat(120));
    expect(await previewOf('🥖'.repeat(121))).toBe(`${'🥖'.repeat(119)}…`);
    expect(await previewOf('  due \n\n righe ')).toBe('due righe');
  });

  test('in an event above 64 KB closes the connection and stores nothing', async () => {
    const before = (await stored()).length;
    const device = await (await world.signIn(anna.username)).connect();
    await expect(
      device.emit('message.send', { conversationId: anna.contactId, clientId: unique(), body: 'a'.repeat(66_000) }),
    ).rejects.toThrow();
    expect(device.connected).toBe(false);
    expect((await stored()).length).toBe(before);
  });

  test('with a field that does not exist, a clientId of 65 characters or an attachment is refused', async () => {
    const refusals = [
      await anna.device.ask('POST', path(), { clientId: unique(), body: 'x', color: 'red' }),
      await send('x', 'c'.repeat(65)),
      await send('x', 'con spazio'),
      await anna.device.ask('POST', path(), { clientId: unique(), body: 'x', attachmentIds: ['a'] }),
    ];
    expect(refusals.map(({ status, body }) => [status, body.errors[0].field])).toEqual([
      [400, 'color'],
      [400, 'clientId'],
      [400, 'clientId'],
      [400, 'attachmentIds'],
    ]);
    expectStatus(await send('x', 'c'.repeat(64)), 201);
  });
});

describe('pages', () => {
  test('go backwards from the latest and forwards from the first, with each message once', async () => {
    const bruno = await world.join(bakery, 'bruno');
    await bruno.device.connect();
    for (let i = 1; i <= 7; i++) await bruno.device.say(bruno.contactId, `n. ${i}`);
    const walk = async (query: string) => {
      const pages: number[][] = [];
      let cursor = '';
      do {
        const { body } = await bruno.device.ask(
          'GET',
          `/api/conversations/${bruno.contactId}/messages?limit=3${query}${cursor}`,
        );
        pages.push(body.items.map(({ seq }: { seq: number }) => seq));
        cursor = body.nextCursor ? `&cursor=${body.nextCursor}` : '';
      } while (cursor);
      return pages;
    };
    expect(await walk('')).toEqual([[5, 6, 7], [2, 3, 4], [1]]);
    expect(await walk('&before=4')).toEqual([[1, 2, 3]]);
    expect(await walk('&after=2')).toEqual([
      [3, 4, 5],
      [6, 7],
    ]);
    expect(await walk('&changedAfter=0')).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
    const refused = await bruno.device.ask(
      'GET',
      `/api/conversations/${bruno.contactId}/messages?changedAfter=1&after=1`,
    );
    expectStatus(refused, 400);
    expectStatus(await bruno.device.ask('GET', `/api/conversations/${bruno.contactId}/messages?cursor=abc`), 400);
    expectStatus(await bruno.device.ask('GET', `/api/conversations/${bruno.contactId}/messages?limit=201`), 400);
  });

  test('of conversations list all of them, latest change first', async () => {
    const florist = await world.shop('florist');
    const joined: Person[] = [];
    for (let i = 0; i < 5; i++) joined.push(await world.join(florist, 'carla'));
    const write = async (person: Person) =>
      expectStatus(
        await person.device.ask('POST', `/api/conversations/${person.contactId}/messages`, {
          clientId: unique(),
          body: 'Rose rosse',
        }),
        201,
      );
    const walk = async (query = '') => {
      const walked: number[] = [];
      let cursor = '';
      do {
        const { body } = await florist.owner.ask('GET', `/api/conversations?limit=2${query}${cursor}`);
        walked.push(
          ...body.items.map(({ id }: { id: string }) => joined.findIndex(({ contactId }) => contactId === id)),
        );
        cursor = body.nextCursor ? `&cursor=${body.nextCursor}` : '';
      } while (cursor);
      return walked;
    };
    await write(joined[1]!);
    expect(await walk()).toEqual([1, 4, 3, 2, 0]);

    // Messages first, then what changed in another way; neither is asked for twice.
    await world.rows(
      `UPDATE watermark SET minute = minute - interval '5 min', changed_minute = changed_minute - interval '5 min', told_minute = told_minute - interval '5 min'`,
    );
    const { body: fresh } = await florist.owner.ask('GET', '/api/conversations');
    const since = `&changedSince=${encodeURIComponent(new Date().toISOString())}`;
    expect(fresh.items).toHaveLength(5);
    expect(await walk(since)).toEqual([]);
    await florist.owner.ask('PUT', `/api/conversations/${joined[1]!.contactId}/receipt`, { seenSeq: 1 });
    expectStatus(await joined[0]!.device.ask('PATCH', '/api/me', { region: 'Liguria', firstName: 'Carlotta' }), 200);
    expectStatus(await joined[2]!.device.ask('PATCH', '/api/me', { firstName: 'Carola' }), 200);
    for (const person of [joined[4]!, joined[0]!, joined[3]!]) await write(person);
    expect(await walk(since)).toEqual([3, 0, 4, 1, 2]);

    // One that can no longer be opened is passed over, and ends no page.
    await world.service.app.get(Vault).destroyKeys({ scope: 'contact', id: joined[0]!.contactId });
    expect(await walk()).toEqual([3, 4, 1, 2]);
    expect(await walk(since)).toEqual([3, 4, 1, 2]);
  });
});

test('a session that sends too fast is told when to continue, and does not hold up others', async () => {
  const strict = await World.open({ RATE_MESSAGES: '5' });
  const shop = await strict.shop('bakery');
  const person = await strict.join(shop, 'anna');
  const send = (body: string) =>
    person.device.ask('POST', `/api/conversations/${person.contactId}/messages`, { clientId: unique(), body });
  for (let i = 0; i < 5; i++) expectStatus(await send(`${i}`), 201);
  const refused = await send('troppo');
  expectStatus(refused, 429);
  expect(refused.body.retryAfter).toBeGreaterThan(0);
  const other = await shop.owner.ask('POST', `/api/conversations/${person.contactId}/messages`, {
    clientId: unique(),
    body: 'io posso',
  });
  expectStatus(other, 201);
  expect(other.body.seq).toBe(6);
  await strict.close();
});
