import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mailKinds } from '../src/platform/mail/mail-kinds.js';
import { MailStops } from '../src/unread-mails/mail-stops.service.js';
import { UnreadMails } from '../src/unread-mails/unread-mails.service.js';
import { limits } from '../src/contract/limits.js';
import { MailServer, tokenIn } from './support/mail-server.js';
import { type Device, expectStatus, password, type Person, type Shop, unique, until, World } from './support/world.js';

/** Mails about unread messages: one, without anything of what was written, and none after the last session has ended. */

let mails: MailServer;
let world: World;
let bakery: Shop;
beforeAll(async () => {
  mails = await MailServer.open();
  world = await World.open({ SMTP_URL: mails.url, PUBLIC_URL: 'https://chat.example', TRUST_PROXY: 'loopback' });
  bakery = await world.shop('bakery', { email: 'forno@aurora.example' });
  await verify('forno@aurora.example');
});
afterAll(async () => {
  await world.close();
  await mails.close();
});

const about = /messagg|unread/;
const secret = 'La torta segreta';

async function verify(email: string): Promise<void> {
  const token = tokenIn(await mails.mail(email, /Conferma/));
  expectStatus(await world.ask('POST', '/api/me/email-verification/confirmation', { body: { token } }), 204);
}

type Reader = Person & { email: string; account: string };

async function reader({ shop = bakery, verified = true, locale = 'it' } = {}): Promise<Reader> {
  const email = `persona-${unique()}@mail.example`;
  const person = await world.join(shop, 'carla', { email, locale });
  if (verified && locale === 'it') await verify(email);
  return { ...person, email, account: await accountOf(person.device) };
}

async function accountOf({ sessionId }: Device): Promise<string> {
  const [row] = await world.rows<{ id: string }>('SELECT account_id AS id FROM session WHERE id = $1', [sessionId]);
  return row!.id;
}

const told = (email: string) => mails.to(email).filter(({ subject }) => about.test(subject!));
const rowOf = async (account: string) =>
  (
    await world.rows<{ due_at: Date | null; mailed_at: Date | null; wait_minutes: number }>(
      'SELECT due_at, mailed_at, wait_minutes FROM unread_mail WHERE account_id = $1',
      [account],
    )
  )[0];

/** Waits until the consumer has seen all that was written in a conversation. */
const noted = (contactId: string) =>
  until(async () => {
    const rows = await world.rows(
      `SELECT FROM feed_progress JOIN conversation ON conversation.id = feed_progress.conversation_id
       WHERE consumer = 'unread-mail' AND conversation_id = $1 AND feed_progress.revision = conversation.revision`,
      [contactId],
    );
    return rows.length > 0;
  }, 'what was written is noted');

/** The business writes, and the account is to be looked at. */
async function write({ contactId }: Reader, shop = bakery): Promise<number> {
  const answer = await shop.owner.ask('POST', `/api/conversations/${contactId}/messages`, {
    clientId: unique(),
    body: secret,
  });
  expectStatus(answer, 201);
  await noted(contactId);
  return answer.body.seq;
}

/** Lets time pass for the messages of a conversation, and for what is to be looked at. */
async function pass(minutes: number, contactId: string): Promise<void> {
  await world.rows(`UPDATE message SET sent_at = sent_at - $1 * interval '1 minute' WHERE conversation_id = $2`, [
    minutes,
    contactId,
  ]);
  await world.rows(
    `UPDATE unread_mail SET due_at = now(), mailed_at = mailed_at - $1 * interval '1 minute' WHERE due_at IS NOT NULL`,
    [minutes],
  );
}

const look = () => world.service.app.get(UnreadMails).mailDue();
const seen = async (person: Person, seenSeq: number) =>
  expectStatus(await person.device.ask('PUT', `/api/conversations/${person.contactId}/receipt`, { seenSeq }), 204);
const choose = async ({ device }: { device: Device }, unreadAfterMinutes: number | null) =>
  expectStatus(await device.ask('PUT', '/api/mail-settings', { unreadAfterMinutes }), 200);

/** Waits until all that was posted has been sent or dropped. */
const outboxIsEmpty = () =>
  until(async () => (await world.rows('SELECT FROM mail WHERE failed_at IS NULL')).length === 0, 'nothing waits');

