import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { RetentionRuns } from '../src/retention/retention-runs.service.js';
import { limits } from '../src/contract/limits.js';
import { bytesOf, download, upload } from './support/files.js';
import { expireBefore, proceedWithRetention } from './support/retention.js';
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

/** Promise 4, of what a business does not keep for good: what goes, when, and that both parties know of it. */

let world: World;
let shop: Shop;
let anna: Person;
let bruno: Person;
beforeAll(async () => {
  world = await World.shared();
  shop = await world.shop('bakery');
  anna = await world.join(shop, 'anna');
  bruno = await world.join(shop, 'bruno');
});
afterAll(() => world.close());

const setting = '/api/subscriber/retention';
const day = 24 * 60 * 60 * 1000;

/** Takes all messages of a business back in time, as if they had been written that long ago. */
async function age(shopId: string, interval: string): Promise<void> {
  await world.rows(`UPDATE message SET sent_at = sent_at - $2::interval WHERE subscriber_id = $1`, [shopId, interval]);
}

const messagesOf = async (device: Device, id: string): Promise<Answer['body'][]> =>
  (await device.ask('GET', `/api/conversations/${id}/messages?after=0`)).body.items;

const headOf = async (device: Device, id: string): Promise<Answer['body']> =>
  (await device.ask('GET', `/api/conversations/${id}`)).body;

const searched = async (device: Device, q: string): Promise<string[]> => {
  const { body } = await device.ask('POST', '/api/archive/searches', { q });
  return body.items.map(({ snippet }: { snippet: { text: string } }) => snippet.text);
};

test('the owner sets the months for which messages are kept, confirms their number, and both parties know in advance', async () => {
  const { shop: florist, person } = { shop: await world.shop('florist'), person: 'carla' as const };
  const carla = await world.join(florist, person);
  await carla.device.connect();
  for (const text of ['Vecchia domanda', 'Altra domanda'])
    await carla.device.ask('POST', `/api/conversations/${carla.contactId}/messages`, {
      clientId: unique(),
      body: text,
    });
  await age(florist.id, '5 months');
  await carla.device.ask('POST', `/api/conversations/${carla.contactId}/messages`, {
    clientId: unique(),
    body: 'Di oggi',
  });
  expect((await florist.owner.ask('GET', setting)).body).toEqual({ retention: null, runs: [] });
  expect((await headOf(carla.device, carla.contactId)).counterpart.retention).toBeNull();

  for (const months of [0, limits.retentionMonthsMax + 1, 1.5]) {
    expectStatus(await florist.owner.ask('GET', `${setting}/preview?months=${months}`), 400);
    expectStatus(await florist.owner.ask('PUT', setting, { months }), 400);
  }
  expectStatus(await florist.owner.ask('PUT', setting, {}), 400);
  for (const months of [limits.retentionMonthsMin, limits.retentionMonthsMax]) {
    const { body } = await florist.owner.ask('GET', `${setting}/preview?months=${months}`);
    expect(body).toMatchObject({
      months,
      messages: months === 1 ? 2 : 0,
      conversations: months === 1 ? 1 : 0,
      leftOut: 0,
    });
  }

  const { device: staff } = await world.staff(florist);
  for (const device of [staff, carla.device]) {
    expectStatus(await device.ask('GET', setting), 404);
    expectStatus(await device.ask('PUT', setting, { months: 3 }), 404);
  }

  const { businessName } = (await florist.owner.ask('GET', '/api/me')).body.subscriber;
  for (const confirmation of [undefined, { messages: 3, businessName }, { messages: 2, businessName: 'Altro' }]) {
    const refused = await florist.owner.ask('PUT', setting, { months: 3, ...(confirmation && { confirmation }) });
    expectStatus(refused, 409);
    expect(refused.body.code).toBe('confirmation_wrong');
    expect(refused.body.detail).toContain('2 messages');
  }
  const set = await florist.owner.ask('PUT', setting, { months: 3, confirmation: { messages: 2, businessName } });
  expectStatus(set, 200);
  const { months, startsAt } = set.body.retention;
  expect(months).toBe(3);
  expect(new Date(startsAt).getTime() - Date.now()).toBeGreaterThanOrEqual(limits.retentionNoticeDays * day);
  const told = await carla.device.hears('subscriber.changed', ({ counterpart }) => counterpart.kind === 'subscriber');
  expect(told.counterpart).toMatchObject({ retention: { months: 3, startsAt } });
  expect((await headOf(carla.device, carla.contactId)).counterpart.retention).toEqual({ months: 3, startsAt });
  expect((await florist.owner.ask('GET', '/api/actions?limit=1')).body.items[0].kind).toBe('retention.changed');

  // Nothing goes before that time; then the night takes what is old, and the owner sees what went.
  const runs = world.service.app.get(RetentionRuns);
  await runs.begin();
  await proceedWithRetention(world, florist.id);
  expect((await messagesOf(carla.device, carla.contactId)).map(({ body }) => body)).toEqual([
    ...['Vecchia domanda', 'Altra domanda', 'Di oggi'],
  ]);
  await world.rows(`UPDATE subscriber SET retention_from = now() WHERE subscriber_id = $1`, [florist.id]);
  await runs.begin();
  await proceedWithRetention(world, florist.id);
  expect((await messagesOf(carla.device, carla.contactId)).map(({ body }) => body)).toEqual(['', '', 'Di oggi']);
  const { body: after } = await florist.owner.ask('GET', setting);
  expect(after.runs).toMatchObject([{ months: 3, messages: 2, files: 0, broadcasts: 0, leftOut: 0 }]);
  expect(after.runs[0].finishedAt).not.toBeNull();

  // A longer time holds at once, without a confirmation; a run that deletes nothing is not listed.
  expect((await florist.owner.ask('PUT', setting, { months: 24 })).body.retention.months).toBe(24);
  expect((await florist.owner.ask('PUT', setting, { months: null })).body.retention).toBeNull();
  await runs.begin();
  await proceedWithRetention(world, florist.id);
  expect((await florist.owner.ask('GET', setting)).body.runs).toHaveLength(1);
});

