import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Vault } from '../src/platform/vault/vault.js';
import {
  expectStatus,
  password,
  type Person,
  settle,
  type Shop,
  type Staff,
  unique,
  until,
  World,
} from './support/world.js';

/** The people who act for a business: invited by its owner, with accounts of their own, and removed at once. */

let world: World;
let bakery: Shop;
let anna: Person;

beforeAll(async () => {
  world = await World.shared();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  await anna.device.connect();
  await bakery.owner.connect();
});
afterAll(() => world.close());

const accept = async (code: string, changes: Record<string, unknown> = {}, known?: Record<string, unknown>) =>
  world.ask('POST', `/api/members/by-code/${code}/acceptance`, {
    body: known ?? (await world.memberJoining(code, changes)),
  });
const members = async (shop = bakery) => (await shop.owner.ask('GET', '/api/members')).body.items;
const messagesOf = async (device: { ask: Person['device']['ask'] }) =>
  (await device.ask('GET', `/api/conversations/${anna.contactId}/messages`)).body.items;

/** As if the owner had opened the link of the verification mail. */
async function verify(shop: Shop): Promise<void> {
  const hash = world.service.app.get(Vault).lookupHash('email', String(shop.registration['email']));
  await world.rows('UPDATE account SET email_hash = $2 WHERE subscriber_id = $1 AND email_hash IS NULL', [
    shop.id,
    hash,
  ]);
}