/** Lets the time of mails come that wait to be tried again: a job waits a moment later than its mail counts as tried. */
async function retryMails(count: number): Promise<void> {
  const waiting = `name = 'mail.send' AND state = 'retry'`;
  await until(
    async () => (await world.rows(`SELECT FROM jobs.job WHERE ${waiting}`)).length >= count,
    'the jobs wait too',
  );
  await world.rows(`UPDATE jobs.job SET start_after = now() WHERE ${waiting}`);
}

describe('a person who has left messages unread', () => {
  test('gets one mail without text or name, and another only after coming back and newer messages', async () => {
    const carla = await reader();
    await write(carla);
    await write(carla);
    await pass(61, carla.contactId);
    // Nodes that look at the same time mail once.
    await Promise.all([look(), look(), look()]);
    const mail = await mails.mail(carla.email, about);
    expect(mail.subject).toBe('2 messaggi non letti da Forno Aurora');
    for (const part of [mail.text!, mail.html as string]) {
      expect(part).toContain('https://chat.example/app/');
      expect(part).toContain('Ricevi questo avviso perché');
      expect(part).not.toMatch(/segreta|Carla|persona-/);
    }
    const list = mail.headers.get('list') as unknown as Record<string, { url?: string; name?: string }>;
    expect(list['unsubscribe']!.url).toMatch(/^https:\/\/chat\.example\/api\/mail-stops\/[\w-]{48}$/);
    expect(list['unsubscribe-post']!.name).toBe('List-Unsubscribe=One-Click');

    let last = await write(carla);
    await pass(61, carla.contactId);
    await look();
    expect(await rowOf(carla.account)).toMatchObject({ due_at: null });
    await seen(carla, last);
    last = await write(carla);
    await pass(61, carla.contactId);
    await look();
    expect((await mails.mail(carla.email, about, 2)).subject).toBe('1 messaggio non letto da Forno Aurora');
    expect(told(carla.email)).toHaveLength(2);
  });

  test('gets none before the chosen time, none about messages that were read or withdrawn, and none when turned off', async () => {
    const [early, chosen, read, withdrawn, never] = (await Promise.all([1, 2, 3, 4, 5].map(() => reader()))) as [
      Reader,
      Reader,
      Reader,
      Reader,
      Reader,
    ];
    expect((await early.device.ask('GET', '/api/mail-settings')).body).toEqual({ unreadAfterMinutes: 60 });
    await choose(chosen, 15);
    await write(early);
    await write(chosen);
    await seen(read, await write(read));
    const seq = await write(withdrawn);
    expectStatus(await bakery.owner.ask('DELETE', `/api/conversations/${withdrawn.contactId}/messages/${seq}`), 204);
    await write(never);
    await choose(never, null);
    for (const { contactId } of [early, chosen, read, withdrawn, never]) await pass(20, contactId);
    await look();
    await mails.mail(chosen.email, about);
    const { due_at: dueAt } = (await rowOf(early.account))!;
    expect(Math.round((dueAt!.getTime() - Date.now()) / 60_000)).toBe(40);
    for (const { account } of [read, withdrawn, never]) expect((await rowOf(account))!.due_at).toBeNull();
    await outboxIsEmpty();
    for (const { email } of [early, read, withdrawn, never]) expect(told(email)).toEqual([]);
    // A choice that is changed counts for what is unread already.
    await choose(early, 15);
    await look();
    await mails.mail(early.email, about);
    for (const wrong of [0, 30, '60', undefined]) {
      expectStatus(await early.device.ask('PUT', '/api/mail-settings', { unreadAfterMinutes: wrong }), 400);
    }
  });

  test('gets none without a confirmed address or a device, nor about frozen, muted or paused conversations', async () => {
    const [florist, open] = [await world.shop('florist'), await reader()];
    const muted = await reader();
    expectStatus(await muted.device.ask('PUT', `/api/conversations/${muted.contactId}/mute`, { until: null }), 200);
    const [stranger, out, frozen, paused] = [
      await reader({ verified: false }),
      await reader(),
      await reader(),
      await reader({ shop: florist }),
    ];
    for (const each of [open, stranger, out, frozen, muted]) await write(each);
    await write(paused, florist);
    expectStatus(await out.device.ask('DELETE', '/api/sessions/current'), 204);
    expectStatus(
      await frozen.device.ask('PUT', `/api/conversations/${frozen.contactId}/restriction`, { restricted: true }),
      200,
    );
    expectStatus(await florist.owner.ask('PUT', '/api/subscriber/pause', { paused: true }), 200);
    for (const { contactId } of [open, stranger, out, frozen, paused, muted]) await pass(61, contactId);
    await look();
    await mails.mail(open.email, about);
    await outboxIsEmpty();
    for (const { email } of [stranger, out, frozen, paused, muted]) expect(told(email)).toEqual([]);
    // An account without a device is not even noted any more.
    await world.rows('DELETE FROM unread_mail WHERE account_id = $1', [out.account]);
    const content = { clientId: unique(), body: secret };
    expectStatus(await bakery.owner.ask('POST', `/api/conversations/${out.contactId}/messages`, content), 201);
    await write(open);
    expect(await rowOf(out.account)).toBeUndefined();
  });

  test('does not get a waiting mail if messages were read, mails stopped, or the last session ended meanwhile', async () => {
    const people = (await Promise.all([1, 2, 3].map(() => reader()))) as [Reader, Reader, Reader];
    const lastSeqs: number[] = [];
    for (const person of people) {
      lastSeqs.push(await write(person));
      await pass(61, person.contactId);
    }
    const refused = new Set(people.map(({ email }) => email));
    mails.refuse = (address) => (refused.has(address) ? 451 : undefined);
    await look();
    const waiting = () => world.rows(`SELECT FROM mail WHERE template = 'unread_messages' AND attempts > 0`);
    await until(async () => (await waiting()).length === 3, 'three wait');
    const [read, stopped, out] = people;
    await seen(read, lastSeqs[0]!);
    await choose(stopped, null);
    expectStatus(await out.device.ask('DELETE', '/api/sessions/current'), 204);
    mails.refuse = undefined;
    await retryMails(3);
    // A mail to somebody else has the queue looked at again.
    expectStatus(await world.ask('POST', '/api/password-resets', { body: { login: bakery.username } }), 202);
    await until(async () => (await waiting()).length === 0, 'none waits');
    for (const { email } of people) expect(told(email)).toEqual([]);
  });

  test('gets it when the mail server is back after a day', async () => {
    const carla = await reader();
    await write(carla);
    await pass(61, carla.contactId);
    mails.refuse = () => 451;
    await look();
    const waiting = () => world.rows(`SELECT FROM mail WHERE template = 'unread_messages' AND attempts > 0`);
    await until(async () => (await waiting()).length === 1, 'it waits');
    await world.rows(`UPDATE mail SET not_after = not_after - interval '1 day'`);
    mails.refuse = undefined;
    await retryMails(1);
    expectStatus(await world.ask('POST', '/api/password-resets', { body: { login: bakery.username } }), 202);
    await mails.mail(carla.email, about);
  });

  test('leaves nothing behind when the account is erased', async () => {
    const carla = await reader();
    await write(carla);
    expectStatus(await bakery.owner.ask('DELETE', `/api/contacts/${carla.contactId}`), 202);
    await until(async () => (await rowOf(carla.account)) === undefined, 'its row is gone');
    await look();
    expect(told(carla.email)).toEqual([]);
  });
});

