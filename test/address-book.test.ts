import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { expectStatus, type Shop, World } from './world.js';

let world: World;
let bakery: Shop;

const people = [
  ['Niccolò', "D'Angelo", 'Emilia-Romagna', 'RA'],
  ['Nicola', 'Ángeles', 'Lombardia', 'MI'],
  ['Anna', 'Rossi', 'Emilia-Romagna', 'FC'],
  ['Anna Maria', 'Rossi', 'Emilia-Romagna', 'RA'],
  ['Łukasz', 'Zieliński', 'Veneto', 'VE'],
  ['Oksana', 'Шевченко', undefined, undefined],
] as const;

beforeAll(async () => {
  world = await World.open();
  bakery = await world.shop('bakery');
  for (const [firstName, surname, region, province] of people) {
    await world.join(bakery, 'anna', {
      firstName,
      surname,
      region,
      province,
      email: `${province ?? 'x'}.${people.length}@mail.example`,
    });
  }
  await world.join(bakery, 'osteria', { promotions: true });
});
afterAll(() => world.close());

const list = async (query = '') => {
  const answer = await bakery.owner.ask('GET', `/api/contacts?${query}`);
  expectStatus(answer, 200);
  return answer.body;
};
const names = async (query = '') =>
  (await list(query)).items.map(({ displayName }: { displayName: string }) => displayName);

describe('the address book', () => {
  test('is sorted by surname and company name as a telephone book is', async () => {
    expect(await names()).toEqual([
      'Nicola Ángeles',
      "Niccolò D'Angelo",
      'Osteria del Ponte',
      'Anna Rossi',
      'Anna Maria Rossi',
      'Łukasz Zieliński',
      'Oksana Шевченко',
    ]);
  });

  test.each([
    ['query=ros', ['Anna Rossi', 'Anna Maria Rossi']],
    ['query=rossi+maria', ['Anna Maria Rossi']],
    ['query=NICCOLO', ["Niccolò D'Angelo"]],
    ['query=ponte', ['Osteria del Ponte']],
    ['query=angel', ['Nicola Ángeles', "Niccolò D'Angelo"]],
    [`query=${encodeURIComponent('шев')}`, ['Oksana Шевченко']],
    ['query=osteria@mail', ['Osteria del Ponte']],
    ['query=ossi', []],
    ['region=emilia-romagna', ["Niccolò D'Angelo", 'Anna Rossi', 'Anna Maria Rossi']],
    ['region=Emilia-Romagna&province=RA&query=anna', ['Anna Maria Rossi']],
    ['sector=ristorazione', ['Osteria del Ponte']],
    [
      'query=%25',
      [
        'Nicola Ángeles',
        "Niccolò D'Angelo",
        'Osteria del Ponte',
        'Anna Rossi',
        'Anna Maria Rossi',
        'Łukasz Zieliński',
        'Oksana Шевченко',
      ],
    ],
  ])('finds with %s', async (query, found) => {
    expect(await names(query)).toEqual(found);
  });

  test('finds the same when the search is sent in the body', async () => {
    const { body } = await bakery.owner.ask('POST', '/api/contacts/search', { query: 'rossi', province: 'RA' });
    expect(body.items.map(({ displayName }: { displayName: string }) => displayName)).toEqual(['Anna Maria Rossi']);
  });

  test('comes in pages that hold each contact once, and says how many there are', async () => {
    const all = await names();
    const paged: string[] = [];
    let cursor = '';
    do {
      const page = await list(`limit=2${cursor}`);
      expect(page.total).toBe(7);
      paged.push(...page.items.map(({ displayName }: { displayName: string }) => displayName));
      cursor = page.nextCursor ? `&cursor=${page.nextCursor}` : '';
    } while (cursor);
    expect(paged).toEqual(all);
    expect(Buffer.from((await list('limit=2')).nextCursor, 'base64url').toString()).not.toMatch(/Angelo|Rossi/);
  });

  test('shows who joins at once, in the right place', async () => {
    await world.join(bakery, 'carla', { surname: 'Montanari' });
    expect((await names()).slice(1, 4)).toEqual(["Niccolò D'Angelo", 'Carla Montanari', 'Osteria del Ponte']);
    const { body } = await bakery.owner.ask('GET', '/api/contacts?query=montanari');
    expect(body.items[0]).toMatchObject({ region: 'Lombardia', province: 'MI', promotions: false });
  });

  test('tells what has changed since a time', async () => {
    const { items } = await list('query=montanari');
    expect(await names(`updatedAfter=${items[0].updatedAt}`)).toEqual(['Carla Montanari']);
    expectStatus(await bakery.owner.ask('GET', '/api/contacts?updatedAfter=ieri'), 400);
  });

  test('refuses limits beyond 200, searches beyond 200 characters and cursors of its own making', async () => {
    for (const query of ['limit=201', 'limit=0', `query=${'a'.repeat(201)}`, 'cursor=nonsense', 'color=red']) {
      expectStatus(await bakery.owner.ask('GET', `/api/contacts?${query}`), 400);
    }
    expectStatus(await bakery.owner.ask('GET', `/api/contacts?limit=200&query=${'a'.repeat(200)}`), 200);
  });

  test('is the same after a restart, which opens it anew', async () => {
    const before = (await list()).items;
    const { body: session } = await world.ask('POST', '/api/sessions', {
      body: { username: bakery.username, password: bakery.registration['password'] },
    });
    world = await world.restart();
    const { body } = await world.ask('GET', '/api/contacts', { token: session.token });
    expect(body.items).toEqual(before);
  });
});
