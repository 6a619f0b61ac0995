import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AddressHashing } from '../src/address-book/address-hashing.service.js';
import type { ContactView } from '../src/contract/events.js';
import { limits } from '../src/contract/limits.js';
import { InvitationMails } from '../src/invitations/invitation-mails.service.js';
import { Vault } from '../src/platform/vault/vault.js';
import { MailServer, tokenIn } from './support/mail-server.js';
import {
  type Answer,
  type Device,
  expectStatus,
  password,
  type Person,
  settle,
  type Shop,
  unique,
  until,
  World,
} from './support/world.js';

/** One mailbox is one, however it is spelled; whose it is, is shown by a mail; and nobody is mailed too often. */

let mails: MailServer;
let world: World;
let bakery: Shop;
beforeAll(async () => {
  mails = await MailServer.open();
  world = await World.open({
    SMTP_URL: mails.url,
    RATE_INVITATION_MAILS: '100000',
    // So that a test can come from several networks.
    TRUST_PROXY: 'loopback',
    PUBLIC_URL: 'https://chat.example',
    HOST: '127.0.0.1',
  });
  bakery = await verifiedShop();
});
afterAll(async () => {
  await world.close();
  await mails.close();
});

const verification = /^Conferma il tuo indirizzo$/;
const moved = /^L’indirizzo del tuo account è cambiato$/;
const invited = /ti invita a scrivervi/;

const fresh = () => `persona-${unique()}@mail.example`;
const count = (to: string, subject: RegExp) => mails.to(to).filter((mail) => subject.test(mail.subject ?? '')).length;
const accept = async (code: string, body: unknown, network?: string): Promise<Answer> =>
  world.ask('POST', `/api/invitations/by-code/${code}/acceptance`, {
    body,
    ...(network && { headers: { 'x-forwarded-for': network } }),
  });
const signIn = (username: string, secret = password) =>
  world.ask('POST', '/api/sessions', { body: { username, password: secret } });
const verify = (token: string) => world.ask('POST', '/api/me/email-verification/confirmation', { body: { token } });
const invite = (shop: Shop, email: string) => shop.owner.ask('POST', '/api/invitations', { kind: 'personal', email });
const contact = async (shop: Shop, id: string): Promise<ContactView> =>
  (await shop.owner.ask('GET', `/api/contacts/${id}`)).body;
const emailVerified = async (device: Device) => (await device.ask('GET', '/api/me')).body.emailVerified as boolean;
const oldHash = (kind: string, text: string) => world.service.app.get(Vault).lookupHash(kind, text);

/** A shop whose owner has opened the link that registering mails. */
async function verifiedShop(email = `forno-${unique()}@aurora.example`): Promise<Shop> {
  const shop = await world.shop('bakery', { email });
  expectStatus(await verify(tokenIn(await mails.mail(email, verification))), 204);
  return shop;
}

/** Somebody who joins, and opens the link that joining mails. */
async function verified(shop = bakery, email = fresh(), changes: Record<string, unknown> = {}): Promise<Person> {
  const before = count(email, verification);
  const person = await world.join(shop, 'carla', { email, ...changes });
  expectStatus(await verify(tokenIn(await mails.mail(email, verification, before + 1))), 204);
  return person;
}

async function imported(shop: Shop, csv: string): Promise<{ outcome: string; reason?: string }[]> {
  const form = new FormData();
  form.set('file', new Blob([csv]), 'soci.csv');
  const { body } = await world.ask('POST', '/api/imports', { token: shop.owner.token, body: form });
  const path = `/api/imports/${body.id}`;
  await until(async () => (await shop.owner.ask('GET', path)).body.state === 'finished', 'the import is done');
  return (await shop.owner.ask('GET', `${path}/report`)).body.items;
}

test('a mail leads to the web app that its account is for', async () => {
  const [shopsAddress, email] = [`forno-${unique()}@aurora.example`, fresh()];
  const shop = await verifiedShop(shopsAddress);
  const person = await verified(shop, email);
  for (const [address, app, username] of [
    [shopsAddress, '', shop.username],
    [email, '/app', person.username],
  ] as const) {
    const link = async (subject: RegExp) =>
      /https:\/\/chat\.example(\/\S*)/.exec((await mails.mail(address, subject)).text!)![1]!;
    expect(await link(verification)).toMatch(new RegExp(`^${app}/verify/[\\w-]{43}$`));
    expectStatus(await world.ask('POST', '/api/password-resets', { body: { login: username } }), 202);
    expect(await link(/Scegli una nuova password/)).toMatch(new RegExp(`^${app}/reset/[\\w-]{43}$`));
    expectStatus(await signIn(username), 201);
    expect(await link(/[Aa]ccesso/)).toBe(`${app}/reset`);
  }
});

