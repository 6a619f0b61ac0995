import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { expectStatus, type Person, type Shop, unique, World } from './support/world.js';

/** Promise 4: a sender takes back a message: its text is erased, its place stays. */

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

const messages = () => `/api/conversations/${anna.contactId}/messages`;
const withdraw = (device: { ask(method: string, path: string): ReturnType<World['ask']> }, seq: number | string) =>
  device.ask('DELETE', `${messages()}/${seq}`);
const row = async (seq: number) =>
  (
    await world.rows<{ body: Buffer | null; digest: Buffer | null }>(
      'SELECT body, digest FROM message WHERE conversation_id = $1 AND seq = $2',
      [anna.contactId, seq],
    )
  )[0]!;

test('a withdrawn message loses its text for both parties and keeps its number, and the next one follows it', async () => {
  const seq = await anna.device.say(anna.contactId, 'Ho sbagliato');
  expect((await row(seq)).body).not.toBeNull();
  expectStatus(await withdraw(anna.device, seq), 204);
  expect(await row(seq)).toEqual({ body: null, digest: null });
  for (const device of [anna.device, bakery.owner]) {
    await device.hears('message.withdrawn', (told) => told.conversationId === anna.contactId && told.seq === seq);
    const { body } = await device.ask('GET', `${messages()}?limit=1`);
    expect(body.items[0]).toMatchObject({ seq, body: '', withdrawnAt: expect.any(String) });
    const { body: head } = await device.ask('GET', `/api/conversations/${anna.contactId}`);
    expect(head).toMatchObject({ lastSeq: seq, preview: null, unread: 0 });
  }
  expect(await anna.device.say(anna.contactId, 'Eccomi')).toBe(seq + 1);
});

test('a device that was away finds it among the changes', async () => {
  const seq = await anna.device.say(anna.contactId, 'Prima');
  await anna.device.say(anna.contactId, 'Dopo');
  const { body: head } = await bakery.owner.ask('GET', `/api/conversations/${anna.contactId}`);
  expectStatus(await withdraw(anna.device, seq), 204);
  await bakery.owner.say(anna.contactId, 'Nel frattempo');
  const walked = [];
  let cursor = '';
  do {
    const { body } = await bakery.owner.ask('GET', `${messages()}?changedAfter=${head.revision}&limit=1${cursor}`);
    walked.push(...body.items.map((each: { seq: number; body: string }) => [each.seq, each.body]));
    cursor = body.nextCursor ? `&cursor=${body.nextCursor}` : '';
  } while (cursor);
  expect(walked).toEqual([
    [seq, ''],
    [seq + 2, 'Nel frattempo'],
  ]);
});

test('pages of changes contain each message once, in the order of its last change, whatever was withdrawn before', async () => {
  const bruno = await world.join(bakery, 'bruno');
  await bruno.device.connect();
  const path = `/api/conversations/${bruno.contactId}/messages`;
  const revisions = new Map<number, number>();
  let revision = 0;
  for (let i = 0; i < 12; i++) {
    const seq = await bruno.device.say(bruno.contactId, `n. ${i}`);
    revisions.set(seq, ++revision);
    if (i % 3 !== 2) continue;
    expectStatus(await bruno.device.ask('DELETE', `${path}/${seq - 2}`), 204);
    revisions.set(seq - 2, ++revision);
  }
  for (const after of [0, 3, 7, revision]) {
    const expected = [...revisions].filter(([, each]) => each > after).sort(([, a], [, b]) => a - b);
    const walked: number[][] = [];
    let cursor = '';
    do {
      const { body } = await bruno.device.ask('GET', `${path}?changedAfter=${after}&limit=4${cursor}`);
      walked.push(...body.items.map((each: { seq: number; revision: number }) => [each.seq, each.revision]));
      cursor = body.nextCursor ? `&cursor=${body.nextCursor}` : '';
    } while (cursor);
    expect(walked).toEqual(expected);
  }
});

test('withdrawing again changes nothing, and a late retry does not store the message again', async () => {
  const clientId = unique();
  const seq = await anna.device.say(anna.contactId, 'Una volta', clientId);
  expectStatus(await withdraw(anna.device, seq), 204);
  const { body: before } = await anna.device.ask('GET', `/api/conversations/${anna.contactId}`);
  expectStatus(await withdraw(anna.device, seq), 204);
  const retried = await anna.device.ask('POST', messages(), { clientId, body: 'Una volta' });
  expectStatus(retried, 200);
  expect(retried.body.seq).toBe(seq);
  const { body: after } = await anna.device.ask('GET', `/api/conversations/${anna.contactId}`);
  expect(after).toEqual(before);
});

test('a message in a restricted conversation cannot be withdrawn, and one that is withdrawn stays so', async () => {
  const [gone, kept] = [await anna.device.say(anna.contactId, 'Via'), await anna.device.say(anna.contactId, 'Resta')];
  expectStatus(await withdraw(anna.device, gone), 204);
  const restriction = `/api/conversations/${anna.contactId}/restriction`;
  expectStatus(await bakery.owner.ask('PUT', restriction), 200);
  const refused = await withdraw(anna.device, kept);
  expectStatus(refused, 403);
  expect(refused.body.code).toBe('conversation_restricted');
  expect((await row(kept)).body).not.toBeNull();
  expectStatus(await withdraw(anna.device, gone), 204);
  expectStatus(await bakery.owner.ask('DELETE', restriction), 200);
  expectStatus(await withdraw(anna.device, kept), 204);
});

describe('a message can be withdrawn', () => {
  test('by any member of the business, and the owner sees by whom', async () => {
    const staff = await world.staff(bakery);
    const seq = await bakery.owner.say(anna.contactId, 'Della titolare');
    expectStatus(await withdraw(staff.device, seq), 204);
    const { body } = await bakery.owner.ask('GET', '/api/actions?limit=1');
    expect(body.items[0]).toMatchObject({ kind: 'message.withdrawn', memberId: staff.id, subjectId: anna.contactId });
  });

  test('but not by the other party, which is told so, and a missing message is not found', async () => {
    const seq = await bakery.owner.say(anna.contactId, 'Non è tuo');
    const refused = await withdraw(anna.device, seq);
    expectStatus(refused, 403);
    expect(refused.body.code).toBe('not_the_sender');
    expect((await row(seq)).body).not.toBeNull();
    for (const nothing of [seq + 1, 0, -1, 'x', '1.0', 2 ** 31]) {
      expect([nothing, (await withdraw(anna.device, nothing)).status]).toEqual([nothing, 404]);
    }
  });
});
