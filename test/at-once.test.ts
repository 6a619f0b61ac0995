import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { MailStops } from '../src/unread-mails/mail-stops.service.js';
import { PushService } from './support/push-service.js';
import { askToUpload, bytesOf, upload } from './support/files.js';
import {
  type Answer,
  type Device,
  expectStatus,
  password,
  type Person,
  type Shop,
  shops,
  unique,
  World,
} from './support/world.js';

/** Promise 3: the same request several times in one moment, as impatient fingers, retries and two devices of one person make it. */

let world: World;
let bakery: Shop;
let anna: Person;
let push: PushService;

beforeAll(async () => {
  world = await World.shared();
  push = await PushService.open();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna', { promotions: true });
});
afterAll(async () => {
  await push.close();
  await world.close();
});

const times = 8;

const atOnce = <Result>(work: (index: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: times }, (_, index) => work(index)));

test('ten open invitations of one shop that a person accepts at once create one contact', async () => {
  const florist = await world.shop('florist');
  const codes = await Promise.all(Array.from({ length: 10 }, () => world.invitation(florist)));
  const consents = await world.consents(codes[0]!.code);
  const answers = await Promise.all(
    codes.map(({ code }) => anna.device.ask('POST', `/api/invitations/by-code/${code}/acceptance`, { consents })),
  );
  for (const answer of answers) expectStatus(answer, 201);
  const contacts = (await florist.owner.ask('GET', '/api/contacts')).body.items;
  expect(contacts).toHaveLength(1);
  expect(new Set(answers.map(({ body }) => body.contact.id))).toEqual(new Set([contacts[0].id]));
  const { items } = (await florist.owner.ask('GET', '/api/invitations')).body;
  expect(items.map(({ uses }: { uses: number }) => uses).reduce((one: number, other: number) => one + other)).toBe(1);
});

test('people who were imported under one customer code and join at once can all join', async () => {
  const owner = bakery.owner;
  const emails = Array.from({ length: times }, () => `cliente${unique()}@mail.example`);
  const file = ['email,customer code', ...emails.map((email) => `${email},C77`)].join('\n');
  const form = new FormData();
  form.set('file', new Blob([file]), 'clienti.csv');
  form.set('mapping', JSON.stringify({ email: 'email', 'customer code': 'externalId' }));
  const begun = await owner.ask('POST', '/api/imports', form);
  expectStatus(begun, 202);
  const codes = await invitationsTo(emails);
  const consents = await world.consents(codes[0]!);
  const answers = await Promise.all(
    codes.map(async (code, index) => {
      const body = await world.joining(code, 'bruno', { email: emails[index]!, consents });
      return world.ask('POST', `/api/invitations/by-code/${code}/acceptance`, { body });
    }),
  );
  for (const answer of answers) expectStatus(answer, 201);
});

/** The codes of personal invitations, which stand in full in what their maker is told. */
async function invitationsTo(emails: string[]): Promise<string[]> {
  for (;;) {
    const { items } = (await bakery.owner.ask('GET', '/api/invitations?limit=200')).body;
    const codes = emails.map((email) => items.find((each: { email?: string }) => each.email === email)?.url);
    if (codes.every(Boolean)) return codes.map((url: string) => url.split('/').at(-1)!);
  }
}