describe('an address with an invisible character', () => {
  const hidden = [0x200b, 0x00ad, 0x200d, 0x2060, 0xfe0f, 0x200e, 0xfeff, 0x3164, 0x034f, 0xe0041];

  test('is refused everywhere, and the error names the character', async () => {
    const { code } = await world.invitation(bakery);
    const { device } = await world.join(bakery, 'bruno');
    for (const character of hidden) {
      const email = `b@exam${String.fromCodePoint(character)}ple.it`;
      const answers = [
        await invite(bakery, email),
        await bakery.owner.ask('POST', '/api/members', { email }),
        await bakery.owner.ask('PATCH', '/api/subscriber', { email, currentPassword: password }),
        await device.ask('PATCH', '/api/me', { email, currentPassword: password }),
        await accept(code, await world.joining(code, 'carla', { email })),
        await world.ask('POST', '/api/subscribers', { body: await world.registration('bakery', { email }) }),
      ];
      for (const answer of answers) {
        expectStatus(answer, 400);
        expect(answer.body.errors).toEqual([
          {
            field: 'email',
            code: 'invisible_characters',
            message: expect.stringMatching(/U\+[0-9A-F]{4,5}/),
            values: { character: expect.stringMatching(/^U\+[0-9A-F]{4,5}$/) },
          },
        ]);
      }
    }
    expect(mails.received.filter(({ recipient }) => recipient.startsWith('b@'))).toEqual([]);
  });

  test('makes a line of an import invalid, with the reason', async () => {
    const lines = hidden.map((character) => `b@exam${String.fromCodePoint(character)}ple.it`);
    const report = await imported(bakery, ['Email', ...lines, '<c@example.it>', 'mailto:d@example.it'].join('\n'));
    const reasons = report.map(({ outcome, reason }) => reason ?? outcome);
    expect(reasons).toEqual([...lines.map(() => 'invisible_characters'), 'invited', 'invited']);
  });
});

describe('a domain with an accent', () => {
  const spellings = () => {
    const name = `caffè-${unique()}`;
    const domain = new URL(`http://${name}.example`).hostname;
    const typed = [`Anna@${name}.example`, `anna@${name.normalize('NFD')}.example`, `anna@${domain}`];
    // The server of the tests shows a domain in Unicode whenever it comes in ASCII, and no other form.
    const arrived = (recipient: string) => recipient.toLowerCase() === typed[0]!.toLowerCase();
    return { typed, ascii: `anna@${domain}`, arrived };
  };

  test('is one mailbox in all spellings: invited once, mailed in its ASCII form, and shown as typed', async () => {
    const { typed, arrived } = spellings();
    const first = await invite(bakery, typed[0]!);
    expectStatus(first, 201);
    expect(first.body.email).toBe(typed[0]);
    for (const email of typed)
      expect(await invite(bakery, email)).toMatchObject({ status: 200, body: { id: first.body.id } });
    await until(() => mails.received.some(({ recipient }) => arrived(recipient)), 'the mail');
    expectStatus(await world.ask('POST', `/api/invitations/by-code/${first.body.code}/stop`), 204);
    for (const email of typed) expect((await invite(bakery, email)).body.code).toBe('asked_not_to_be_written_to');
    const report = await imported(bakery, ['Email', ...typed].join('\n'));
    expect(report.map(({ outcome }) => outcome)).toEqual([
      'asked_not_to_be_written_to',
      'duplicate_in_file',
      'duplicate_in_file',
    ]);
  });

  test('can be used to sign in under all spellings, and is in the address book once', async () => {
    const { typed, arrived } = spellings();
    const anna = await world.join(bakery, 'anna', { email: typed[1]! });
    await until(() => mails.received.some(({ recipient }) => arrived(recipient)), 'the mail');
    const mail = mails.received.find(({ recipient }) => arrived(recipient))!;
    expectStatus(await verify(tokenIn(mail)), 204);
    for (const email of [...typed, typed[0]!.toUpperCase()]) {
      expect((await signIn(email)).body.principal?.interlocutorId).toBe(anna.id);
      expect((await invite(bakery, email)).body.code).toBe('already_a_contact');
    }
    expect((await contact(bakery, anna.contactId)).email).toBe(typed[0]!.replace('Anna', 'anna'));
  });

  test('is recognised by older hashes, of stopped mails and of verified addresses', async () => {
    const { typed, ascii } = spellings();
    const before = typed[0]!.toLowerCase();
    await world.rows('INSERT INTO mail_stop (email_hash, stopped_at) VALUES ($1, now())', [
      oldHash('stopped address', before),
    ]);
    for (const email of typed) expect((await invite(bakery, email)).body.code).toBe('asked_not_to_be_written_to');
    const anna = await world.join(bakery, 'anna', { email: before });
    await world.rows(
      'UPDATE account SET email_hash = $1 WHERE id = (SELECT account_id FROM interlocutor WHERE id = $2)',
      [oldHash('email', before), anna.id],
    );
    for (const email of [before, ascii]) expect((await signIn(email)).body.principal?.interlocutorId).toBe(anna.id);
    expectStatus(await anna.device.ask('PATCH', '/api/me', { email: ascii }), 200);
    expect(await emailVerified(anna.device)).toBe(true);
  });
});

