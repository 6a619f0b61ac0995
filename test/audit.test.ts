import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Actions } from '../src/actions/actions.service.js';
import { AccountLog } from '../src/auth/account-log.service.js';
import {
  type Device,
  expectStatus,
  password,
  type Person,
  type Shop,
  type Staff,
  until,
  World,
} from './support/world.js';

/** The logs: of a business for its owner, and of an account for its person. They hold kinds and ids, and nothing that somebody wrote. */

let world: World;
let shop: Shop;
let staff: Staff;
let anna: Person;

beforeAll(async () => {
  world = await World.shared();
  shop = await world.shop('bakery');
  staff = await world.staff(shop);
  anna = await world.join(shop, 'anna', { promotions: true });
});
afterAll(() => world.close());

type Entry = Record<'kind' | 'memberId' | 'subjectId' | 'network' | 'at', string | null> & {
  id: string;
  times: number;
};

const logOf = async (device: Device, query = ''): Promise<Entry[]> => {
  const path = device === shop.owner ? '/api/actions' : '/api/me/activity';
  const answer = await device.ask('GET', `${path}${query}`);
  expectStatus(answer, 200);
  return answer.body.items;
};

async function failToSignIn(username: string): Promise<void> {
  const body = { username, password: 'sbagliata-8-volte' };
  expectStatus(await world.ask('POST', '/api/sessions', { body }), 401);
}

test('a business sees which staff signed in and from where, with the failed attempts of an hour as one entry', async () => {
  const { sessionId } = await world.signIn(staff.username, 'Telefono di Sara');
  for (let attempt = 0; attempt < 3; attempt++) await failToSignIn(staff.username);
  await failToSignIn('nessuno-con-questo-nome');
  await until(
    async () => (await logOf(shop.owner, '?kind=session.refused'))[0]?.times === 3,
    'the attempts are counted',
  );
  expect(await logOf(shop.owner, '?kind=session.refused&kind=session.opened')).toMatchObject([
    { kind: 'session.refused', memberId: staff.id, times: 3, network: expect.stringContaining('127.0.0.1') },
    { kind: 'session.opened', memberId: staff.id, subjectId: sessionId, times: 1, network: expect.any(String) },
  ]);
  const change = { currentPassword: password, newPassword: 'lanterna-3-cavallo' };
  expectStatus(await staff.device.ask('PUT', '/api/me/password', change), 204);
  expect(await logOf(shop.owner, `?memberId=${staff.id}&kind=password.changed`)).toHaveLength(1);
});

test('consents and requests of contacts are in the log of the business and in their own, and in no other', async () => {
  const { body } = await anna.device.ask(
    'GET',
    `/api/policies/current?audience=interlocutor&contactId=${anna.contactId}`,
  );
  const saying = { policyId: body.items[0].id, purpose: 'promotions', contactId: anna.contactId };
  expectStatus(await anna.device.ask('POST', '/api/consents', { ...saying, given: false }), 204);
  expectStatus(await anna.device.ask('POST', '/api/requests', { contactId: anna.contactId, kind: 'access' }), 201);
  expectStatus(await anna.device.ask('POST', '/api/exports', {}), 202);
  await world.signIn(anna.username);
  await failToSignIn(anna.username);
  await until(async () => (await logOf(anna.device, '?kind=session.refused')).length === 1, 'the attempt is counted');
  const kinds = (entries: Entry[]) => entries.map(({ kind }) => kind);
  expect(kinds(await logOf(anna.device))).toEqual([
    ...['session.refused', 'session.opened', 'export.asked', 'request.made'],
    ...['consent.withdrawn', 'consent.given', 'policy.accepted'],
  ]);
  const about = (await logOf(shop.owner)).filter(({ subjectId }) => subjectId === anna.contactId);
  expect(about.map(({ kind, memberId }) => [kind, memberId])).toEqual([
    ['request.made', null],
    ['consent.withdrawn', null],
    ['consent.given', null],
    ['policy.accepted', null],
  ]);
  const ofOwner = await logOf(shop.owner, '?kind=policy.accepted');
  // The owner accepts two texts when it registers.
  expect(ofOwner.filter(({ memberId }) => memberId !== null && memberId !== staff.id)).toHaveLength(2);

  const bruno = await world.join(shop, 'bruno');
  expect(kinds(await logOf(bruno.device))).toEqual(['policy.accepted']);
  const other = await world.shop('florist');
  expectStatus(await other.owner.ask('GET', '/api/me/activity'), 404);
  expectStatus(await staff.device.ask('GET', '/api/actions'), 404);
  expect(JSON.stringify((await other.owner.ask('GET', '/api/actions')).body)).not.toContain(anna.contactId);
});

test('can be filtered by time, and a boundary belongs to the later part', async () => {
  const all = await logOf(shop.owner, '?limit=200');
  const middle = all[Math.floor(all.length / 2)]!;
  const at = encodeURIComponent(middle.at!);
  const [since, until_] = [
    await logOf(shop.owner, `?limit=200&since=${at}`),
    await logOf(shop.owner, `?limit=200&until=${at}`),
  ];
  expect(since.map(({ id }) => id)).toContain(middle.id);
  expect(until_.map(({ id }) => id)).not.toContain(middle.id);
  expect(since.length + until_.length).toBe(all.length);
  expectStatus(await shop.owner.ask('GET', '/api/actions?since=yesterday'), 400);
  expect(await logOf(anna.device, '?since=2090-01-01T00:00:00Z')).toEqual([]);
  expectStatus(await anna.device.ask('GET', '/api/me/activity?kind=member.dreamt'), 400);
});

describe('the stored log', () => {
  test('contains no network address, name or device in clear', async () => {
    for (const table of ['action', 'account_event']) {
      const rows = await world.rows<{ row: string }>(`SELECT row_to_json(${table})::text AS row FROM ${table}`);
      expect(rows.length).toBeGreaterThan(3);
      for (const { row } of rows) expect(row).not.toMatch(/127\.0\.0\.1|Sara|Anna|Rossi|mail\.example|Telefono/);
      const sealed = await world.rows<{ network: Buffer }>(`SELECT network FROM ${table} WHERE network IS NOT NULL`);
      expect(sealed.length).toBeGreaterThan(0);
      for (const { network } of sealed) expect(network.toString('latin1')).not.toContain('127.0.0.1');
    }
  });

  test('is deleted after twelve months, or as configured, and not earlier', async () => {
    const now = new Date();
    const monthsAhead = (months: number, days: number) => {
      const later = new Date(now);
      later.setUTCMonth(later.getUTCMonth() + months);
      later.setUTCDate(later.getUTCDate() + days);
      return later;
    };
    const [actions, log] = [world.service.app.get(Actions), world.service.app.get(AccountLog)];
    const before = [await logOf(shop.owner, '?limit=200'), await logOf(anna.device)];
    await actions.purge(monthsAhead(12, -1));
    await log.purge(monthsAhead(12, -1));
    expect([await logOf(shop.owner, '?limit=200'), await logOf(anna.device)]).toEqual(before);
    await world.rows(`UPDATE action SET at = at - interval '13 months' WHERE subscriber_id = $1`, [shop.id]);
    await world.rows(`UPDATE account_event SET at = at - interval '13 months' WHERE subject_id = $1`, [anna.contactId]);
    expect(await actions.purge()).toBeGreaterThan(0);
    expect(await log.purge()).toBeGreaterThan(0);
    expect(await logOf(shop.owner)).toEqual([]);
    expect((await logOf(anna.device)).some(({ subjectId }) => subjectId === anna.contactId)).toBe(false);
  });
});
