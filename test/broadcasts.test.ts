import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Accounts } from '../src/auth/accounts.service.js';
import { AddressHashes } from '../src/platform/vault/address-hashes.js';
import { BroadcastRuns } from '../src/broadcasts/broadcast-runs.service.js';
import { limits } from '../src/contract/limits.js';
import { Client, plain } from './support/client.js';
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

/** Promise 2: one text to many: who gets it, once, in private; who does not, and why. */

let world: World;
beforeAll(async () => {
  world = await World.shared();
});
afterAll(() => world.close());

const service = { kind: 'service', reason: 'closure', body: 'Lunedì siamo chiusi', audience: { all: true } } as const;
const promotional = { kind: 'promotional', body: 'Oggi la focaccia è in offerta', audience: { all: true } } as const;

const send = (device: Device, content: Record<string, unknown> = service) =>
  device.ask('POST', '/api/broadcasts', { clientId: unique(), ...content });

const seen = async (shop: Shop, id: string): Promise<Answer['body']> => {
  const answer = await shop.owner.ask('GET', `/api/broadcasts/${id}`);
  expectStatus(answer, 200);
  return answer.body;
};

/** Waits until a broadcast is over, and gives it. */
async function over(shop: Shop, id: string): Promise<Answer['body']> {
  let body: Answer['body'];
  await until(async () => {
    body = await seen(shop, id);
    return !['scheduled', 'running'].includes(body.state);
  }, 'the broadcast is over');
  return body;
}

/** Sends a broadcast, and waits until it is over. */
async function broadcast(shop: Shop, content: Record<string, unknown> = service): Promise<Answer['body']> {
  const answer = await send(shop.owner, content);
  expectStatus(answer, 202);
  return over(shop, answer.body.id);
}

const proceed = () => world.service.app.get(BroadcastRuns).proceed();

async function inboxOf({ device, contactId }: Person): Promise<Answer['body'][]> {
  const answer = await device.ask('GET', `/api/conversations/${contactId}/messages`);
  expectStatus(answer, 200);
  return answer.body.items;
}

const bodiesOf = async (person: Person) => (await inboxOf(person)).map(({ body }) => body);

async function recipientsOf(shop: Shop, id: string, query = ''): Promise<Answer['body'][]> {
  const items: Answer['body'][] = [];
  let cursor: string | null = null;
  do {
    const path = `/api/broadcasts/${id}/recipients?limit=2&${query}${cursor ? `&cursor=${cursor}` : ''}`;
    const answer: Answer = await shop.owner.ask('GET', path);
    expectStatus(answer, 200);
    items.push(...answer.body.items);
    cursor = answer.body.nextCursor;
  } while (cursor);
  return items;
}

/** Says yes or no to promotions, as the settings of the app do. */
async function consent({ device, contactId }: Person, given: boolean): Promise<void> {
  const { body } = await device.ask('GET', `/api/policies/current?audience=interlocutor&contactId=${contactId}`);
  const consent = { policyId: body.items[0].id, purpose: 'promotions', given, contactId };
  expectStatus(await device.ask('POST', '/api/consents', consent), 204);
}

/** Every entry of a broadcast, by conversation. */
const entriesOf = (id: string) =>
  world.rows<{ conversation_id: string; seq: number }>(
    'SELECT conversation_id, seq FROM message WHERE broadcast_id = $1 ORDER BY conversation_id',
    [id],
  );

/** Makes the chunk fail that comes to a contact, until it is let go. */
async function blockAt(contactId: string): Promise<() => Promise<void>> {
  const name = `block_${unique()}`;
  await world.rows(`
    CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''blocked''; END';
    CREATE TRIGGER ${name} BEFORE INSERT ON broadcast_recipient
      FOR EACH ROW WHEN (NEW.contact_id = '${contactId}') EXECUTE FUNCTION ${name}()`);
  return async () => {
    await world.rows(`DROP FUNCTION ${name} CASCADE`);
  };
}

/** Lets the time of a scheduled broadcast come. */
const timeComes = (id: string) =>
  world.rows(`UPDATE broadcast SET send_at = now() - interval '1 second' WHERE id = $1`, [id]);

const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString();

