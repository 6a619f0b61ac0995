import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type Answer,
  type Device,
  expectStatus,
  type Person,
  type Shop,
  unique,
  until,
  World,
} from './support/world.js';

/** Every list pages, and its cursor carries what was asked for. */

let world: World;
let shop: Shop;
let people: Person[];
let importId: string;
let broadcastId: string;

beforeAll(async () => {
  world = await World.shared();
  shop = await world.shop('bakery');
  people = [
    await world.join(shop, 'bruno', { promotions: true }),
    await world.join(shop, 'carla', { promotions: true }),
    await world.join(shop, 'bruno', { firstName: 'Beppe', promotions: true }),
    await world.join(shop, 'bruno', { firstName: 'Biagio' }),
  ];
  await world.staff(shop);
  await world.staff(shop);
  const made = async (path: string, body: unknown, status = 201) => {
    const answer = await shop.owner.ask('POST', path, body);
    expectStatus(answer, status);
    return answer.body;
  };
  for (const name of ['Amici', 'Fornitori', 'Zii']) await made('/api/labels', { name });
  for (const [index, person] of people.entries())
    for (const body of ['Uno', 'Due', 'Tre', 'Quattro'].slice(index))
      await made(`/api/conversations/${person.contactId}/messages`, { clientId: unique(), body });
  for (const { device, contactId } of people.slice(0, 3)) {
    const request = { contactId, kind: 'access' };
    expectStatus(await device.ask('POST', '/api/requests', request), 201);
    expectStatus(await device.ask('POST', '/api/requests', { ...request, kind: 'promotions_objection' }), 201);
    const promotions = { purpose: 'promotions', given: true, contactId };
    const { body } = await device.ask('GET', `/api/policies/current?audience=interlocutor&contactId=${contactId}`);
    expectStatus(await device.ask('POST', '/api/consents', { ...promotions, policyId: body.items[0].id }), 204);
  }
  for (let i = 0; i < 3; i++) await made('/api/quick-replies', { title: 'Orari', text: `Dalle ${i}` });
  const { device } = people[0]!;
  for (let count = 0; count < 3; count++) {
    const asked = await device.ask('POST', '/api/deletion-requests', { contactId: people[0]!.contactId });
    expectStatus(await device.ask('DELETE', `/api/deletion-requests/${asked.body.items[0].id}`), 204);
  }
  for (let i = 0; i < 3; i++) {
    const { id } = (await device.ask('POST', '/api/exports', {})).body;
    await until(async () => (await device.ask('GET', `/api/exports/${id}`)).body.state === 'ready', 'it is ready');
  }
  for (const gone of [await world.join(shop, 'anna'), await world.join(shop, 'anna')])
    expectStatus(await shop.owner.ask('DELETE', `/api/contacts/${gone.contactId}`), 202);
  await made('/api/erasure-proposals', { contactIds: people.map(({ contactId }) => contactId) }, 200);
  for (let i = 0; i < 2; i++) importId = (await importFile('Email\nuna@posta.example\ndue@posta.example\nrotta\n')).id;
  const audience = { all: true };
  for (const body of ['Pane fresco', 'Pane caldo']) {
    const promotion = { kind: 'promotional', clientId: unique(), body, audience };
    broadcastId = (await made('/api/broadcasts', promotion, 202)).id;
  }
  await until(async () => {
    const { body } = await shop.owner.ask('GET', `/api/broadcasts/${broadcastId}`);
    return body.state === 'finished';
  }, 'the broadcast ends');
  await until(async () => {
    const { body } = await shop.owner.ask('POST', '/api/archive/searches', { from: 'subscriber', limit: 200 });
    return body.items.length >= 12;
  }, 'the archive has all of them');
});
afterAll(() => world.close());

async function importFile(text: string): Promise<{ id: string }> {
  const form = new FormData();
  form.set('file', new Blob([text]), 'elenco.csv');
  const { body } = await world.ask('POST', '/api/imports', { token: shop.owner.token, body: form });
  await until(async () => {
    const answer = await shop.owner.ask('GET', `/api/imports/${body.id}`);
    return answer.body.state === 'finished';
  }, 'the import ends');
  return body;
}

