import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { limits } from '../src/contract/limits.js';
import { fold } from '../src/platform/folding.js';
import { expectStatus, type Shop, unique, World } from './support/world.js';

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
  test('is sorted by surname and company name, like a telephone book', async () => {
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
    ['query=%25', []],
    [
      'query=+',
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

  test('returns the same for a search sent in the body', async () => {
    const { body } = await bakery.owner.ask('POST', '/api/contacts/search', { query: 'rossi', province: 'RA' });
    expect(body.items.map(({ displayName }: { displayName: string }) => displayName)).toEqual(['Anna Maria Rossi']);
  });

  test('finds names written without blanks by each of their parts', async () => {
    const shop = await world.shop('florist');
    await world.join(shop, 'anna', { firstName: '太郎', surname: '山田' });
    for (const query of ['太郎', '山田', '山田太郎', '田中']) {
      const { body } = await shop.owner.ask('POST', '/api/contacts/search', { query });
      expect([query, body.total]).toEqual([query, query === '田中' ? 0 : 1]);
    }
  });

  test('comes in pages with each contact once, and states the total', async () => {
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
    const { nextCursor } = await list('limit=2');
    expect(Buffer.from(nextCursor, 'base64url').toString('latin1')).not.toMatch(/Angelo|Rossi/);
    for (const other of ['sort=joined', 'order=desc'])
      expectStatus(await bakery.owner.ask('GET', `/api/contacts?${other}&cursor=${nextCursor}`), 400);
  });

  test('shows a new contact at once, in the right place', async () => {
    await world.join(bakery, 'carla', { surname: 'Montanari' });
    expect((await names()).slice(1, 4)).toEqual(["Niccolò D'Angelo", 'Carla Montanari', 'Osteria del Ponte']);
    const { body } = await bakery.owner.ask('GET', '/api/contacts?query=montanari');
    expect(body.items[0]).toMatchObject({ region: 'Lombardia', province: 'MI', promotions: false });
  });

  test('returns what has changed since a time', async () => {
    const { items } = await list('query=montanari');
    expect(await names(`updatedAfter=${items[0].updatedAt}`)).toEqual(['Carla Montanari']);
    expectStatus(await bakery.owner.ask('GET', '/api/contacts?updatedAfter=ieri'), 400);
  });

  test('refuses limits beyond 200, searches beyond 200 characters and made-up cursors', async () => {
    const refused = ['limit=201', 'limit=0', `query=${'a'.repeat(201)}`, 'cursor=nonsense', 'color=red'];
    const filters = ['sort=size', 'order=up', 'label=1', 'hasLabel=maybe', `externalId=${'1'.repeat(65)}`];
    for (const query of [...refused, ...filters]) {
      expectStatus(await bakery.owner.ask('GET', `/api/contacts?${query}`), 400);
    }
    expectStatus(await bakery.owner.ask('GET', `/api/contacts?limit=200&query=${'a'.repeat(200)}`), 200);
  });

  test('is sorted by the time of joining and of the last change, both ways', async () => {
    const joined = await names('sort=joined');
    expect(joined.slice(0, 2)).toEqual(["Niccolò D'Angelo", 'Nicola Ángeles']);
    expect(await names('sort=joined&order=desc')).toEqual([...joined].reverse());
    expect(await names('order=desc')).toEqual([...(await names())].reverse());
    const { items } = await list('query=ponte');
    await bakery.owner.ask('PATCH', `/api/contacts/${items[0].id}`, { note: unique() });
    expect((await names('sort=updated&order=desc'))[0]).toBe('Osteria del Ponte');
  });
});

const ask = async (status: number, method: string, path: string, body?: unknown) => {
  const answer = await bakery.owner.ask(method, path, body);
  expectStatus(answer, status);
  return answer.body;
};
const label = async (name: string, color?: string): Promise<string> =>
  (await ask(201, 'POST', '/api/labels', { name, color })).id;
const contact = async (query: string) => {
  const { items } = await list(`query=${query}`);
  expect(items).toHaveLength(1);
  return items[0];
};

describe('labels', () => {
  test('can be created, renamed, coloured and listed by name with the number of their contacts', async () => {
    const [b, a] = [await label('  Zuccheri  vari '), await label('Allergici', 'red')];
    const { id } = await contact('ponte');
    await ask(200, 'PATCH', `/api/contacts/${id}`, { labels: [b] });
    expect(await ask(200, 'PATCH', `/api/labels/${b}`, { name: 'Zuccheri', color: 'blue' })).toEqual({
      id: b,
      name: 'Zuccheri',
      color: 'blue',
    });
    expect((await ask(200, 'GET', '/api/labels')).items).toEqual([
      { id: a, name: 'Allergici', color: 'red', contacts: 0 },
      { id: b, name: 'Zuccheri', color: 'blue', contacts: 1 },
    ]);
    expect(await ask(200, 'PATCH', `/api/labels/${a}`, { color: null })).toMatchObject({
      name: 'Allergici',
      color: null,
    });
    for (const each of [a, b]) await ask(204, 'DELETE', `/api/labels/${each}`);
    await ask(404, 'DELETE', `/api/labels/${a}`);
    await ask(404, 'PATCH', `/api/labels/${a}`, { name: 'Di nuovo' });
    expect(await ask(200, 'GET', '/api/labels')).toEqual({ items: [], nextCursor: null });
  });

  test('have a unique name of 1 to 40 characters, ignoring case and accents', async () => {
    const id = await label('Caffè');
    for (const name of ['CAFFE', ' caffé '])
      expect((await ask(409, 'POST', '/api/labels', { name })).code).toBe('label_taken');
    const other = await label('𝒶'.repeat(limits.labelNameLength));
    expect((await ask(409, 'PATCH', `/api/labels/${other}`, { name: 'caffe' })).code).toBe('label_taken');
    await ask(200, 'PATCH', `/api/labels/${id}`, { name: 'CAFFÈ' });
    for (const name of ['', '  ', 'a'.repeat(41), 7, null, undefined, 'a\u0000b'])
      await ask(400, 'POST', '/api/labels', { name });
    await ask(400, 'POST', '/api/labels', { name: 'Tè', color: 'vermilion' });
    await ask(400, 'PATCH', `/api/labels/${id}`, { name: null });
    const florist = await world.shop('florist');
    expectStatus(await florist.owner.ask('POST', '/api/labels', { name: 'Caffè' }), 201);
    for (const each of [id, other]) await ask(204, 'DELETE', `/api/labels/${each}`);
  });

  test('are limited to 200, even if created at the same time', async () => {
    const florist = await world.shop('florist');
    for (let made = 0; made < limits.labelsPerSubscriber - 5; made++)
      expectStatus(await florist.owner.ask('POST', '/api/labels', { name: `Numero ${made}` }), 201);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => florist.owner.ask('POST', '/api/labels', { name: `Insieme ${i}` })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(5).fill(201), ...Array(5).fill(422)]);
    const { body } = await florist.owner.ask('GET', '/api/labels');
    expect(body.items).toHaveLength(limits.labelsPerSubscriber);
    // Another one with the same code is that of a contact.
    for (const { status, body: refused } of answers)
      if (status === 422) expect(refused).toMatchObject({ code: 'too_many_labels', limit: limits.labelsPerSubscriber });
    const made = answers.flatMap(({ status }, i) => (status === 201 ? `Insieme ${i}` : []));
    expect(body.items.slice(0, 5).map(({ name }: { name: string }) => name)).toEqual(made);
  });

  test('can be added to many contacts at once and removed, and contacts are found by all of them', async () => {
    const [regular, wholesale] = [await label('Abituali'), await label('Ingrosso')];
    const [anna, maria, osteria] = [await contact('rossi anna maria'), await contact('zieli'), await contact('ponte')];
    const everybody = { contactIds: [anna.id, maria.id, osteria.id] };
    const give = { add: [regular], ...everybody };
    expect(await ask(200, 'POST', '/api/contacts/labels', give)).toEqual({ changed: 3 });
    expect(await ask(200, 'POST', '/api/contacts/labels', give)).toEqual({ changed: 0 });
    await ask(200, 'PATCH', `/api/contacts/${osteria.id}`, { labels: [wholesale, regular] });
    expect(await names(`label=${regular}`)).toEqual(['Osteria del Ponte', 'Anna Maria Rossi', 'Łukasz Zieliński']);
    expect(await names(`label=${regular}&label=${wholesale}`)).toEqual(['Osteria del Ponte']);
    expect(await names(`label=${regular}&region=veneto`)).toEqual(['Łukasz Zieliński']);
    expect(await names(`label=${regular}&query=anna&province=ra`)).toEqual(['Anna Maria Rossi']);
    expect(await names(`hasLabel=none&label=${regular}`)).toEqual([]);
    expect(await names('hasLabel=any&sort=name&order=desc')).toHaveLength(3);
    expect(await names('hasLabel=none')).not.toContain('Osteria del Ponte');
    const facets = await ask(200, 'GET', '/api/contacts/facets');
    expect(facets.label).toEqual([
      { value: regular, contacts: 3 },
      { value: wholesale, contacts: 1 },
    ]);
    expect(facets.total - facets.unlabelled).toBe(3);
    expect(facets.region).toContainEqual({ value: 'Emilia-Romagna', contacts: 3 });
    expect(facets.sector).toEqual([{ value: 'Ristorazione', contacts: 1 }]);

    const taken = await ask(200, 'POST', '/api/contacts/labels', { remove: [regular], add: [wholesale], ...everybody });
    expect(taken).toEqual({ changed: 3 });
    expect(await names(`label=${regular}`)).toEqual([]);
    expect((await contact('zieli')).labels).toEqual([wholesale]);
    expect((await contact('zieli')).updatedAt > maria.updatedAt).toBe(true);
    await ask(204, 'DELETE', `/api/labels/${wholesale}`);
    expect((await contact('ponte')).labels).toEqual([]);
    expect(await names('hasLabel=any')).toEqual([]);
    expect((await ask(200, 'GET', '/api/contacts/facets')).label).toEqual([]);
    await ask(204, 'DELETE', `/api/labels/${regular}`);
  });

  test('are limited to 20 on a contact; a request beyond that changes nothing', async () => {
    const ids: string[] = [];
    for (let made = 0; made <= limits.labelsPerContact; made++) ids.push(await label(`Prova ${made}`));
    const [anna, osteria] = [await contact('zieli'), await contact('ponte')];
    const path = `/api/contacts/${anna.id}`;
    await ask(400, 'PATCH', path, { labels: ids });
    await ask(400, 'PATCH', path, { labels: [ids[0], ids[0]] });
    for (const labels of [null, 'x', ['x'], {}]) await ask(400, 'PATCH', path, { labels });
    const twenty = ids.slice(1);
    expect((await ask(200, 'PATCH', path, { labels: twenty })).labels).toEqual(twenty);
    const more = { add: ids.slice(0, 1), contactIds: [osteria.id, anna.id] };
    expect((await ask(422, 'POST', '/api/contacts/labels', more)).code).toBe('too_many_labels');
    expect((await contact('ponte')).labels).toEqual([]);
    const unknown = { add: [anna.id], contactIds: [osteria.id] };
    expect((await ask(400, 'POST', '/api/contacts/labels', unknown)).errors[0].code).toBe('unknown_label');
    await ask(400, 'POST', '/api/contacts/labels', { add: ids.slice(0, 1) });
    const many = Array.from({ length: limits.contactsLabelled + 1 }, () => anna.id);
    await ask(400, 'POST', '/api/contacts/labels', { contactIds: many });
    expect(await ask(200, 'POST', '/api/contacts/labels', { remove: twenty, contactIds: many.slice(1) })).toEqual({
      changed: 1,
    });
    for (const each of ids) await ask(204, 'DELETE', `/api/labels/${each}`);
  });

  test('removed while the list is being read leave out nobody on the next page', async () => {
    const id = await label('Da richiamare');
    const all = (await list()).items.map((each: { id: string }) => each.id);
    await ask(200, 'POST', '/api/contacts/labels', { add: [id], contactIds: all });
    for (const sort of ['name', 'joined']) {
      const first = await list(`label=${id}&limit=3&sort=${sort}`);
      const remaining = (await names(`label=${id}&sort=${sort}`)).slice(3);
      const done = first.items.map((each: { id: string }) => each.id);
      await ask(200, 'POST', '/api/contacts/labels', { remove: [id], contactIds: done });
      expect(await names(`label=${id}&sort=${sort}&cursor=${first.nextCursor}`)).toEqual(remaining);
      await ask(200, 'POST', '/api/contacts/labels', { add: [id], contactIds: done });
    }
    await ask(204, 'DELETE', `/api/labels/${id}`);
  });
});

