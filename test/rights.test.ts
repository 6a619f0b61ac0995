import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { limits } from '../src/contract/limits.js';
import { RightsRequests } from '../src/rights/requests.service.js';
import { bytesOf, askToUpload, download, upload } from './support/files.js';
import { MailServer, tokenIn } from './support/mail-server.js';
import {
  type Answer,
  type Device,
  expectStatus,
  type Person,
  settle,
  type Shop,
  type Staff,
  unique,
  until,
  World,
} from './support/world.js';

let world: World;
let mails: MailServer;
let bakery: Shop;
let staff: Staff;
let anna: Person;
const ownerAddress = 'info@aurora.example';

beforeAll(async () => {
  mails = await MailServer.open();
  world = await World.open({ SMTP_URL: mails.url });
  bakery = await world.shop('bakery');
  staff = await world.staff(bakery);
  await confirm(ownerAddress);
});
afterAll(async () => {
  await world.close();
  await mails.close();
});
let address: string;
beforeEach(async () => {
  address = `anna${unique()}@mail.example`;
  anna = await world.join(bakery, 'anna', { promotions: true, email: address });
});

async function confirm(email: string): Promise<void> {
  const token = tokenIn(await mails.mail(email, /Conferma/));
  expectStatus(await world.ask('POST', '/api/me/email-verification/confirmation', { body: { token } }), 204);
}

const restriction = (person: Person) => `/api/conversations/${person.contactId}/restriction`;
const send = (device: Device, contactId: string, body = 'Ciao'): Promise<Answer> =>
  device.ask('POST', `/api/conversations/${contactId}/messages`, { clientId: unique(), body });
const head = async (device: Device, contactId: string) =>
  (await device.ask('GET', `/api/conversations/${contactId}`)).body;
const refused = ({ status, body }: Answer) => expect([status, body.code]).toEqual([403, 'conversation_restricted']);

