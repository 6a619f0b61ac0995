import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ToldEvent } from '../src/contract/events.js';
import { Scans } from '../src/attachments/scans.service.js';
import { ClamdServer } from './support/clamd.js';
import { Client, plain } from './support/client.js';
import { bytesOf, upload } from './support/files.js';
import { expireBefore } from './support/retention.js';
import { type Device, password, type Person, settle, type Shop, unique, until, World } from './support/world.js';

/** A small picture. */
async function logo(): Promise<FormData> {
  const { default: sharp } = await import('sharp');
  const form = new FormData();
  const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'orange' } })
    .png()
    .toBuffer();
  form.set('file', new Blob([new Uint8Array(png)], { type: 'image/png' }), 'logo.png');
  return form;
}

/** Promise 4: every signed-in device of both parties gets every message and every change, live or at the next sync. */

let clamd: ClamdServer;
let world: World;
let bakery: Shop;
let counter: Device;
let anna: Person;
let bruno: Person;
let phone: Device;
let tablet: Device;

beforeAll(async () => {
  clamd = await ClamdServer.listen();
  world = await World.open({ CLAMD_URL: clamd.url });
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  bruno = await world.join(bakery, 'bruno');
  await world.join(bakery, 'carla');
  counter = await (await world.signIn(bakery.username)).connect();
  phone = await anna.device.connect();
  tablet = await (await world.signIn(anna.username)).connect();
  await bakery.owner.connect();
});
afterAll(async () => {
  await world.close();
  await clamd.close();
});

/** Writes to everybody, and waits until the owner has heard that all have it. */
async function broadcast(content: Record<string, unknown>): Promise<string> {
  const answer = await counter.ask('POST', '/api/broadcasts', {
    clientId: unique(),
    audience: { all: true },
    ...content,
  });
  expect(answer.status).toBe(202);
  const { id } = answer.body;
  await bakery.owner.hears('broadcast.progressed', (each) => each.id === id && each.state === 'finished');
  return id;
}