describe('note and external id', () => {
  test('can be written, kept, replaced and deleted', async () => {
    const { id, updatedAt } = await contact('ponte');
    const path = `/api/contacts/${id}`;
    const note = 'Paga a fine mese.\n\tNiente sale 🧂';
    const written = await ask(200, 'PATCH', path, { note: ` ${note}\r\n`, externalId: ' C-1042 ' });
    expect(written).toMatchObject({ note, externalId: 'C-1042', labels: [] });
    expect(written.updatedAt > updatedAt).toBe(true);
    expect(await ask(200, 'GET', path)).toEqual(written);
    expect(await ask(200, 'PATCH', path, {})).toEqual(written);
    expect(await ask(200, 'PATCH', path, { note, externalId: 'C-1042' })).toEqual(written);
    expect(await ask(200, 'PATCH', path, { note: '' })).toMatchObject({ note: null, externalId: 'C-1042' });
    const emptied = await ask(200, 'PATCH', path, { externalId: null });
    expect(emptied).toMatchObject({ note: null, externalId: null });
    expect(await names('externalId=C-1042')).toEqual([]);
  });

  test('are limited in length', async () => {
    const path = `/api/contacts/${(await contact('ponte')).id}`;
    const longest = { note: '𝒶'.repeat(limits.noteLength), externalId: '𝒶'.repeat(limits.externalIdLength) };
    expect(await ask(200, 'PATCH', path, longest)).toMatchObject(longest);
    await ask(400, 'PATCH', path, { note: 'a'.repeat(limits.noteLength + 1) });
    await ask(400, 'PATCH', path, { externalId: 'a'.repeat(limits.externalIdLength + 1) });
    for (const value of [7, {}, ['a'], '\ud800']) {
      await ask(400, 'PATCH', path, { note: value });
      await ask(400, 'PATCH', path, { externalId: value });
    }
    await ask(400, 'PATCH', path, { surname: 'Altri' });
    expect(await ask(200, 'PATCH', path, { note: null, externalId: null })).toMatchObject({ note: null });
  });

  test('an external id belongs to one contact, and finds it exactly, with the other filters', async () => {
    const [osteria, zielinski] = [await contact('ponte'), await contact('zieli')];
    await ask(200, 'PATCH', `/api/contacts/${osteria.id}`, { externalId: 'K/7' });
    const refused = await ask(409, 'PATCH', `/api/contacts/${zielinski.id}`, { externalId: 'K/7', note: 'Nuovo' });
    expect(refused.code).toBe('external_id_taken');
    expect((await contact('zieli')).note).toBeNull();
    await ask(200, 'PATCH', `/api/contacts/${zielinski.id}`, { externalId: 'k/7' });
    expect(await names('externalId=K/7')).toEqual(['Osteria del Ponte']);
    expect(await names('externalId=k/7')).toEqual(['Łukasz Zieliński']);
    expect(await names('externalId=K/7&query=rossi')).toEqual([]);
    expect(await names('externalId=K')).toEqual([]);
    const florist = await world.shop('florist');
    const carla = await world.join(florist, 'carla');
    const same = await florist.owner.ask('PATCH', `/api/contacts/${carla.contactId}`, { externalId: 'K/7' });
    expect(same.body.externalId).toBe('K/7');
  });

  test('given to two contacts at the same moment is stored for one', async () => {
    const [osteria, zielinski] = [await contact('ponte'), await contact('zieli')];
    const answers = await Promise.all(
      [osteria, zielinski].map(({ id }) => bakery.owner.ask('PATCH', `/api/contacts/${id}`, { externalId: 'insieme' })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(await names('externalId=insieme')).toHaveLength(1);
  });
});

test('contacts who agree to promotions are found and counted, and so are those who no longer do', async () => {
  const shop = await world.shop('florist');
  const [anna, bruno] = [
    await world.join(shop, 'anna', { promotions: true }),
    await world.join(shop, 'bruno', { promotions: false }),
  ];
  const found = async (query: string) =>
    (await shop.owner.ask('GET', `/api/contacts?${query}`)).body.items.map(({ id }: { id: string }) => id);
  expect(await found('promotions=true')).toEqual([anna.contactId]);
  expect(await found('promotions=false')).toEqual([bruno.contactId]);
  expectStatus(await shop.owner.ask('GET', '/api/contacts?promotions=maybe'), 400);
  expect((await shop.owner.ask('GET', '/api/contacts/facets')).body).toMatchObject({ total: 2, promotions: 1 });

  const consents = async (id: string) => (await shop.owner.ask('GET', `/api/contacts/${id}/consents`)).body.items;
  const given = await consents(anna.contactId);
  expect(given.map(({ purpose }: { purpose: string }) => purpose).sort()).toEqual(['privacy', 'promotions']);
  for (const { words, given: isGiven, how } of given)
    expect({ words: words.length > 10, isGiven, how }).toEqual({ words: true, isGiven: true, how: 'joining' });
  const promotions = given.find(({ purpose }: { purpose: string }) => purpose === 'promotions');
  const withdrawal = { purpose: 'promotions', policyId: promotions.policyId, given: false, contactId: anna.contactId };
  expectStatus(await anna.device.ask('POST', '/api/consents', withdrawal), 204);
  expect(await found('promotions=true')).toEqual([]);
  expect((await shop.owner.ask('GET', '/api/contacts/facets')).body.promotions).toBe(0);
  expect((await consents(anna.contactId))[0]).toMatchObject({ purpose: 'promotions', given: false, how: 'settings' });
  expect(await consents(bruno.contactId)).toHaveLength(1);
});

test('all results of a search come as ids in its order, with their initial letters', async () => {
  const index = (body: unknown) => ask(200, 'POST', '/api/contacts/index', body);
  const { items } = await list('limit=200');
  const everybody = await index({});
  expect(everybody.ids).toEqual(items.map(({ id }: { id: string }) => id));
  const letters = (everybody.letters as { letter: string; from: number }[]).map(({ letter, from }) => {
    const { surname, displayName } = items[from];
    return [letter, fold(surname ?? displayName)[0]!.toUpperCase()];
  });
  expect(letters.length).toBeGreaterThan(1);
  for (const [letter, first] of letters) expect(letter).toBe(first);
  const filter = { query: 'rossi', order: 'desc' };
  const found = await list('query=rossi&order=desc&limit=200');
  expect((await index(filter)).ids).toEqual(found.items.map(({ id }: { id: string }) => id));
  expect((await index({ sort: 'joined' })).letters).toEqual([]);
  expect(await index({ query: 'nessuno di questi' })).toEqual({ ids: [], letters: [] });
  await ask(400, 'POST', '/api/contacts/index', { cursor: 'x' });
});

test('the address book is the same after a restart', async () => {
  const id = await label('Ultimi');
  await ask(200, 'PATCH', `/api/contacts/${(await contact('ponte')).id}`, { labels: [id], note: 'Resta' });
  const before = (await list()).items;
  const { body: session } = await world.ask('POST', '/api/sessions', {
    body: { username: bakery.username, password: bakery.registration['password'] },
  });
  world = await world.restart();
  const { body } = await world.ask('GET', '/api/contacts', { token: session.token });
  expect(body.items).toEqual(before);
});