describe('a business with unread messages', () => {
  test('gets one mail for each member with a device, however many people have written', async () => {
    const shop = await world.shop('florist', { email: `fiori-${unique()}@mail.example` });
    const { email } = (await shop.owner.ask('GET', '/api/me')).body;
    await verify(email);
    const { code } = await world.inviteMember(shop, { email: `sara-${unique()}@mail.example` });
    const joined = await world.ask('POST', `/api/members/by-code/${code}/acceptance`, {
      body: await world.memberJoining(code),
    });
    expectStatus(joined, 201);
    const staff = world.device(joined.body.session.token, joined.body.session.id);
    const { email: staffEmail } = (await staff.ask('GET', '/api/me')).body;
    await verify(staffEmail);
    const [anna, bruno] = [await world.join(shop, 'anna'), await world.join(shop, 'bruno')];
    for (const { device, contactId } of [anna, bruno]) {
      const content = { clientId: unique(), body: secret };
      expectStatus(await device.ask('POST', `/api/conversations/${contactId}/messages`, content), 201);
    }
    for (const { contactId } of [anna, bruno]) await noted(contactId);
    for (const { contactId } of [anna, bruno]) await pass(61, contactId);
    await look();
    for (const address of [email, staffEmail]) {
      const { subject, text } = await mails.mail(address, about);
      expect(subject).toMatch(/^2 messaggi non letti per /);
      expect(text).toContain('2 conversazioni');
      expect(text).toContain('https://chat.example/mail-stop/');
      expect(text).not.toMatch(/segreta|Anna|Bruno/);
      expect(told(address)).toHaveLength(1);
    }
  });
});