describe('a broadcast', () => {
  let bakery: Shop;
  let [anna, bruno, osteria]: Person[] = [];
  beforeAll(async () => {
    bakery = await world.shop('bakery');
    anna = await world.join(bakery, 'anna', { promotions: true });
    bruno = await world.join(bakery, 'bruno');
    osteria = await world.join(bakery, 'osteria', { promotions: true });
  });

  test('arrives in each recipient’s own conversation, live and at the next load, and a reply is an ordinary private message', async () => {
    const phone = await (await world.signIn(anna!.username)).connect();
    await bakery.owner.connect();
    const made = await send(bakery.owner);
    expectStatus(made, 202);
    expect(made.body).toEqual({ id: expect.any(String), recipients: 3, skipped: 0 });
    const { id } = made.body;
    const told = await phone.hears('message.sent');
    expect(told).toMatchObject({
      conversationId: anna!.contactId,
      seq: 1,
      sender: 'subscriber',
      clientId: `broadcast/${id}`,
      body: service.body,
      attachments: [],
      broadcastId: id,
      broadcast: { kind: 'service', reason: 'closure', words: 'Avviso di chiusura' },
    });
    expect(told).not.toHaveProperty('author');
    const { conversationId, ...message } = told;
    expect(await inboxOf(anna!)).toEqual([message]);
    expect(await bodiesOf(osteria!)).toEqual([service.body]);
    await phone.say(conversationId, 'Grazie, a martedì');
    await bakery.owner.hears('message.sent', ({ body }) => body === 'Grazie, a martedì');
    expect(await bodiesOf(anna!)).toEqual([service.body, 'Grazie, a martedì']);
    expect(await bodiesOf(bruno!)).toEqual([service.body]);
    phone.disconnect();
  });

  test('if promotional reaches only people who agreed, says what it is, and can be ended in one step', async () => {
    const phone = await (await world.signIn(anna!.username)).connect();
    const made = await send(bakery.owner, promotional);
    expect(made.body).toMatchObject({ recipients: 2, skipped: 1 });
    const { broadcast: mark } = await phone.hears('message.sent');
    expect(mark).toMatchObject({ kind: 'promotional', reason: null, words: 'Messaggio promozionale' });
    expect((await inboxOf(anna!)).at(-1).broadcast).toEqual(mark);
    const view = await over(bakery, made.body.id);
    expect(view).toMatchObject({ sent: 2, skipped: 1, skippedBy: [{ reason: 'no_promotions', contacts: 1 }] });
    expect(await bodiesOf(bruno!)).not.toContain(promotional.body);
    expectStatus(await phone.ask('POST', '/api/consents', mark!.optOut), 204);
    expect(await broadcast(bakery, promotional)).toMatchObject({ sent: 1, skipped: 2 });
    await consent(anna!, true);
    expect(await broadcast(bakery, promotional)).toMatchObject({ sent: 2, skipped: 1 });
    phone.disconnect();
  });

  test('with fields has a personal text for each recipient', async () => {
    const phone = await (await world.signIn(bruno!.username)).connect();
    const { id } = await broadcast(bakery, {
      ...service,
      body: '{{firstName}} {{surname}}: a presto, {{businessName}}',
    });
    const expected = 'Bruno Bianchi: a presto, Forno Aurora';
    expect((await phone.hears('message.sent', ({ broadcastId }) => broadcastId === id)).body).toBe(expected);
    expect((await bodiesOf(bruno!)).at(-1)).toBe(expected);
    expect((await bodiesOf(osteria!)).at(-1)).toBe('Osteria del Ponte Osteria del Ponte: a presto, Forno Aurora');
    const { body } = await bakery.owner.ask('GET', `/api/conversations/${bruno!.contactId}`);
    expect(body.preview).toBe(expected);
    expect((await seen(bakery, id)).body).toContain('{{firstName}}');
    const common = await broadcast(bakery, { ...service, body: 'Vi aspettiamo, {{businessName}}' });
    expect(common.body).toBe('Vi aspettiamo, Forno Aurora');
    expect((await bodiesOf(bruno!)).at(-1)).toBe('Vi aspettiamo, Forno Aurora');
    phone.disconnect();
  });

  test('counts deliveries, and views as far as they are disclosed', async () => {
    const { id } = await broadcast(bakery);
    expect(await seen(bakery, id)).toMatchObject({ sent: 3, delivered: 0, seen: 0 });
    const last = async (person: Person) => (await inboxOf(person)).at(-1).seq;
    const receipt = async (person: Person, name: string) =>
      person.device.ask('PUT', `/api/conversations/${person.contactId}/receipt`, { [name]: await last(person) });
    await receipt(anna!, 'seenSeq');
    await receipt(bruno!, 'deliveredSeq');
    expect(await seen(bakery, id)).toMatchObject({ delivered: 2, seen: 1 });
    const outcome = { outcome: 'sent', seq: expect.any(Number) };
    expect(await recipientsOf(bakery, id)).toEqual([
      { contactId: anna!.contactId, displayName: 'Anna Rossi', ...outcome, delivered: true, seen: true },
      { contactId: bruno!.contactId, displayName: 'Bruno Bianchi', ...outcome, delivered: true, seen: false },
      { contactId: osteria!.contactId, displayName: 'Osteria del Ponte', ...outcome, delivered: false, seen: false },
    ]);
    const since = await world.rows<{ seen_times_since: Date }>(
      'SELECT seen_times_since FROM subscriber WHERE subscriber_id = $1',
      [bakery.id],
    );
    expectStatus(await bakery.owner.ask('PATCH', '/api/subscriber', { seenTimes: false }), 200);
    expect(await seen(bakery, id)).toMatchObject({ delivered: 2, seen: null });
    for (const recipient of await recipientsOf(bakery, id)) expect(recipient).not.toHaveProperty('seen');
    expectStatus(await bakery.owner.ask('PATCH', '/api/subscriber', { seenTimes: true }), 200);
    expect(await seen(bakery, id)).toMatchObject({ delivered: 2, seen: 0 });
    await world.rows('UPDATE subscriber SET seen_times_since = $2 WHERE subscriber_id = $1', [
      bakery.id,
      since[0]!.seen_times_since,
    ]);
  });

  test('lists its recipients by result', async () => {
    const { id } = await broadcast(bakery, promotional);
    const contacts = async (query: string) =>
      (await recipientsOf(bakery, id, query)).map(({ contactId }: { contactId: string }) => contactId);
    expect(await contacts('')).toHaveLength(3);
    expect(await contacts('outcome=sent')).toEqual([anna!.contactId, osteria!.contactId]);
    expect(await recipientsOf(bakery, id, 'outcome=skipped')).toEqual([
      { contactId: bruno!.contactId, displayName: 'Bruno Bianchi', outcome: 'skipped', reason: 'no_promotions' },
    ]);
    expect(await contacts('reason=no_promotions')).toEqual([bruno!.contactId]);
    expect(await contacts('reason=restricted')).toEqual([]);
  });

  test('is listed newest first, with the member who created it, and recorded in the log', async () => {
    const staff = await world.staff(bakery, { displayName: 'Sara' });
    const made = await send(staff.device);
    expectStatus(made, 202);
    await over(bakery, made.body.id);
    const first = await bakery.owner.ask('GET', '/api/broadcasts?limit=1');
    expect(first.body.items[0]).toMatchObject({
      id: made.body.id,
      kind: 'service',
      reason: 'closure',
      body: service.body,
      state: 'finished',
      author: { id: staff.id, displayName: 'Sara' },
    });
    const next = await bakery.owner.ask('GET', `/api/broadcasts?limit=200&cursor=${first.body.nextCursor}`);
    const ids: string[] = next.body.items.map(({ id }: { id: string }) => id);
    expect(ids).toEqual([...ids].sort().reverse());
    expect(ids).not.toContain(made.body.id);
    const { body: actions } = await bakery.owner.ask('GET', '/api/actions?limit=1');
    expect(actions.items[0]).toMatchObject({ kind: 'broadcast.made', memberId: staff.id, subjectId: made.body.id });
  });

  test('reports its progress and its messages to the subscriber’s devices, and to no others', async () => {
    for (const person of [anna!, bruno!]) if (!person.device.connected) await person.device.connect();
    for (const device of [anna!.device, bruno!.device, bakery.owner]) device.heard.length = 0;
    const { id } = await broadcast(bakery);
    await settle();
    const progress = bakery.owner.heard.map(({ event, payload }) => ({ event, ...payload }));
    expect(progress).toEqual([
      { event: 'broadcast.progressed', id, state: 'running', sent: 0, skipped: 0, entries: [] },
      { event: 'broadcast.progressed', id, state: 'finished', sent: 3, skipped: 0, entries: expect.any(Array) },
    ]);
    const { entries } = bakery.owner.heard[1]!.payload as { entries: unknown[] };
    const owners = await Promise.all(
      [anna!, bruno!, osteria!].map(async (person) => {
        const { seq, revision } = (await inboxOf(person)).at(-1);
        return { conversationId: person.contactId, seq, revision };
      }),
    );
    expect(entries).toEqual(owners);
    for (const person of [anna!, bruno!]) {
      expect(person.device.heard.map(({ event }) => event)).toEqual(['message.sent']);
      const heard = JSON.stringify([person.device.heard, await inboxOf(person)]);
      for (const other of [anna!, bruno!, osteria!]) {
        if (other !== person) expect(heard).not.toContain(other.contactId);
      }
      for (const hidden of ['recipients', 'audience', 'author', 'skipped']) expect(heard).not.toContain(`"${hidden}`);
    }
  });

  test('leaves a device that was away equal to a fresh load', async () => {
    const away = await (await world.signIn(anna!.username)).connect();
    const client = await new Client(away, 'interlocutor').load();
    const owner = await new Client(bakery.owner, 'subscriber').load();
    away.disconnect();
    bakery.owner.disconnect();
    await broadcast(bakery, promotional);
    await broadcast(bakery, { ...service, body: 'Ciao {{firstName}}' });
    for (const each of [client, owner]) await each.catchUp();
    expect(plain(client.held)).toEqual(plain((await new Client(away, 'interlocutor').load()).held));
    const fresh = await new Client(bakery.owner, 'subscriber').load();
    expect(plain(owner.held)).toEqual(plain(fresh.held));
    await bakery.owner.connect();
  });

  test('is visible to staff, and not to other subscribers', async () => {
    const { id } = await broadcast(bakery);
    const staff = await world.staff(bakery);
    const florist = await world.shop('florist');
    for (const path of [`/api/broadcasts/${id}`, `/api/broadcasts/${id}/recipients`]) {
      expectStatus(await staff.device.ask('GET', path), 200);
      expectStatus(await florist.owner.ask('GET', path), 404);
    }
    expect((await florist.owner.ask('GET', '/api/broadcasts')).body.items).toEqual([]);
    const elsewhere = { ...service, audience: { contactIds: [anna!.contactId] } };
    const nowhere = { ...service, audience: { contactIds: [uuid()] } };
    for (const wanted of [elsewhere, nowhere]) {
      expect((await send(florist.owner, wanted)).body).toMatchObject({ status: 422, code: 'audience_empty' });
    }
    const label = await bakery.owner.ask('POST', '/api/labels', { name: unique() });
    for (const id of [label.body.id, uuid()]) {
      const refused = await send(florist.owner, { ...service, audience: { labels: [id] } });
      expectStatus(refused, 400);
      expect(refused.body.errors).toEqual([
        { field: 'audience.labels', code: 'unknown_label', message: 'One of these labels does not exist.' },
      ]);
    }
  });
});

describe('the same clientId', () => {
  test('is accepted once and gets the same answer, even when repeated after the end', async () => {
    const shop = await world.shop('bakery');
    const anna = await world.join(shop, 'anna', { promotions: true });
    await world.join(shop, 'bruno');
    const content = { clientId: unique(), ...promotional };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => shop.owner.ask('POST', '/api/broadcasts', content)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 202]);
    for (const { body } of answers) expect(body).toEqual(answers[0]!.body);
    await over(shop, answers[0]!.body.id);
    await world.join(shop, 'carla', { promotions: true });
    const again = await shop.owner.ask('POST', '/api/broadcasts', { ...content, attachmentIds: [] });
    expectStatus(again, 200);
    expect(again.body).toEqual(answers[0]!.body);
    expect(again.body).toMatchObject({ recipients: 1, skipped: 1 });
    await proceed();
    expect(await bodiesOf(anna)).toEqual([promotional.body]);
  });

  test('with other content is refused', async () => {
    const shop = await world.shop('bakery');
    const clientId = unique();
    expectStatus(await send(shop.owner, { ...service, clientId }), 202);
    for (const change of [
      { body: 'Altro' },
      { reason: 'other' },
      { audience: { regions: ['Veneto'] } },
      { sendAt: tomorrow() },
      promotional,
    ]) {
      const { reason: _, ...plainService } = service;
      const content = change === promotional ? { ...plainService, ...change } : { ...service, ...change };
      const refused = await send(shop.owner, { ...content, clientId });
      expectStatus(refused, 409);
      expect(refused.body.code).toBe('client_id_reused');
    }
    expect((await shop.owner.ask('GET', '/api/broadcasts')).body.items).toHaveLength(1);
  });

  test('of a scheduled broadcast gets its answer even after its time, and after its label was deleted', async () => {
    const shop = await world.shop('bakery');
    const member = await world.join(shop, 'anna');
    const { body: label } = await shop.owner.ask('POST', '/api/labels', { name: 'Soci' });
    expectStatus(await shop.owner.ask('PATCH', `/api/contacts/${member.contactId}`, { labels: [label.id] }), 200);
    const content = { ...service, clientId: unique(), audience: { labels: [label.id] }, sendAt: tomorrow() };
    const { body: made } = await send(shop.owner, content);
    expectStatus(await shop.owner.ask('DELETE', `/api/labels/${label.id}`), 204);
    expect(await send(shop.owner, content)).toMatchObject({ status: 200, body: made });
  });
});