describe('an invitation', () => {
  test('shows the business and the privacy notice, and neither the inviting nor the invited person', async () => {
    const { code } = await world.inviteMember(bakery, { email: 'nuova@mail.example', displayName: 'Nuova' });
    const { status, body } = await world.ask('GET', `/api/members/by-code/${code}?locale=en`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ businessName: 'Forno Aurora', logoUrl: null });
    expect(body.policies.map(({ purpose, locale }: never) => [purpose, locale])).toEqual([['privacy', 'en']]);
    expect(JSON.stringify(body)).not.toMatch(/nuova/i);
    expectStatus(await world.ask('GET', '/api/members/by-code/there-is-none'), 404);
  });

  test('is mailed, waits sealed, and is listed as invited until it is accepted', async () => {
    await verify(bakery);
    const { id, code } = await world.inviteMember(bakery, { email: 'sara.blu@mail.example', displayName: 'Sara' });
    const mails = await world.rows<{ sealed: Buffer }>(
      "SELECT sealed FROM mail WHERE template = 'member_invitation' AND key_id = $1",
      [bakery.id],
    );
    expect(mails.length).toBeGreaterThan(0);
    const listed = (await members()).find((each: Staff) => each.id === id);
    expect(listed).toMatchObject({ role: 'staff', displayName: 'Sara', email: 'sara.blu@mail.example' });
    expect(listed).toMatchObject({ state: 'invited', joinedAt: null });
    const { status, body } = await accept(code, { displayName: 'Sara Blu' });
    expect(status).toBe(201);
    expect(body.member).toMatchObject({ id, displayName: 'Sara Blu', state: 'active', email: 'sara.blu@mail.example' });
    expect((await members()).find((each: Staff) => each.id === id)).toEqual(body.member);
    const me = await world.ask('GET', '/api/me', { token: body.session.token });
    expect(me.body).toMatchObject({
      principal: { kind: 'member', role: 'staff', memberId: id },
      displayName: 'Sara Blu',
    });
    const { body: consents } = await world.ask('GET', '/api/consents', { token: body.session.token });
    expect(consents.items.map(({ purpose, how }: never) => [purpose, how])).toEqual([['privacy', 'joining']]);
  });

  test('exists once for an address, and its mail waits until the owner’s address is verified', async () => {
    const shop = await world.shop('bakery', { email: `forno-${unique()}@aurora.example` });
    const email = `dario${unique()}@mail.example`;
    const invite = (address: string) => shop.owner.ask('POST', '/api/members', { email: address });
    const mails = async () => (await world.rows("SELECT FROM mail WHERE template = 'member_invitation'")).length;
    const before = await mails();
    const first = await invite(email);
    expect(first.body).toMatchObject({ mail: 'none' });
    expect(await mails()).toBe(before);
    const again = await invite(email.toUpperCase().replace('MAIL.EXAMPLE', 'mail.example'));
    expectStatus(again, 409);
    expect(again.body.code).toBe('already_a_member');
    await verify(shop);
    expectStatus(await shop.owner.ask('DELETE', `/api/members/${first.body.id}`), 204);
    const second = await invite(email);
    expect(second.body).toMatchObject({ mail: 'sent_soon' });
    expect(await mails()).toBe(before + 1);
    expectStatus(await shop.owner.ask('DELETE', `/api/members/${second.body.id}`), 204);
    expect(await mails()).toBe(before);
  });

  test('is valid once: of many concurrent acceptances one succeeds', async () => {
    const { code } = await world.inviteMember(bakery);
    const joinings = await Promise.all(Array.from({ length: 6 }, () => world.memberJoining(code)));
    const answers = await Promise.all(joinings.map((each) => accept(code, {}, each)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 410, 410, 410, 410, 410]);
    expect(answers.find(({ status }) => status === 410)!.body.code).toBe('invitation_used');
    expect((await world.ask('GET', `/api/members/by-code/${code}`)).body.code).toBe('invitation_used');
  });

  test('that was revoked or has expired says so, and keeps no name and address', async () => {
    const revoked = await world.inviteMember(bakery, { displayName: 'Nessuno' });
    const late = await world.inviteMember(bakery);
    const joining = await world.memberJoining(late.code);
    expectStatus(await bakery.owner.ask('DELETE', `/api/members/${revoked.id}`), 204);
    await world.rows(`UPDATE member SET expires_at = now() - interval '1 second' WHERE id = $1`, [late.id]);
    for (const [{ code }, expected] of [
      [revoked, 'invitation_revoked'],
      [late, 'invitation_expired'],
    ] as const) {
      const opened = await world.ask('GET', `/api/members/by-code/${code}`);
      const accepted = await accept(code, {}, joining);
      expect([opened.status, opened.body.code]).toEqual([410, expected]);
      expect([accepted.status, accepted.body.code]).toEqual([410, expected]);
    }
    const [row] = await world.rows('SELECT email, display_name FROM member WHERE id = $1', [revoked.id]);
    expect(row).toEqual({ email: null, display_name: null });
    const ids = (await members()).map(({ id }: Staff) => id);
    expect(ids).not.toContain(revoked.id);
    expect(ids).not.toContain(late.id);
    expectStatus(await bakery.owner.ask('DELETE', `/api/members/${revoked.id}`), 404);
  });

  test('needs acceptance of the privacy notice, a free username and a strong password', async () => {
    const { code } = await world.inviteMember(bakery);
    const refusals = [
      [{ consents: [] }, 403, 'consent_required'],
      [{ username: bakery.username }, 409, 'username_taken'],
      [{ password: 'breve' }, 400, 'validation_failed'],
      [{ displayName: 'Gelsomina', password: 'gelsomina-99' }, 400, 'validation_failed'],
      [{ displayName: ' ' }, 400, 'validation_failed'],
    ] as const;
    for (const [changes, status, expected] of refusals) {
      const refused = await accept(code, changes);
      expect([refused.status, refused.body.code]).toEqual([status, expected]);
    }
    expectStatus(await accept(code), 201);
  });

  test('cannot be created before the owner has accepted the policies in force', async () => {
    const shop = await world.shop('florist');
    await world.rows('UPDATE subscriber SET privacy_version = 0 WHERE subscriber_id = $1', [shop.id]);
    const refused = await shop.owner.ask('POST', '/api/members', { email: `${unique()}@mail.example` });
    expect([refused.status, refused.body.code]).toEqual([403, 'consent_required']);
    await world.rows('UPDATE subscriber SET privacy_version = 1 WHERE subscriber_id = $1', [shop.id]);
    expectStatus(await shop.owner.ask('POST', '/api/members', { email: `${unique()}@mail.example` }), 201);
  });

  test('counts towards the limit of fifty members', async () => {
    const shop = await world.shop('florist');
    for (let i = 0; i < 48; i++) await world.inviteMember(shop);
    const last = await Promise.all(
      [1, 2, 3].map(() => shop.owner.ask('POST', '/api/members', { email: `${unique()}@mail.example` })),
    );
    expect(last.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect(last.find(({ status }) => status === 409)!.body.code).toBe('members_limit');
    const [, { id }] = await members(shop);
    expectStatus(await shop.owner.ask('DELETE', `/api/members/${id}`), 204);
    expectStatus(await shop.owner.ask('POST', '/api/members', { email: `${unique()}@mail.example` }), 201);
  });
});