describe('a restricted conversation', () => {
  test('accepts no message, file or receipt from either party, and says who restricted it', async () => {
    expectStatus(await send(anna.device, anna.contactId), 201);
    const answer = await anna.device.ask('PUT', restriction(anna));
    expect([answer.status, answer.body]).toEqual([
      200,
      { restrictions: [{ by: 'interlocutor', at: expect.any(String) }] },
    ]);
    for (const device of [anna.device, bakery.owner, staff.device]) {
      expect((await head(device, anna.contactId)).restrictions).toEqual(answer.body.restrictions);
      refused(await send(device, anna.contactId));
      refused(await askToUpload(device, bytesOf(100), { conversationId: anna.contactId }));
    }
    refused(await bakery.owner.ask('PUT', `/api/conversations/${anna.contactId}/receipt`, { seenSeq: 1 }));
    const connected = await (await world.signIn(anna.username)).connect();
    const content = { conversationId: anna.contactId, clientId: unique(), body: 'Ciao' };
    expect((await connected.emit('message.send', content)).error.code).toBe('conversation_restricted');
    expect((await connected.emit('receipt.send', { conversationId: anna.contactId, seenSeq: 1 })).error.code).toBe(
      'conversation_restricted',
    );
    expect((await head(bakery.owner, anna.contactId)).own).toEqual({ deliveredSeq: 0, seenSeq: 0 });
  });

  test('is skipped by broadcasts, with the reason', async () => {
    expectStatus(await anna.device.ask('PUT', restriction(anna)), 200);
    const { body } = await bakery.owner.ask('POST', '/api/broadcasts', {
      clientId: unique(),
      kind: 'service',
      reason: 'closure',
      body: 'Domani chiuso',
      audience: { contactIds: [anna.contactId, (await world.join(bakery, 'bruno')).contactId] },
    });
    await until(
      async () => (await bakery.owner.ask('GET', `/api/broadcasts/${body.id}`)).body.state === 'finished',
      'the broadcast ends',
    );
    const { items } = (await bakery.owner.ask('GET', `/api/broadcasts/${body.id}/recipients?outcome=skipped`)).body;
    expect(items).toEqual([expect.objectContaining({ contactId: anna.contactId, reason: 'restricted' })]);
    expect((await head(anna.device, anna.contactId)).lastSeq).toBe(0);
  });

  test('can be read, searched and exported as usual, and consents can be withdrawn', async () => {
    const file = await upload(anna.device, bytesOf(500), { conversationId: anna.contactId });
    const content = { clientId: unique(), body: 'Prenotazione ritrovata', attachmentIds: [file.id] };
    expectStatus(await anna.device.ask('POST', `/api/conversations/${anna.contactId}/messages`, content), 201);
    await until(async () => {
      const { body } = await anna.device.ask('POST', '/api/archive/searches', { q: 'ritrovata' });
      return body.items.length === 1;
    }, 'it is indexed');
    expectStatus(await bakery.owner.ask('PUT', restriction(anna)), 200);
    for (const device of [anna.device, bakery.owner]) {
      const { items } = (await device.ask('GET', `/api/conversations/${anna.contactId}/messages`)).body;
      expect(items.map(({ body }: { body: string }) => body)).toEqual(['Prenotazione ritrovata']);
      const { body } = await device.ask('POST', '/api/archive/searches', { q: 'ritrovata', with: anna.contactId });
      expect(body.items).toHaveLength(1);
      const whose = { url: world.url, token: device.token };
      expect((await download(whose, `/api/attachments/${file.id}`)).status).toBe(200);
      expect((await download(whose, `/api/conversations/${anna.contactId}/export`)).status).toBe(200);
    }
    expectStatus(await anna.device.ask('PATCH', '/api/me', { surname: 'Rossi Bianchi' }), 200);
    const { items } = (await anna.device.ask('GET', '/api/consents')).body;
    const { policyId } = items.find(({ purpose }: { purpose: string }) => purpose === 'promotions');
    const withdrawal = { policyId, purpose: 'promotions', given: false, contactId: anna.contactId };
    expectStatus(await anna.device.ask('POST', '/api/consents', withdrawal), 204);
  });

  test('loses no message that the other party may need: only the party that restricted it can withdraw its own', async () => {
    const [hers, theirs] = [
      (await send(anna.device, anna.contactId)).body.seq,
      (await send(bakery.owner, anna.contactId)).body.seq,
    ];
    expectStatus(await anna.device.ask('PUT', restriction(anna)), 200);
    const messages = `/api/conversations/${anna.contactId}/messages`;
    refused(await bakery.owner.ask('DELETE', `${messages}/${theirs}`));
    expectStatus(await anna.device.ask('DELETE', `${messages}/${hers}`), 204);
    expect((await anna.device.ask('GET', messages)).body.items[1].body).toBe('Ciao');
  });

  test('is lifted only by the party that restricted it, and each party has its own', async () => {
    expectStatus(await anna.device.ask('PUT', restriction(anna)), 200);
    const tried = await bakery.owner.ask('DELETE', restriction(anna));
    expect(tried.body.restrictions.map(({ by }: { by: string }) => by)).toEqual(['interlocutor']);
    refused(await send(bakery.owner, anna.contactId));
    const both = await staff.device.ask('PUT', restriction(anna));
    expect(both.body.restrictions.map(({ by }: { by: string }) => by)).toEqual(['interlocutor', 'subscriber']);
    const again = await staff.device.ask('PUT', restriction(anna));
    expect(again.body).toEqual(both.body);
    expectStatus(await anna.device.ask('DELETE', restriction(anna)), 200);
    refused(await send(anna.device, anna.contactId));
    const lifted = await bakery.owner.ask('DELETE', restriction(anna));
    expect(lifted.body).toEqual({ restrictions: [] });
    expectStatus(await send(anna.device, anna.contactId), 201);
    const { items } = (await bakery.owner.ask('GET', '/api/actions')).body;
    const about = items.filter(
      ({ subjectId, kind }: { subjectId: string; kind: string }) =>
        subjectId === anna.contactId && kind.startsWith('conversation.'),
    );
    expect(about.map(({ kind, memberId }: Record<string, string>) => [kind, memberId === staff.id])).toEqual([
      ['conversation.unrestricted', false],
      ['conversation.restricted', true],
    ]);
  });

  test('is reported to the devices of both parties, and to no others', async () => {
    const [phone, counter] = [await (await world.signIn(anna.username)).connect(), await staff.device.connect()];
    const stranger = await (await world.join(bakery, 'bruno')).device.connect();
    const answer = await anna.device.ask('PUT', restriction(anna));
    for (const device of [phone, counter]) {
      const told = await device.hears('restriction.changed', ({ conversationId }) => conversationId === anna.contactId);
      expect(told.restrictions).toEqual(answer.body.restrictions);
      expect(told.changedAt).toBe((await head(device, anna.contactId)).changedAt);
    }
    await settle();
    expect(stranger.heard.filter(({ event }) => event === 'restriction.changed')).toEqual([]);
  });

  test('appears to a device that was away as a change of its head', async () => {
    const { syncedAt } = (await bakery.owner.ask('GET', '/api/conversations')).body;
    await settle();
    const { syncedAt: since } = (await bakery.owner.ask('GET', `/api/conversations?changedSince=${syncedAt}`)).body;
    expectStatus(await anna.device.ask('PUT', restriction(anna)), 200);
    const { items } = (await bakery.owner.ask('GET', `/api/conversations?changedSince=${since}`)).body;
    const changed = items.find(({ id }: { id: string }) => id === anna.contactId);
    expect(changed.restrictions).toHaveLength(1);
  });

  test('causes a mail to the other party, and another to the person when it is lifted', async () => {
    await confirm(address);
    expectStatus(await bakery.owner.ask('PUT', restriction(anna)), 200);
    expect((await mails.mail(address, /ha limitato la conversazione/)).text).toContain('art. 18 GDPR');
    expectStatus(await bakery.owner.ask('DELETE', restriction(anna)), 200);
    await mails.mail(address, /ha tolto la limitazione/);
    expectStatus(await anna.device.ask('PUT', restriction(anna)), 200);
    const mail = await mails.mail(ownerAddress, /Una conversazione è stata limitata/);
    expect(mail.text).not.toContain('Anna');
  });

  test('can be restricted while a newer policy waits to be accepted', async () => {
    await world.rows('UPDATE contact SET privacy_version = 0 WHERE id = $1', [anna.contactId]);
    expectStatus(await send(anna.device, anna.contactId), 403);
    expectStatus(await anna.device.ask('PUT', restriction(anna)), 200);
    expectStatus(await anna.device.ask('DELETE', restriction(anna)), 200);
  });
});