describe('the ledger', () => {
  test('makes an interrupted broadcast reach every recipient once', async () => {
    const shop = await world.shop('bakery');
    const ids = await crowd(world, shop, 1_700);
    const release = await blockAt(ids[1_200]!);
    const { body: made } = await send(shop.owner);
    expect(made.recipients).toBe(1_700);
    await until(async () => (await seen(shop, made.id)).sent === 1_000, 'two chunks are sent');
    // Unless the job is at it just now, trying again fails again.
    await until(
      () =>
        proceed().then(
          () => false,
          (error: Error) => error.message === 'blocked',
        ),
      'a third fails',
    );
    expect(await seen(shop, made.id)).toMatchObject({ state: 'running', sent: 1_000 });
    expect(await entriesOf(made.id)).toHaveLength(1_000);
    await release();
    await Promise.all([proceed(), proceed(), proceed()]);
    await proceed();
    expect(await over(shop, made.id)).toMatchObject({ state: 'finished', sent: 1_700, skipped: 0 });
    const entries = await entriesOf(made.id);
    expect(entries.map(({ conversation_id: id }) => id)).toEqual([...ids].sort());
    expect(entries.every(({ seq }) => seq === 1)).toBe(true);
  });

  test('continues after a restart', async () => {
    let other = await World.open();
    try {
      const shop = await other.shop('bakery');
      const person = await other.join(shop, 'anna');
      const made = await send(shop.owner, { ...service, sendAt: tomorrow() });
      await other.rows(`UPDATE broadcast SET state = 'running', started_at = now(), send_at = now()`);
      other = await other.restart();
      await other.service.app.get(BroadcastRuns).proceed();
      const rows = await other.rows<{ state: string; sent: number }>(
        'SELECT state, sent FROM broadcast WHERE id = $1',
        [made.body.id],
      );
      expect(rows).toEqual([{ state: 'finished', sent: 1 }]);
      expect(await other.rows('SELECT FROM message WHERE conversation_id = $1', [person.contactId])).toHaveLength(1);
    } finally {
      await other.close();
    }
  });

  test('lets other broadcasts continue while one fails', async () => {
    const [stuck, fine] = [await world.shop('bakery'), await world.shop('florist')];
    const [id] = await crowd(world, stuck, 1);
    const anna = await world.join(fine, 'anna');
    const release = await blockAt(id!);
    const { body: failing } = await send(stuck.owner);
    await broadcast(fine);
    expect(await bodiesOf(anna)).toEqual([service.body]);
    expect((await seen(stuck, failing.id)).state).toBe('running');
    await release();
    await proceed();
    expect(await over(stuck, failing.id)).toMatchObject({ sent: 1 });
  });

  test('numbers entries without gaps while both parties write', async () => {
    const shop = await world.shop('bakery');
    const anna = await world.join(shop, 'anna');
    for (const device of [shop.owner, anna.device]) await device.connect();
    const says = Array.from({ length: 40 }, (_, i) => (i % 2 ? anna.device : shop.owner).say(anna.contactId, `${i}`));
    const sends = Array.from({ length: 8 }, () => broadcast(shop));
    await Promise.all([...says, ...sends]);
    const messages = await inboxOf(anna);
    expect(messages.map(({ seq }) => seq)).toEqual(Array.from({ length: 48 }, (_, index) => index + 1));
    expect(messages.map(({ revision }) => revision)).toEqual(messages.map(({ seq }) => seq));
    expect(messages.filter(({ broadcastId }) => broadcastId)).toHaveLength(8);
  });

  test('is not disturbed by a client that used its id', async () => {
    const shop = await world.shop('bakery');
    const anna = await world.join(shop, 'anna');
    await shop.owner.connect();
    const { body: made } = await send(shop.owner, { ...service, sendAt: tomorrow() });
    await shop.owner.say(anna.contactId, 'Prima', made.id);
    await timeComes(made.id);
    await proceed();
    expect(await over(shop, made.id)).toMatchObject({ state: 'finished', sent: 1 });
    const [first, entry] = await inboxOf(anna);
    expect([first.body, entry.body]).toEqual(['Prima', service.body]);
    for (const clientId of [entry.clientId, `broadcast/${unique()}`]) {
      const { error } = await shop.owner.emit('message.send', { conversationId: anna.contactId, clientId, body: 'x' });
      expect(error).toMatchObject({ status: 400, errors: [{ field: 'clientId' }] });
    }
  });
});

describe('the moment of sending counts', () => {
  let shop: Shop;
  let anna: Person;
  let bruno: Person;
  beforeEach(async () => {
    shop = await world.shop('bakery');
    anna = await world.join(shop, 'anna', { promotions: true });
    bruno = await world.join(shop, 'bruno', { promotions: true });
  });
  const restrict = ({ contactId }: Person) =>
    world.rows('UPDATE conversation SET restricted_by_interlocutor = now() WHERE id = $1', [contactId]);

  test('for people who opt out before the scheduled time', async () => {
    const { body: made } = await send(shop.owner, { ...promotional, sendAt: tomorrow() });
    expect(made).toMatchObject({ recipients: 2, skipped: 0 });
    await consent(anna, false);
    await timeComes(made.id);
    await proceed();
    expect(await over(shop, made.id)).toMatchObject({
      recipients: 1,
      sent: 1,
      skippedBy: [{ reason: 'no_promotions', contacts: 1 }],
    });
    expect(await bodiesOf(anna)).toEqual([]);
    expect(await bodiesOf(bruno)).toEqual([promotional.body]);
  });

  test('for people who opt out while it is running, and for those who agree', async () => {
    const ids = await crowd(world, shop, 500);
    const late = await world.join(shop, 'carla');
    const release = await blockAt(ids[499]!);
    const { body: made } = await send(shop.owner, promotional);
    await until(async () => (await seen(shop, made.id)).sent > 0, 'the first chunk is sent');
    expect(await bodiesOf(bruno)).toEqual([promotional.body]);
    await consent(bruno, false);
    await consent(late, true);
    await world.rows('UPDATE contact SET promotions = false WHERE id = $1', [ids[499]]);
    await release();
    await proceed();
    expect(await over(shop, made.id)).toMatchObject({ recipients: 502, sent: 502, skipped: 1 });
    expect(await bodiesOf(late)).toEqual([promotional.body]);
    expect(await recipientsOf(shop, made.id, 'outcome=skipped')).toEqual([]);
  });

  test('so an opt-out waits for the chunk in progress, and nothing promotional follows its answer', async () => {
    let answered = false;
    await world.service.app.get(DataSource).transaction(async (manager) => {
      await manager.query('SELECT FROM conversation WHERE id = $1 FOR NO KEY UPDATE', [anna.contactId]);
      void consent(anna, false).then(() => (answered = true));
      await settle();
      expect(answered).toBe(false);
    });
    await until(() => answered, 'the no is answered');
    expect(await broadcast(shop, promotional)).toMatchObject({ sent: 1, skipped: 1 });
  });

  test('for a conversation that is restricted', async () => {
    await restrict(anna);
    expect((await send(shop.owner)).body).toMatchObject({ recipients: 1, skipped: 1 });
    const { body: later } = await send(shop.owner, { ...service, sendAt: tomorrow() });
    await restrict(bruno);
    await timeComes(later.id);
    await proceed();
    expect(await over(shop, later.id)).toMatchObject({ sent: 0, skippedBy: [{ reason: 'restricted', contacts: 2 }] });
    expect(await bodiesOf(anna)).toEqual([]);
    expect(await bodiesOf(bruno)).toEqual([service.body]);
  });

  test('for people who join after it began: they do not get it', async () => {
    const release = await blockAt(bruno.contactId);
    const { body: made } = await send(shop.owner);
    await settle();
    const late = await world.join(shop, 'carla');
    await release();
    await proceed();
    expect(await over(shop, made.id)).toMatchObject({ sent: 2 });
    expect(await bodiesOf(late)).toEqual([]);
    const { body: scheduled } = await send(shop.owner, { ...service, sendAt: tomorrow() });
    const early = await world.join(shop, 'osteria');
    await timeComes(scheduled.id);
    await proceed();
    expect(await over(shop, scheduled.id)).toMatchObject({ recipients: 4, sent: 4 });
    expect(await bodiesOf(early)).toEqual([service.body]);
  });

  test('for people who were erased: their personal text has no key, and no other recipient is left out', async () => {
    await crowd(world, shop, 1);
    expect(await broadcast(shop, { ...service, body: 'Ciao {{firstName}}' })).toMatchObject({
      sent: 2,
      skippedBy: [{ reason: 'erased', contacts: 1 }],
    });
    expect(await bodiesOf(bruno)).toEqual(['Ciao Bruno']);
  });

  test('for the subscriber’s own policies: without acceptance it stops, with the reason', async () => {
    await shop.owner.connect();
    const { body: made } = await send(shop.owner, { ...service, sendAt: tomorrow() });
    const accepted = (version: number) =>
      world.rows('UPDATE subscriber SET privacy_version = $2 WHERE subscriber_id = $1', [shop.id, version]);
    await accepted(0);
    await timeComes(made.id);
    await proceed();
    expect(await over(shop, made.id)).toMatchObject({ state: 'stopped', stopReason: 'consent_required', sent: 0 });
    await shop.owner.hears('broadcast.progressed', ({ id, state }) => id === made.id && state === 'stopped');
    expect(await bodiesOf(anna)).toEqual([]);
    const refused = await send(shop.owner);
    expectStatus(refused, 403);
    expect(refused.body.code).toBe('consent_required');
    expectStatus(await shop.owner.ask('POST', '/api/broadcasts/preview', previewOf(service)), 200);
    await accepted(1);
    expectStatus(await send(shop.owner), 202);
  });

  test('for its labels: once a label is deleted, nobody gets what was not meant for all', async () => {
    await shop.owner.connect();
    const { body: label } = await shop.owner.ask('POST', '/api/labels', { name: 'Senza glutine' });
    await shop.owner.ask('PATCH', `/api/contacts/${anna.contactId}`, { labels: [label.id] });
    const { body: made } = await send(shop.owner, {
      ...service,
      audience: { all: true, exceptLabels: [label.id] },
      sendAt: tomorrow(),
    });
    expect(made).toMatchObject({ recipients: 1, skipped: 0 });
    expectStatus(await shop.owner.ask('DELETE', `/api/labels/${label.id}`), 204);
    await timeComes(made.id);
    await proceed();
    expect(await over(shop, made.id)).toMatchObject({ state: 'stopped', stopReason: 'label_gone', sent: 0 });
    await shop.owner.hears('broadcast.progressed', ({ id, state }) => id === made.id && state === 'stopped');
    for (const person of [anna, bruno]) expect(await bodiesOf(person)).toEqual([]);
  });
});