test('dots and tags make different mailboxes', async () => {
  const name = unique();
  for (const local of [`an.na${name}`, `anna${name}`, `anna${name}+shop`])
    expectStatus(await invite(bakery, `${local}@mail.example`), 201);
});

describe('another address', () => {
  test('in another spelling is no change: it stays verified, without a mail or a password', async () => {
    const email = fresh();
    const { device } = await verified(bakery, email);
    const { owner, registration } = await verifiedShop();
    const business = String(registration['email']);
    expectStatus(await device.ask('PATCH', '/api/me', { email: email.replace('persona', 'Persona') }), 200);
    expectStatus(await owner.ask('PATCH', '/api/subscriber', { email: business.replace('forno', 'Forno') }), 200);
    expect((await owner.ask('GET', '/api/me')).body.subscriber.email).toBe(business.replace('forno', 'Forno'));
    for (const each of [device, owner]) expect(await emailVerified(each)).toBe(true);
    const { body } = await owner.ask('POST', '/api/invitations', { kind: 'personal', email: fresh() });
    expect(body.mail).toBe('sent_soon');
    await settle();
    expect(mails.to(email).length + mails.to(business).length).toBe(2);
  });

  test('needs the current password, and the old address gets a notice if it was verified', async () => {
    const email = fresh();
    const { device, username } = await verified(bakery, email);
    const shop = await verifiedShop();
    const business = String(shop.registration['email']);
    for (const [each, path, old, name] of [
      [device, '/api/me', email, username],
      [shop.owner, '/api/subscriber', business, shop.username],
    ] as const) {
      const next = fresh();
      const missing = await each.ask('PATCH', path, { email: next });
      expectStatus(missing, 400);
      expect(missing.body.errors).toMatchObject([{ field: 'currentPassword', code: 'required' }]);
      const wrong = await each.ask('PATCH', path, { email: next, currentPassword: 'un-altra-parola-9' });
      expect([wrong.status, wrong.body.code]).toEqual([403, 'password_wrong']);
      expect(await emailVerified(each)).toBe(true);
      expectStatus(await each.ask('PATCH', path, { email: next, currentPassword: password }), 200);
      expect(await emailVerified(each)).toBe(false);
      await mails.mail(next, verification);
      const notice = await mails.mail(old, moved);
      expect(notice.text).toContain(name);
      expect(notice.text).toContain('p…@mail.example');
      expect(notice.text! + String(notice.html)).not.toContain(next);
      expectStatus(await each.ask('PATCH', path, { email: fresh(), currentPassword: password }), 200);
      await settle();
      expect(count(next, moved)).toBe(0);
    }
  });
});