test('expired messages can be read nowhere, and leave empty entries with their own revisions', async () => {
  const { contactId } = anna;
  await anna.device.connect();
  await shop.owner.connect();
  const text = 'Il lievito della nonna';
  const file = await upload(anna.device, bytesOf(2_000), { conversationId: contactId, name: 'lievito.bin' });
  const clientId = unique();
  const path = `/api/conversations/${contactId}/messages`;
  expectStatus(await anna.device.ask('POST', path, { clientId, body: text, attachmentIds: [file.id] }), 201);
  await shop.owner.say(contactId, 'Grazie, bella ricetta');
  await shop.owner.ask('PUT', `/api/conversations/${contactId}/receipt`, { seenSeq: 1 });
  const withdrawn = await shop.owner.say(contactId, 'Errore');
  expectStatus(await shop.owner.ask('DELETE', `${path}/${withdrawn}`), 204);
  const kept = await anna.device.say(contactId, 'Domani passo');
  await until(async () => (await searched(anna.device, 'lievito')).length === 1, 'it is found');
  const before = await headOf(anna.device, contactId);
  const last = (await messagesOf(anna.device, contactId)).at(-1);

  await expireBefore(world, shop.id, new Date(last.sentAt));
  const told = { conversationId: contactId, from: 1, to: kept - 1, revision: before.revision + kept - 1 };
  for (const device of [anna.device, shop.owner])
    expect(await device.hears('messages.expired', () => true)).toMatchObject(told);
  const shells = (await messagesOf(shop.owner, contactId)).slice(0, kept - 1);
  expect(shells).toEqual(
    shells.map(({ sender, sentAt, expiredAt }, index) => ({
      ...{ seq: index + 1, revision: before.revision + index + 1, sender, author: null, clientId: '' },
      ...{ body: '', attachments: [], sentAt, expiredAt },
    })),
  );
  const changed = await anna.device.ask('GET', `${path}?changedAfter=${before.revision}`);
  expect(changed.body.items.map(({ seq }: { seq: number }) => seq)).toEqual([1, 2, 3]);
  expect(await searched(anna.device, 'lievito')).toEqual([]);
  expect(await searched(shop.owner, 'ricetta')).toEqual([]);
  expect((await download({ token: anna.device.token, url: world.url }, `/api/attachments/${file.id}`)).status).toBe(
    404,
  );
  const where = [shop.id, contactId];
  const rows = await world.rows<{ content: string }>(
    `SELECT concat(body, digest, client_id, author_id, broadcast_id) AS content FROM message
     WHERE subscriber_id = $1 AND conversation_id = $2 AND seq < ${kept}`,
    where,
  );
  expect(rows).toEqual(Array.from({ length: kept - 1 }, () => ({ content: '' })));
  for (const [table, column] of [
    ['search_entry', 'conversation_id'],
    ['attachment', 'contact_id'],
  ]) {
    const left = () =>
      world.rows(`SELECT FROM ${table} WHERE subscriber_id = $1 AND ${column} = $2 AND seq < ${kept}`, where);
    // An entry of the index that was being made meanwhile goes when the index sees the change.
    await until(async () => (await left()).length === 0, `nothing is left in ${table}`);
  }
  const moves = `SELECT FROM watermark_move WHERE subscriber_id = $1 AND conversation_id = $2 AND delivered_seq < ${kept}`;
  expect(await world.rows(moves, where)).toEqual([]);

  // The last one goes as well, and with it the preview; an export and a copy of the conversation hold nothing of it.
  await expireBefore(world, shop.id, new Date());
  expect(await headOf(shop.owner, contactId)).toMatchObject({
    ...{ lastSeq: kept, lastKind: 'expired', preview: null, lastTurn: null, unanswered: false, unread: 0 },
  });
  const copy = await download({ token: shop.owner.token, url: world.url }, `/api/conversations/${contactId}/export`);
  expect(copy.status).toBe(200);
  expect(copy.bytes.includes('lievito')).toBe(false);
  const { body: again } = await shop.owner.ask('GET', setting);
  expect(again.runs.slice(0, 2)).toMatchObject([{ messages: 1 }, { messages: kept - 1, files: 1 }]);
});