const previewOf = ({ body, kind, audience, ...rest }: Record<string, unknown>) => ({ body, kind, audience, ...rest });

describe('an audience', () => {
  let shop: Shop;
  let [anna, bruno, carla, osteria]: Person[] = [];
  let [morning, gluten]: string[] = [];
  beforeAll(async () => {
    shop = await world.shop('bakery');
    anna = await world.join(shop, 'anna', { promotions: true });
    bruno = await world.join(shop, 'bruno');
    carla = await world.join(shop, 'carla', { promotions: true });
    osteria = await world.join(shop, 'osteria');
    for (const name of ['Mattina', 'Celiaci']) await shop.owner.ask('POST', '/api/labels', { name });
    const { body } = await shop.owner.ask('GET', '/api/labels');
    [gluten, morning] = body.items.map(({ id }: { id: string }) => id);
    await shop.owner.ask('PATCH', `/api/contacts/${anna.contactId}`, { labels: [morning, gluten] });
    await shop.owner.ask('PATCH', `/api/contacts/${bruno.contactId}`, { labels: [morning] });
  });
  const preview = (audience: unknown, content: Record<string, unknown> = { kind: 'service', reason: 'other' }) =>
    shop.owner.ask('POST', '/api/broadcasts/preview', { ...content, audience });

  const cases: [string, () => Record<string, unknown>, () => (Person | undefined)[]][] = [
    ['all', () => ({ all: true }), () => [anna, bruno, carla, osteria]],
    ['a region, whatever its spelling', () => ({ regions: ['emilia-romàgna'] }), () => [bruno]],
    ['one of several provinces', () => ({ provinces: ['RA', 'mi'] }), () => [bruno, carla]],
    ['a sector', () => ({ sectors: [' ristorazione '] }), () => [osteria]],
    ['a label', () => ({ labels: [morning] }), () => [anna, bruno]],
    ['a label and a province', () => ({ labels: [morning], provinces: ['RA'] }), () => [bruno]],
    ['a region written without its hyphen', () => ({ regions: ['EMILIA ROMAGNA'] }), () => [bruno]],
    ['chosen contacts, and some who are unknown', () => ({ contactIds: [carla!.contactId, uuid()] }), () => [carla]],
    [
      'a region with chosen contacts besides',
      () => ({ regions: ['Lombardia'], contactIds: [anna!.contactId] }),
      () => [anna, carla],
    ],
    ['all but a label', () => ({ all: true, exceptLabels: [gluten] }), () => [bruno, carla, osteria]],
    [
      'a label but some contacts',
      () => ({ labels: [morning], exceptContactIds: [bruno!.contactId, uuid()] }),
      () => [anna],
    ],
    [
      'chosen contacts but those with a label',
      () => ({ contactIds: [anna!.contactId, carla!.contactId], exceptLabels: [gluten] }),
      () => [carla],
    ],
    ['empty lists beside one that is not', () => ({ regions: [], labels: [gluten], sectors: null }), () => [anna]],
  ];
  test.each(cases)('of %s', async (_, audience, members) => {
    const { id } = await broadcast(shop, { ...service, audience: audience() });
    const reached = (await recipientsOf(shop, id)).map(({ contactId }) => contactId);
    expect(reached).toEqual(members().map((person) => person!.contactId));
    expect((await preview(audience())).body).toMatchObject({ total: reached.length, recipients: reached.length });
  });

  test('without recipients is refused, whatever is misspelled, and so is a change to one', async () => {
    for (const audience of [{ regions: ['Molise'] }, { provinces: ['RA'], sectors: ['Ristorazione'] }]) {
      const refused = await send(shop.owner, { ...service, audience });
      expect(refused).toMatchObject({
        status: 422,
        body: { code: 'audience_empty', errors: [{ field: 'audience', code: 'empty' }] },
      });
      expect((await preview(audience)).body).toMatchObject({ total: 0, recipients: 0 });
    }
    const everybody = [anna, bruno, carla, osteria].map((person) => person!.contactId);
    const excepted = { all: true, exceptContactIds: everybody };
    expect(await send(shop.owner, { ...service, audience: excepted })).toMatchObject({
      status: 422,
      body: { code: 'audience_empty' },
    });
    const { body: planned } = await send(shop.owner, { ...service, sendAt: tomorrow() });
    for (const audience of [{ regions: ['Molise'] }, excepted]) {
      const changed = await shop.owner.ask('PATCH', `/api/broadcasts/${planned.id}`, { audience });
      expect(changed).toMatchObject({ status: 422, body: { code: 'audience_empty' } });
    }
    const empty = await world.shop('florist');
    const toNobody = await send(empty.owner, { ...service, audience: excepted });
    expect(toNobody).toMatchObject({ status: 202, body: { recipients: 0 } });
    expect(await seen(shop, planned.id)).toMatchObject({ audience: { all: true }, recipients: 4 });
    expectStatus(await shop.owner.ask('POST', `/api/broadcasts/${planned.id}/cancellation`), 200);
  });

  test('of a region includes its people in every spelling', async () => {
    const elsewhere = await world.shop('bakery');
    const lodz = await world.join(elsewhere, 'anna', { region: 'Łódź' });
    await world.join(elsewhere, 'bruno', { region: 'Lublin' });
    const { id } = await broadcast(elsewhere, { ...service, audience: { regions: ['lodz'] } });
    expect((await recipientsOf(elsewhere, id)).map(({ contactId }) => contactId)).toEqual([lodz.contactId]);
  });

  test('is counted beforehand, with the reasons why some get nothing', async () => {
    await world.rows('UPDATE conversation SET restricted_by_interlocutor = now() WHERE id = $1', [carla!.contactId]);
    const answer = await preview({ all: true }, { kind: 'promotional' });
    expectStatus(answer, 200);
    expect(answer.body).toEqual({
      total: 4,
      recipients: 1,
      promotions: { given: 2, of: 4 },
      skipped: 3,
      skippedBy: [
        { reason: 'no_promotions', contacts: 2 },
        { reason: 'restricted', contacts: 1 },
      ],
      fields: ['firstName', 'surname', 'companyName', 'displayName', 'businessName'],
      words: 'Messaggio promozionale',
    });
    const { body } = await preview({ all: true });
    expect(body).toMatchObject({ recipients: 3, skipped: 1, words: 'Avviso di servizio' });
    await world.rows('UPDATE conversation SET restricted_by_interlocutor = NULL WHERE id = $1', [carla!.contactId]);
  });

  test('can be previewed as one contact', async () => {
    const body = 'Ciao {{firstName}}, {{businessName}}';
    const ask = (contactId: string) => preview({ all: true }, { kind: 'service', reason: 'order', body, contactId });
    expect((await ask(bruno!.contactId)).body.text).toBe('Ciao Bruno, Forno Aurora');
    expect((await ask(osteria!.contactId)).body.text).toBe('Ciao Osteria del Ponte, Forno Aurora');
    const elsewhere = await world.join(await world.shop('florist'), 'anna');
    for (const contactId of [uuid(), elsewhere.contactId]) expectStatus(await ask(contactId), 404);
  });

  test.each<[string, unknown, string]>([
    ['names nobody', {}, 'audience'],
    ['names nobody but exceptions', { exceptContactIds: [uuid()], labels: [] }, 'audience'],
    ['says that all is false', { all: false }, 'audience'],
    ['names all and some', { all: true, regions: ['Veneto'] }, 'audience.all'],
    ['names all and chosen contacts', { all: true, contactIds: [uuid()] }, 'audience.all'],
    ['is a list', [{ all: true }], 'audience'],
    ['is a text', 'all', 'audience'],
    ['is missing', undefined, 'audience'],
    ['has a field that there is not', { all: true, countries: ['IT'] }, 'audience.countries'],
    ['holds what is no id', { labels: ['x'] }, 'audience.labels'],
    ['holds what is no text', { regions: [7] }, 'audience.regions'],
  ])('that %s is refused', async (_, audience, field) => {
    for (const answer of [await preview(audience), await send(shop.owner, { ...service, audience })]) {
      expectStatus(answer, 400);
      expect(answer.body.errors[0]).toMatchObject({ field, message: expect.stringMatching(/\.$/) });
    }
  });

  const lists: [string, number, (index: number) => string][] = [
    ['regions', limits.audienceValues, (index) => `Regione ${index}`],
    ['provinces', limits.audienceValues, (index) => `P${index}`],
    ['sectors', limits.audienceValues, (index) => `Settore ${index}`],
    ['contactIds', limits.broadcastContacts, () => uuid()],
    ['exceptContactIds', limits.broadcastContacts, () => uuid()],
    ['exceptLabels', limits.audienceValues, () => uuid()],
    ['labels', limits.audienceValues, () => uuid()],
  ];
  test.each(lists)('can name a limited number of %s, and the error states it', async (field, most, value) => {
    const named = (length: number) => ({
      ...(field.startsWith('except') && { all: true }),
      [field]: Array.from({ length }, (_, index) => value(index)),
    });
    const fits = await preview(named(most));
    // Labels have to be there, so that these are known only as one too many.
    if (field.toLowerCase().includes('labels')) expect(fits.body.errors[0].code).toBe('unknown_label');
    else expectStatus(fits, 200);
    const refused = await preview(named(most + 1));
    expectStatus(refused, 400);
    expect(refused.body.errors).toEqual([
      expect.objectContaining({
        field: `audience.${field}`,
        message: expect.stringContaining(most.toLocaleString('en')),
      }),
    ]);
  });
});