async function tus(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  bytes?: Buffer,
): Promise<Answer> {
  const response = await fetch(world.url + path, {
    method,
    headers: {
      authorization: `Bearer ${anna.device.token}`,
      'tus-resumable': '1.0.0',
      ...(bytes && { 'content-type': 'application/offset+octet-stream' }),
      ...headers,
    },
    ...(bytes && { body: new Uint8Array(bytes) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : text };
}

function beginUpload(): Promise<Answer> {
  const metadata = `conversationId ${Buffer.from(anna.contactId).toString('base64')}`;
  return tus('POST', '/api/attachments/uploads', { 'upload-length': '1000', 'upload-metadata': metadata });
}

/** Requests of each route that changes something, `times` at once. Set-up comes before, so that only the requests are concurrent. */
const routes: Record<string, () => Promise<Answer[]>> = {
  'POST /api/subscribers': async () => {
    const registration = await world.registration('florist');
    return atOnce(() => world.ask('POST', '/api/subscribers', { body: registration }));
  },
  'PATCH /api/subscriber': () => atOnce((index) => bakery.owner.ask('PATCH', '/api/subscriber', { city: `F${index}` })),
  'PUT /api/subscriber/logo': async () => {
    const picture = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'teal' } })
      .png()
      .toBuffer();
    return atOnce(() => {
      const form = new FormData();
      form.set('file', new Blob([new Uint8Array(picture)]), 'logo.png');
      return bakery.owner.ask('PUT', '/api/subscriber/logo', form);
    });
  },
  'DELETE /api/subscriber/logo': () => atOnce(() => bakery.owner.ask('DELETE', '/api/subscriber/logo')),

  'POST /api/sessions': () =>
    atOnce(() => world.ask('POST', '/api/sessions', { body: { username: anna.username, password } })),
  'POST /api/sessions/carry-codes': () => atOnce(() => anna.device.ask('POST', '/api/sessions/carry-codes')),
  'POST /api/sessions/carried': async () => {
    const { code } = (await anna.device.ask('POST', '/api/sessions/carry-codes')).body;
    const answers = await atOnce(() => world.ask('POST', '/api/sessions/carried', { body: { code } }));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    return answers;
  },
  'DELETE /api/sessions/{id}': async () => {
    const { sessionId } = await world.signIn(anna.username);
    return atOnce(() => anna.device.ask('DELETE', `/api/sessions/${sessionId}`));
  },
  'DELETE /api/sessions/others': async () => {
    const device = await world.signIn((await world.join(bakery, 'carla')).username);
    return atOnce(() => device.ask('DELETE', '/api/sessions/others'));
  },
  'PUT /api/mail-settings': () =>
    atOnce((index) =>
      anna.device.ask('PUT', '/api/mail-settings', { unreadAfterMinutes: index % 2 === 0 ? 15 : null }),
    ),
  'POST /api/mail-stops/{token}': async () => {
    const [{ id }] = (await world.rows<{ id: string }>('SELECT account_id AS id FROM session WHERE id = $1', [
      anna.device.sessionId,
    ])) as [{ id: string }];
    const token = world.service.app.get(MailStops).tokenFor(id);
    return atOnce(() => world.ask('POST', `/api/mail-stops/${token}`));
  },
  'DELETE /api/sessions/current': async () => {
    const device = await world.signIn(anna.username);
    return atOnce(() => device.ask('DELETE', '/api/sessions/current'));
  },

  'PATCH /api/me': () => atOnce((index) => anna.device.ask('PATCH', '/api/me', { firstName: `Anna${index}` })),
  'PUT /api/me/password': async () => {
    const { device } = await world.join(bakery, 'bruno');
    const change = { currentPassword: password, newPassword: `${password}-9` };
    return atOnce(() => device.ask('PUT', '/api/me/password', change));
  },
  'POST /api/me/email-verification': () => atOnce(() => anna.device.ask('POST', '/api/me/email-verification')),
  'POST /api/me/email-verification/confirmation': () =>
    atOnce(() => world.ask('POST', '/api/me/email-verification/confirmation', { body: { token: unknownToken } })),
  'POST /api/password-resets': () =>
    atOnce(() => world.ask('POST', '/api/password-resets', { body: { login: anna.username } })),
  'POST /api/password-resets/confirmation': () =>
    atOnce(() =>
      world.ask('POST', '/api/password-resets/confirmation', {
        body: { token: unknownToken, password: `${password}-8` },
      }),
    ),

  'POST /api/members': () => {
    const email = `sara${unique()}@mail.example`;
    return atOnce(() => bakery.owner.ask('POST', '/api/members', { email }));
  },
  'DELETE /api/members/{id}': async () => {
    const { id } = await world.staff(bakery);
    return atOnce(() => bakery.owner.ask('DELETE', `/api/members/${id}`));
  },
  'POST /api/members/by-code/{code}/acceptance': async () => {
    const { code } = await world.inviteMember(bakery);
    const body = await world.memberJoining(code);
    return atOnce(() => world.ask('POST', `/api/members/by-code/${code}/acceptance`, { body }));
  },

  'POST /api/invitations': () => {
    const email = `ugo${unique()}@mail.example`;
    return atOnce(() => bakery.owner.ask('POST', '/api/invitations', { kind: 'personal', email }));
  },
  'PATCH /api/invitations/{id}': async () => {
    const { id } = await world.invitation(bakery);
    return atOnce((index) => bakery.owner.ask('PATCH', `/api/invitations/${id}`, { name: `Banco ${index}` }));
  },
  'DELETE /api/invitations/{id}': async () => {
    const { id } = await world.invitation(bakery);
    return atOnce(() => bakery.owner.ask('DELETE', `/api/invitations/${id}`));
  },
  'POST /api/invitations/by-code/{code}/acceptance': async () => {
    const email = `ida${unique()}@mail.example`;
    const { body: invitation } = await bakery.owner.ask('POST', '/api/invitations', { kind: 'personal', email });
    const code = String(invitation.url).split('/').at(-1)!;
    const body = await world.joining(code, 'carla', { email, username: `ida${unique()}` });
    return atOnce(() => world.ask('POST', `/api/invitations/by-code/${code}/acceptance`, { body }));
  },
  'POST /api/invitations/by-code/{code}/stop': async () => {
    const email = `mai${unique()}@mail.example`;
    const { body: invitation } = await bakery.owner.ask('POST', '/api/invitations', { kind: 'personal', email });
    const code = String(invitation.url).split('/').at(-1)!;
    return atOnce(() => world.ask('POST', `/api/invitations/by-code/${code}/stop`));
  },
  'POST /api/imports': () => {
    const file = new Blob([`email\nlina${unique()}@mail.example\n`]);
    return atOnce(() => {
      const form = new FormData();
      form.set('file', file, 'clienti.csv');
      return bakery.owner.ask('POST', '/api/imports', form);
    });
  },
  'POST /api/imports/{id}/cancellation': async () => {
    const form = new FormData();
    form.set('file', new Blob([`email\nlia${unique()}@mail.example\n`]), 'clienti.csv');
    const begun = await bakery.owner.ask('POST', '/api/imports', form);
    expectStatus(begun, 202);
    return atOnce(() => bakery.owner.ask('POST', `/api/imports/${begun.body.id}/cancellation`));
  },

  'POST /api/labels': () => {
    const name = `Amici ${unique()}`;
    return atOnce(() => bakery.owner.ask('POST', '/api/labels', { name }));
  },
  'PATCH /api/labels/{id}': async () => {
    const labels = await Promise.all(Array.from({ length: times }, label));
    const name = `Vicini ${unique()}`;
    return atOnce((index) => bakery.owner.ask('PATCH', `/api/labels/${labels[index]}`, { name }));
  },
  'DELETE /api/labels/{id}': async () => {
    const id = await label();
    return atOnce(() => bakery.owner.ask('DELETE', `/api/labels/${id}`));
  },
  'POST /api/quick-replies': () =>
    atOnce(() => bakery.owner.ask('POST', '/api/quick-replies', { title: 'Orari', text: 'Dalle 7.' })),
  'PATCH /api/quick-replies/{id}': async () => {
    const id = await quickReply();
    return atOnce((index) => bakery.owner.ask('PATCH', `/api/quick-replies/${id}`, { title: `Orari ${index}` }));
  },
  'DELETE /api/quick-replies/{id}': async () => {
    const id = await quickReply();
    return atOnce(() => bakery.owner.ask('DELETE', `/api/quick-replies/${id}`));
  },
  'POST /api/contacts/labels': async () => {
    const add = [await label()];
    const contactIds = [anna.contactId, (await world.join(bakery, 'bruno')).contactId];
    return atOnce((index) =>
      bakery.owner.ask('POST', '/api/contacts/labels', {
        contactIds: index % 2 === 0 ? contactIds : contactIds.toReversed(),
        ...(index % 3 === 0 ? { remove: add } : { add }),
      }),
    );
  },
  'PATCH /api/contacts/{id}': async () => {
    const contacts = await Promise.all(Array.from({ length: times }, () => world.join(bakery, 'carla')));
    const externalId = unique();
    const labels = [await label()];
    return atOnce((index) =>
      bakery.owner.ask('PATCH', `/api/contacts/${contacts[index]!.contactId}`, { externalId, labels, note: 'Ciao' }),
    );
  },
  'DELETE /api/contacts/{id}': async () => {
    const { contactId } = await world.join(bakery, 'carla');
    return atOnce(() => bakery.owner.ask('DELETE', `/api/contacts/${contactId}`));
  },
  'POST /api/erasures': async () => {
    const gone = await Promise.all(Array.from({ length: 3 }, () => world.join(bakery, 'carla')));
    const contactIds = gone.map(({ contactId }) => contactId);
    const confirmation = { contacts: 3, businessName: shops.bakery.businessName };
    return atOnce(() => bakery.owner.ask('POST', '/api/erasures', { contactIds, confirmation }));
  },
  'POST /api/erasure-proposals': () =>
    atOnce(() => bakery.owner.ask('POST', '/api/erasure-proposals', { contactIds: [anna.contactId] })),
  'DELETE /api/erasure-proposals/{id}': async () => {
    const { contactId } = await world.join(bakery, 'carla');
    await bakery.owner.ask('POST', '/api/erasure-proposals', { contactIds: [contactId] });
    return atOnce(() => bakery.owner.ask('DELETE', `/api/erasure-proposals/${contactId}`));
  },
  'POST /api/consent-proofs/search': () =>
    atOnce(() => bakery.owner.ask('POST', '/api/consent-proofs/search', { email: 'anna@mail.example' })),
  'POST /api/contacts/index': () => atOnce(() => bakery.owner.ask('POST', '/api/contacts/index', { query: 'anna' })),
  'POST /api/contacts/search': () => atOnce(() => bakery.owner.ask('POST', '/api/contacts/search', { query: 'anna' })),

  'POST /api/consents': async () => {
    const { items } = (await anna.device.ask('GET', '/api/consents')).body;
    const { policyId } = items.find(({ purpose }: { purpose: string }) => purpose === 'promotions');
    const consent = { policyId, purpose: 'promotions', contactId: anna.contactId };
    return atOnce((index) => anna.device.ask('POST', '/api/consents', { ...consent, given: index % 2 === 0 }));
  },

  'POST /api/policies/notices': async () => {
    const [{ policyId }] = (await anna.device.ask('GET', '/api/consents')).body.items;
    return atOnce(() => anna.device.ask('POST', '/api/policies/notices', { policyId }));
  },

  'POST /api/conversations/search': () =>
    atOnce(() => bakery.owner.ask('POST', '/api/conversations/search', { query: 'anna' })),
  'POST /api/conversations/{id}/messages': () => {
    const content = { clientId: unique(), body: 'Buongiorno' };
    return atOnce(() => anna.device.ask('POST', `/api/conversations/${anna.contactId}/messages`, content));
  },
  'DELETE /api/conversations/{id}/messages/{seq}': async () => {
    const seq = await said(anna.device, anna.contactId);
    return atOnce(() => anna.device.ask('DELETE', `/api/conversations/${anna.contactId}/messages/${seq}`));
  },
  'POST /api/attachments': () =>
    atOnce(() => askToUpload(anna.device, bytesOf(1_000), { conversationId: anna.contactId })),
  'DELETE /api/attachments/{id}': async () => {
    const { id } = await upload(anna.device, bytesOf(1_000), { conversationId: anna.contactId });
    return atOnce(() => anna.device.ask('DELETE', `/api/attachments/${id}`));
  },
  'POST /api/attachments/uploads': () => atOnce(beginUpload),
  'PATCH /api/attachments/uploads/{id}': async () => {
    const path = (await beginUpload()).headers.get('location')!;
    const bytes = bytesOf(1_000);
    return atOnce(() => tus('PATCH', path, { 'upload-offset': '0' }, bytes));
  },
  'DELETE /api/attachments/uploads/{id}': async () => {
    const path = (await beginUpload()).headers.get('location')!;
    return atOnce(() => tus('DELETE', path));
  },
  'PUT /api/conversations/{id}/answered': async () => {
    const seq = await said(anna.device, anna.contactId);
    const answers = await atOnce(() =>
      bakery.owner.ask('PUT', `/api/conversations/${anna.contactId}/answered`, { seq }),
    );
    const { body } = await bakery.owner.ask('GET', `/api/conversations/${anna.contactId}`);
    expect(body).toMatchObject({ answeredSeq: seq, unanswered: false });
    return answers;
  },
  'PUT /api/conversations/{id}/mute': () =>
    atOnce(() => anna.device.ask('PUT', `/api/conversations/${anna.contactId}/mute`, { until: null })),
  'DELETE /api/conversations/{id}/mute': async () => {
    const path = `/api/conversations/${anna.contactId}/mute`;
    expectStatus(await anna.device.ask('PUT', path, { until: null }), 200);
    return atOnce(() => anna.device.ask('DELETE', path));
  },
  'PUT /api/notification-settings': () =>
    atOnce((index) =>
      anna.device.ask('PUT', '/api/notification-settings', {
        quietHours: { from: index, to: 420, timeZone: 'Europe/Rome' },
      }),
    ),
  'POST /api/push-subscriptions': async () => {
    const { subscription } = push.browser();
    const devices = [anna.device, await world.signIn(anna.username)];
    const answers = await atOnce((index) => devices[index % 2]!.ask('POST', '/api/push-subscriptions', subscription));
    const owned = 'SELECT FROM push_subscription WHERE session_id = ANY ($1::uuid[])';
    expect(await world.rows(owned, [devices.map(({ sessionId }) => sessionId)])).toHaveLength(1);
    return answers;
  },
  'DELETE /api/push-subscriptions/current': async () => {
    expectStatus(await anna.device.ask('POST', '/api/push-subscriptions', push.browser().subscription), 201);
    return atOnce(() => anna.device.ask('DELETE', '/api/push-subscriptions/current'));
  },
  'POST /api/push-subscriptions/test': async () => {
    expectStatus(await anna.device.ask('POST', '/api/push-subscriptions', push.browser().subscription), 201);
    return atOnce(() => anna.device.ask('POST', '/api/push-subscriptions/test'));
  },
  'PUT /api/conversations/{id}/claim': async () => {
    const path = `/api/conversations/${anna.contactId}`;
    const answers = await atOnce(() => bakery.owner.ask('PUT', `${path}/claim`));
    expect((await bakery.owner.ask('GET', path)).body.claim).not.toBeNull();
    return answers;
  },
  'DELETE /api/conversations/{id}/claim': async () => {
    const path = `/api/conversations/${anna.contactId}`;
    expect((await bakery.owner.ask('PUT', `${path}/claim`)).status).toBe(204);
    const answers = await atOnce(() => bakery.owner.ask('DELETE', `${path}/claim`));
    expect((await bakery.owner.ask('GET', path)).body.claim).toBeNull();
    return answers;
  },
  'PUT /api/conversations/{id}/receipt': async () => {
    const seenSeq = await said(anna.device, anna.contactId);
    return atOnce(() => bakery.owner.ask('PUT', `/api/conversations/${anna.contactId}/receipt`, { seenSeq }));
  },

  'PUT /api/conversations/{id}/restriction': async () => {
    const { contactId, device } = await world.join(bakery, 'bruno');
    const path = `/api/conversations/${contactId}/restriction`;
    const answers = await atOnce((index) => (index % 2 === 0 ? device : bakery.owner).ask('PUT', path));
    const { restrictions } = (await device.ask('GET', `/api/conversations/${contactId}`)).body;
    expect(restrictions.map(({ by }: { by: string }) => by).sort()).toEqual(['interlocutor', 'subscriber']);
    return answers;
  },
  'DELETE /api/conversations/{id}/restriction': async () => {
    const { contactId, device } = await world.join(bakery, 'bruno');
    const path = `/api/conversations/${contactId}/restriction`;
    for (const party of [device, bakery.owner]) expectStatus(await party.ask('PUT', path), 200);
    const answers = await atOnce((index) => (index % 2 === 0 ? device : bakery.owner).ask('DELETE', path));
    expect((await device.ask('GET', `/api/conversations/${contactId}`)).body.restrictions).toEqual([]);
    return answers;
  },
  'POST /api/requests': async () => {
    const { contactId, device } = await world.join(bakery, 'bruno');
    const answers = await atOnce(() => device.ask('POST', '/api/requests', { contactId, kind: 'access' }));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    return answers;
  },
  'DELETE /api/requests/{id}': async () => {
    const { device, id } = await requested();
    return atOnce(() => device.ask('DELETE', `/api/requests/${id}`));
  },
  'POST /api/requests/{id}/answer': async () => {
    const { id } = await requested();
    const answer = { outcome: 'fulfilled', answer: 'Ecco tutto.' };
    return atOnce(() => bakery.owner.ask('POST', `/api/requests/${id}/answer`, answer));
  },
  'POST /api/requests/{id}/extension': async () => {
    const { id } = await requested();
    const extension = { reason: 'È un archivio di carta.' };
    const answers = await atOnce(() => bakery.owner.ask('POST', `/api/requests/${id}/extension`, extension));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    return answers;
  },
  'POST /api/deletion-requests': async () => {
    const { contactId, device } = await world.join(bakery, 'bruno');
    const answers = await atOnce(() => device.ask('POST', '/api/deletion-requests', { contactId }));
    expect(new Set(answers.map(({ body }) => body.items[0].id)).size).toBe(1);
    return answers;
  },
  'DELETE /api/deletion-requests/{id}': async () => {
    const { contactId, device } = await world.join(bakery, 'bruno');
    const { body } = await device.ask('POST', '/api/deletion-requests', { contactId });
    const answers = await atOnce(() => device.ask('DELETE', `/api/deletion-requests/${body.items[0].id}`));
    expect((await device.ask('GET', `/api/conversations/${contactId}`)).body.deletion).toBeNull();
    return answers;
  },
  'PUT /api/subscriber/pause': async () => {
    const answers = await atOnce(() => bakery.owner.ask('PUT', '/api/subscriber/pause', { paused: true }));
    expectStatus(await bakery.owner.ask('PUT', '/api/subscriber/pause', { paused: false }), 200);
    return answers;
  },
  'PUT /api/subscriber/retention': async () => {
    const { body } = await bakery.owner.ask('GET', '/api/subscriber/retention/preview?months=12');
    const confirmation = { messages: body.messages, businessName: String(bakery.registration['businessName']) };
    const answers = await atOnce(() =>
      bakery.owner.ask('PUT', '/api/subscriber/retention', { months: 12, confirmation }),
    );
    const { body: actions } = await bakery.owner.ask('GET', '/api/actions?kind=retention.changed');
    expect(actions.items).toHaveLength(1);
    return answers;
  },
  'POST /api/subscriber/closing': async () => {
    const closing = { password, businessName: String(bakery.registration['businessName']) };
    const answers = await atOnce(() => bakery.owner.ask('POST', '/api/subscriber/closing', closing));
    expectStatus(await bakery.owner.ask('DELETE', '/api/subscriber/closing'), 204);
    return answers;
  },
  'DELETE /api/subscriber/closing': () => atOnce(() => bakery.owner.ask('DELETE', '/api/subscriber/closing')),
  'POST /api/exports': async () => {
    const { device } = await world.join(bakery, 'bruno');
    return atOnce(() => device.ask('POST', '/api/exports', {}));
  },
  'POST /api/exports/{id}/download': async () => {
    const { device, id } = await exported();
    return atOnce(() => device.ask('POST', `/api/exports/${id}/download`, { password }));
  },
  'DELETE /api/exports/{id}': async () => {
    const { device, id } = await exported();
    return atOnce(() => device.ask('DELETE', `/api/exports/${id}`));
  },

  'POST /api/archive/searches': () => atOnce(() => anna.device.ask('POST', '/api/archive/searches', { q: 'pane' })),

  'POST /api/broadcasts': () => {
    const wanted = broadcast();
    return atOnce(() => bakery.owner.ask('POST', '/api/broadcasts', wanted));
  },
  'POST /api/broadcasts/preview': () => {
    const { clientId: _, ...wanted } = broadcast();
    return atOnce(() => bakery.owner.ask('POST', '/api/broadcasts/preview', wanted));
  },
  'POST /api/broadcasts/preview/contacts': () => {
    const { clientId: _, body: __, ...wanted } = broadcast();
    return atOnce(() => bakery.owner.ask('POST', '/api/broadcasts/preview/contacts', wanted));
  },
  'POST /api/broadcasts/{id}/cancellation': async () => {
    const id = await planned();
    return atOnce(() => bakery.owner.ask('POST', `/api/broadcasts/${id}/cancellation`));
  },
  'PATCH /api/broadcasts/{id}': async () => {
    const id = await planned();
    return atOnce((index) => bakery.owner.ask('PATCH', `/api/broadcasts/${id}`, { body: `Domani chiuso, ${index}` }));
  },
  'POST /api/broadcasts/{id}/release': async () => {
    const id = await planned();
    await world.rows(`UPDATE broadcast SET state = 'held' WHERE id = $1`, [id]);
    return atOnce(() => bakery.owner.ask('POST', `/api/broadcasts/${id}/release`));
  },
  'POST /api/conversations/{id}/messages/{seq}/advertising-report': async () => {
    const { body } = await bakery.owner.ask('POST', '/api/broadcasts', broadcast());
    const path = `/api/conversations/${anna.contactId}/messages`;
    for (;;) {
      const { items } = (await anna.device.ask('GET', path)).body;
      const entry = items.find((each: { broadcastId?: string }) => each.broadcastId === body.id);
      if (entry) return atOnce(() => anna.device.ask('POST', `${path}/${entry.seq}/advertising-report`));
    }
  },
};