test('a frozen conversation keeps its old messages until it is released', async () => {
  const { contactId } = bruno;
  await bruno.device.connect();
  await bruno.device.say(contactId, 'È una prova');
  expectStatus(await bruno.device.ask('PUT', `/api/conversations/${contactId}/restriction`), 200);
  await expireBefore(world, shop.id, new Date());
  expect((await messagesOf(bruno.device, contactId)).map(({ body }) => body)).toEqual(['È una prova']);
  const preview = await shop.owner.ask('GET', `${setting}/preview?months=1`);
  expect(preview.body.leftOut).toBe(0);

  expectStatus(await bruno.device.ask('DELETE', `/api/conversations/${contactId}/restriction`), 200);
  const asked = await bruno.device.ask('POST', '/api/deletion-requests', { contactId });
  expectStatus(asked, 201);
  await expireBefore(world, shop.id, new Date());
  expect((await messagesOf(bruno.device, contactId)).map(({ body }) => body)).toEqual(['È una prova']);

  expectStatus(await bruno.device.ask('DELETE', `/api/deletion-requests/${asked.body.items[0].id}`), 204);
  // While the business pauses everything is kept.
  expectStatus(await shop.owner.ask('PUT', '/api/subscriber/pause', { paused: true }), 200);
  await expireBefore(world, shop.id, new Date());
  expect((await messagesOf(bruno.device, contactId)).map(({ body }) => body)).toEqual(['È una prova']);
  expectStatus(await shop.owner.ask('PUT', '/api/subscriber/pause', { paused: false }), 200);
  await expireBefore(world, shop.id, new Date());
  expect((await messagesOf(bruno.device, contactId)).map(({ body }) => body)).toEqual(['']);
});