describe('verification and invitation mails', () => {
  test('are limited to five an hour for an account, however requested, and the refusal says how long to wait', async () => {
    const { device } = await world.join(bakery, 'anna', { email: fresh() });
    const shop = await verifiedShop();
    const change = (each: Device, path: string) => () =>
      each.ask('PATCH', path, { email: fresh(), currentPassword: password });
    const askAgain = (each: Device) => () => each.ask('POST', '/api/me/email-verification');
    for (const [each, path] of [
      [device, '/api/me'],
      [shop.owner, '/api/subscriber'],
    ] as const) {
      const ways = [change(each, path), askAgain(each), change(each, path), change(each, path), askAgain(each)];
      for (const way of ways) expect([200, 202]).toContain((await way()).status);
      const known = (await each.ask('GET', '/api/me')).body;
      for (const way of ways) {
        const refused = await way();
        expectStatus(refused, 429);
        expect(refused.body.retryAfter).toBeGreaterThan(3000);
        expect(refused.body.detail).toContain(`${limits.verificationMailsPerHour} verification mails`);
      }
      expect((await each.ask('GET', '/api/me')).body).toEqual(known);
    }
  });

  test('are limited for an address that many accounts state, who are told so; its owner can still get one', async () => {
    const email = fresh();
    const { code } = await world.invitation(bakery);
    const body = await world.joining(code, 'carla', { email });
    const answers: string[] = [];
    const devices: Device[] = [];
    for (let number = 1; number <= 8; number++) {
      const joined = await accept(code, { ...body, firstName: `Carla ${number}` }, '198.51.100.7');
      expectStatus(joined, 201);
      answers.push(joined.body.verificationMail);
      devices.push(world.device(joined.body.session.token, joined.body.session.id));
    }
    const mailed = limits.verificationMailsToAddress;
    expect(answers).toEqual(answers.map((_, index) => (index < mailed ? 'sent_soon' : 'withheld')));
    const ask = (device: Device, network: string) =>
      world.ask('POST', '/api/me/email-verification', {
        token: device.token,
        headers: { 'x-forwarded-for': network },
      });
    // A stranger who asks with each of the accounts is stopped, and told so.
    const asked: number[] = [];
    for (const device of devices.slice(0, 7)) asked.push((await ask(device, '198.51.100.7')).status);
    expect(asked).toEqual([202, 202, 202, 202, 202, 429, 429]);
    // Who reads the mailbox joined last, and asks from elsewhere.
    const own = await accept(code, { ...body, firstName: 'Carla Maria' }, '203.0.113.9');
    expect(own.body.verificationMail).toBe('withheld');
    const device = world.device(own.body.session.token, own.body.session.id);
    expectStatus(await ask(device, '203.0.113.9'), 202);
    const mail = await mails.mail(email, verification, mailed + 5 + 1);
    expectStatus(await verify(tokenIn(mail)), 204);
    expect(await emailVerified(device)).toBe(true);
    // However many networks ask, the mailbox gets few.
    const late: number[] = [];
    for (let number = 1; number < devices.length; number++)
      late.push((await ask(devices[number]!, `192.0.2.${number}`)).status);
    expect(late.filter((status) => status === 202).length).toBe(limits.verificationMailsAskedToAddress - 6);
  });

  test('are not counted for a person who accepts the invitation mailed to the address', async () => {
    const email = fresh();
    const { code: open } = await world.invitation(bakery);
    const { body: invitation } = await invite(await verifiedShop(), email);
    const body = await world.joining(open, 'carla', { email });
    for (let number = 0; number < limits.verificationMailsToAddress; number++)
      expectStatus(await accept(open, { ...body, firstName: `Carla ${number}` }), 201);
    const own = await accept(invitation.code, await world.joining(invitation.code, 'carla', { email }));
    expect([own.status, own.body.verificationMail]).toEqual([201, 'sent_soon']);
  });

  test('that invite members are limited to fifty a day', async () => {
    const shop = await verifiedShop();
    const answers: number[] = [];
    for (let number = 0; number <= limits.memberInvitationMailsPerDay; number++) {
      const { status, body } = await shop.owner.ask('POST', '/api/members', { email: fresh() });
      answers.push(status);
      if (status === 201) expectStatus(await shop.owner.ask('DELETE', `/api/members/${body.id}`), 204);
      else expect(body.detail).toContain(`at most ${limits.memberInvitationMailsPerDay} invitations`);
    }
    expect(answers.at(-1)).toBe(429);
    expect(answers.slice(0, -1)).toEqual(answers.slice(0, -1).map(() => 201));
  });
});

