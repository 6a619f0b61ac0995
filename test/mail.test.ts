import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { KnownDevices } from '../src/auth/known-devices.service.js';
import { limits } from '../src/contract/limits.js';
import { mailKinds } from '../src/platform/mail/mail-kinds.js';
import { Outbox } from '../src/platform/mail/outbox.js';
import { mailLocales } from '../src/platform/mail/templates.js';
import { MailServer, tokenIn } from './support/mail-server.js';
import {
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

let mails: MailServer;
let world: World;
let bakery: Shop;
beforeAll(async () => {
  mails = await MailServer.open();
  world = await World.open({ SMTP_URL: mails.url, MAIL_FROM: 'Messaggi di prova <messaggi@host.example>' });
  bakery = await world.shop('bakery', { email: 'forno@aurora.example' });
});
afterAll(async () => {
  await world.close();
  await mails.close();
});

const verification = /^Conferma il tuo indirizzo$/;
const resetting = /^Scegli una nuova password$/;
const changed = /^La tua password è stata cambiata$/;
const entered = /^Un nuovo accesso al tuo account$/;
const noSuchUser = '550 5.1.1 Recipient address rejected: User unknown';
const newPassword = 'lanterna-3-cavallo';

const freshAddress = () => `persona-${unique()}@mail.example`;

const verify = (token: string, where = world) =>
  where.ask('POST', '/api/me/email-verification/confirmation', { body: { token } });
const askReset = (login: string, where = world) => where.ask('POST', '/api/password-resets', { body: { login } });
const reset = (token: string, secret = newPassword, where = world) =>
  where.ask('POST', '/api/password-resets/confirmation', { body: { token, password: secret } });
const signIn = (username: string, secret: string, where = world) =>
  where.ask('POST', '/api/sessions', { body: { username, password: secret } });

/** Somebody new who joined with an address of their own, which is verified unless said otherwise. */
async function someone({ verified = true, email = freshAddress(), firstName = 'Carla' } = {}): Promise<
  Person & { email: string }
> {
  const count = mails.to(email).filter(({ subject }) => verification.test(subject ?? '')).length;
  const person = await world.join(bakery, 'carla', { email, firstName });
  const mail = await mails.mail(email, verification, count + 1);
  if (verified) expectStatus(await verify(tokenIn(mail)), 204);
  return { ...person, email };
}

/** Posts a mail as a slice does. */
async function post(
  to: string,
  {
    where = world,
    shop = bakery,
    locale = 'it',
    template = 'invitation',
    values = {},
    about,
  }: { where?: World; shop?: Shop; locale?: string; template?: string; values?: object; about?: string } = {},
) {
  await where.service.app.get(DataSource).transaction((manager) =>
    where.service.app.get(Outbox).post(manager, {
      key: { scope: 'subscriber', id: shop.id },
      ...(about !== undefined && { about }),
      to,
      locale,
      mail: mailKinds.get(template)!,
      values: {
        businessName: 'Forno Aurora',
        username: 'anna.rossi',
        device: 'Telefono',
        time: 'oggi',
        count: '2 messaggi non letti',
        inConversations: '1 conversazione',
        expiresOn: '7 dicembre',
        url: `https://host.example/join/${'u'.repeat(43)}`,
        stopUrl: `https://host.example/stop/${'s'.repeat(43)}`,
        ...values,
      },
      notAfter: new Date(Date.now() + 60 * 60 * 1000),
    }),
  );
}

interface Waiting {
  attempts: number;
  failure: string | null;
  failed_at: Date | null;
}
const waiting = (where = world) => where.rows<Waiting>('SELECT attempts, failure, failed_at FROM mail ORDER BY id');

/** Lets the pauses between attempts pass. A mail to somebody else shows that the queue was looked at again. */
async function pausesPass(where = world, shop = bakery): Promise<void> {
  // The attempt is noted before its job is put off.
  const active = `SELECT FROM jobs.job WHERE name = 'mail.send' AND state = 'active'`;
  await until(async () => (await where.rows(active)).length === 0, 'no attempt is under way');
  await where.rows(`UPDATE jobs.job SET start_after = now() WHERE name = 'mail.send' AND state = 'retry'`);
  await post(freshAddress(), { where, shop });
}

/** Every mail says in one line why it comes. */
const reasonInItalian = /Ricevi quest|ha inserito il tuo indirizzo|Questo è l’ultimo messaggio/;
const reasonInEnglish = /You (get|receive) this|entered your address|the last mail/;

describe('every mail', () => {
  const each = [...mailKinds.keys()].flatMap((template) => mailLocales.map((locale) => [template, locale] as const));

  /** The owner of a business that has unread messages: mails about what goes on are sent to who has a session alone. */
  const active = { to: freshAddress(), about: '', shop: undefined as Shop | undefined };
  beforeAll(async () => {
    active.shop = await world.shop('florist', { email: active.to });
    expectStatus(await verify(tokenIn(await mails.mail(active.to, verification))), 204);
    const writer = await world.join(active.shop, 'bruno');
    const content = { clientId: unique(), body: 'Buongiorno' };
    expectStatus(await writer.device.ask('POST', `/api/conversations/${writer.contactId}/messages`, content), 201);
    const owner = active.shop.owner.sessionId;
    const [row] = await world.rows<{ id: string }>('SELECT account_id AS id FROM session WHERE id = $1', [owner]);
    active.about = row!.id;
  });

  test.each(each)(
    '%s arrives in %s, as text and as HTML with the same link, and loads nothing',
    async (template, locale) => {
      const isActivity = mailKinds.get(template)!.purpose === 'activity';
      const to = isActivity ? active.to : freshAddress();
      const count = mails.to(to).length;
      await post(to, { template, locale, ...(isActivity && { about: active.about, shop: active.shop! }) });
      const { subject, text, html, from, headers } = await mails.mail(to, /./, count + 1);
      expect(text).toMatch(locale === 'it' ? reasonInItalian : reasonInEnglish);
      expect(from!.text).toBe('"Messaggi di prova" <messaggi@host.example>');
      expect(headers.get('auto-submitted')).toBe('auto-generated');
      expect(subject).not.toMatch(/[{}]/);
      for (const part of [text!, html as string]) {
        expect(part).toContain(`https://host.example/join/${'u'.repeat(43)}`);
        expect(part).not.toMatch(/\{\{|\}\}|undefined|\*\*/);
      }
      expect(html).toContain(`<html lang="${locale}"`);
      expect(html).not.toMatch(/<img|src=|url\(|<script|@import|<link/i);
      if (template.startsWith('invitation')) {
        expect(text).toContain(locale === 'it' ? 'ha inserito il tuo indirizzo' : 'entered your address');
        expect(text).toContain(`https://host.example/stop/${'s'.repeat(43)}`);
        expect(headers.has('list')).toBe(true);
      }
    },
  );

  test('shows what people wrote literally, never as markup or a header', async () => {
    const to = freshAddress();
    const businessName = 'A & B <b>**x**</b>\r\nBcc: tutti@mail.example {{url}}';
    await post(to, { values: { businessName } });
    const { subject, text, html, headers } = await mails.mail(to, /./);
    expect(subject).toContain('A & B <b>**x**</b> Bcc: tutti@mail.example {{url}}');
    expect(headers.has('bcc')).toBe(false);
    expect(text).toContain('A & B <b>**x**</b> Bcc: tutti@mail.example {{url}} ti invita');
    expect(html).toContain('A &amp; B &lt;b&gt;**x**&lt;/b&gt;');
    expect(mails.received.some(({ recipient }) => recipient === 'tutti@mail.example')).toBe(false);
  });
});

describe('an address', () => {
  test('is verified by the link mailed at registration, and can then be used to sign in', async () => {
    const shop = await world.shop('florist', { email: 'fiori@marta.example' });
    const mail = await mails.mail('fiori@marta.example', verification);
    expect((await shop.owner.ask('GET', '/api/me')).body.emailVerified).toBe(false);
    expectStatus(await signIn('fiori@marta.example', password), 401);
    expectStatus(await verify(tokenIn(mail)), 204);
    expect((await shop.owner.ask('GET', '/api/me')).body.emailVerified).toBe(true);
    expectStatus(await signIn('Fiori@marta.example', password), 201);
  });

  test('is verified by the link mailed at joining, which is valid once', async () => {
    const { device, email } = await someone({ verified: false });
    const token = tokenIn(await mails.mail(email, verification));
    expect((await device.ask('GET', '/api/me')).body.emailVerified).toBe(false);
    expectStatus(await verify(token), 204);
    expect((await device.ask('GET', '/api/me')).body.emailVerified).toBe(true);
    expectStatus(await signIn(email, password), 201);
    const again = await verify(token);
    expectStatus(again, 410);
    expect(again.body.code).toBe('link_invalid');
  });

  test('gets another link on request, five an hour, and none once it is verified', async () => {
    const { device, email } = await someone({ verified: false });
    for (let i = 0; i < 5; i++) expectStatus(await device.ask('POST', '/api/me/email-verification'), 202);
    const refused = await device.ask('POST', '/api/me/email-verification');
    expectStatus(refused, 429);
    await mails.mail(email, verification, 6);
    const verified = await someone();
    expectStatus(await verified.device.ask('POST', '/api/me/email-verification'), 202);
    await settle();
    expect(mails.to(verified.email)).toHaveLength(1);
  });

  test('is not verified by a link that has expired, is unknown, or has another purpose', async () => {
    const { device, email } = await someone({ verified: false });
    const token = tokenIn(await mails.mail(email, verification));
    expectStatus(await reset(token), 410);
    await world.rows(`UPDATE account_token SET expires_at = now() - interval '1 second'`);
    const [late, unknown] = [await verify(token), await verify('x'.repeat(43))];
    for (const { body } of [late, unknown]) delete body.requestId;
    expectStatus(late, 410);
    expect(unknown.body).toEqual(late.body);
    expect((await device.ask('GET', '/api/me')).body.emailVerified).toBe(false);
  });

  test('that is not verified gets the verification mail and nothing else', async () => {
    const { device, username, email } = await someone({ verified: false });
    await world.signIn(username, 'Un altro telefono');
    expectStatus(await askReset(username), 202);
    expectStatus(await askReset(email), 202);
    const change = { currentPassword: password, newPassword };
    expectStatus(await device.ask('PUT', '/api/me/password', change), 204);
    await settle();
    expect(mails.to(email).map(({ subject }) => subject)).toEqual([expect.stringMatching(verification)]);
  });
});

describe('a forgotten password', () => {
  test('is replaced by the link, once; every device is signed out, its socket cut, and a notice mailed', async () => {
    const { device, username, email } = await someone();
    const phone = await (await world.signIn(username)).connect();
    expectStatus(await askReset(` ${username.toUpperCase()} `), 202);
    const mail = await mails.mail(email, resetting);
    expect(mail.text).toContain(username);
    const token = tokenIn(mail);
    const weak = await reset(token, 'password123');
    expectStatus(weak, 400);
    expect(weak.body.errors[0]).toMatchObject({ field: 'password', code: 'password_common' });
    expectStatus(await reset(token, `${email.split('@')[0]}-42`), 400);
    expectStatus(await reset(token), 204);
    for (const each of [device, phone]) expectStatus(await each.ask('GET', '/api/me'), 401);
    await until(() => !phone.connected, 'the socket is cut');
    expectStatus(await signIn(username, password), 401);
    expectStatus(await signIn(username, newPassword), 201);
    expectStatus(await reset(token), 410);
    await mails.mail(email, changed);
  });

  test('has a link that is valid for 15 minutes', async () => {
    const { username, email } = await someone();
    await askReset(username);
    const token = tokenIn(await mails.mail(email, resetting));
    const [row] = await world.rows<{ minutes: number }>(
      `SELECT round(extract(epoch FROM expires_at - created_at) / 60)::integer AS minutes
       FROM account_token WHERE purpose = 'reset_password' ORDER BY created_at DESC LIMIT 1`,
    );
    expect(row!.minutes).toBe(15);
    await world.rows(`UPDATE account_token SET expires_at = now() - interval '1 second'`);
    expectStatus(await reset(token), 410);
    expectStatus(await signIn(username, password), 201);
  });

  test('can be replaced once by two concurrent users of the link', async () => {
    const { email, username } = await someone();
    await askReset(username);
    const token = tokenIn(await mails.mail(email, resetting));
    const answers = await Promise.all([reset(token, 'lanterna-3-cavallo'), reset(token, 'grondaia-8-violino')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 410]);
  });

  test('cannot be replaced by a link to an address that the account no longer has', async () => {
    const { email, username, id } = await someone();
    await askReset(username);
    const token = tokenIn(await mails.mail(email, resetting));
    await world.rows(
      'UPDATE account SET email_hash = NULL WHERE id = (SELECT account_id FROM interlocutor WHERE id = $1)',
      [id],
    );
    expectStatus(await reset(token), 410);
  });

  test('of several accounts with one address causes a mail for each, which names it', async () => {
    const email = freshAddress();
    const family = [await someone({ email }), await someone({ email, firstName: 'Elena' })];
    const stranger = await someone({ email, firstName: 'Dario', verified: false });
    expectStatus(await askReset(email.toUpperCase()), 202);
    await mails.mail(email, resetting, 2);
    await settle();
    const named = mails.to(email).filter(({ subject }) => resetting.test(subject!));
    expect(named).toHaveLength(2);
    for (const { username } of family) expect(named.some(({ text }) => text!.includes(username))).toBe(true);
    expect(named.some(({ text }) => text!.includes(stranger.username))).toBe(false);
    const second = named.find(({ text }) => text!.includes(family[1]!.username))!;
    expectStatus(await reset(tokenIn(second)), 204);
    expectStatus(await signIn(family[0]!.username, password), 201);
    expectStatus(await signIn(family[1]!.username, newPassword), 201);
  });

  test('is requested with the same answer and the same work, whether the login exists or not', async () => {
    const { username, email } = await someone();
    const unverified = await someone({ verified: false });
    const logins = [username, email, unverified.username, unverified.email, 'nessuno', 'nessuno@mail.example', 'a b'];
    for (const login of logins) {
      const jobs = () => world.rows(`SELECT id FROM jobs.job WHERE name = 'password_reset.mail'`);
      const before = await jobs();
      const answer = await askReset(login);
      expect({ status: answer.status, body: answer.body }).toEqual({ status: 202, body: '' });
      expect(await jobs()).toHaveLength(before.length + 1);
    }
  });

  test('can be requested five times an hour for a login, whether it exists or not', async () => {
    const { username, email } = await someone();
    for (const login of [username, 'proprio.nessuno']) {
      for (let i = 0; i < 5; i++) expectStatus(await askReset(login), 202);
      expectStatus(await askReset(login), 429);
    }
    await mails.mail(email, resetting, 5);
  });
});

describe('a password', () => {
  test('can be changed by a person who knows it; the other devices are signed out, and a notice mailed', async () => {
    const { device, username, email } = await someone();
    const phone = await (await world.signIn(username)).connect();
    const change = (currentPassword: string, secret: string) =>
      device.ask('PUT', '/api/me/password', { currentPassword, newPassword: secret });
    const wrong = await change('non-era-questa', newPassword);
    expectStatus(wrong, 403);
    expect(wrong.body).toMatchObject({ code: 'password_wrong', errors: [{ field: 'currentPassword' }] });
    const weak = await change(password, 'Carla Verdi 1');
    expect(weak.body.errors[0]).toMatchObject({ field: 'newPassword', code: 'password_personal' });
    expectStatus(await phone.ask('GET', '/api/me'), 200);
    expectStatus(await change(password, newPassword), 204);
    expectStatus(await device.ask('GET', '/api/me'), 200);
    expectStatus(await phone.ask('GET', '/api/me'), 401);
    await until(() => !phone.connected, 'the socket is cut');
    expectStatus(await signIn(username, password), 401);
    expectStatus(await signIn(username, newPassword), 201);
    expect((await mails.mail(email, changed)).text).toContain(username);
  });

  test('that is being changed opens no further session', async () => {
    const { device, username } = await someone({ verified: false });
    for (let round = 0; round < 5; round++) {
      const [before, after] = round % 2 === 0 ? [password, newPassword] : [newPassword, password];
      const [, ...entered] = await Promise.all([
        device.ask('PUT', '/api/me/password', { currentPassword: before, newPassword: after }),
        ...Array.from({ length: 4 }, () => signIn(username, before)),
      ]);
      for (const { status, body } of entered) {
        if (status === 201) expectStatus(await world.ask('GET', '/api/me', { token: body.token }), 401);
      }
    }
  });
});

describe('a new device', () => {
  test('causes a notice with its name and the time, without a network address; the first one does not', async () => {
    const { username, email } = await someone();
    expect(mails.to(email).filter(({ subject }) => entered.test(subject!))).toEqual([]);
    await world.signIn(username, 'Tablet <di> Carla');
    const { text, html } = await mails.mail(email, entered);
    expect(text).toContain('Dispositivo: Tablet <di> Carla');
    expect(html).toContain('Tablet &lt;di&gt; Carla');
    expect(text).toContain(String(new Date().getFullYear()));
    expect(text).not.toContain('127.0.0.1');
    await world.signIn(username);
    expect((await mails.mail(email, entered, 2)).text).toContain('Dispositivo: senza nome');
  });

  test('is one without the cookie of an earlier sign-in to the same account, which survives logging out', async () => {
    const [carla, dora] = [await someone(), await someone({ firstName: 'Dora' })];
    const notices = (email: string) => mails.to(email).filter(({ subject }) => entered.test(subject!)).length;
    const inBrowser = async (username: string, { secret = password, shared = false, cookie = '' } = {}) => {
      const asked = { body: { username, password: secret, shared }, headers: { 'x-colloquio-app': 'app', cookie } };
      const answer = await world.ask('POST', '/api/sessions', asked);
      expectStatus(answer, 201);
      const set = answer.headers.getSetCookie();
      const mark = set.find((each) => each.startsWith('colloquio-app-device='));
      return { token: answer.body.token as string, set, mark, cookie: mark?.split(';')[0] };
    };
    const phone = await inBrowser(carla.username);
    await mails.mail(carla.email, entered, 1);
    expect(phone.mark).toMatch(
      /^colloquio-app-device=[\w-]{43}; Max-Age=34560000; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    const out = await world.ask('DELETE', '/api/sessions/current', {
      headers: { 'x-colloquio-app': 'app', cookie: `${phone.set[0]!.split(';')[0]}; ${phone.cookie}` },
    });
    expectStatus(out, 204);
    expect(out.headers.getSetCookie().join()).not.toContain('device');

    const again = await inBrowser(carla.username, { cookie: phone.cookie! });
    expect(again.cookie).toBe(phone.cookie);
    // The same device is new to another account; a shared one bears no mark.
    await inBrowser(dora.username, { cookie: phone.cookie! });
    await mails.mail(dora.email, entered, 1);
    expect((await inBrowser(dora.username, { shared: true })).mark).toBeUndefined();
    await mails.mail(dora.email, entered, 2);
    expect(notices(carla.email)).toBe(1);
    // Stored are keyed hashes, which differ between accounts, and no mark.
    const hashes = await world.rows<{ mark_hash: Buffer }>('SELECT mark_hash FROM known_device');
    expect(new Set(hashes.map(({ mark_hash: hash }) => hash.toString('base64url'))).size).toBe(hashes.length);

    // A changed password makes all devices new but the one on which it was changed.
    const tablet = await inBrowser(carla.username);
    await mails.mail(carla.email, entered, 2);
    const change = await world.ask('PUT', '/api/me/password', {
      body: { currentPassword: password, newPassword },
      headers: { 'x-colloquio-app': 'app', cookie: `${tablet.set[0]!.split(';')[0]}; ${tablet.cookie}` },
    });
    expectStatus(change, 204);
    await inBrowser(carla.username, { secret: newPassword, cookie: phone.cookie! });
    await mails.mail(carla.email, entered, 3);
    await inBrowser(carla.username, { secret: newPassword, cookie: tablet.cookie! });

    // Of more devices than an account may have the oldest are forgotten.
    const [{ id }] = (await world.rows<{ id: string }>(
      'SELECT account_id AS id FROM known_device ORDER BY used_at DESC LIMIT 1',
    )) as [{ id: string }];
    const devices = world.service.app.get(KnownDevices);
    for (let i = 0; i < limits.knownDevices; i++) await devices.note(id, devices.newMark());
    expect(await world.rows('SELECT FROM known_device WHERE account_id = $1', [id])).toHaveLength(limits.knownDevices);
    await inBrowser(carla.username, { secret: newPassword, cookie: tablet.cookie! });
    await mails.mail(carla.email, entered, 4);
    expect(notices(carla.email)).toBe(4);
  });
});

describe('the outbox', () => {
  let strict: World;
  let shop: Shop;
  let server: MailServer;
  beforeAll(async () => {
    server = await MailServer.open();
    strict = await World.open({ SMTP_URL: server.url });
    shop = await strict.shop('bakery');
    await server.mail('info@aurora.example', verification);
  });
  afterAll(async () => {
    await strict.close();
    await server.close();
  });
  const here = () => ({ where: strict, shop });

  test('retries after a temporary refusal', async () => {
    const to = freshAddress();
    server.refuse = (address) => (address === to ? 451 : undefined);
    await post(to, here());
    await until(async () => (await waiting(strict))[0]?.attempts === 1, 'the first attempt');
    expect(await waiting(strict)).toEqual([{ attempts: 1, failure: 'smtp_451', failed_at: null }]);
    server.refuse = undefined;
    await pausesPass(strict, shop);
    await server.mail(to, /./);
    await until(async () => (await waiting(strict)).length === 0, 'nothing waits');
    expect(server.to(to)).toHaveLength(1);
  });

  test.each([
    '553 5.7.1 Sender address rejected: not owned by user',
    '554 5.7.1 Relay access denied',
    '504 5.5.2 Helo command rejected: need fully-qualified hostname',
    '550 Authentication required',
    '552 5.2.2 Mailbox full',
  ] as const)('waits after %j, which is not about the addressee', async (reply) => {
    const to = freshAddress();
    server.refuse = (address) => (address === to ? reply : undefined);
    await post(to, here());
    await until(async () => (await waiting(strict))[0]?.attempts === 1, 'the first attempt');
    const [code, status] = reply.split(' ');
    const failure = status!.startsWith('5.') ? `smtp_${code}_${status}` : `smtp_${code}`;
    expect(await waiting(strict)).toEqual([{ attempts: 1, failure, failed_at: null }]);
    server.refuse = undefined;
    await pausesPass(strict, shop);
    await server.mail(to, /./);
    await until(async () => (await waiting(strict)).length === 0, 'nothing waits');
  });

  test('gives up when the recipient does not exist, and keeps only the code', async () => {
    const to = freshAddress();
    server.refuse = (address) => (address === to ? noSuchUser : undefined);
    await post(to, here());
    await until(async () => (await waiting(strict))[0]?.failed_at instanceof Date, 'the failure');
    expect(await waiting(strict)).toEqual([{ attempts: 1, failure: 'smtp_550_5.1.1', failed_at: expect.any(Date) }]);
    server.refuse = undefined;
    await pausesPass(strict, shop);
    await settle();
    expect(server.to(to)).toEqual([]);
    await strict.rows('DELETE FROM mail');
  });

  test('gives up after two days of retries', async () => {
    const to = freshAddress();
    server.refuse = (address) => (address === to ? 451 : undefined);
    await post(to, here());
    await until(async () => (await waiting(strict))[0]?.attempts === 1, 'the first attempt');
    await strict.rows('UPDATE mail SET attempts = 53');
    await pausesPass(strict, shop);
    await until(async () => (await waiting(strict))[0]?.failed_at instanceof Date, 'the failure');
    server.refuse = undefined;
    await strict.rows('DELETE FROM mail');
  });

  test('keeps mails while the server is down, and sends them when it is back', async () => {
    const to = freshAddress();
    await server.close();
    await post(to, here());
    await until(async () => (await waiting(strict))[0]?.attempts === 1, 'the first attempt');
    expect(await waiting(strict)).toEqual([{ attempts: 1, failure: 'esocket', failed_at: null }]);
    await server.begin();
    await pausesPass(strict, shop);
    await server.mail(to, /./);
  });

  test('stores no address in jobs, beside the mail or in its failures', async () => {
    const to = freshAddress();
    server.refuse = (address) => (address === to ? noSuchUser : undefined);
    await post(to, here());
    await until(async () => (await waiting(strict))[0]?.failed_at instanceof Date, 'the failure');
    const rows = [
      ...(await strict.rows<{ row: string }>('SELECT job::text AS row FROM jobs.job')),
      ...(await strict.rows<{ row: string }>('SELECT mail::text AS row FROM mail')),
    ];
    expect(rows.length).toBeGreaterThan(2);
    const name = to.split('@')[0]!;
    for (const { row } of rows)
      for (const form of [name, Buffer.from(name).toString('hex')]) expect(row).not.toContain(form);
    expect(rows.some(({ row }) => row.includes('is not wanted'))).toBe(false);
    server.refuse = undefined;
    await strict.rows('DELETE FROM mail');
  });

  test('drops mails that have become useless', async () => {
    server.refuse = () => 451;
    await post(freshAddress(), here());
    await until(async () => (await waiting(strict))[0]?.attempts === 1, 'the first attempt');
    await strict.rows(`UPDATE mail SET not_after = now() - interval '1 second'`);
    server.refuse = undefined;
    const before = server.received.length;
    await pausesPass(strict, shop);
    await until(async () => (await waiting(strict)).length === 0, 'nothing waits');
    expect(server.received).toHaveLength(before + 1);
  });

  test('waits without an SMTP server, and sends all mails once there is one', async () => {
    let quiet = await World.open();
    const owner: Device = (await quiet.shop('florist', { email: 'attesa@fiori.example' })).owner;
    expectStatus(await owner.ask('POST', '/api/me/email-verification'), 202);
    expect(await waiting(quiet)).toHaveLength(2);
    quiet = await quiet.restart({ SMTP_URL: server.url });
    const mail = await server.mail('attesa@fiori.example', verification, 2);
    await until(async () => (await waiting(quiet)).length === 0, 'nothing waits');
    expectStatus(await verify(tokenIn(mail), quiet), 204);
    quiet = await quiet.restart();
    await settle();
    expect(server.to('attesa@fiori.example')).toHaveLength(2);
    await quiet.close();
  });

  test('sends no mail twice when the service restarts meanwhile', async () => {
    const to = freshAddress();
    server.refuse = (address) => (address === to ? 451 : undefined);
    await post(to, here());
    await until(async () => (await waiting(strict))[0]?.attempts === 1, 'the first attempt');
    strict = await strict.restart();
    server.refuse = undefined;
    await pausesPass(strict, shop);
    await server.mail(to, /./);
    await until(async () => (await waiting(strict)).length === 0, 'nothing waits');
    await settle();
    expect(server.to(to)).toHaveLength(1);
  });
});