describe('staff', () => {
  test('can read and write, and gets the owner’s events', async () => {
    const sara = await world.staff(bakery);
    await sara.device.connect();
    const seq = await anna.device.say(anna.contactId, 'Buongiorno');
    await sara.device.hears('message.sent', (each) => each.seq === seq);
    expect(await sara.device.say(anna.contactId, 'Buongiorno a lei')).toBe(seq + 1);
    for (const path of ['/api/contacts', '/api/conversations', `/api/contacts/${anna.contactId}`]) {
      expectStatus(await sara.device.ask('GET', path), 200);
    }
    expectStatus(await sara.device.ask('POST', '/api/invitations', { kind: 'open' }), 201);
  });

  test('cannot invite or remove members, see the actions, or change the business: these routes do not exist for them', async () => {
    const sara = await world.staff(bakery);
    const { status, body } = await sara.device.ask('GET', '/api/there-is-no-such-route');
    const unknown = { status, code: body.code, detail: body.detail };
    for (const [method, path, sent] of [
      ['GET', '/api/members'],
      ['POST', '/api/members', { email: `${unique()}@mail.example` }],
      ['DELETE', `/api/members/${sara.id}`],
      ['GET', '/api/actions'],
      ['PATCH', '/api/subscriber', { city: 'Roma' }],
      ['DELETE', '/api/subscriber/logo'],
    ] as const) {
      const refused = await sara.device.ask(method, path, sent);
      expect({ status: refused.status, code: refused.body.code, detail: refused.body.detail }).toEqual(unknown);
    }
    expectStatus(await sara.device.ask('GET', '/api/me'), 200);
  });
});

describe('the author of a message', () => {
  test('is disclosed to the members alone, over HTTP and live', async () => {
    const sara = await world.staff(bakery, { displayName: 'Sara Quaglia' });
    const phone = await (await world.signIn(anna.username)).connect();
    await sara.device.connect();
    const question = await phone.say(anna.contactId, 'C’è qualcuno?');
    const answer = await sara.device.say(anna.contactId, 'Eccomi');
    const author = { id: sara.id, displayName: 'Sara Quaglia' };
    const live = await bakery.owner.hears('message.sent', ({ seq }) => seq === answer);
    expect(live.author).toEqual(author);
    expect((await bakery.owner.hears('message.sent', ({ seq }) => seq === question)).author).toBeNull();
    const [first, second] = (await messagesOf(bakery.owner)).slice(-2);
    expect([first.author, second.author]).toEqual([null, author]);
    const heard = await phone.hears('message.sent', ({ seq }) => seq === answer);
    for (const each of [heard, ...(await messagesOf(phone))]) expect(each).not.toHaveProperty('author');
    expect(JSON.stringify(phone.heard)).not.toMatch(new RegExp(`Quaglia|${sara.id}`));
  });

  test('is shown with the member’s current name, and an owner without a name with none', async () => {
    const shop = await world.shop('florist');
    const carla = await world.join(shop, 'carla');
    await shop.owner.connect();
    await shop.owner.say(carla.contactId, 'Benvenuta');
    const author = async () =>
      (await shop.owner.ask('GET', `/api/conversations/${carla.contactId}/messages`)).body.items[0].author;
    expect(await author()).toMatchObject({ displayName: null });
    expectStatus(await shop.owner.ask('PATCH', '/api/me', { displayName: 'Marta' }), 200);
    expect(await author()).toMatchObject({ displayName: 'Marta' });
    expect(await shop.owner.hears('member.changed')).toEqual(await author());
  });
});