const unknownToken = 'A'.repeat(43);

async function requested(): Promise<{ device: Device; id: string }> {
  const { device, contactId } = await world.join(bakery, 'bruno');
  const answer = await device.ask('POST', '/api/requests', { contactId, kind: 'rectification', words: 'Un errore' });
  expectStatus(answer, 201);
  return { device, id: answer.body.id };
}

async function exported(): Promise<{ device: Device; id: string }> {
  const { device } = await world.join(bakery, 'bruno');
  const { id } = (await device.ask('POST', '/api/exports', {})).body;
  for (;;) if ((await device.ask('GET', `/api/exports/${id}`)).body.state === 'ready') return { device, id };
}

async function label(): Promise<string> {
  const answer = await bakery.owner.ask('POST', '/api/labels', { name: `Etichetta ${unique()}` });
  expectStatus(answer, 201);
  return answer.body.id;
}

async function quickReply(): Promise<string> {
  const answer = await bakery.owner.ask('POST', '/api/quick-replies', { title: 'Orari', text: 'Dalle 7.' });
  expectStatus(answer, 201);
  return answer.body.id;
}

async function said(device: Device, conversationId: string): Promise<number> {
  const content = { clientId: unique(), body: 'Eccomi' };
  const answer = await device.ask('POST', `/api/conversations/${conversationId}/messages`, content);
  expectStatus(answer, 201);
  return answer.body.seq;
}