test('five accounts can verify one address and sign in by it, and a sixth is refused with the reason', async () => {
  const email = fresh();
  const family: Person[] = [];
  for (let number = 0; number < limits.accountsPerAddress; number++) {
    const secret = `tegame-${number}-lucertola`;
    family.push(await verified(bakery, email, { firstName: `Carla ${number}`, password: secret }));
  }
  const sixth = await world.join(bakery, 'carla', { email, firstName: 'Sesta' });
  const before = count(email, verification);
  expectStatus(await sixth.device.ask('POST', '/api/me/email-verification'), 202);
  const token = tokenIn(await mails.mail(email, verification, before + 1));
  const refused = await verify(token);
  expect([refused.status, refused.body.code]).toEqual([409, 'address_full']);
  expect(refused.body.detail).toContain('5 accounts');
  expect(await emailVerified(sixth.device)).toBe(false);
  for (const number of [0, limits.accountsPerAddress - 1]) {
    const { body } = await signIn(email.toUpperCase(), `tegame-${number}-lucertola`);
    expect(body.principal?.interlocutorId).toBe(family[number]!.id);
  }
  // Once one of the others has another address there is a place, and the same link works.
  expectStatus(
    await family[0]!.device.ask('PATCH', '/api/me', { email: fresh(), currentPassword: 'tegame-0-lucertola' }),
    200,
  );
  expectStatus(await verify(token), 204);
});

describe('a contact', () => {
  test('says by which invitation it joined, with the name that the business gave it', async () => {
    const made = await bakery.owner.ask('POST', '/api/invitations', { kind: 'open', name: ' Banco ' });
    expect(made.body).toMatchObject({ kind: 'open', name: 'Banco' });
    const { id, code } = made.body;
    const joined = await accept(code, await world.joining(code, 'carla', { email: fresh() }));
    const mine = async () => (await contact(bakery, joined.body.contact.id)).joinedBy;
    expect(await mine()).toEqual({ invitationId: id, kind: 'open', name: 'Banco' });
    const renamed = await bakery.owner.ask('PATCH', `/api/invitations/${id}`, { name: 'Fiera' });
    expect(renamed.body).toMatchObject({ id, code, name: 'Fiera' });
    expect((await bakery.owner.ask('GET', `/api/invitations/${id}`)).body).toEqual(renamed.body);
    expect(await mine()).toEqual({ invitationId: id, kind: 'open', name: 'Fiera' });
    expectStatus(await bakery.owner.ask('PATCH', `/api/invitations/${id}`, { name: 'x'.repeat(61) }), 400);
    expectStatus(await bakery.owner.ask('PATCH', `/api/invitations/${id}`, { name: 'x'.repeat(60) }), 200);
    expect((await bakery.owner.ask('PATCH', `/api/invitations/${id}`, { name: null })).body).not.toHaveProperty('name');
    expect(await mine()).toEqual({ invitationId: id, kind: 'open' });
    const other = await world.shop('florist');
    expectStatus(await other.owner.ask('GET', `/api/invitations/${id}`), 404);
    expectStatus(await other.owner.ask('PATCH', `/api/invitations/${id}`, { name: 'Mia' }), 404);
    const [row] = await world.rows<{ name: Buffer | null }>('SELECT name FROM invitation WHERE id = $1', [
      renamed.body.id,
    ]);
    expect(row!.name).toBeNull();
  });

  test('by a personal invitation says so', async () => {
    const { body } = await invite(bakery, fresh());
    const joined = await accept(body.code, await world.joining(body.code, 'carla', { email: fresh() }));
    expect((await contact(bakery, joined.body.contact.id)).joinedBy).toEqual({
      invitationId: body.id,
      kind: 'personal',
    });
  });

  test('says whether its address is verified and whether another contact has it, live and when loaded', async () => {
    const shop = await verifiedShop();
    await shop.owner.connect();
    const email = fresh();
    const told = (id: string, which: (view: ContactView) => boolean) =>
      shop.owner.hears('contact.changed', (each) => each.contact.id === id && which(each.contact));
    const giulia = await world.join(shop, 'anna', { email });
    expect((await shop.owner.hears('contact.joined')).contact).toMatchObject({
      emailVerified: false,
      addressShared: false,
    });
    expectStatus(await verify(tokenIn(await mails.mail(email, verification))), 204);
    expect((await told(giulia.contactId, (view) => view.emailVerified)).contact).toEqual(
      await contact(shop, giulia.contactId),
    );
    const stranger = await world.join(shop, 'bruno', { email: email.replace('persona', 'PERSONA') });
    const joined = await shop.owner.hears('contact.joined', (each) => each.contact?.id === stranger.contactId);
    expect(joined.contact).toMatchObject({ emailVerified: false, addressShared: true });
    expect((await told(giulia.contactId, (view) => view.addressShared)).contact).toMatchObject({ emailVerified: true });
    const { body } = await shop.owner.ask('GET', '/api/contacts');
    expect(body.items.map((each: ContactView) => [each.emailVerified, each.addressShared])).toEqual([
      [false, true],
      [true, true],
    ]);
    const away = { email: fresh(), currentPassword: password };
    expectStatus(await stranger.device.ask('PATCH', '/api/me', away), 200);
    await told(giulia.contactId, (view) => !view.addressShared);
    expect(await contact(shop, stranger.contactId)).toMatchObject({ emailVerified: false, addressShared: false });
    expectStatus(await giulia.device.ask('PATCH', '/api/me', { ...away, email: away.email.toUpperCase() }), 200);
    await told(stranger.contactId, (view) => view.addressShared);
    expect(await contact(shop, giulia.contactId)).toMatchObject({ emailVerified: false, addressShared: true });
  });

  test('of a verified person is verified for the next business at once', async () => {
    const person = await verified();
    const shop = await world.shop('florist');
    const id = await world.joinAlso(person, shop);
    expect((await contact(shop, id)).emailVerified).toBe(true);
  });

  test('that joined at the same moment under the same address is marked on both sides', async () => {
    const { code } = await world.invitation(bakery);
    const body = await world.joining(code, 'carla', { email: fresh() });
    const answers = await Promise.all(['Ada', 'Bice', 'Cora'].map((firstName) => accept(code, { ...body, firstName })));
    for (const answer of answers) expect((await contact(bakery, answer.body.contact.id)).addressShared).toBe(true);
  });
});