describe('a removed member', () => {
  test('is signed out everywhere at once, with its sockets, and cannot sign in again', async () => {
    const sara = await world.staff(bakery);
    await sara.device.connect();
    const other = await (await world.signIn(sara.username, 'Telefono')).connect();
    expectStatus(await bakery.owner.ask('DELETE', `/api/members/${sara.id}`), 204);
    await until(() => !sara.device.connected && !other.connected, 'both devices are cut');
    for (const device of [sara.device, other]) {
      expectStatus(await device.ask('GET', '/api/me'), 401);
      await expect(device.connect()).rejects.toMatchObject({ data: { code: 'unauthenticated' } });
    }
    const again = await world.ask('POST', '/api/sessions', { body: { username: sara.username, password } });
    expect(again.body.code).toBe('sign_in_failed');
    const heard = sara.device.heard.length;
    await anna.device.say(anna.contactId, 'Chi c’è?');
    await settle();
    expect(sara.device.heard.length).toBe(heard);
  });

  test('leaves its name on its messages, and no username, address, password or device', async () => {
    const sara = await world.staff(bakery, { displayName: 'Sara Lodi' });
    await sara.device.connect();
    const seq = await sara.device.say(anna.contactId, 'Un saluto');
    const [{ account_id: account }] = (await world.rows<{ account_id: string }>(
      'SELECT account_id FROM member WHERE id = $1',
      [sara.id],
    )) as [{ account_id: string }];
    expect((await world.rows('SELECT FROM session WHERE account_id = $1', [account])).length).toBeGreaterThan(0);
    expectStatus(await bakery.owner.ask('DELETE', `/api/members/${sara.id}`), 204);
    const message = (await messagesOf(bakery.owner)).find((each: { seq: number }) => each.seq === seq);
    expect(message.author).toEqual({ id: sara.id, displayName: 'Sara Lodi' });
    expect((await bakery.owner.ask('GET', '/api/authors')).body.items).toContainEqual(message.author);
    expect((await members()).map(({ id }: Staff) => id)).not.toContain(sara.id);
    expect(await world.rows('SELECT FROM session WHERE account_id = $1', [account])).toEqual([]);
    expect(await world.rows('SELECT FROM account WHERE id = $1', [account])).toEqual([]);
    const [row] = await world.rows('SELECT account_id, email FROM member WHERE id = $1', [sara.id]);
    expect(row).toEqual({ account_id: null, email: null });
    expectStatus(await bakery.owner.ask('DELETE', `/api/members/${sara.id}`), 404);
  });

  test('stays out even when signing in at the very moment', async () => {
    const sara = await world.staff(bakery);
    const body = { username: sara.username, password };
    const signIns = Array.from({ length: 5 }, () => world.ask('POST', '/api/sessions', { body }));
    const [removed, ...opened] = await Promise.all([bakery.owner.ask('DELETE', `/api/members/${sara.id}`), ...signIns]);
    expectStatus(removed, 204);
    for (const { status, body: session } of opened) {
      if (status === 201) expectStatus(await world.ask('GET', '/api/me', { token: session.token }), 401);
      else expect([401, 500]).toContain(status);
    }
  });

  test('cannot be the owner', async () => {
    const [owner] = await members();
    expect(owner.role).toBe('owner');
    const refused = await bakery.owner.ask('DELETE', `/api/members/${owner.id}`);
    expect([refused.status, refused.body.code]).toEqual([409, 'owner_stays']);
    expectStatus(await bakery.owner.ask('GET', '/api/me'), 200);
  });
});