describe('the audience of those who have not seen an earlier broadcast', () => {
  let shop: Shop;
  let [anna, bruno, carla]: Person[] = [];
  let earlier: string;
  beforeEach(async () => {
    shop = await world.shop('bakery');
    [anna, bruno, carla] = [
      await world.join(shop, 'anna', { promotions: true }),
      await world.join(shop, 'bruno', { promotions: true }),
      await world.join(shop, 'carla'),
    ];
    earlier = (await broadcast(shop, { ...service, audience: { contactIds: idsOf(anna, bruno) } })).id;
  });
  const idsOf = (...some: Person[]) => some.map(({ contactId }) => contactId);
  const see = async ({ device, contactId }: Person) => {
    const seenSeq = (await device.ask('GET', `/api/conversations/${contactId}/messages`)).body.items.at(-1).seq;
    expectStatus(await device.ask('PUT', `/api/conversations/${contactId}/receipt`, { seenSeq }), 204);
  };
  const reached = async (id: string, query = 'outcome=sent') =>
    (await recipientsOf(shop, id, query)).map(({ contactId }) => contactId);

  test('is determined at the moment of sending, and reminds nobody twice', async () => {
    const audience = { notSeenOf: earlier };
    const { body: planned } = await send(shop.owner, { ...service, audience, sendAt: tomorrow() });
    expect(planned).toMatchObject({ recipients: 2, skipped: 0 });
    await see(anna!);
    await world.rows('UPDATE broadcast SET send_at = now() WHERE id = $1', [planned.id]);
    await Promise.all([proceed(), proceed()]);
    expect(await over(shop, planned.id)).toMatchObject({ state: 'finished', recipients: 1, sent: 1, audience });
    expect(await reached(planned.id)).toEqual([bruno!.contactId]);
    expect(await bodiesOf(anna!)).toEqual([service.body]);
    expect(await bodiesOf(bruno!)).toEqual([service.body, service.body]);
    // Carla never got the first one.
    expect(await bodiesOf(carla!)).toEqual([]);
  });

  test('combines with labels and places, requires consent to promotions, and can be previewed', async () => {
    await world.rows('UPDATE contact SET promotions = false WHERE id = $1', [bruno!.contactId]);
    const asked = { kind: 'promotional', audience: { notSeenOf: earlier } };
    const { body: preview } = await shop.owner.ask('POST', '/api/broadcasts/preview', asked);
    expect(preview).toMatchObject({ total: 2, recipients: 1, promotions: { given: 1, of: 2 }, skipped: 1 });
    const contacts = async (more: object) => {
      const answer = await shop.owner.ask('POST', '/api/broadcasts/preview/contacts', { ...asked, ...more });
      expectStatus(answer, 200);
      return answer.body;
    };
    const [first, second] = [
      { contactId: anna!.contactId, displayName: 'Anna Rossi', firstName: 'Anna', surname: 'Rossi', outcome: 'sent' },
      { contactId: bruno!.contactId, displayName: 'Bruno Bianchi', outcome: 'skipped', reason: 'no_promotions' },
    ];
    expect(await contacts({})).toEqual({ items: [first, expect.objectContaining(second)], nextAfter: null });
    expect(await contacts({ limit: 1 })).toEqual({ items: [first], nextAfter: anna!.contactId });
    expect((await contacts({ limit: 1, after: anna!.contactId })).items).toMatchObject([second]);
    expect((await contacts({ outcome: 'skipped' })).items).toMatchObject([second]);
    const { province } = (await shop.owner.ask('GET', `/api/contacts/${bruno!.contactId}`)).body;
    const { id } = await broadcast(shop, { ...service, audience: { notSeenOf: earlier, provinces: [province] } });
    expect(await reached(id)).toEqual([bruno!.contactId]);
    expect((await shop.owner.ask('POST', '/api/broadcasts/preview/contacts', { ...asked, limit: 201 })).status).toBe(
      400,
    );
  });

  test('is refused for another business’s broadcast, and while seen times are turned off', async () => {
    const other = await world.shop('florist');
    await world.join(other, 'anna');
    const { id: theirs } = await broadcast(other);
    for (const notSeenOf of [theirs, uuid()]) {
      for (const answer of [
        await send(shop.owner, { ...service, audience: { notSeenOf } }),
        await shop.owner.ask('POST', '/api/broadcasts/preview', { ...previewOf(service), audience: { notSeenOf } }),
      ]) {
        expect(answer).toMatchObject({
          status: 400,
          body: { errors: [{ field: 'audience.notSeenOf', code: 'unknown_broadcast' }] },
        });
      }
    }
    const all = await send(shop.owner, { ...service, audience: { all: true, notSeenOf: earlier } });
    expect(all).toMatchObject({ status: 400, body: { errors: [{ field: 'audience.all', code: 'exclusive' }] } });
    const audience = { notSeenOf: earlier };
    const { body: planned } = await send(shop.owner, { ...service, audience, sendAt: tomorrow() });
    expectStatus(await shop.owner.ask('PATCH', '/api/subscriber', { seenTimes: false }), 200);
    expect(await send(shop.owner, { ...service, audience })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'audience.notSeenOf', code: 'seen_times_off' }] },
    });
    expect(await shop.owner.ask('GET', `/api/broadcasts/${earlier}/recipients?unseen=true`)).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'unseen', code: 'seen_times_off' }] },
    });
    await world.rows('UPDATE broadcast SET send_at = now() WHERE id = $1', [planned.id]);
    await proceed();
    expect(await over(shop, planned.id)).toMatchObject({ state: 'stopped', stopReason: 'seen_times_off', sent: 0 });
  });
});