interface List {
  path: () => string;
  who?: () => Device;
  /** A filter that leaves some of the items out, and another one. */
  filter?: readonly [name: string, value: () => string | number, other: string | number];
  post?: true;
}

const messages = { path: () => `/api/conversations/${people[0]!.contactId}/messages` };
const lists: Record<string, List> = {
  'GET /api/actions': { path: () => '/api/actions', filter: ['kind', () => 'label.made', 'label.removed'] },
  'GET /api/authors': { path: () => '/api/authors' },
  'GET /api/broadcasts': { path: () => '/api/broadcasts', filter: ['stage', () => 'over', 'under_way'] },
  'GET /api/broadcasts/{id}/recipients': {
    path: () => `/api/broadcasts/${broadcastId}/recipients`,
    filter: ['outcome', () => 'sent', 'skipped'],
  },
  'GET /api/archive': { path: () => '/api/archive', filter: ['from', () => 'subscriber', 'interlocutor'] },
  'POST /api/archive/searches': {
    path: () => '/api/archive/searches',
    filter: ['q', () => 'quattro', 'tre'],
    post: true,
  },
  'GET /api/consents': { path: () => '/api/consents', who: () => people[0]!.device },
  'GET /api/contacts': { path: () => '/api/contacts', filter: ['province', () => 'RA', 'MI'] },
  'POST /api/contacts/search': {
    path: () => '/api/contacts/search',
    filter: ['query', () => 'b', 'c'],
    post: true,
  },
  'GET /api/contacts/{id}/consents': { path: () => `/api/contacts/${people[0]!.contactId}/consents` },
  'GET /api/conversations': {
    path: () => '/api/conversations',
    filter: ['changedSince', () => '2020-01-01T01:00:00+01:00', '2020-01-02T00:00:00Z'],
  },
  'GET /api/conversations/{id}/messages': { ...messages, filter: ['after', () => 1, 2] },
  'GET /api/exports': { path: () => '/api/exports', who: () => people[0]!.device },
  'GET /api/deletion-requests': {
    path: () => '/api/deletion-requests',
    who: () => people[0]!.device,
    filter: ['state', () => 'taken_back', 'open'],
  },
  'GET /api/requests': { path: () => '/api/requests', filter: ['state', () => 'open', 'fulfilled'] },
  'GET /api/erasures': { path: () => '/api/erasures' },
  'GET /api/erasure-proposals': { path: () => '/api/erasure-proposals' },
  'GET /api/imports': { path: () => '/api/imports' },
  'GET /api/imports/{id}/report': {
    path: () => `/api/imports/${importId}/report`,
    filter: ['outcome', () => 'already_invited', 'invalid'],
  },
  'GET /api/invitations': { path: () => '/api/invitations', filter: ['kind', () => 'open', 'personal'] },
  'GET /api/labels': { path: () => '/api/labels' },
  'GET /api/quick-replies': { path: () => '/api/quick-replies' },
  'GET /api/me/activity': {
    path: () => '/api/me/activity',
    who: () => people[0]!.device,
    filter: ['until', () => '2090-01-01T00:00:00Z', '2090-01-02T00:00:00Z'],
  },
  'GET /api/members': { path: () => '/api/members' },
};

const fetchList = ({ path, who, post }: List, parameters: Record<string, string | number>): Promise<Answer> => {
  const device = who?.() ?? shop.owner;
  if (post) return device.ask('POST', path(), parameters);
  return device.ask(
    'GET',
    `${path()}?${new URLSearchParams(Object.entries(parameters).map(([k, v]) => [k, String(v)]))}`,
  );
};

test('the table has every list with a cursor', async () => {
  const { paths } = JSON.parse(await readFile('openapi.json', 'utf8')) as {
    paths: Record<string, Record<string, { parameters?: { name: string }[] }>>;
  };
  const known = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, { parameters = [] }]) => parameters.some(({ name }) => name === 'cursor'))
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
  // The list of devices has tests of its own.
  const expected = known.filter((each) => each !== 'GET /api/sessions');
  expect(Object.keys(lists).sort()).toEqual(
    [...expected, 'POST /api/archive/searches', 'POST /api/contacts/search'].sort(),
  );
});