async function planned(): Promise<string> {
  const sendAt = new Date(Date.now() + 86_400_000).toISOString();
  const answer = await bakery.owner.ask('POST', '/api/broadcasts', { ...broadcast(), sendAt });
  expectStatus(answer, 202);
  return answer.body.id;
}

const broadcast = () => ({
  clientId: unique(),
  kind: 'service',
  reason: 'closure',
  body: 'Domani chiuso',
  audience: { contactIds: [anna.contactId] },
});

test('this file calls every route that changes something', async () => {
  const { paths } = JSON.parse(await readFile(new URL('../openapi.json', import.meta.url), 'utf8')) as {
    paths: Record<string, Record<string, unknown>>;
  };
  const changing = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).flatMap((method) =>
      ['get', 'head', 'options'].includes(method) ? [] : [`${method.toUpperCase()} ${path}`],
    ),
  );
  expect(Object.keys(routes).sort()).toEqual(changing.sort());
});

test.each(Object.keys(routes))(`%s, ${times} times at once, is answered each time`, async (route) => {
  const answers = await routes[route]!();
  const failed = answers.filter(({ status }) => status >= 500);
  expect(failed.map(({ body }) => body)).toEqual([]);
  // At least one did what it was to do, so that this is no test of a refusal.
  if (!route.endsWith('/confirmation')) expect(Math.min(...answers.map(({ status }) => status))).toBeLessThan(300);
});