describe('the results', () => {
  let shop: Shop;
  let [anna, bruno, carla]: Person[] = [];
  let id: string;
  beforeAll(async () => {
    shop = await world.shop('bakery');
    anna = await world.join(shop, 'anna', { promotions: true });
    bruno = await world.join(shop, 'bruno', { promotions: true, surname: '=1+1;@x' });
    carla = await world.join(shop, 'carla');
    id = (await broadcast(shop, promotional)).id;
    const receipt = ({ device, contactId }: Person, body: object) =>
      device.ask('PUT', `/api/conversations/${contactId}/receipt`, body);
    expectStatus(await receipt(anna, { seenSeq: 1 }), 204);
    expectStatus(await receipt(bruno, { deliveredSeq: 1 }), 204);
    await anna.device.connect();
    await anna.device.say(anna.contactId, 'Ne prendo due');
    await anna.device.say(anna.contactId, 'Anzi tre');
  });
  const results = async (which = id) => {
    const answer = await shop.owner.ask('GET', `/api/broadcasts/${which}/results`);
    expectStatus(answer, 200);
    return answer.body;
  };

  test('count deliveries and views over time', async () => {
    const { points } = await results();
    expect(points[0]).toMatchObject({ delivered: 0, seen: 0 });
    expect(points.at(-1)).toMatchObject({ delivered: 2, seen: 1 });
    await world.rows(`UPDATE broadcast SET started_at = now() - interval '3 hours' WHERE id = $1`, [id]);
    // Anna had it an hour before she saw it.
    await world.rows(
      `INSERT INTO watermark_move (subscriber_id, conversation_id, party, minute, delivered_seq, seen_seq)
       SELECT subscriber_id, conversation_id, party, date_trunc('minute', now()) - interval '1 hour', 1, 0
       FROM watermark WHERE conversation_id = $1 AND party = 'interlocutor'`,
      [anna!.contactId],
    );
    const later = (await results()).points as { at: string; delivered: number; seen: number }[];
    expect(later.length).toBeLessThanOrEqual(98);
    const at = (minutes: number) => later.find((point) => Date.parse(point.at) > Date.now() - minutes * 60_000);
    expect(at(90)).toMatchObject({ delivered: 0, seen: 0 });
    expect(at(50)).toMatchObject({ delivered: 1, seen: 0 });
    expect(later.at(-1)).toMatchObject({ delivered: 2, seen: 1 });
    expect(later.map(({ delivered }) => delivered)).toEqual(later.map(({ delivered }) => delivered).sort());
  });

  test('count replies: the next entry in the conversation, within a week', async () => {
    expect(await results()).toMatchObject({
      answered: 1,
      latestAnswers: [{ contactId: anna!.contactId, displayName: 'Anna Rossi', seq: 2 }],
    });
    expect(await recipientsOf(shop, id, 'answered=true')).toMatchObject([
      { contactId: anna!.contactId, answeredSeq: 2 },
    ]);
    expect(await recipientsOf(shop, id, 'unseen=true')).toMatchObject([{ contactId: bruno!.contactId, seen: false }]);
    await world.rows(`UPDATE broadcast SET started_at = now() - interval '7 days 1 minute' WHERE id = $1`, [id]);
    expect(await results()).toMatchObject({ answered: 0, latestAnswers: [] });
    await world.rows(`UPDATE broadcast SET started_at = now() WHERE id = $1`, [id]);
  });

  test('do not count views while seen times are turned off', async () => {
    const [{ seen_times_since: since }] = (await world.rows<{ seen_times_since: Date }>(
      'SELECT seen_times_since FROM subscriber WHERE subscriber_id = $1',
      [shop.id],
    )) as [{ seen_times_since: Date }];
    await world.rows('UPDATE subscriber SET seen_times_since = NULL WHERE subscriber_id = $1', [shop.id]);
    expect((await results()).points.at(-1)).toMatchObject({ delivered: 2, seen: null });
    await world.rows('UPDATE subscriber SET seen_times_since = $2 WHERE subscriber_id = $1', [shop.id, since]);
  });

  test('are empty before it begins', async () => {
    const { body: planned } = await send(shop.owner, { ...service, sendAt: tomorrow() });
    expect(await results(planned.id)).toEqual({ points: [], answered: 0, latestAnswers: [] });
    const stages = async (stage: string) =>
      (await shop.owner.ask('GET', `/api/broadcasts?stage=${stage}`)).body.items.map((each: { id: string }) => each.id);
    expect([await stages('under_way'), await stages('over')]).toEqual([[planned.id], [id]]);
  });

  test('can be downloaded by the owner, without formulas, which is recorded in the log', async () => {
    const path = `/api/broadcasts/${id}/recipients/export`;
    const { body: csv } = await shop.owner.ask('GET', `${path}?locale=it`);
    const lines = String(csv)
      .replace(/^\uFEFF/, '')
      .trimEnd()
      .split('\r\n');
    expect(lines).toEqual([
      'Nome;Esito;Consegnata;Vista;Risposta;ID Colloquio',
      `Anna Rossi;inviata;sì;sì;sì;${anna!.contactId}`,
      `"Bruno =1+1;'@x";inviata;sì;no;no;${bruno!.contactId}`,
      `Carla Verdi;non ha detto sì alle promozioni;;;;${carla!.contactId}`,
    ]);
    const { body: actions } = await shop.owner.ask('GET', '/api/actions?limit=1');
    expect(actions.items[0]).toMatchObject({ kind: 'broadcast.exported', subjectId: id });
    const staff = await world.staff(shop);
    expectStatus(await staff.device.ask('GET', path), 404);
    expectStatus(await staff.device.ask('GET', `/api/broadcasts/${id}/recipients`), 200);
  });
});

describe('a request', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await world.shop('bakery');
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['a service message without reason', { ...service, reason: undefined }, 'reason'],
    ['a reason that there is not', { ...service, reason: 'offer' }, 'reason'],
    ['a promotional message with reason', { ...promotional, reason: 'order' }, 'reason'],
    ['a kind that there is not', { ...service, kind: 'urgent' }, 'kind'],
    ['an empty text', { ...service, body: ' \n' }, 'body'],
    ['a text in which nothing is seen', { ...service, body: '\u2800\u200B' }, 'body'],
    ['a time after which it is late without 15 minutes between', { ...service, notAfter: inMinutes(14) }, 'notAfter'],
    ['a time after which it is late more than seven days on', { ...service, notAfter: inMinutes(10_200) }, 'notAfter'],
    ['a time after which it is late that is none', { ...service, notAfter: 'poi' }, 'notAfter'],
    ['a text of 10,001 characters', { ...service, body: 'a'.repeat(10_001) }, 'body'],
    ['a field that there is not', { ...service, body: 'Ciao {{nome}}' }, 'body'],
    ['a clientId of 65 characters', { ...service, clientId: 'c'.repeat(65) }, 'clientId'],
    ['an attachment', { ...service, attachmentIds: ['a'] }, 'attachmentIds'],
    ['an unknown field', { ...service, color: 'red' }, 'color'],
    ['a time that has passed', { ...service, sendAt: '2020-01-01T09:00' }, 'sendAt'],
    ['a time that is none', { ...service, sendAt: 'domani' }, 'sendAt'],
    [
      'a time in two years',
      { ...service, sendAt: new Date(Date.now() + 2 * 365 * 86_400_000).toISOString() },
      'sendAt',
    ],
  ])('is refused with %s, and nothing is kept', async (_, content, field) => {
    const refused = await send(shop.owner, content);
    expectStatus(refused, 400);
    expect(refused.body.errors[0]).toMatchObject({ field, message: expect.stringMatching(/\.$/) });
    expect((await shop.owner.ask('GET', '/api/broadcasts')).body.items).toEqual([]);
  });

  test.each([
    ['10,000 characters', 'a'.repeat(10_000)],
    ['10,000 characters of four bytes, as escapes', '😀'.repeat(10_000)],
    ['9,799 characters and a field', `${'a'.repeat(9_799)}{{displayName}}`],
  ])('may be a text of %s', async (_, body) => {
    const elsewhere = await world.shop('bakery');
    const anna = await world.join(elsewhere, 'anna');
    const { id } = await broadcast(elsewhere, { ...service, body });
    expect((await seen(elsewhere, id)).body).toBe(body);
    expect(await bodiesOf(anna)).toEqual([body.replace('{{displayName}}', 'Anna Rossi')]);
  });

  test('can have the longest text and the most contacts', async () => {
    const elsewhere = await world.shop('bakery');
    const { contactId } = await world.join(elsewhere, 'anna');
    const ids = Array.from({ length: limits.broadcastContacts - 1 }, () => uuid());
    const audience = { contactIds: [contactId, ...ids], exceptContactIds: [uuid(), ...ids] };
    const made = await send(elsewhere.owner, { ...service, body: '😀'.repeat(10_000), audience });
    expectStatus(made, 202);
    expect(made.body.recipients).toBe(1);
  });

  test('is refused beyond fifty waiting broadcasts, until one is cancelled', async () => {
    const busy = await world.shop('bakery');
    const ids: string[] = [];
    for (let i = 0; i < limits.broadcastsUnderWay; i++) {
      const made = await send(busy.owner, { ...service, sendAt: tomorrow() });
      expectStatus(made, 202);
      ids.push(made.body.id);
    }
    const refused = await send(busy.owner);
    expectStatus(refused, 409);
    expect(refused.body).toMatchObject({ code: 'broadcasts_limit', detail: expect.stringContaining('50') });
    expectStatus(await busy.owner.ask('POST', `/api/broadcasts/${ids[7]}/cancellation`), 200);
    expectStatus(await send(busy.owner), 202);
  });
});