describe('a request about personal data', () => {
  const ask = async (kind: string, words?: string) => {
    const answer = await anna.device.ask('POST', '/api/requests', { contactId: anna.contactId, kind, words });
    expectStatus(answer, 201);
    return answer.body;
  };
  const days = (from: string, to: string) =>
    Math.round((new Date(to).getTime() - new Date(from).getTime()) / 86_400_000);

  test('is recorded with its 30 days, visible to both parties, and mailed to the owner without names', async () => {
    const [phone, counter] = [await (await world.signIn(anna.username)).connect(), await staff.device.connect()];
    const made = await ask('rectification', 'Nella nota il nome è sbagliato');
    expect(made).toMatchObject({
      kind: 'rectification',
      state: 'open',
      words: 'Nella nota il nome è sbagliato',
      closedAt: null,
      answer: null,
      counterpart: { kind: 'subscriber', businessName: 'Forno Aurora' },
    });
    expect(days(made.askedAt, made.dueAt)).toBe(limits.requestDays);
    expect(made).not.toHaveProperty('closedBy');
    for (const device of [phone, counter]) {
      const told = await device.hears('request.changed', ({ id }) => id === made.id);
      expect(told).toEqual({ id: made.id, conversationId: anna.contactId, kind: 'rectification', state: 'open' });
    }
    const seen = (await staff.device.ask('GET', `/api/requests?contactId=${anna.contactId}`)).body.items;
    const counterpart = (await head(bakery.owner, anna.contactId)).counterpart;
    expect(seen).toEqual([{ ...made, counterpart, closedBy: null }]);
    expect((await anna.device.ask('GET', '/api/requests')).body.items).toEqual([made]);
    const mail = await mails.mail(ownerAddress, /Una richiesta sui dati personali$/);
    expect(mail.text).toContain('una rettifica');
    expect(mail.text).not.toMatch(/Anna|sbagliato/);
  });

  test('is answered by the owner with a reason, once, and mailed to the person', async () => {
    await confirm(address);
    const { id } = await ask('access', 'Che cosa sapete di me?');
    const answer = { outcome: 'refused', answer: 'La stessa richiesta ha avuto risposta ieri (art. 12(5) GDPR).' };
    expectStatus(await staff.device.ask('POST', `/api/requests/${id}/answer`, answer), 404);
    const answered = await bakery.owner.ask('POST', `/api/requests/${id}/answer`, answer);
    expect(answered.body).toMatchObject({
      state: 'refused',
      answer: answer.answer,
      closedBy: { id: expect.any(String) },
    });
    const seen = (await anna.device.ask('GET', `/api/requests/${id}`)).body;
    expect(seen).toMatchObject({ state: 'refused', answer: answer.answer });
    expect(seen).not.toHaveProperty('closedBy');
    const again = await bakery.owner.ask('POST', `/api/requests/${id}/answer`, answer);
    expect([again.status, again.body.code]).toEqual([409, 'request_closed']);
    const late = await anna.device.ask('DELETE', `/api/requests/${id}`);
    expect([late.status, late.body.code]).toEqual([409, 'request_closed']);
    await mails.mail(address, /ha risposto alla tua richiesta/);
    const { items } = (await bakery.owner.ask('GET', '/api/actions')).body;
    expect(items[0]).toMatchObject({ kind: 'request.answered', subjectId: anna.contactId });
  });

  test('can be extended once, before its deadline, and the person is told why', async () => {
    await confirm(address);
    const { id, dueAt } = await ask('access');
    const reason = 'Le fatture sono in un archivio di carta.';
    const extended = await bakery.owner.ask('POST', `/api/requests/${id}/extension`, { reason });
    expect(extended.body).toMatchObject({ extensionReason: reason, state: 'open' });
    expect(days(dueAt, extended.body.dueAt)).toBe(limits.requestExtensionDays);
    const again = await bakery.owner.ask('POST', `/api/requests/${id}/extension`, { reason });
    expect([again.status, again.body.code]).toEqual([409, 'request_extended']);
    await mails.mail(address, /ha bisogno di più tempo/);
    const late = await ask('objection');
    await world.rows('UPDATE rights_request SET due_at = now() WHERE id = $1', [late.id]);
    const tried = await bakery.owner.ask('POST', `/api/requests/${late.id}/extension`, { reason });
    expect([tried.status, tried.body.code]).toEqual([409, 'request_extended']);
  });

  test('cannot be made twice while it is open, and can be taken back', async () => {
    const { id } = await ask('access', 'Tutto');
    const same = { contactId: anna.contactId, kind: 'access', words: 'Tutto' };
    const again = await anna.device.ask('POST', '/api/requests', same);
    expect([again.status, again.body.id]).toEqual([200, id]);
    expectStatus(await anna.device.ask('DELETE', `/api/requests/${id}`), 204);
    expectStatus(await anna.device.ask('DELETE', `/api/requests/${id}`), 204);
    expect((await bakery.owner.ask('GET', `/api/requests/${id}`)).body.state).toBe('taken_back');
    const another = await anna.device.ask('POST', '/api/requests', same);
    expect(another.status).toBe(201);
    expect(another.body.id).not.toBe(id);
  });

  test('is limited to ten open ones for a contact', async () => {
    for (let count = 0; count < limits.requestsOpen; count++) await ask('access', `Domanda ${count}`);
    const wanted = { contactId: anna.contactId, kind: 'access', words: 'Un’altra' };
    const tooMany = await anna.device.ask('POST', '/api/requests', wanted);
    expect([tooMany.status, tooMany.body.code]).toEqual([409, 'requests_limit']);
    const words = 'è'.repeat(limits.requestWordsLength);
    const longest = await (await world.join(bakery, 'carla')).device.ask('GET', '/api/requests');
    expect(longest.body.items).toEqual([]);
    const long = await anna.device.ask('POST', '/api/requests', { ...wanted, words: `${words}è` });
    expect([long.status, long.body.errors[0].code]).toEqual([400, 'too_long']);
  });

  test('reminds the owner before and on its deadline, until it is answered', async () => {
    const { id, dueAt } = await ask('rectification', 'Il telefono è vecchio');
    const requests = world.service.app.get(RightsRequests);
    const reminders = async () =>
      (await world.rows<{ reminders: number }>('SELECT reminders FROM rights_request WHERE id = $1', [id]))[0]!
        .reminders;
    const sent = () => mails.received.filter(({ subject }) => subject?.includes('aspetta risposta')).length;
    const before = (number: number) => new Date(dueAt).getTime() - number * 86_400_000;
    await requests.remind(before(limits.requestReminderDays[0] + 1));
    expect(await reminders()).toBe(0);
    const had = sent();
    for (const [index, day] of limits.requestReminderDays.entries()) {
      await requests.remind(before(day));
      await requests.remind(before(day));
      expect(await reminders()).toBe(index + 1);
      await until(() => sent() > had + index, `reminder ${index + 1}`);
    }
    const answer = { outcome: 'fulfilled', answer: 'Corretto.' };
    expectStatus(await bakery.owner.ask('POST', `/api/requests/${id}/answer`, answer), 200);
    const [open] = await world.rows<{ count: string }>(
      `SELECT count(*) FROM rights_request WHERE id = $1 AND state = 'open'`,
      [id],
    );
    expect(open!.count).toBe('0');
  });

  test('to restrict the conversation is recorded as carried out', async () => {
    expectStatus(await anna.device.ask('PUT', restriction(anna)), 200);
    const { items } = (await bakery.owner.ask('GET', `/api/requests?contactId=${anna.contactId}`)).body;
    expect(items).toEqual([expect.objectContaining({ kind: 'restriction', state: 'fulfilled', dueAt: null })]);
    expect(items[0].closedAt).toBe(items[0].askedAt);
  });

  test('is not readable at rest', async () => {
    await ask('access', 'Parole segrete della richiesta');
    const rows = await world.rows<{ row: string }>('SELECT rights_request::text AS row FROM rights_request');
    const hidden = Buffer.from('Parole segrete').toString('hex');
    expect(rows.length).toBeGreaterThan(0);
    for (const { row } of rows) expect(row.includes(hidden) || row.includes('segrete')).toBe(false);
  });
});