describe('old state + events = fresh state', () => {
  /** Holds the state on every device, lets something happen, and compares with a fresh load. */
  async function compare(event: ToldEvent, happens: () => Promise<unknown>): Promise<void> {
    const devices = [bakery.owner, counter, phone, tablet];
    const clients = devices.map(
      (device) => new Client(device, device === bakery.owner || device === counter ? 'subscriber' : 'interlocutor'),
    );
    for (const client of clients) await client.load();
    const heardBefore = devices.map((device) => device.heard.length);
    await happens();
    await settle();
    const concerned = devices.some((device, index) =>
      device.heard.slice(heardBefore[index]).some((each) => each.event === event),
    );
    expect(concerned).toBe(true);
    for (const [index, client] of clients.entries()) {
      if (!devices[index]!.connected) continue;
      await client.hear();
      const fresh = await new Client(devices[index]!, index < 2 ? 'subscriber' : 'interlocutor').load();
      expect(plain(client.held)).toEqual(plain(fresh.held));
    }
  }

  const cases: Record<ToldEvent, () => Promise<unknown>> = {
    'message.sent': async () => {
      await phone.say(anna.contactId, 'Buongiorno, avete il pane di segale?');
      await counter.say(anna.contactId, 'Sì, fino alle undici.\nLo metto da parte?');
      await tablet.say(anna.contactId, 'Sì grazie 🥖');
    },
    'message.withdrawn': async () => {
      const first = await phone.say(anna.contactId, 'Scusate, ho sbagliato negozio');
      const last = await counter.say(anna.contactId, 'Nessun problema!');
      for (const [device, seq] of [
        [tablet, first],
        [bakery.owner, last],
      ] as const) {
        const path = `/api/conversations/${anna.contactId}/messages/${seq}`;
        expect((await device.ask('DELETE', path)).status).toBe(204);
      }
    },
    'messages.expired': async () => {
      const { id } = await upload(phone, bytesOf(1_000), { conversationId: anna.contactId });
      await phone.ask('POST', `/api/conversations/${anna.contactId}/messages`, {
        clientId: unique(),
        body: 'Con una foto',
        attachmentIds: [id],
      });
      const last = await counter.say(anna.contactId, 'Bella!');
      const { body } = await phone.ask('GET', `/api/conversations/${anna.contactId}/messages?after=${last - 1}`);
      await expireBefore(world, bakery.id, new Date(body.items[0].sentAt));
      await phone.hears('messages.expired', ({ to }) => to === last - 1);
      // The rest, so that the last message and the last turn have gone too.
      await expireBefore(world, bakery.id, new Date());
      await counter.hears('messages.expired', ({ from, to }) => from === last && to === last);
    },
    'attachment.changed': async () => {
      clamd.mood = 'rude';
      const { id } = await upload(phone, bytesOf(1_000), { conversationId: anna.contactId });
      const sent = await phone.ask('POST', `/api/conversations/${anna.contactId}/messages`, {
        clientId: unique(),
        body: '',
        attachmentIds: [id],
      });
      expect(sent.status).toBe(201);
      const [file] = await world.rows<{ state: string }>('SELECT state FROM attachment WHERE id = $1', [id]);
      expect(file!.state).toBe('pending');
      clamd.mood = 'well';
      await world.service.app.get(Scans).scan({ subscriberId: bakery.id, attachmentId: id });
      await bakery.owner.hears('attachment.changed', (told) => told.id === id);
    },
    'receipt.changed': async () => {
      const seq = await phone.say(anna.contactId, 'Allora passo più tardi.');
      await counter.emit('receipt.send', { conversationId: anna.contactId, deliveredSeq: seq });
      await bakery.owner.emit('receipt.send', { conversationId: anna.contactId, seenSeq: seq - 1 });
      await tablet.emit('receipt.send', { conversationId: anna.contactId, deliveredSeq: 2, seenSeq: 1 });
    },
    'conversation.answered': async () => {
      const seq = await phone.say(anna.contactId, 'Va bene, grazie.');
      expect((await counter.ask('PUT', `/api/conversations/${anna.contactId}/answered`, { seq })).status).toBe(204);
      await bakery.owner.hears('conversation.answered', ({ answeredSeq }) => answeredSeq === seq);
    },
    'quick-replies.changed': async () => {
      const reply = { title: 'Orari', text: 'Siamo aperti dalle 7.' };
      expect((await counter.ask('POST', '/api/quick-replies', reply)).status).toBe(201);
      await bakery.owner.hears('quick-replies.changed', () => true);
    },
    'notification-settings.changed': async () => {
      const mute = `/api/conversations/${anna.contactId}/mute`;
      const told = async () => void (await tablet.hears('notification-settings.changed', () => true));
      const changes = [
        () => phone.ask('PUT', '/api/notification-settings', { quietHours: null }),
        () => phone.ask('PUT', mute, { until: null }),
        () => phone.ask('DELETE', mute),
        () => phone.ask('PUT', '/api/mail-settings', { unreadAfterMinutes: 15 }),
      ];
      for (const change of changes) {
        tablet.heard.length = 0;
        expect((await change()).status).toBeLessThan(300);
        await told();
      }
      expect(counter.heard.map(({ event }) => event)).not.toContain('notification-settings.changed');
    },
    'profile.changed': async () => {
      const changes = [
        { by: phone, other: tablet, foreign: counter, body: { firstName: 'Annarita' } },
        { by: counter, other: bakery.owner, foreign: phone, body: { locale: 'en' } },
        { by: counter, other: bakery.owner, foreign: phone, body: { locale: 'it' } },
      ];
      for (const { by, other, foreign, body } of changes) {
        const before = foreign.heard.length;
        expect((await by.ask('PATCH', '/api/me', body)).status).toBe(200);
        await other.hears('profile.changed', () => true);
        expect(foreign.heard.slice(before).map(({ event }) => event)).not.toContain('profile.changed');
      }
    },
    'erasure-proposals.changed': async () => {
      const contactIds = [anna.contactId];
      expect((await counter.ask('POST', '/api/erasure-proposals', { contactIds })).status).toBe(200);
      await bakery.owner.hears('erasure-proposals.changed', (told) => told.contactIds.includes(anna.contactId));
      expect((await counter.ask('DELETE', `/api/erasure-proposals/${anna.contactId}`)).status).toBe(204);
    },
    'claim.changed': async () => {
      const path = `/api/conversations/${anna.contactId}/claim`;
      expect((await counter.ask('PUT', path)).status).toBe(204);
      await bakery.owner.hears('claim.changed', ({ claim }) => claim !== null);
      expect((await bakery.owner.ask('DELETE', path)).status).toBe(204);
      expect((await bakery.owner.ask('PUT', path)).status).toBe(204);
      await counter.hears('claim.changed', ({ claim }) => claim === null);
    },
    'restriction.changed': async () => {
      const path = `/api/conversations/${anna.contactId}/restriction`;
      expect((await tablet.ask('PUT', path)).status).toBe(200);
      expect((await counter.ask('PUT', path)).status).toBe(200);
      expect((await phone.ask('DELETE', path)).status).toBe(200);
      await phone.hears('restriction.changed', ({ restrictions }) => restrictions[0]?.by === 'subscriber');
      expect((await bakery.owner.ask('DELETE', path)).status).toBe(200);
      const { body } = await phone.ask('POST', '/api/deletion-requests', { contactId: anna.contactId });
      await phone.hears('restriction.changed', ({ deletion }) => deletion !== null);
      expect((await phone.ask('DELETE', `/api/deletion-requests/${body.items[0].id}`)).status).toBe(204);
    },
    'request.changed': async () => {
      const request = { contactId: anna.contactId, kind: 'access', words: 'Che cosa sapete di me?' };
      expect((await phone.ask('POST', '/api/requests', request)).status).toBe(201);
    },
    'export.progressed': async () => {
      expect((await phone.ask('POST', '/api/exports', {})).status).toBe(202);
      await tablet.hears('export.progressed', ({ state }) => state === 'ready');
    },
    'contact.joined': async () => {
      await world.join(bakery, 'osteria', { promotions: true });
      await world.joinAlso(anna, await world.shop('florist'));
    },
    'contact.erased': async () => {
      const gone = await world.join(bakery, 'carla');
      await gone.device.ask('POST', `/api/conversations/${gone.contactId}/messages`, {
        clientId: unique(),
        body: 'Addio',
      });
      await bakery.owner.hears('message.sent', ({ conversationId }) => conversationId === gone.contactId);
      expect((await bakery.owner.ask('DELETE', `/api/contacts/${gone.contactId}`)).status).toBe(202);
    },
    'consent.changed': async () => {
      const { body } = await phone.ask(
        'GET',
        `/api/policies/current?audience=interlocutor&contactId=${anna.contactId}`,
      );
      const consent = { policyId: body.items[0].id, purpose: 'promotions', given: true, contactId: anna.contactId };
      expect((await phone.ask('POST', '/api/consents', consent)).status).toBe(204);
    },
    'contact.changed': async () => {
      const { body: label } = await counter.ask('POST', '/api/labels', { name: 'Mattina' });
      const contact = `/api/contacts/${anna.contactId}`;
      await counter.ask('PATCH', contact, { labels: [label.id], note: 'Senza sale', externalId: 'A-1' });
      await bakery.owner.ask('PATCH', contact, { note: null });
      const corrected = await phone.ask('PATCH', '/api/me', { surname: 'Rossi Neri', province: 'BO' });
      expect(corrected.status).toBe(200);
      await counter.ask('POST', '/api/contacts/labels', { remove: [label.id], contactIds: [anna.contactId] });
    },
    'subscriber.changed': async () => {
      const edited = await bakery.owner.ask('PATCH', '/api/subscriber', { businessName: 'Forno Alba', city: 'Forlì' });
      expect(edited.status).toBe(200);
      await bakery.owner.ask('PUT', '/api/subscriber/logo', await logo());
    },
    'member.removed': async () => {
      const { id: memberId, device: staff } = await world.staff(bakery);
      const people = [anna.contactId, bruno.contactId];
      for (const id of people) expect((await staff.ask('PUT', `/api/conversations/${id}/claim`)).status).toBe(204);
      await counter.hears('claim.changed', ({ conversationId }) => conversationId === bruno.contactId);
      expect((await bakery.owner.ask('DELETE', `/api/members/${memberId}`)).status).toBe(204);
      await counter.hears('member.removed', ({ id }) => id === memberId);
    },
    'member.changed': async () => {
      const staff = await (await world.staff(bakery)).device.connect();
      await staff.say(anna.contactId, 'Buongiorno, sono nuova');
      await bakery.owner.say(anna.contactId, 'Benvenuta');
      expect((await staff.ask('PATCH', '/api/me', { displayName: 'Sara B.' })).status).toBe(200);
      await bakery.owner.ask('PATCH', '/api/me', { displayName: 'Aurora' });
      await staff.say(anna.contactId, 'Mi firmo così');
    },
    'labels.changed': async () => {
      const { body: label } = await counter.ask('POST', '/api/labels', { name: 'Celiaci', color: 'green' });
      const { body: other } = await counter.ask('POST', '/api/labels', { name: 'Domenica' });
      await bakery.owner.ask('PATCH', `/api/contacts/${anna.contactId}`, { labels: [label.id, other.id] });
      await bakery.owner.ask('PATCH', `/api/labels/${label.id}`, { name: 'Senza glutine', color: null });
      await counter.ask('DELETE', `/api/labels/${other.id}`);
    },
    'broadcast.progressed': async () => {
      await broadcast({ kind: 'service', reason: 'closure', body: 'Lunedì siamo chiusi' });
      await phone.say(anna.contactId, 'Va bene');
      await broadcast({ kind: 'promotional', body: '{{firstName}}, oggi la focaccia è in offerta' });
      const { body: later } = await counter.ask('POST', '/api/broadcasts', {
        clientId: unique(),
        kind: 'promotional',
        body: 'Buon anno!',
        audience: { all: true },
        sendAt: new Date(Date.now() + 86_400_000).toISOString(),
      });
      await bakery.owner.ask('POST', `/api/broadcasts/${later.id}/cancellation`);
    },
    'broadcast.reported': async () => {
      const id = await broadcast({ kind: 'service', reason: 'other', body: 'Comprate da noi!' });
      const { seq } = await phone.hears('message.sent', ({ broadcastId }) => broadcastId === id);
      const path = `/api/conversations/${anna.contactId}/messages/${seq}/advertising-report`;
      expect((await phone.ask('POST', path)).status).toBe(204);
    },
    'import.progressed': async () => {
      const body = new FormData();
      body.set('file', new Blob(['Nome;Email\nDora;dora@mail.example\n']), 'soci.csv');
      const { body: begun } = await world.ask('POST', '/api/imports', { token: bakery.owner.token, body });
      await counter.hears('import.progressed', ({ id, state }) => id === begun.id && state === 'finished');
    },
    'session.ended': async () => {
      const other = await world.signIn(anna.username);
      const clients = await new Client(tablet, 'interlocutor').load();
      expect(clients.held.devices.has(other.sessionId)).toBe(true);
      await phone.ask('DELETE', `/api/sessions/${other.sessionId}`);
    },
  };
  test.each(Object.entries(cases))('%s', (event, happens) => compare(event as ToldEvent, happens));
});