test('an old broadcast is deleted with its text, files and recipients once all of its messages are', async () => {
  const florist = await world.shop('florist');
  const [first, second] = [await world.join(florist, 'anna'), await world.join(florist, 'bruno')];
  const picture = await upload(florist.owner, bytesOf(500), { broadcast: true, name: 'offerta.bin' });
  const sent = await florist.owner.ask('POST', '/api/broadcasts', {
    ...{ clientId: unique(), kind: 'service', reason: 'closure', body: 'Chiusi per ferie', audience: { all: true } },
    attachmentIds: [picture.id],
  });
  expectStatus(sent, 202);
  const path = `/api/broadcasts/${sent.body.id}`;
  await until(async () => (await florist.owner.ask('GET', path)).body.state === 'finished', 'it is sent');
  await until(async () => (await searched(florist.owner, 'ferie')).length === 1, 'it is found');
  expectStatus(await second.device.ask('PUT', `/api/conversations/${second.contactId}/restriction`), 200);

  // One of its messages is frozen, so it stays.
  await expireBefore(world, florist.id, new Date());
  expect((await messagesOf(first.device, first.contactId))[0]).toMatchObject({ body: '' });
  expect((await messagesOf(first.device, first.contactId))[0]).not.toHaveProperty('broadcastId');
  expect((await messagesOf(second.device, second.contactId))[0]).toMatchObject({ body: 'Chiusi per ferie' });
  expectStatus(await florist.owner.ask('GET', path), 200);
  const fileOf = async ({ device }: Person) =>
    (await download({ token: device.token, url: world.url }, `/api/attachments/${picture.id}`)).status;
  expect([await fileOf(first), await fileOf(second)]).toEqual([404, 200]);

  expectStatus(await second.device.ask('DELETE', `/api/conversations/${second.contactId}/restriction`), 200);
  await expireBefore(world, florist.id, new Date());
  expectStatus(await florist.owner.ask('GET', path), 404);
  expect((await florist.owner.ask('GET', '/api/broadcasts')).body.items).toEqual([]);
  expect(await searched(florist.owner, 'ferie')).toEqual([]);
  expect(await fileOf(second)).toBe(404);
  const where = [florist.id];
  for (const table of ['broadcast_recipient', 'attachment', 'search_entry'])
    expect({ table, rows: await world.rows(`SELECT FROM ${table} WHERE subscriber_id = $1`, where) }).toEqual({
      table,
      rows: [],
    });
  const [row] = await world.rows('SELECT body, audience, digest FROM broadcast WHERE subscriber_id = $1', where);
  expect(row).toEqual({ body: Buffer.alloc(0), audience: Buffer.alloc(0), digest: Buffer.alloc(0) });
  const { body } = await florist.owner.ask('GET', setting);
  expect(body.runs.slice(0, 2)).toMatchObject([
    { messages: 1, broadcasts: 1, files: 1, leftOut: 0 },
    { messages: 1, broadcasts: 0, files: 0, leftOut: 1 },
  ]);
});

test('a run over many messages continues after a crash, and stops when the owner changes the setting', async () => {
  const florist = await world.shop('florist');
  const carla = await world.join(florist, 'carla');
  await world.rows(
    `INSERT INTO message (subscriber_id, conversation_id, seq, sender, client_id, digest, body, revision, sent_at)
     SELECT $1, $2, seq, 'interlocutor', 'old ' || seq, 'x', 'x', seq, now() - interval '1 year' FROM generate_series(1, 450) AS seq`,
    [florist.id, carla.contactId],
  );
  await world.rows(
    `UPDATE conversation SET last_seq = 450, revision = 450, last_sender = 'interlocutor', last_message_at = now()
     WHERE subscriber_id = $1`,
    [florist.id],
  );
  const gone = async () =>
    (await world.rows('SELECT FROM message WHERE subscriber_id = $1 AND expired_at IS NOT NULL', [florist.id])).length;
  const trigger = 'stop_' + florist.id.replaceAll('-', '');
  await world.rows(
    `CREATE FUNCTION ${trigger}() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'stopped'; END $$`,
  );
  await world.rows(
    `CREATE TRIGGER ${trigger} BEFORE UPDATE ON message FOR EACH ROW
       WHEN (OLD.subscriber_id = '${florist.id}' AND OLD.seq = 401) EXECUTE FUNCTION ${trigger}()`,
  );
  await expect(expireBefore(world, florist.id, new Date())).rejects.toThrow('stopped');
  expect(await gone()).toBe(400);
  const counted = async () => (await florist.owner.ask('GET', setting)).body.runs[0].messages;
  expect(await counted()).toBe(400);
  await world.rows(`DROP FUNCTION ${trigger} CASCADE`);

  await world.rows('UPDATE subscriber SET retention_months = NULL, retention_from = NULL WHERE subscriber_id = $1', [
    florist.id,
  ]);
  await proceedWithRetention(world, florist.id);
  expect(await gone()).toBe(400);
  await expireBefore(world, florist.id, new Date());
  expect(await gone()).toBe(450);
  expect(await counted()).toBe(50);
});