test('contacts older than the hashes of addresses are found by them once the job has run', async () => {
  const shop = await world.shop('florist');
  const email = fresh();
  const [one, two] = [await world.join(shop, 'anna', { email }), await world.join(shop, 'bruno', { email })];
  const hash = () =>
    world.rows('SELECT address_hash FROM contact WHERE id = ANY ($1) ORDER BY id', [[one.contactId, two.contactId]]);
  const before = await hash();
  await world.rows('UPDATE contact SET address_hash = NULL');
  expect((await contact(shop, one.contactId)).addressShared).toBe(false);
  await world.service.app.get(AddressHashing).hashAll();
  expect((await contact(shop, one.contactId)).addressShared).toBe(true);
  expect(await hash()).toEqual(before);
});

describe('a repeated acceptance', () => {
  const total = async (shop: Shop) => (await shop.owner.ask('GET', '/api/contacts')).body.total as number;
  /** The answer about a person who joined, without the parts that are new each time. */
  const same = ({ status, body: { interlocutor, contact: joined } }: Answer) => ({
    status,
    interlocutor,
    contact: joined,
  });

  test.each([
    ['with an id of the client', 'a1'],
    ['without one', undefined],
  ])('is one person, %s, one after the other and at once', async (_, clientId) => {
    const { code } = await world.invitation(bakery, { maxUses: 2 });
    const before = await total(bakery);
    const body = { ...(await world.joining(code, 'carla', { email: fresh() })), clientId };
    const first = await accept(code, body);
    expectStatus(first, 201);
    const again = await Promise.all([1, 2, 3].map(() => accept(code, body)));
    for (const answer of again) {
      expect(same(answer)).toEqual(same(first));
      expect(answer.body.session.token).not.toBe(first.body.session.token);
      expectStatus(await world.ask('GET', '/api/me', { token: answer.body.session.token }), 200);
    }
    const other = { ...body, email: fresh(), clientId: clientId && 'a2' };
    const atOnce = await Promise.all([1, 2, 3].map(() => accept(code, other)));
    expect(new Set(atOnce.map((answer) => JSON.stringify(same(answer)))).size).toBe(1);
    expect(atOnce[0]!.status).toBe(201);
    expect(await total(bakery)).toBe(before + 2);
  });

  test('is answered even if the invitation was for one person, or has ended', async () => {
    const email = fresh();
    const { body: invitation } = await invite(bakery, email);
    const body = await world.joining(invitation.code, 'carla', { email });
    const first = await accept(invitation.code, body);
    expect(same(await accept(invitation.code, body))).toEqual(same(first));
    expectStatus(await accept(invitation.code, { ...body, email: fresh() }), 410);
  });

  test('with another password, name or choice on promotions is another person, and looks like a first one', async () => {
    const { code } = await world.invitation(bakery);
    const body = { ...(await world.joining(code, 'carla', { email: fresh() })), clientId: 'b1' };
    const first = await accept(code, body);
    const consents = await world.consents(code, { promotions: true });
    const others = [
      await accept(code, { ...body, password: 'lanterna-3-cavallo' }),
      await accept(code, { ...body, clientId: undefined, firstName: 'Clara' }),
      await accept(code, { ...body, clientId: undefined, consents }),
    ];
    const shape = (answer: Answer) => [answer.status, ...Object.keys(answer.body).sort()];
    for (const answer of others) {
      expect(answer.body.interlocutor.id).not.toBe(first.body.interlocutor.id);
      expect(shape(answer)).toEqual(shape(first));
    }
    expect(others[0]!.body.verificationMail).toBe('sent_soon');
  });

  test('with the same id but another content is refused', async () => {
    const { code } = await world.invitation(bakery);
    const body = { ...(await world.joining(code, 'carla', { email: fresh() })), clientId: 'c1' };
    expectStatus(await accept(code, body), 201);
    const refused = await accept(code, { ...body, surname: 'Neri' });
    expect([refused.status, refused.body.code]).toEqual([409, 'client_id_reused']);
    expectStatus(await accept(code, { ...body, clientId: 'not an id' }), 400);
  });

  test('after ten minutes is another person, unless the client gave it an id', async () => {
    const { code } = await world.invitation(bakery);
    const [keyed, plain] = await Promise.all(
      [{ clientId: 'd1' }, {}].map(async (key) => ({
        ...(await world.joining(code, 'carla', { email: fresh() })),
        ...key,
      })),
    );
    const [one, two] = [await accept(code, keyed), await accept(code, plain)];
    await world.rows(`UPDATE contact SET joined_at = joined_at - interval '10 minutes 1 second' WHERE id = ANY ($1)`, [
      [one, two].map(({ body }) => body.contact.id),
    ]);
    expect((await accept(code, keyed)).body.interlocutor.id).toBe(one.body.interlocutor.id);
    expect((await accept(code, plain)).body.interlocutor.id).not.toBe(two.body.interlocutor.id);
  });

  test('opens no session with a password that has been changed since', async () => {
    const { code } = await world.invitation(bakery);
    const body = { ...(await world.joining(code, 'carla', { email: fresh() })), clientId: 'e1' };
    const first = await accept(code, body);
    const { token } = first.body.session;
    const change = { currentPassword: password, newPassword: 'lanterna-3-cavallo' };
    expectStatus(await world.ask('PUT', '/api/me/password', { token, body: change }), 204);
    const again = await accept(code, body);
    expect(again.body.interlocutor?.id).not.toBe(first.body.interlocutor.id);
  });
});