test('after catching up, a device that was away equals a fresh load', async () => {
  const away = await new Client(tablet, 'interlocutor').load();
  const owner = await new Client(bakery.owner, 'subscriber').load();
  tablet.disconnect();
  for (let i = 0; i < 8; i++) await phone.say(anna.contactId, `Ordine ${i}`);
  const seq = await counter.say(anna.contactId, 'Pronto.');
  await counter.emit('receipt.send', { conversationId: anna.contactId, seenSeq: seq });
  await phone.emit('receipt.send', { conversationId: anna.contactId, seenSeq: seq });
  await world.join(bakery, 'bruno');
  await phone.ask('PATCH', '/api/me', {
    firstName: 'Annamaria',
    email: 'annamaria@mail.example',
    currentPassword: password,
  });
  await bakery.owner.ask('PATCH', '/api/subscriber', { businessName: 'Forno Aurora', city: 'Faenza' });
  await bakery.owner.ask('DELETE', '/api/subscriber/logo');
  await bakery.owner.ask('PATCH', '/api/me', { displayName: 'Aurora Fabbri' });
  await broadcast({ kind: 'service', reason: 'closure', body: 'Domani siamo chiusi' });
  await broadcast({ kind: 'service', reason: 'membership', body: '{{displayName}}, la tessera scade' });
  for (const [client, device, party] of [
    [away, tablet, 'interlocutor'],
    [owner, bakery.owner, 'subscriber'],
  ] as const) {
    await client.catchUp();
    const fresh = await new Client(device, party).load();
    expect(plain({ ...client.held, contacts: new Map() })).toEqual(plain({ ...fresh.held, contacts: new Map() }));
  }
  await tablet.connect();
});