describe('the time', () => {
  test('without an offset is in the time zone of the business, which can be corrected', async () => {
    const shop = await world.shop('bakery');
    const at = async (sendAt: string) =>
      (await seen(shop, (await send(shop.owner, { ...service, sendAt })).body.id)).sendAt;
    const year = new Date().getUTCFullYear() + (new Date().getUTCMonth() >= 5 ? 1 : 0);
    expect(await at(`${year}-06-01T09:00`)).toBe(`${year}-06-01T07:00:00.000Z`);
    expect(await at(`${year}-06-01T09:00:00+05:00`)).toBe(`${year}-06-01T04:00:00.000Z`);
    expect((await shop.owner.ask('GET', '/api/me')).body.subscriber.timeZone).toBe('Europe/Rome');
    const corrected = await shop.owner.ask('PATCH', '/api/subscriber', { timeZone: 'Atlantic/Canary' });
    expect(corrected.body.timeZone).toBe('Atlantic/Canary');
    expect(await at(`${year}-06-01T09:00`)).toBe(`${year}-06-01T08:00:00.000Z`);
    expectStatus(await shop.owner.ask('PATCH', '/api/subscriber', { city: 'Imola' }), 200);
    expect((await shop.owner.ask('GET', '/api/me')).body.subscriber.timeZone).toBe('Atlantic/Canary');
    for (const timeZone of ['Roma', '+01:00', 7]) {
      const refused = await shop.owner.ask('PATCH', '/api/subscriber', { timeZone });
      expectStatus(refused, 400);
      expect(refused.body.errors[0].field).toBe('timeZone');
    }
    const { body } = await world.ask('POST', '/api/subscribers', {
      body: await world.registration('florist', { timeZone: 'Europe/Lisbon' }),
    });
    expect(body.subscriber.timeZone).toBe('Europe/Lisbon');
  });

  test('decides: before it nobody has the broadcast, and afterwards everybody', async () => {
    const shop = await world.shop('bakery');
    const anna = await world.join(shop, 'anna');
    const { body: made } = await send(shop.owner, { ...service, sendAt: tomorrow() });
    await proceed();
    expect(await seen(shop, made.id)).toMatchObject({ state: 'scheduled', sent: 0, delivered: 0, seen: 0 });
    expect(await seen(shop, made.id)).not.toHaveProperty('startedAt');
    expect(await bodiesOf(anna)).toEqual([]);
    await timeComes(made.id);
    await proceed();
    const view = await over(shop, made.id);
    expect(view).toMatchObject({ state: 'finished', sent: 1 });
    expect(Date.parse(view.endedAt)).toBeGreaterThanOrEqual(Date.parse(view.startedAt));
    expect(await bodiesOf(anna)).toEqual([service.body]);
  });

  test('is noticed without a request', async () => {
    const shop = await world.shop('bakery');
    await world.join(shop, 'anna');
    const made = await send(shop.owner, { ...service, sendAt: new Date(Date.now() + 1_000).toISOString() });
    expect((await seen(shop, made.body.id)).state).toBe('scheduled');
    // Jobs whose time comes are looked for every fifteen seconds.
    for (let i = 0; i < 200 && (await seen(shop, made.body.id)).state !== 'finished'; i++) await settle();
    expect(await seen(shop, made.body.id)).toMatchObject({ state: 'finished', sent: 1 });
  });
});

describe('cancelling', () => {
  const cancel = (shop: Shop, id: string) => shop.owner.ask('POST', `/api/broadcasts/${id}/cancellation`);

  test('before the time means that nobody ever gets it', async () => {
    const shop = await world.shop('bakery');
    const anna = await world.join(shop, 'anna');
    await shop.owner.connect();
    const { body: made } = await send(shop.owner, { ...service, sendAt: tomorrow() });
    for (let i = 0; i < 2; i++)
      expect(await cancel(shop, made.id)).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    await shop.owner.hears('broadcast.progressed', ({ id, state }) => id === made.id && state === 'cancelled');
    await timeComes(made.id);
    await proceed();
    expect(await seen(shop, made.id)).toMatchObject({ state: 'cancelled', sent: 0 });
    expect(await bodiesOf(anna)).toEqual([]);
    const { body: actions } = await shop.owner.ask('GET', '/api/actions');
    const kinds = actions.items.map(({ kind }: { kind: string }) => kind);
    expect(kinds.filter((kind: string) => kind === 'broadcast.cancelled')).toHaveLength(1);
  });

  test('while it is running stops it: those who have it keep it, the others get nothing', async () => {
    const shop = await world.shop('bakery');
    const anna = await world.join(shop, 'anna');
    const ids = await crowd(world, shop, 700);
    const release = await blockAt(ids[600]!);
    const { body: made } = await send(shop.owner);
    await until(async () => (await seen(shop, made.id)).sent === 500, 'the first chunk is sent');
    expect(await cancel(shop, made.id)).toMatchObject({ status: 200, body: { state: 'stopped', sent: 500 } });
    await release();
    await proceed();
    expect(await cancel(shop, made.id)).toMatchObject({ status: 200, body: { state: 'stopped', sent: 500 } });
    expect(await entriesOf(made.id)).toHaveLength(500);
    expect(await bodiesOf(anna)).toEqual([service.body]);
  });

  test('after the end is refused', async () => {
    const shop = await world.shop('bakery');
    await world.join(shop, 'anna');
    const { id } = await broadcast(shop);
    const refused = await cancel(shop, id);
    expectStatus(refused, 409);
    expect(refused.body.code).toBe('broadcast_over');
    expect(await seen(shop, id)).toMatchObject({ state: 'finished', sent: 1 });
  });
});

describe('a report as advertising', () => {
  let shop: Shop;
  let anna: Person;
  let bruno: Person;
  beforeAll(async () => {
    shop = await world.shop('bakery');
    anna = await world.join(shop, 'anna', { promotions: true });
    bruno = await world.join(shop, 'bruno');
    await shop.owner.connect();
  });
  const report = ({ device, contactId }: Person, seq: number | string) =>
    device.ask('POST', `/api/conversations/${contactId}/messages/${seq}/advertising-report`);
  const lastSeq = async (person: Person) => (await inboxOf(person)).at(-1).seq as number;

  test('of a service message counts once for each recipient, and its author is never disclosed', async () => {
    const { id } = await broadcast(shop, { ...service, body: 'Comprate da noi!' });
    for (const person of [anna, anna, bruno]) expectStatus(await report(person, await lastSeq(person)), 204);
    await shop.owner.hears('broadcast.reported', (each) => each.id === id && each.reports === 2);
    await settle();
    const told = shop.owner.heard.filter(({ event }) => event === 'broadcast.reported');
    expect(told.map(({ payload }) => payload)).toEqual([
      { id, reports: 1 },
      { id, reports: 2 },
    ]);
    expect((await seen(shop, id)).reports).toBe(2);
    const shown = JSON.stringify([await recipientsOf(shop, id), told]);
    expect(shown).not.toContain('reported_at');
    for (const device of [anna.device, bruno.device]) {
      expect(JSON.stringify((await device.ask('GET', '/api/conversations')).body)).not.toContain('report');
    }
  });

  test('does not exist for a promotion, an ordinary message, or one’s own message', async () => {
    await broadcast(shop, promotional);
    const promotion = await lastSeq(anna);
    const own = await (await anna.device.connect()).say(anna.contactId, 'Ciao');
    const ordinary = await shop.owner.say(anna.contactId, 'Ciao Anna');
    for (const seq of [promotion, own, ordinary]) {
      const refused = await report(anna, seq);
      expectStatus(refused, 409);
      expect(refused.body.code).toBe('not_reportable');
    }
    for (const seq of [ordinary + 1, 0, 'x', 2 ** 31]) expectStatus(await report(anna, seq), 404);
  });
});

/** Lets a broadcast be later than it may be. */
const tooLate = (id: string, hours = 30) =>
  world.rows(
    `UPDATE broadcast SET send_at = send_at - ($2 || ' hours')::interval, not_after = now() - interval '1 second' WHERE id = $1`,
    [id, hours + 24],
  );

const release = (shop: Shop, id: string) => shop.owner.ask('POST', `/api/broadcasts/${id}/release`);