describe('a broadcast', () => {
  test('is one row, whose recipients are processed when it has ended, after messages of conversations', async () => {
    const shop = await world.shop('florist');
    const readers = await Promise.all([1, 2, 3].map(() => reader({ shop })));
    const [seer, one, two] = readers as [Reader, Reader, Reader];
    const made = await shop.owner.ask('POST', '/api/broadcasts', {
      ...{ clientId: unique(), kind: 'service', reason: 'closure', body: secret },
      audience: { contactIds: readers.map(({ contactId }) => contactId) },
    });
    expectStatus(made, 202);
    const walks = () => world.rows('SELECT FROM unread_broadcast WHERE broadcast_id = $1', [made.body.id]);
    await until(async () => (await walks()).length === 1, 'the broadcast is noted');
    const ended = () => world.rows('SELECT FROM broadcast WHERE id = $1 AND ended_at IS NOT NULL', [made.body.id]);
    await until(async () => (await ended()).length === 1, 'it has ended');
    await seen(seer, 1);
    await look();
    expect(await walks()).toHaveLength(1);
    await world.rows(`UPDATE broadcast SET ended_at = ended_at - interval '61 minutes' WHERE id = $1`, [made.body.id]);
    for (const { contactId } of readers) await pass(61, contactId);
    await look();
    expect(await walks()).toHaveLength(0);
    for (const { email } of [one, two]) await mails.mail(email, about);
    await outboxIsEmpty();
    expect(told(seer.email)).toEqual([]);
    const flagged = await world.rows<{ of_broadcast: boolean }>(
      'SELECT of_broadcast FROM unread_mail WHERE account_id = ANY ($1)',
      [[one.account, two.account]],
    );
    expect(flagged.map(({ of_broadcast: flag }) => flag)).toEqual([true, true]);
  });

  test('shares the rate of these mails, and comes after messages of conversations', async () => {
    const [one, two, three] = [await reader(), await reader(), await reader()];
    for (const each of [one, two, three]) await write(each);
    for (const { contactId } of [one, two, three]) await pass(61, contactId);
    // Others came first, of a broadcast.
    await world.rows(
      `UPDATE unread_mail SET of_broadcast = true, due_at = now() - interval '1 hour' WHERE account_id = ANY ($1)`,
      [[one.account, two.account]],
    );
    const rate = limits.unreadMailsPerMinute;
    const changeable = limits as { unreadMailsPerMinute: number };
    changeable.unreadMailsPerMinute = 1;
    const waiting = async () => {
      const people = [one, two, three];
      const rows = await Promise.all(people.map(({ account }) => rowOf(account)));
      return people.filter((_, index) => rows[index]!.due_at !== null);
    };
    await look();
    expect(await waiting()).toEqual([one, two]);
    await look();
    expect(await waiting()).toHaveLength(1);
    changeable.unreadMailsPerMinute = rate;
    await look();
    for (const { email } of [one, two, three]) await mails.mail(email, about);
  });
});