describe.each(Object.entries(lists))('%s', (_, list) => {
  const [name, value, other] = list.filter ?? [];
  const filter = () => (name ? { [name]: value!() } : {});

  test('comes in pages with each item once, by the cursor alone', async () => {
    const all = await fetchList(list, { ...filter(), limit: 200 });
    expectStatus(all, 200);
    expect(all.body.nextCursor).toBeNull();
    expect(all.body.items.length).toBeGreaterThan(1);
    const paged: unknown[] = [];
    let cursor: string | null = null;
    do {
      const page: Answer = await fetchList(list, cursor ? { cursor, limit: 1 } : { ...filter(), limit: 1 });
      expectStatus(page, 200);
      expect(page.body.items).toHaveLength(1);
      paged.push(...page.body.items);
      cursor = page.body.nextCursor;
    } while (cursor);
    expect(paged).toEqual(all.body.items);
  });

  test('accepts the same filters again, and refuses others and the cursor of another list', async () => {
    const { nextCursor: cursor } = (await fetchList(list, { ...filter(), limit: 1 })).body;
    expect(cursor).toEqual(expect.any(String));
    const [alone, repeated] = [
      await fetchList(list, { cursor }),
      await fetchList(list, { ...filter(), cursor, limit: 50 }),
    ];
    expectStatus(alone, 200);
    expect(repeated.body.items).toEqual(alone.body.items);
    if (name) {
      const refused = await fetchList(list, { [name]: other!, cursor });
      expectStatus(refused, 400);
      expect(refused.body.errors).toMatchObject([{ field: name, code: 'cursor_differs' }]);
    }
    for (const [, stranger] of Object.entries(lists)
      .filter(([, each]) => each !== list)
      .slice(0, 3)) {
      const refused = await fetchList(stranger, { cursor });
      expectStatus(refused, 400);
      expect(refused.body.errors).toMatchObject([{ field: 'cursor', code: 'cursor' }]);
    }
  });
});

test('messages can be paged backwards and by changes', async () => {
  const filters: Record<string, number>[] = [{ before: 4 }, { changedAfter: 1 }, { after: 1, before: 4 }];
  for (const filter of filters) {
    const seqs: number[] = [];
    let cursor: string | null = null;
    do {
      const page: Answer = await fetchList(messages, cursor ? { cursor, limit: 1 } : { ...filter, limit: 1 });
      seqs.push(...page.body.items.map(({ seq }: { seq: number }) => seq));
      cursor = page.body.nextCursor;
    } while (cursor);
    const { body } = await fetchList(messages, { ...filter, limit: 200 });
    const whole = body.items.map(({ seq }: { seq: number }) => seq);
    expect(seqs).toEqual('before' in filter && !('after' in filter) ? whole.reverse() : whole);
  }
});

test('a search by the maximum number of labels has further pages', async () => {
  const { body: known } = await shop.owner.ask('GET', '/api/labels');
  const labels = known.items.map(({ id }: { id: string }) => id);
  while (labels.length < 20) {
    labels.push((await shop.owner.ask('POST', '/api/labels', { name: `Etichetta ${labels.length}` })).body.id);
  }
  const contactIds = people.map(({ contactId }) => contactId);
  expectStatus(await shop.owner.ask('POST', '/api/contacts/labels', { add: labels, contactIds }), 200);
  const search = { label: labels, query: `b${' '.repeat(199)}`, sort: 'updated', order: 'desc', limit: 1 };
  const first = await shop.owner.ask('POST', '/api/contacts/search', search);
  expectStatus(first, 200);
  const second = await shop.owner.ask('GET', `/api/contacts?cursor=${first.body.nextCursor}`);
  expectStatus(second, 200);
  expect(first.body.items.length + second.body.items.length).toBe(first.body.total);
});