/** Promise 2. */
describe('an objection to promotions', () => {
  test('ends them at once, and is recorded as an objection beside the withdrawn consent', async () => {
    expect((await bakery.owner.ask('GET', `/api/contacts/${anna.contactId}`)).body.promotions).toBe(true);
    const wanted = { contactId: anna.contactId, kind: 'promotions_objection' };
    const objection = await anna.device.ask('POST', '/api/requests', wanted);
    expect([objection.status, objection.body.state, objection.body.dueAt]).toEqual([201, 'fulfilled', null]);
    expect((await bakery.owner.ask('GET', `/api/contacts/${anna.contactId}`)).body.promotions).toBe(false);
    const { items } = (await anna.device.ask('GET', '/api/consents')).body;
    expect(items[0]).toMatchObject({ purpose: 'promotions', given: false });
    const promotion = { kind: 'promotional', body: 'Offerta', clientId: unique() };
    const sent = await bakery.owner.ask('POST', '/api/broadcasts', {
      ...promotion,
      audience: { contactIds: [anna.contactId] },
    });
    expect(sent.body).toMatchObject({ recipients: 0, skipped: 1 });
  });

  test('is recorded even without a consent, and the person can agree later', async () => {
    const { contactId, device } = await world.join(bakery, 'bruno');
    const wanted = { contactId, kind: 'promotions_objection' };
    expectStatus(await device.ask('POST', '/api/requests', wanted), 201);
    const { items } = (await device.ask('GET', '/api/requests')).body;
    expect(items).toEqual([expect.objectContaining({ kind: 'promotions_objection', state: 'fulfilled' })]);
    const { body } = await device.ask('GET', `/api/policies/current?audience=interlocutor&contactId=${contactId}`);
    const yes = { policyId: body.items[0].id, purpose: 'promotions', given: true, contactId };
    expectStatus(await device.ask('POST', '/api/consents', yes), 204);
  });
});