describe('the link to stop these mails', () => {
  const oneClick = (token: string) =>
    world.ask('POST', `/api/mail-stops/${token}`, {
      body: 'List-Unsubscribe=One-Click',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });

  test('changes nothing when it is opened, and stops them by one POST without signing in', async () => {
    const carla = await reader();
    await write(carla);
    await pass(61, carla.contactId);
    await look();
    const token = /mail-stop\/([\w-]+)/.exec((await mails.mail(carla.email, about)).text!)![1]!;
    for (let i = 0; i < 2; i++) {
      const opened = await fetch(`${world.url}/api/mail-stops/${token}`, { redirect: 'manual' });
      expect(opened.status).toBe(303);
      expect(opened.headers.get('location')).toBe(`https://chat.example/app/mail-stop/${token}`);
    }
    expect((await rowOf(carla.account))!.wait_minutes).toBe(60);
    expectStatus(await oneClick(token), 204);
    expectStatus(await oneClick(token), 204);
    expect((await carla.device.ask('GET', '/api/mail-settings')).body).toEqual({ unreadAfterMinutes: null });
    // It is good for this and for nothing else.
    const other = { body: { token } };
    expectStatus(await world.ask('POST', '/api/me/email-verification/confirmation', other), 410);
    expectStatus(await world.ask('POST', '/api/password-resets/confirmation', { body: { token, password } }), 410);
  });

  test.each([
    [
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
    ],
    ['application/x-www-form-urlencoded', 'List-Unsubscribe=One-Click'],
    ['text/plain', 'List-Unsubscribe=One-Click'],
    [undefined, undefined],
  ])('takes the POST of any mail program: %s', async (type, body) => {
    const carla = await reader();
    const token = world.service.app.get(MailStops).tokenFor(carla.account);
    const url = `${world.url}/api/mail-stops/${token}`;
    expect((await fetch(url, { method: 'HEAD', redirect: 'manual' })).status).toBe(303);
    expect(await rowOf(carla.account)).toBeUndefined();
    const answer = await fetch(url, { method: 'POST', ...(type && { body, headers: { 'content-type': type } }) });
    expect(answer.status).toBe(204);
    expect((await rowOf(carla.account))!.wait_minutes).toBe(0);
  });

  test('is refused if it is forged, expired, or of a deleted account', async () => {
    const carla = await reader();
    const stops = world.service.app.get(MailStops);
    const token = stops.tokenFor(carla.account);
    const other = await reader();
    const forged = Buffer.from(token, 'base64url');
    Buffer.from(other.account.replaceAll('-', ''), 'hex').copy(forged);
    const day = 24 * 60 * 60 * 1000;
    const late = stops.tokenFor(carla.account, Date.now() - (limits.mailStopDays + 1) * day);
    const lastDay = stops.tokenFor(carla.account, Date.now() - limits.mailStopDays * day);
    const gone = stops.tokenFor('0197c0de-0000-7000-8000-000000000000');
    for (const wrong of [forged.toString('base64url'), late, gone, token.slice(1), 'x']) {
      expectStatus(await oneClick(wrong), 410);
      expectStatus(await world.ask('GET', `/api/mail-stops/${wrong}`), 410);
    }
    expect(await rowOf(other.account)).toBeUndefined();
    expectStatus(await oneClick(lastDay), 204);
  });
});

test('after the last session, only mails about security, rights and policies are sent', async () => {
  const shop = await world.shop('florist', { email: `fiori-${unique()}@mail.example` });
  const { email } = (await shop.owner.ask('GET', '/api/me')).body;
  await verify(email);
  const account = await accountOf(shop.owner);
  expectStatus(await shop.owner.ask('DELETE', '/api/sessions/current'), 204);
  await outboxIsEmpty();
  const before = mails.to(email).length;
  const { DataSource } = await import('typeorm');
  const { Outbox } = await import('../src/platform/mail/outbox.js');
  for (const mail of mailKinds.values()) {
    await world.service.app.get(DataSource).transaction((manager) =>
      world.service.app.get(Outbox).post(manager, {
        key: { scope: 'subscriber', id: shop.id },
        about: account,
        to: email,
        locale: 'en',
        mail,
        values: { url: `https://chat.example/${mail.name}` },
        notAfter: new Date(Date.now() + 60_000),
      }),
    );
  }
  await outboxIsEmpty();
  const sent = mails
    .to(email)
    .slice(before)
    .map(({ text }) => /chat\.example\/(\w+)/.exec(text!)![1]!);
  const kept = [...mailKinds.values()].filter(({ purpose }) => purpose !== 'activity').map(({ name }) => name);
  expect(sent.sort()).toEqual(kept.sort());
  // The table of what each mail is for. A new one has to be added here, knowingly.
  const purposes = Object.fromEntries([...mailKinds.values()].map(({ name, purpose }) => [name, purpose]));
  expect(purposes).toEqual({
    account_unused: 'rights',
    address_changed: 'security',
    broadcast_held: 'activity',
    business_closes: 'rights',
    closing_asked: 'rights',
    deletion_due: 'rights',
    deletion_received: 'rights',
    deletion_refused: 'rights',
    erasure_certificate: 'rights',
    export_ready: 'rights',
    invitation: 'invitation',
    invitation_reminder: 'invitation',
    member_invitation: 'invitation',
    new_device: 'security',
    password_changed: 'security',
    policy_announced: 'policy',
    request_answered: 'rights',
    request_due: 'rights',
    request_extended: 'rights',
    request_received: 'rights',
    reset_password: 'security',
    restriction_asked: 'rights',
    restriction_lifted: 'rights',
    restriction_set: 'rights',
    unread_conversations: 'activity',
    unread_messages: 'activity',
    verify_email: 'security',
  });
});