test('a business and a member that register twice are one', async () => {
  const registration = await world.registration('florist');
  const register = (changes: Record<string, unknown> = {}) =>
    world.ask('POST', '/api/subscribers', { body: { ...registration, ...changes } });
  const answers = await Promise.all([register(), register()]);
  answers.push(await register());
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
  expect(new Set(answers.map(({ body }) => body.subscriber.id)).size).toBe(1);
  for (const { body } of answers) expectStatus(await world.ask('GET', '/api/me', { token: body.session.token }), 200);
  for (const changes of [{ password: 'lanterna-3-cavallo' }, { businessName: 'Altri Fiori' }])
    expect((await register(changes)).body.code).toBe('username_taken');

  const { code } = await world.inviteMember(bakery);
  const joining = await world.memberJoining(code);
  const join = (changes: Record<string, unknown> = {}) =>
    world.ask('POST', `/api/members/by-code/${code}/acceptance`, { body: { ...joining, ...changes } });
  const members = [await join(), await join()];
  expect(members.map(({ status }) => status)).toEqual([201, 201]);
  expect(new Set(members.map(({ body }) => body.member.id)).size).toBe(1);
  expect((await join({ password: 'lanterna-3-cavallo' })).body.code).toBe('invitation_used');
});

describe('a person who was invited and joins in another way', () => {
  const postWaiting = () => world.service.app.get(InvitationMails).postWaiting();
  const remind = () => world.service.app.get(InvitationMails).remind();
  const later = (id: string, days: number) =>
    world.rows(`UPDATE invitation SET mailed_at = mailed_at - make_interval(days => $2) WHERE id = $1`, [id, days]);
  const state = async (shop: Shop, id: string) => (await shop.owner.ask('GET', `/api/invitations/${id}`)).body.mail;

  test('while the mail is held gets neither it nor the reminder, whether verified or not', async () => {
    const business = `forno-${unique()}@aurora.example`;
    const shop = await world.shop('bakery', { email: business });
    const [one, two, three] = [fresh(), fresh(), fresh()];
    const { body: first } = await invite(shop, one);
    const { body: second } = await invite(shop, two.toUpperCase());
    await invite(shop, three);
    await world.join(shop, 'carla', { email: one });
    await verified(shop, two, { firstName: 'Dora' });
    expectStatus(await verify(tokenIn(await mails.mail(business, verification))), 204);
    await postWaiting();
    await mails.mail(three, invited);
    expect([await state(shop, first.id), await state(shop, second.id)]).toEqual(['held', 'held']);
    await settle();
    expect(count(one, invited) + count(two, invited)).toBe(0);
  });

  test('with an account that has verified the address gets neither', async () => {
    const business = `forno-${unique()}@aurora.example`;
    const shop = await world.shop('bakery', { email: business });
    const email = fresh();
    const person = await verified(bakery, email);
    await invite(shop, email);
    await world.joinAlso(person, shop);
    expectStatus(await verify(tokenIn(await mails.mail(business, verification))), 204);
    await postWaiting();
    await settle();
    expect(count(email, invited)).toBe(0);
  });

  test('after the mail was sent is not reminded a week later', async () => {
    const shop = await verifiedShop();
    const [joins, waits] = [fresh(), fresh()];
    const { body } = await invite(shop, joins);
    const { body: other } = await invite(shop, waits);
    await mails.mail(joins, invited);
    await mails.mail(waits, invited);
    await world.join(shop, 'carla', { email: joins });
    for (const { id } of [body, other]) await later(id, 7);
    await until(async () => (await state(shop, other.id)) === 'sent', 'the mail has left');
    await remind();
    await mails.mail(waits, /aspetta/);
    await settle();
    expect(count(joins, /aspetta/)).toBe(0);
  });

  test('while the mail waits for the server does not get it, and it waits two more weeks', async () => {
    const shop = await verifiedShop();
    const email = fresh();
    mails.refuse = (address) => (address === email ? 451 : undefined);
    const { body } = await invite(shop, email);
    await until(
      async () => (await world.rows('SELECT FROM mail WHERE key_id = $1 AND attempts > 0', [body.id])).length > 0,
      'the mail was refused for the time being',
    );
    const { contactId } = await world.join(shop, 'carla', { email });
    mails.refuse = undefined;
    expect(await world.rows('SELECT FROM mail WHERE key_id = $1', [body.id])).toEqual([]);
    expect(await state(shop, body.id)).toBe('held');
    await postWaiting();
    expect(await state(shop, body.id)).toBe('held');
    // Nobody has shown in two weeks that the address is theirs: whose it is gets the invitation after all.
    await world.rows(`UPDATE contact SET joined_at = joined_at - interval '14 days' WHERE id = $1`, [contactId]);
    await world.join(shop, 'bruno', { email });
    await postWaiting();
    await mails.mail(email, invited);
  });

  test('and verifies the address later gets no invitation, however long it takes', async () => {
    const business = `forno-${unique()}@aurora.example`;
    const shop = await world.shop('bakery', { email: business });
    const email = fresh();
    await invite(shop, email);
    const { contactId } = await world.join(shop, 'carla', { email });
    expectStatus(await verify(tokenIn(await mails.mail(email, verification))), 204);
    await world.rows(`UPDATE contact SET joined_at = joined_at - interval '20 days' WHERE id = $1`, [contactId]);
    expectStatus(await verify(tokenIn(await mails.mail(business, verification))), 204);
    await postWaiting();
    await settle();
    expect(count(email, invited)).toBe(0);
  });

  test('while an import waits is not invited by it', async () => {
    const shop = await verifiedShop();
    const email = fresh();
    await world.join(shop, 'carla', { email });
    expect((await imported(shop, `Email\n${email.toUpperCase()}`))[0]!.outcome).toBe('already_there');
  });
});
