import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { expectStatus, type Shop, until, World } from './support/world.js';

/** Figures that a business can show an auditor. */

let world: World;
beforeAll(async () => {
  world = await World.shared();
});
afterAll(() => world.close());

const figures = async (shop: Shop) => {
  const answer = await shop.owner.ask('GET', '/api/figures');
  expectStatus(answer, 200);
  return answer.body;
};

test('the figures of a new business are zero, and name the policies in force', async () => {
  const shop = await world.shop('bakery');
  const found = await figures(shop);
  expect(found).toEqual({
    at: expect.any(String),
    contacts: { total: 0, promotions: 0, upToDate: 0, restricted: 0 },
    consents: [],
    policies: expect.any(Array),
    erasures: { running: 0, finished: 0, contacts: 0 },
    requests: [],
    exports: { copies: 0, downloads: 0, addressBooks: 0, conversations: 0 },
    members: { active: 1, invited: 0, removed: 0 },
    consentProofYears: 5,
  });
  const inForce = (await world.ask('GET', '/api/policies/current?audience=subscriber&locale=it')).body.items;
  const ofBusiness = found.policies.filter(({ audience }: { audience: string }) => audience === 'subscriber');
  expect(ofBusiness.map(({ purpose, version }: Record<string, unknown>) => [purpose, version])).toEqual(
    inForce.map(({ purpose, version }: Record<string, unknown>) => [purpose, version]),
  );
  expect(found.policies.at(-1)).toMatchObject({ audience: 'interlocutor', purpose: 'privacy' });
  expect(found.policies.at(-1).effective).toMatch(/^\d{4}-\d{2}-\d{2}$/);
});

test('the figures count contacts, consents, requests, exports and members, and keep the consents of erased people', async () => {
  const [shop, other] = await Promise.all([world.shop('bakery'), world.shop('florist')]);
  const [anna, bruno] = [await world.join(shop, 'anna'), await world.join(shop, 'bruno')];
  await world.join(other, 'carla');
  const policyId = (await anna.device.ask('GET', '/api/consents')).body.items[0].policyId;
  const promotions = (given: boolean) =>
    anna.device.ask('POST', '/api/consents', { policyId, purpose: 'promotions', given, contactId: anna.contactId });
  const before = await figures(shop);
  for (const given of [true, false, true]) expect((await promotions(given)).status).toBeLessThan(300);
  const removed = await world.staff(shop);
  await world.inviteMember(shop);
  expectStatus(await shop.owner.ask('DELETE', `/api/members/${removed.id}`), 204);
  const asked = { contactId: anna.contactId, kind: 'access' };
  const { body: request } = await anna.device.ask('POST', '/api/requests', asked);
  await anna.device.ask('POST', '/api/requests', {
    contactId: anna.contactId,
    kind: 'rectification',
    words: 'La via.',
  });
  expectStatus(
    await shop.owner.ask('POST', `/api/requests/${request.id}/answer`, { outcome: 'fulfilled', answer: 'Ecco.' }),
    200,
  );
  expectStatus(await shop.owner.ask('PUT', `/api/conversations/${bruno.contactId}/restriction`), 200);
  expectStatus(await shop.owner.ask('POST', '/api/exports', {}), 202);

  const found = await figures(shop);
  expect(found.contacts).toMatchObject({
    total: 2,
    promotions: before.contacts.promotions + 1,
    upToDate: 2,
    restricted: 1,
  });
  const of = (purpose: string, { consents } = found) =>
    consents.find((each: { purpose: string }) => each.purpose === purpose) ?? { given: 0, withdrawn: 0 };
  expect(of('privacy')).toEqual({ purpose: 'privacy', given: 2, withdrawn: 0 });
  const earlier = of('promotions', before);
  expect(of('promotions')).toEqual({
    purpose: 'promotions',
    given: earlier.given + 2,
    withdrawn: earlier.withdrawn + 1,
  });
  expect(found.requests).toEqual([
    { kind: 'access', open: 0, overdue: 0, fulfilled: 1, refused: 0, takenBack: 0, late: 0 },
    { kind: 'rectification', open: 1, overdue: 0, fulfilled: 0, refused: 0, takenBack: 0, late: 0 },
  ]);
  expect(found.members).toEqual({ active: 1, invited: 1, removed: 1 });
  expect(found.exports.copies).toBe(1);

  await world.rows(`UPDATE rights_request SET due_at = asked_at - interval '1 second' WHERE subscriber_id = $1`, [
    shop.id,
  ]);
  const late = (await figures(shop)).requests;
  expect(late.map((each: Record<string, unknown>) => [each['overdue'], each['late']])).toEqual([
    [0, 1],
    [1, 0],
  ]);

  const { erasureId } = (await shop.owner.ask('DELETE', `/api/contacts/${anna.contactId}`)).body;
  await until(
    async () => (await shop.owner.ask('GET', `/api/erasures/${erasureId}`)).body.finishedAt !== null,
    'the erasure has finished',
  );
  const after = await figures(shop);
  expect(after.contacts).toMatchObject({ total: 1 });
  expect(of('privacy', after)).toEqual(of('privacy'));
  expect(of('promotions', after)).toEqual(of('promotions'));
  expect(after.erasures).toEqual({ running: 0, finished: 1, contacts: 1 });
  expect((await figures(other)).contacts.total).toBe(1);
});