test('what members do is logged for the owner, as kinds and ids', async () => {
  const shop = await world.shop('florist');
  const sara = await world.staff(shop);
  const { body: invitation } = await sara.device.ask('POST', '/api/invitations', { kind: 'open' });
  expectStatus(await sara.device.ask('DELETE', `/api/invitations/${invitation.id}`), 204);
  expectStatus(await shop.owner.ask('PATCH', '/api/subscriber', { city: 'Monza' }), 200);
  expectStatus(await shop.owner.ask('DELETE', `/api/members/${sara.id}`), 204);
  const [{ id: owner }] = await members(shop);
  const found: { kind: string; memberId: string; subjectId: string | null }[] = [];
  let cursor = '';
  do {
    const { body } = await shop.owner.ask('GET', `/api/actions?limit=2${cursor && `&cursor=${cursor}`}`);
    found.push(...body.items);
    cursor = body.nextCursor;
  } while (cursor);
  expect(found.map(({ kind, memberId, subjectId }) => [kind, memberId, subjectId])).toEqual([
    ['member.removed', owner, sara.id],
    ['profile.changed', owner, null],
    ['invitation.revoked', sara.id, invitation.id],
    ['invitation.made', sara.id, invitation.id],
    ['member.joined', sara.id, sara.id],
    ['policy.accepted', sara.id, null],
    ['member.invited', owner, sara.id],
    ['policy.accepted', owner, null],
    ['policy.accepted', owner, null],
  ]);
});

test('another business sees none of it', async () => {
  const florist = await world.shop('florist');
  const sara = await world.staff(bakery);
  expectStatus(await florist.owner.ask('DELETE', `/api/members/${sara.id}`), 404);
  const all = await Promise.all(
    ['/api/members', '/api/authors', '/api/actions'].map((p) => florist.owner.ask('GET', p)),
  );
  expect(JSON.stringify(all.map(({ body }) => body))).not.toContain(sara.id);
  expectStatus(await sara.device.ask('GET', '/api/me'), 200);
});

test('what staff change in the address book is logged for the owner, as kinds and ids', async () => {
  const shop = await world.shop('bakery');
  const sara = await world.staff(shop);
  const carla = await world.join(shop, 'carla');
  const label = await sara.device.ask('POST', '/api/labels', { name: 'Celiaci' });
  expectStatus(label, 201);
  const path = `/api/contacts/${carla.contactId}`;
  expectStatus(await sara.device.ask('PATCH', path, { note: 'Solo farina di riso' }), 200);
  expectStatus(await sara.device.ask('PATCH', path, { note: 'Solo farina di riso' }), 200);
  const bulk = { add: [label.body.id], contactIds: [carla.contactId] };
  expectStatus(await sara.device.ask('POST', '/api/contacts/labels', bulk), 200);
  expectStatus(await sara.device.ask('PATCH', `/api/labels/${label.body.id}`, { name: 'Senza glutine' }), 200);
  expectStatus(await sara.device.ask('DELETE', `/api/labels/${label.body.id}`), 204);
  const { body } = await shop.owner.ask('GET', '/api/actions');
  const bySara = body.items.filter(({ memberId }: { memberId: string }) => memberId === sara.id);
  expect(bySara.map(({ kind, subjectId }: Record<string, unknown>) => [kind, subjectId])).toEqual([
    ['label.removed', label.body.id],
    ['label.changed', label.body.id],
    ['contacts.labelled', null],
    ['contact.changed', carla.contactId],
    ['label.made', label.body.id],
    ['member.joined', sara.id],
    ['policy.accepted', null],
  ]);

  const only = async (query: string) => {
    const { items } = (await shop.owner.ask('GET', `/api/actions?${query}`)).body;
    return items.map(({ kind }: { kind: string }) => kind);
  };
  expect(await only(`memberId=${sara.id}&kind=label.made&kind=label.removed`)).toEqual(['label.removed', 'label.made']);
  expect(await only('kind=member.invited')).toEqual(['member.invited']);
  expect(await only(`memberId=${sara.id}&kind=member.invited`)).toEqual([]);
  expectStatus(await shop.owner.ask('GET', '/api/actions?kind=member.dreamt'), 400);
});