describe('a broadcast that is late', () => {
  let shop: Shop;
  let anna: Person;
  beforeEach(async () => {
    shop = await world.shop('bakery');
    anna = await world.join(shop, 'anna');
    await shop.owner.connect();
  });

  test('is held: nobody gets it, and the business learns of it by event, in the list of actions and by mail', async () => {
    const accounts = world.service.app.get(Accounts);
    const [owner] = await world.rows<{ account_id: string }>('SELECT account_id FROM member WHERE subscriber_id = $1', [
      shop.id,
    ]);
    const emailHash = world.service.app.get(AddressHashes).of('email', 'info@aurora.example');
    await accounts.setVerifiedEmail(world.service.app.get(DataSource).manager, owner!.account_id, emailHash);
    const { body: made } = await send(shop.owner, { ...service, sendAt: tomorrow() });
    const { sendAt, notAfter } = await seen(shop, made.id);
    expect(Date.parse(notAfter) - Date.parse(sendAt)).toBe(6 * 3_600_000);
    await tooLate(made.id);
    await proceed();
    await proceed();

    expect(await seen(shop, made.id)).toMatchObject({ state: 'held', sent: 0 });
    expect(await bodiesOf(anna)).toEqual([]);
    await shop.owner.hears('broadcast.progressed', ({ id, state }) => id === made.id && state === 'held');
    const { body: actions } = await shop.owner.ask('GET', '/api/actions');
    expect(actions.items[0]).toMatchObject({ kind: 'broadcast.held', subjectId: made.id, memberId: null });
    await until(async () => {
      const mails = await world.rows(`SELECT FROM mail WHERE template = 'broadcast_held' AND key_id = $1`, [shop.id]);
      return mails.length === 1;
    }, 'a mail waits for the owner');
  });

  test('is sent once when it is released, with a new latest time', async () => {
    const { body: made } = await send(shop.owner, { ...service, sendAt: tomorrow() });
    expect(await release(shop, made.id)).toMatchObject({ status: 409, body: { code: 'broadcast_not_held' } });
    await tooLate(made.id);
    await proceed();
    const released = await release(shop, made.id);
    expect(released.status).toBe(200);
    expect(['scheduled', 'running', 'finished']).toContain(released.body.state);
    expect(Date.parse(released.body.notAfter)).toBeGreaterThan(Date.now() + 5 * 3_600_000);
    expect(await over(shop, made.id)).toMatchObject({ state: 'finished', sent: 1 });
    expect(await bodiesOf(anna)).toEqual([service.body]);
    expect(await release(shop, made.id)).toMatchObject({ status: 409 });
    const { body: actions } = await shop.owner.ask('GET', '/api/actions');
    expect(actions.items[0]).toMatchObject({ kind: 'broadcast.released', subjectId: made.id });
  });

  test('can be cancelled if it has not begun', async () => {
    const { body: made } = await send(shop.owner, { ...service, sendAt: tomorrow() });
    await tooLate(made.id);
    await proceed();
    expect((await shop.owner.ask('POST', `/api/broadcasts/${made.id}/cancellation`)).body.state).toBe('cancelled');
    await proceed();
    expect(await bodiesOf(anna)).toEqual([]);
  });

  test('is held even if it was interrupted halfway, and continues where it was', async () => {
    const bruno = await world.join(shop, 'bruno');
    const letGo = await blockAt(anna.contactId);
    const { body: made } = await send(shop.owner);
    await proceed().catch(() => undefined);
    expect(await seen(shop, made.id)).toMatchObject({ state: 'running', sent: 0 });
    await tooLate(made.id);
    await letGo();
    await proceed();
    // The job may be at it just now.
    expect(await over(shop, made.id)).toMatchObject({ state: 'held', sent: 0 });
    expect((await release(shop, made.id)).body.state).toBe('running');
    expect(await over(shop, made.id)).toMatchObject({ state: 'finished', sent: 2 });
    for (const person of [anna, bruno]) expect(await bodiesOf(person)).toEqual([service.body]);
  });
});

describe('changing a planned broadcast', () => {
  let shop: Shop;
  let [anna, bruno]: Person[] = [];
  const change = (id: string, content: Record<string, unknown>) =>
    shop.owner.ask('PATCH', `/api/broadcasts/${id}`, content);
  beforeAll(async () => {
    shop = await world.shop('bakery');
    anna = await world.join(shop, 'anna', { promotions: true });
    bruno = await world.join(shop, 'bruno');
  });

  test('can change text, audience, kind and time, and the changed broadcast is sent', async () => {
    const notAfter = new Date(Date.now() + 86_400_000 + 3_600_000).toISOString();
    const { body: made } = await send(shop.owner, { ...service, sendAt: tomorrow(), notAfter });
    const sendAt = new Date(Date.now() + 2 * 86_400_000).toISOString();
    const changed = await change(made.id, { ...promotional, body: 'Ciao {{firstName}}', sendAt });
    expectStatus(changed, 200);
    expect(changed.body).toMatchObject({ kind: 'promotional', reason: null, body: 'Ciao {{firstName}}', sendAt });
    expect(changed.body).toMatchObject({ recipients: 1, state: 'scheduled' });
    // It may be as late as before.
    const leeway = Date.parse(changed.body.notAfter) - Date.parse(sendAt);
    expect(leeway).toBeGreaterThan(3_590_000);
    expect(leeway).toBeLessThanOrEqual(3_600_000);
    const narrowed = await change(made.id, { audience: { contactIds: [anna!.contactId] } });
    expect(narrowed.body).toMatchObject({ audience: { contactIds: [anna!.contactId] }, body: 'Ciao {{firstName}}' });
    const { body: actions } = await shop.owner.ask('GET', '/api/actions');
    expect(actions.items[0]).toMatchObject({ kind: 'broadcast.changed', subjectId: made.id });

    await timeComes(made.id);
    await proceed();
    expect(await over(shop, made.id)).toMatchObject({ sent: 1, skipped: 0 });
    expect(await bodiesOf(anna!)).toEqual(['Ciao Anna']);
    expect(await bodiesOf(bruno!)).toEqual([]);
    expect(await change(made.id, { body: 'Troppo tardi' })).toMatchObject({
      status: 409,
      body: { code: 'broadcast_begun' },
    });
  });

  test('is refused to who has read an older edition, so that no member overwrites what another has written', async () => {
    const { body: made } = await send(shop.owner, { ...service, sendAt: tomorrow() });
    const { edition } = await seen(shop, made.id);
    const [first, second] = await Promise.all([
      change(made.id, { body: 'Chiuso per ferie', edition }),
      change(made.id, { body: 'Chiuso per lutto', edition }),
    ]);
    expect([first.status, second.status].sort()).toEqual([200, 409]);
    const [kept, refused] = first.status === 200 ? [first, second] : [second, first];
    expect(refused.body.code).toBe('broadcast_changed');
    expect(kept.body.edition).toBeGreaterThan(edition);
    expect(await seen(shop, made.id)).toEqual(kept.body);
    const again = await change(made.id, { body: 'Tutti e due', edition: kept.body.edition });
    expectStatus(again, 200);
    expect(again.body).toMatchObject({ body: 'Tutti e due', sendAt: kept.body.sendAt });
    expectStatus(await shop.owner.ask('POST', `/api/broadcasts/${made.id}/cancellation`), 200);
  });

  test('with null changes nothing', async () => {
    const { body: made } = await send(shop.owner, { ...service, sendAt: tomorrow() });
    const before = await seen(shop, made.id);
    for (const field of ['kind', 'reason', 'body', 'audience', 'sendAt', 'notAfter', 'edition']) {
      expectStatus(await change(made.id, { [field]: null }), 200);
      expect(await seen(shop, made.id)).toEqual(before);
    }
    expectStatus(await shop.owner.ask('POST', `/api/broadcasts/${made.id}/cancellation`), 200);
  });

  test('while it begins sends one text to all, the old or the new', async () => {
    for (let round = 0; round < 6; round++) {
      const before = (await bodiesOf(bruno!)).length;
      const { body: made } = await send(shop.owner, { ...service, body: `Prima ${round}`, sendAt: tomorrow() });
      await timeComes(made.id);
      const [changed] = await Promise.all([change(made.id, { body: `Dopo ${round}` }), proceed(), proceed()]);
      const { body } = await over(shop, made.id);
      expect(body).toBe(changed.status === 200 ? `Dopo ${round}` : `Prima ${round}`);
      for (const person of [anna!, bruno!]) expect((await bodiesOf(person)).at(-1)).toBe(body);
      expect(await bodiesOf(bruno!)).toHaveLength(before + 1);
    }
  });

  test.each<[Record<string, unknown>, string]>([
    [{ kind: 'promotional', reason: 'order' }, 'reason'],
    [{ body: '' }, 'body'],
    [{ sendAt: '2020-01-01T09:00' }, 'sendAt'],
    [{ notAfter: '2020-01-01T09:00' }, 'notAfter'],
    [{ clientId: 'altro' }, 'clientId'],
    [{ audience: { labels: [uuid()] } }, 'audience.labels'],
  ])('to %j is refused and changes nothing', async (content, field) => {
    const { body: made } = await send(shop.owner, { ...service, sendAt: tomorrow() });
    const before = await seen(shop, made.id);
    const refused = await change(made.id, content);
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ field }] } });
    expect(await seen(shop, made.id)).toEqual(before);
    expectStatus(await shop.owner.ask('POST', `/api/broadcasts/${made.id}/cancellation`), 200);
  });

  test('is for the members of the business alone', async () => {
    const { body: made } = await send(shop.owner, { ...service, sendAt: tomorrow() });
    const stranger = await world.shop('florist');
    for (const device of [stranger.owner, anna!.device]) {
      expectStatus(await device.ask('PATCH', `/api/broadcasts/${made.id}`, { body: 'Mia' }), 404);
      expectStatus(await device.ask('POST', `/api/broadcasts/${made.id}/release`), 404);
    }
  });
});