test('a change that commits late is found by the next sync', async () => {
  const carla = await world.join(bakery, 'carla');
  const { body: before } = await bakery.owner.ask('GET', '/api/conversations');
  const held = world.service.app.get<{
    transaction<T>(work: (manager: { query(q: string, v: unknown[]): Promise<unknown> }) => Promise<T>): Promise<T>;
  }>((await import('typeorm')).DataSource);
  let syncedMeanwhile = '';
  await held.transaction(async (manager) => {
    // Stamped now, and visible only when this transaction ends.
    await manager.query('UPDATE conversation SET changed_at = clock_timestamp() WHERE subscriber_id = $1 AND id = $2', [
      bakery.id,
      carla.contactId,
    ]);
    await anna.device.say(anna.contactId, 'Nel frattempo');
    const { body } = await bakery.owner.ask('GET', `/api/conversations?changedSince=${before.syncedAt}`);
    syncedMeanwhile = body.syncedAt;
    expect(body.items.map(({ id }: { id: string }) => id)).toContain(anna.contactId);
  });
  const { body } = await bakery.owner.ask('GET', `/api/conversations?changedSince=${syncedMeanwhile}`);
  expect(body.items.map(({ id }: { id: string }) => id)).toContain(carla.contactId);
});

test('a receipt reaches the other party and the reader’s own devices, and moves no conversation in the list', async () => {
  const { body: before } = await phone.ask('GET', '/api/conversations');
  const seq = await phone.say(anna.contactId, 'Ultima cosa');
  await counter.emit('receipt.send', { conversationId: anna.contactId, seenSeq: seq });
  for (const device of [phone, tablet, bakery.owner]) {
    const told = await device.hears('receipt.changed', (each) => each.party === 'subscriber' && each.seenSeq === seq);
    expect(told.deliveredSeq).toBe(seq);
    expect(told.at).toMatch(/:00\.000Z$/);
  }
  const { body: after } = await phone.ask('GET', '/api/conversations');
  const changedAt = (list: typeof before) =>
    list.items.find(({ id }: { id: string }) => id === anna.contactId).changedAt;
  const { body: messages } = await phone.ask('GET', `/api/conversations/${anna.contactId}/messages?limit=1`);
  expect(changedAt(after)).toBe(messages.items[0].sentAt);
  expect(changedAt(after) > changedAt(before)).toBe(true);
});

test('watermarks only rise, and never beyond the last message', async () => {
  const conversationId = anna.contactId;
  const seq = await counter.say(conversationId, 'Uno');
  await phone.emit('receipt.send', { conversationId, deliveredSeq: seq, seenSeq: seq });
  await counter.hears('receipt.changed', (told) => told.party === 'interlocutor' && told.seenSeq === seq);
  const heardBefore = counter.heard.length;
  expect(await phone.emit('receipt.send', { conversationId, deliveredSeq: seq - 1, seenSeq: 1 })).toEqual({ data: {} });
  const beyond = await phone.emit('receipt.send', { conversationId, deliveredSeq: seq + 1 });
  expect(beyond.error.code).toBe('receipt_beyond_last');
  await settle();
  expect(counter.heard.length).toBe(heardBefore);
  const { body } = await counter.ask('GET', `/api/conversations/${conversationId}`);
  expect(body.other).toEqual({ deliveredSeq: seq, seenSeq: seq });
});

test('unread counts the other party’s messages that this one has not seen', async () => {
  const bruno = await world.join(bakery, 'bruno');
  await bruno.device.connect();
  for (const body of ['Uno', 'Due', 'Tre']) await bruno.device.say(bruno.contactId, body);
  const unread = async (device: Device) =>
    (await device.ask('GET', `/api/conversations/${bruno.contactId}`)).body.unread;
  expect([await unread(counter), await unread(bruno.device)]).toEqual([3, 0]);
  await counter.ask('PUT', `/api/conversations/${bruno.contactId}/receipt`, { seenSeq: 2 });
  expect(await unread(counter)).toBe(1);
});

test('a device that is away gets no events, and connected ones get all', async () => {
  const count = phone.heard.length;
  phone.disconnect();
  await until(() => !phone.connected, 'the phone is away');
  await counter.say(anna.contactId, 'Ci sei?');
  await tablet.hears('message.sent', ({ body }) => body === 'Ci sei?');
  expect(phone.heard.length).toBe(count);
});
