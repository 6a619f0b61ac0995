import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { DataSource } from 'typeorm';
import { limits } from '../src/contract/limits.js';
import { InvitationMails } from '../src/invitations/invitation-mails.service.js';
import { InvitedPeople } from '../src/invitations/invited-people.service.js';
import { Vault } from '../src/platform/vault/vault.js';
import { importWhileInterrupted } from './support/interrupted-import.js';
import { MailServer, tokenIn } from './support/mail-server.js';
import { type Answer, expectStatus, settle, type Shop, unique, until, World } from './support/world.js';

/** Personal invitations by mail and by letter, imports, and the export of the address book. */

let mails: MailServer;
let world: World;
beforeAll(async () => {
  mails = await MailServer.open();
  world = await World.open({ SMTP_URL: mails.url, RATE_INVITATION_MAILS: '100000' });
});
afterAll(async () => {
  await world.close();
  await mails.close();
});

const address = () => `socio-${unique()}@mail.example`;
const invited = /ti invita a scrivervi/;

/** A shop whose address is verified, as if its owner had opened the link. */
async function verifiedShop(where = world): Promise<Shop> {
  const shop = await where.shop('bakery', { email: `forno-${unique()}@aurora.example` });
  await verify(shop, where);
  return shop;
}

async function verify(shop: Shop, where = world): Promise<void> {
  const hash = where.service.app.get(Vault).lookupHash('email', String(shop.registration['email']).toLowerCase());
  await where.rows(`UPDATE account SET email_hash = $2 WHERE subscriber_id = $1`, [shop.id, hash]);
}

const invite = (shop: Shop, email: string, changes: Record<string, unknown> = {}) =>
  shop.owner.ask('POST', '/api/invitations', { kind: 'personal', email, ...changes });

const postWaiting = (where = world) => where.service.app.get(InvitationMails).postWaiting();
const remind = (where = world) => where.service.app.get(InvitationMails).remind();
const forgetExpired = (where = world) => where.service.app.get(InvitedPeople).forgetExpired();

const shown = async (shop: Shop, id: string) => {
  const { body } = await shop.owner.ask('GET', '/api/invitations?limit=200');
  return body.items.find((each: { id: string }) => each.id === id);
};

async function upload(
  shop: Shop,
  file: string | Buffer,
  fields: Record<string, string> = {},
  where = world,
): Promise<Answer> {
  const form = new FormData();
  form.set('file', new Blob([typeof file === 'string' ? file : new Uint8Array(file)]), 'soci però.csv');
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return where.ask('POST', '/api/imports', { token: shop.owner.token, body: form });
}

async function finished(shop: Shop, id: string): Promise<Answer['body']> {
  let body: Answer['body'];
  await until(async () => {
    ({ body } = await shop.owner.ask('GET', `/api/imports/${id}`));
    return body.state === 'finished';
  }, 'the import ends');
  return body;
}

/** Imports a file and waits until it is done. */
async function importFile(
  shop: Shop,
  file: string | Buffer,
  fields: Record<string, string> = {},
): Promise<Answer['body']> {
  const begun = await upload(shop, file, { confirm: 'letters', ...fields });
  expectStatus(begun, 202);
  return finished(shop, begun.body.id);
}

async function pages(shop: Shop, path: string): Promise<Answer['body'][]> {
  const items: Answer['body'][] = [];
  let cursor: string | null = null;
  do {
    const { body }: Answer = await shop.owner.ask('GET', `${path}limit=200${cursor ? `&cursor=${cursor}` : ''}`);
    items.push(...body.items);
    cursor = body.nextCursor;
  } while (cursor);
  return items;
}

const report = (shop: Shop, id: string, query = '') => pages(shop, `/api/imports/${id}/report?${query}`);
const outcomes = async (shop: Shop, id: string) =>
  (await report(shop, id)).map(({ outcome }: { outcome: string }) => outcome);

describe('a personal invitation by letter', () => {
  const letter = (shop: Shop, suggestion: unknown, changes: Record<string, unknown> = {}) =>
    shop.owner.ask('POST', '/api/invitations', { kind: 'personal', suggestion, ...changes });

  test('invites a person without an address, and fills the contact with what the business knows', async () => {
    const shop = await verifiedShop();
    const { id: label } = (await shop.owner.ask('POST', '/api/labels', { name: 'Sabato' })).body;
    const suggestion = {
      firstName: ' Iolanda',
      surname: 'Bosi',
      province: 'Ravenna',
      note: 'Senza sale',
      externalId: 'M-9',
    };
    const { status, body } = await letter(shop, { ...suggestion, phone: '0544 123456', labels: [label] });
    expect(status).toBe(201);
    expect(body).toMatchObject({ kind: 'personal', mail: 'none', state: 'active' });
    expect(body.suggestion).toMatchObject({ firstName: 'Iolanda', province: 'RA', phone: '+39 0544 123456' });
    expect(body.email).toBeUndefined();
    const again = await letter(shop, { ...suggestion, phone: '0544 123456', labels: [label] });
    expect([again.status, again.body.id]).toEqual([200, body.id]);
    const page = await shop.owner.ask('GET', `/api/invitations/${body.id}/letter?locale=it`);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
    expect(page.body).toContain('Gentile Iolanda Bosi,');
    expect(page.body).toContain(body.url);
    expect(page.body.match(/<article>/g)).toHaveLength(1);

    const joining = await world.joining(body.code, 'carla', { province: '' });
    expectStatus(await world.ask('POST', `/api/invitations/by-code/${body.code}/acceptance`, { body: joining }), 201);
    const contact = (await shop.owner.ask('GET', `/api/contacts/${body.id}`)).body;
    expect(contact).toMatchObject({ note: 'Senza sale', externalId: 'M-9', province: 'RA', labels: [label] });
    expect((await shop.owner.ask('GET', `/api/invitations/${body.id}/letter`)).body.code).toBe('invitation_used');
    const taken = await letter(shop, { surname: 'Altri', externalId: 'M-9' });
    expect(taken.body.code).toBe('already_a_contact');
    expect((await invite(shop, address(), { suggestion: { externalId: 'M-9' } })).body.code).toBe('external_id_taken');
  });

  test('needs a name, and accepts only the fields of its kind', async () => {
    const shop = await verifiedShop();
    for (const suggestion of [
      {},
      { surname: ' ' },
      { note: 'x' },
      { surname: 7 },
      { surname: 'a'.repeat(limits.nameLength + 1) },
      null,
    ])
      expectStatus(await letter(shop, suggestion), 400);
    for (const more of [
      { phone: 'niente' },
      { labels: ['x'] },
      { email: 'a@b.it' },
      { note: 'a'.repeat(limits.noteLength + 1) },
    ])
      expectStatus(await letter(shop, { surname: 'Bosi', ...more }), 400);
    expectStatus(await letter(shop, { surname: 'Bosi' }, { kind: 'open' }), 400);
    expectStatus(await letter(shop, undefined), 400);
    expect((await shop.owner.ask('GET', '/api/invitations')).body).toMatchObject({ items: [], total: 0 });
    const longest = { surname: 'a'.repeat(limits.nameLength), note: 'a'.repeat(limits.noteLength) };
    expectStatus(await letter(shop, longest), 201);
    const mailed = await invite(shop, address(), { suggestion: { companyName: 'Bar Sport' } });
    expect(mailed.body.suggestion).toEqual({ companyName: 'Bar Sport' });
    const page = await shop.owner.ask('GET', `/api/invitations/${mailed.body.id}/letter?locale=en`);
    expect(page.body).toContain('Dear Bar Sport,');
    expect((await shop.owner.ask('GET', '/api/invitations?letter=true')).body.total).toBe(1);
  });
});

describe('a personal invitation by mail', () => {
  test('waits until the address of the business is verified, and is sent then', async () => {
    const shop = await world.shop('bakery', { email: `forno-${unique()}@aurora.example` });
    const email = address();
    const answer = await invite(shop, email);
    expectStatus(answer, 201);
    expect(answer.body).toMatchObject({ email, mail: 'held', state: 'active' });
    const { body: mailing } = await shop.owner.ask('GET', '/api/invitations/mailing');
    expect(mailing).toEqual({ held: true, perDay: 90_000, queued: 1 });
    await postWaiting();
    expect(await world.rows('SELECT FROM mail WHERE key_id = $1', [answer.body.id])).toEqual([]);
    const link = await mails.mail(String(shop.registration['email']), /indirizzo/);
    expectStatus(
      await world.ask('POST', '/api/me/email-verification/confirmation', { body: { token: tokenIn(link) } }),
      204,
    );
    await postWaiting();
    const mail = await mails.mail(email, invited);
    expect(mail.text).toContain(answer.body.url);
    expect(mail.text).toContain(`/stop/${answer.body.code}`);
    expect((await shown(shop, answer.body.id)).mail).toBe('sent');
  });

  test('is sent at once by a verified business, and is valid for 14 days', async () => {
    const shop = await verifiedShop();
    const email = address();
    const { body } = await invite(shop, email, { locale: 'en' });
    expect(body.mail).toBe('sent_soon');
    expect(Math.round((Date.parse(body.expiresAt) - Date.now()) / 86_400_000)).toBe(14);
    const mail = await mails.mail(email, /Forno Aurora/);
    expect(mail.text).toContain(
      new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(body.expiresAt)),
    );
  });

  test('exists once: inviting the same person again returns it', async () => {
    const shop = await verifiedShop();
    const email = address();
    const answers = await Promise.all([1, 2, 3, 4].map(() => invite(shop, email.toUpperCase())));
    const { id, email: normalised } = answers[0]!.body;
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 201]);
    expect((await invite(shop, email)).body.id).toBe(id);
    await mails.mail(normalised, invited);
    await settle();
    expect(mails.to(normalised)).toHaveLength(1);
    const another = await verifiedShop();
    expectStatus(await invite(another, email), 201);
  });

  test('can be created for more people at once than there are database connections', async () => {
    const shop = await verifiedShop();
    const asked = await world.service.app.get(DataSource).transaction(async (manager) => {
      await manager.query('SELECT FROM subscriber WHERE subscriber_id = $1 FOR NO KEY UPDATE', [shop.id]);
      const answers = Array.from({ length: 24 }, () => invite(shop, address()));
      // By now all connections wait for this one.
      await settle();
      return { answers };
    });
    const answers = await Promise.all(asked.answers);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
  });

  test('is not created for a person who is in the address book already, through any invitation', async () => {
    const shop = await verifiedShop();
    const email = address();
    await world.join(shop, 'anna', { email });
    const answer = await invite(shop, email.toUpperCase());
    expectStatus(answer, 409);
    expect(answer.body.code).toBe('already_a_contact');
  });

  test('has one reminder, after seven days, unless the person has joined', async () => {
    const shop = await verifiedShop();
    const [quiet, joined] = [address(), address()];
    const { body } = await invite(shop, quiet);
    const { code } = (await invite(shop, joined)).body;
    await Promise.all([mails.mail(quiet, invited), mails.mail(joined, invited)]);
    await until(async () => (await shown(shop, body.id)).mail === 'sent', 'the mail has left');
    expectStatus(
      await world.ask('POST', `/api/invitations/by-code/${code}/acceptance`, {
        body: await world.joining(code, 'anna', { email: joined }),
      }),
      201,
    );
    const age = (days: number) =>
      world.rows(
        `UPDATE invitation SET mailed_at = now() - make_interval(days => $2), expires_at = now() + interval '5 days' WHERE subscriber_id = $1`,
        [shop.id, days],
      );
    await age(6);
    await remind();
    await settle();
    expect(mails.to(quiet)).toHaveLength(1);
    await age(7);
    await Promise.all([remind(), remind()]);
    await remind();
    const reminder = await mails.mail(quiet, /aspetta ancora/);
    expect(reminder.text).toContain(body.url);
    await settle();
    expect(mails.to(quiet)).toHaveLength(2);
    expect(mails.to(joined).filter(({ subject }) => /aspetta/.test(subject ?? ''))).toEqual([]);
  });

  test('that expired unused is deleted, and another can be created', async () => {
    const shop = await verifiedShop();
    const email = address();
    const { body } = await invite(shop, email);
    await world.rows(`UPDATE invitation SET expires_at = now() - interval '1 minute' WHERE id = $1`, [body.id]);
    const next = await invite(shop, email);
    expectStatus(next, 201);
    await world.rows(`UPDATE invitation SET expires_at = now() - interval '2 hours' WHERE id = $1`, [body.id]);
    await forgetExpired();
    expect(await world.rows('SELECT email, email_hash, suggestion FROM invitation WHERE id = $1', [body.id])).toEqual([
      { email: null, email_hash: null, suggestion: null },
    ]);
    expect(await world.rows('SELECT FROM wrapped_key WHERE id = $1', [body.id], 'keyring')).toEqual([]);
    expect(await shown(shop, body.id)).toMatchObject({ state: 'expired', mail: 'none' });
    expect(await shown(shop, next.body.id)).toMatchObject({ state: 'active', email });
  });

  test('is listed until the person joins', async () => {
    const shop = await verifiedShop();
    const [one, two] = [await invite(shop, address()), await invite(shop, address())];
    await world.invitation(shop);
    const missing = async () =>
      (await shop.owner.ask('GET', '/api/invitations?kind=personal&state=active')).body.items.map(
        ({ id }: { id: string }) => id,
      );
    expect(await missing()).toEqual([two.body.id, one.body.id]);
    const { code } = one.body;
    await world.ask('POST', `/api/invitations/by-code/${code}/acceptance`, {
      body: await world.joining(code, 'anna', { email: one.body.email }),
    });
    expect(await missing()).toEqual([two.body.id]);
    for (const state of ['active', 'used', 'expired', 'revoked', 'stopped']) {
      const { body } = await shop.owner.ask('GET', `/api/invitations?state=${state}`);
      expect(body.items.every((each: { state: string }) => each.state === state)).toBe(true);
    }
  });
});

describe('"do not write to me again"', () => {
  const stop = (code: string) => world.ask('POST', `/api/invitations/by-code/${code}/stop`);

  test('deletes the person’s data, and applies to every business and import', async () => {
    const [shop, other] = [await verifiedShop(), await verifiedShop()];
    const email = address();
    const { body } = await invite(shop, email);
    await mails.mail(email, invited);
    expectStatus(await stop(body.code), 204);
    expectStatus(await stop(body.code), 204);
    expect(await shown(shop, body.id)).toMatchObject({ state: 'stopped' });
    expect(await shown(shop, body.id)).not.toHaveProperty('email');
    expect(await world.rows('SELECT FROM wrapped_key WHERE id = $1', [body.id], 'keyring')).toEqual([]);
    const opened = await world.ask('GET', `/api/invitations/by-code/${body.code}`);
    expectStatus(opened, 410);
    expect(opened.body.code).toBe('invitation_stopped');
    for (const each of [shop, other]) {
      const refused = await invite(each, email.toUpperCase());
      expectStatus(refused, 409);
      expect(refused.body.code).toBe('asked_not_to_be_written_to');
      const { id, counts } = await importFile(each, `Email\n${email}\n`);
      expect(counts).toMatchObject({ invited: 0, asked_not_to_be_written_to: 1 });
      expect(await outcomes(each, id)).toEqual(['asked_not_to_be_written_to']);
    }
    await settle();
    expect(mails.to(email)).toHaveLength(1);
  });

  test('works after the invitation was revoked or has expired', async () => {
    const shop = await verifiedShop();
    const [revoked, expired] = [(await invite(shop, address())).body, (await invite(shop, address())).body];
    const addresses = [revoked.email, expired.email];
    expectStatus(await shop.owner.ask('DELETE', `/api/invitations/${revoked.id}`), 204);
    await world.rows(`UPDATE invitation SET expires_at = now() - interval '2 hours' WHERE id = $1`, [expired.id]);
    await forgetExpired();
    for (const { code } of [revoked, expired]) expectStatus(await stop(code), 204);
    for (const email of addresses) expectStatus(await invite(shop, email), 409);
  });

  test('also stops waiting mails of other businesses', async () => {
    const [shop, waiting] = [await verifiedShop(), await world.shop('florist')];
    const email = address();
    const held = await invite(waiting, email);
    expect(held.body.mail).toBe('held');
    expectStatus(await stop((await invite(shop, email)).body.code), 204);
    await verify(waiting);
    await postWaiting();
    expect(await shown(waiting, held.body.id)).toMatchObject({ state: 'stopped' });
    await settle();
    expect(mails.to(email).filter(({ subject }) => /Marta/.test(subject ?? ''))).toEqual([]);
  });

  test('does not change a contact', async () => {
    const shop = await verifiedShop();
    const { code, id, email } = (await invite(shop, address())).body;
    await world.ask('POST', `/api/invitations/by-code/${code}/acceptance`, {
      body: await world.joining(code, 'anna', { email }),
    });
    expectStatus(await stop(code), 204);
    expectStatus(await shop.owner.ask('GET', `/api/contacts/${id}`), 200);
  });

  test('does not exist for a code that was mailed to nobody', async () => {
    expectStatus(await stop('abc'), 404);
    expectStatus(await stop((await world.invitation(await verifiedShop())).code), 404);
  });
});

describe('the cap on invitation mails', () => {
  let capped: World;
  beforeAll(async () => {
    capped = await World.open({ RATE_INVITATION_MAILS: '3' });
  });
  afterAll(() => capped.close());
  const mailed = (shop: Shop) =>
    capped.rows('SELECT FROM invitation WHERE subscriber_id = $1 AND mailed_at IS NOT NULL', [shop.id]);

  test('says the limit and when to continue, and creates no invitation', async () => {
    const shop = await verifiedShop(capped);
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => invite(shop, address())));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 201, 429, 429]);
    const refused = answers.find(({ status }) => status === 429)!;
    expect(refused.body).toMatchObject({ code: 'rate_limited', detail: expect.stringContaining('at most 3') });
    expect(refused.body.retryAfter).toBeGreaterThan(86_000);
    expect(refused.headers.get('retry-after')).toBe(String(refused.body.retryAfter));
    expect((await shop.owner.ask('GET', '/api/invitations')).body.items).toHaveLength(3);
    expectStatus(await invite(await verifiedShop(capped), address()), 201);
    await capped.rows(`UPDATE invitation SET mailed_at = mailed_at - interval '1 day' WHERE subscriber_id = $1`, [
      shop.id,
    ]);
    expectStatus(await invite(shop, address()), 201);
  });

  test('makes an import wait, and continue the next day', async () => {
    const shop = await verifiedShop(capped);
    const begun = await upload(shop, `Email\n${[1, 2, 3, 4, 5].map(address).join('\n')}\n`, {}, capped);
    const { counts } = await finished(shop, begun.body.id);
    expect(counts.invited).toBe(5);
    await postWaiting(capped);
    expect(await mailed(shop)).toHaveLength(3);
    const { body: mailing } = await shop.owner.ask('GET', '/api/invitations/mailing');
    expect(mailing).toMatchObject({ held: false, perDay: 3, queued: 2 });
    expect(Math.round((Date.parse(mailing.lastBy) - Date.now()) / 86_400_000)).toBe(1);
    const { body } = await shop.owner.ask('GET', '/api/invitations');
    expect(body.total).toBe(5);
    const sent = body.items.find(({ mail }: { mail: string }) => mail === 'sent_soon');
    await capped.rows('UPDATE mail SET failed_at = now() WHERE key_id = $1', [sent.id]);
    const failed = (await shop.owner.ask('GET', '/api/invitations?mail=failed')).body;
    expect(failed).toMatchObject({ total: 1, items: [{ id: sent.id, mail: 'failed' }] });
    await capped.rows('UPDATE mail SET failed_at = NULL WHERE key_id = $1', [sent.id]);
    expect(body.items.map(({ mail }: { mail: string }) => mail).sort()).toEqual([
      ...['queued', 'queued', 'sent_soon', 'sent_soon', 'sent_soon'],
    ]);
    await capped.rows(`UPDATE invitation SET mailed_at = mailed_at - interval '1 day' WHERE subscriber_id = $1`, [
      shop.id,
    ]);
    await Promise.all([postWaiting(capped), postWaiting(capped)]);
    expect(await mailed(shop)).toHaveLength(5);
    expect(await capped.rows('SELECT FROM mail')).toHaveLength(3 + 1 + 1 + 5 + 3);
  });
});

describe('an import', () => {
  test('invites the people in a file, and reports each line', async () => {
    const shop = await verifiedShop();
    const [mail, known, twice] = [address(), address(), address()];
    await world.join(shop, 'anna', { email: known });
    const { id, ...view } = await importFile(
      shop,
      [
        'Cognome;Nome;E-mail;Ragione Sociale;Provincia;Tessera;Colore',
        `Rossi;Ada;${mail};;RA;17;blu`,
        `;;${known.toUpperCase()};;;;`,
        'Neri;Dora;;;;18;',
        '',
        `;;${twice};Osteria del Ponte;;;`,
        `;;${twice.toUpperCase()};;;;`,
        'Verdi;Ugo;ugo(at)mail.example;;;;',
        ';;;;RA;19;',
        ';;;;;;',
        `Bianchi;${'o'.repeat(101)};${address()};;;;`,
      ].join('\r\n'),
    );
    expect(view).toMatchObject({
      name: 'soci però.csv',
      state: 'finished',
      total: 8,
      done: 8,
      counts: {
        ...{ invited: 3, corrected: 0, already_there: 1, already_invited: 0, duplicate_in_file: 1 },
        ...{ asked_not_to_be_written_to: 0, invalid: 3 },
      },
    });
    const lines = await report(shop, id);
    expect(lines.map(({ line, outcome, field, reason }) => [line, outcome, field, reason])).toEqual([
      [2, 'invited', undefined, undefined],
      [3, 'already_there', undefined, undefined],
      [4, 'invited', undefined, undefined],
      [6, 'invited', undefined, undefined],
      [7, 'duplicate_in_file', undefined, undefined],
      [8, 'invalid', 'email', 'not_an_address'],
      [9, 'invalid', 'email', 'missing'],
      [11, 'invalid', 'firstName', 'too_long'],
    ]);
    expect(await report(shop, id, 'outcome=invalid&')).toHaveLength(3);
    expect(await shown(shop, lines[0].invitationId)).toMatchObject({
      importId: id,
      email: mail,
      suggestion: { firstName: 'Ada', surname: 'Rossi', province: 'RA', externalId: '17' },
    });
    expect(await shown(shop, lines[2].invitationId)).toMatchObject({ mail: 'none', suggestion: { externalId: '18' } });
    await mails.mail(mail, invited);
    await mails.mail(twice, invited);
    const { body } = await shop.owner.ask('GET', '/api/contacts');
    expect(body.total).toBe(1);
    expect((await shop.owner.ask('GET', '/api/imports')).body.items).toMatchObject([{ id }]);
    expect(await world.rows('SELECT FROM import_chunk WHERE import_id = $1', [id])).toEqual([]);
  });

  test('changes nothing when repeated, with letters or in another order', async () => {
    const shop = await verifiedShop();
    const rows = [`Ada;Rossi;${address()};1`, 'Ugo;Verdi;;2', 'Ugo;Verdi;;', `Eva;;${address()};`];
    const file = (lines: string[]) => ['Nome;Cognome;Email;Codice', ...lines].join('\n');
    const first = await importFile(shop, file(rows));
    expect(first.counts.invited).toBe(4);
    const before = (await shop.owner.ask('GET', '/api/invitations')).body;
    for (const again of [rows, [...rows].reverse()]) {
      expect((await importFile(shop, file(again))).counts).toMatchObject({ invited: 0, already_invited: 4 });
    }
    await settle();
    const after = (await shop.owner.ask('GET', '/api/invitations')).body;
    expect(after.items.map(({ id }: { id: string }) => id)).toEqual(before.items.map(({ id }: { id: string }) => id));
  });

  test('recognises people who joined by letter', async () => {
    const shop = await verifiedShop();
    const file = 'Nome;Cognome;Codice\nUgo;Verdi;7\n';
    const { id } = await importFile(shop, file);
    const { invitationId } = (await report(shop, id))[0];
    const { code } = await shown(shop, invitationId);
    expectStatus(
      await world.ask('POST', `/api/invitations/by-code/${code}/acceptance`, {
        body: await world.joining(code, 'anna', { email: address() }),
      }),
      201,
    );
    expect((await importFile(shop, file)).counts).toMatchObject({ invited: 0, already_there: 1 });
  });

  test.each([
    ['UTF-8', (text: string) => Buffer.from(text), 'utf-8'],
    ['UTF-8 with BOM', (text: string) => Buffer.from(`\uFEFF${text}`), 'utf-8'],
    ['Windows-1252', (text: string) => iconv.encode(text, 'windows-1252'), 'windows-1252'],
    ['UTF-16', (text: string) => iconv.encode(text, 'utf-16le', { addBOM: true }), 'utf-16le'],
  ])('reads %s, with each separator and line break', async (_, encode, encoding) => {
    const shop = await verifiedShop();
    for (const separator of [',', ';', '\t']) {
      for (const lineBreak of ['\n', '\r\n', '\r']) {
        const lines = [
          ['Nome', 'Società', 'Posta elettronica'],
          ['"Niccolò ""Nico"""', `"Caffè${separator} € & figli"`, '"nico@mail.example"'],
        ];
        const file = encode(lines.map((cells) => cells.join(separator)).join(lineBreak));
        const { status, body } = await upload(shop, file, { dryRun: 'true' });
        expect(status).toBe(200);
        expect(body).toMatchObject({
          encoding,
          separator,
          total: 1,
          columns: [
            { name: 'Nome', field: 'firstName' },
            { name: 'Società', field: 'companyName' },
            { name: 'Posta elettronica', field: 'email' },
          ],
          sample: [
            {
              firstName: 'Niccolò "Nico"',
              companyName: `Caffè${separator} € & figli`.replace('\t', ''),
              email: 'nico@mail.example',
            },
          ],
        });
      }
    }
  });

  test('has a dry run, which says what would happen and stores nothing', async () => {
    const shop = await verifiedShop();
    const known = address();
    await invite(shop, known);
    const file = `a,b,c\n${known},Ada,Rossi\n${address()},Ugo,Verdi\n,Eva,Neri\nx,y,z\n,Eva,Neri\n`;
    const nameless = await upload(shop, file.replaceAll(/@[^,]+/g, ''), { dryRun: 'true' });
    expectStatus(nameless, 400);
    expect(nameless.body.errors[0].field).toBe('mapping');
    const mapping = JSON.stringify({ a: 'email', b: 'firstName', c: 'surname' });
    const { body } = await upload(shop, file, { dryRun: 'true', mapping });
    expect(body).toMatchObject({
      total: 5,
      letters: 1,
      counts: { invited: 2, corrected: 1, duplicate_in_file: 1, invalid: 1 },
      problems: [
        { number: 1, line: 2, outcome: 'corrected', content: `${known} · Ada · Rossi` },
        { number: 4, line: 5, outcome: 'invalid', field: 'email', reason: 'not_an_address', content: 'x · y · z' },
        { number: 5, line: 6, outcome: 'duplicate_in_file', sameAs: 4 },
      ],
    });
    expect((await shop.owner.ask('GET', '/api/invitations')).body.items).toHaveLength(1);
    expect((await shop.owner.ask('GET', '/api/imports')).body.items).toEqual([]);
    expect((await importFile(shop, file, { mapping })).counts).toEqual(body.counts);
  });

  test('shows some values of each column, and the contents of the lines that are left out', async () => {
    const shop = await verifiedShop();
    const long = 'x'.repeat(300);
    const lines = ['Ugo;u@m.example;Nota\n1', 'Ugo;v@m.example;', 'Ada;rotta;', `${long};rotta;`, 'Eva;;', 'Ida;;'];
    const { body } = await upload(
      shop,
      `Nome;Email;Vuota\n${lines.map((line) => line.replace('Nota\n1', '"Nota\n1"')).join('\n')}\n`,
      {
        dryRun: 'true',
      },
    );
    expect(body.columns.map(({ samples }: { samples: string[] }) => samples)).toEqual([
      ['Ugo', 'Ada', `${'x'.repeat(79)}…`],
      ['u@m.example', 'v@m.example', 'rotta'],
      ['Nota 1'],
    ]);
    const contents = body.problems.map(({ content }: { content: string }) => content);
    expect(contents).toContain('Ada · rotta');
    expect(contents).toContain(`${'x'.repeat(199)}…`);
    const { id } = await importFile(shop, 'Nome;Email\nAda;rotta\nUgo;ugo@m.example\n');
    expect(JSON.stringify(await report(shop, id))).not.toContain('rotta');
  });

  test('shows the contents of a thousand lines at most', async () => {
    const shop = await verifiedShop();
    const { body } = await upload(shop, `Nome;Email\n${'Ada;rotta\n'.repeat(limits.importProblems + 1)}`, {
      mapping: '{"Nome":"firstName","Email":"email"}',
      dryRun: 'true',
    });
    expect(body.counts.invalid).toBe(limits.importProblems + 1);
    expect(body.problems).toHaveLength(limits.importProblems);
  });

  test('lists the columns of a file without known ones, so that they can be mapped', async () => {
    const shop = await verifiedShop();
    const { body } = await upload(shop, 'alfa;beta\nx;y\n', { dryRun: 'true' });
    expect(body.errors).toMatchObject([{ field: 'mapping', code: 'mapping', values: { columns: ['alfa', 'beta'] } }]);
  });

  test.each([
    ['old_excel', Buffer.from('D0CF11E0A1B11AE1', 'hex'), undefined],
    ['pdf', Buffer.from('%PDF-1.7 …'), undefined],
    ['contact_cards', Buffer.from('BEGIN:VCARD\nFN:Ada\n'), undefined],
    ['document', Buffer.from('<html><table>'), undefined],
    ['no_header', Buffer.from('a@m.example;b@m.example\n'), undefined],
    ['line_too_long', Buffer.from(`Nome;Email\nAda;${'x'.repeat(100_001)}\n`), 2],
  ])('says with a code that it is %s, and in which line', async (reason, file, line) => {
    const { body } = await upload(await verifiedShop(), file, { dryRun: 'true' });
    expect(body).toMatchObject({ code: 'import_unreadable', reason, ...(line && { line }) });
    expect(body.line).toBe(line);
  });

  test.each([
    ['without a file', undefined, {}, 400],
    ['of nothing', '', {}, 422],
    ['without a header', 'a@mail.example;b@mail.example\n', {}, 422],
    ['with a mapping that is none', 'Email\n', { mapping: 'x' }, 400],
    ['with a mapping of unknown columns', 'Email\n', { mapping: '{"Posta":"email"}' }, 400],
    ['with a mapping to unknown fields', 'Email\n', { mapping: '{"Email":"password"}' }, 400],
    ['of too many bytes', `Email\n${'x'.repeat(5 * 1024 * 1024)}`, {}, 413],
    ['of too many lines', `Email\n${'a@mail.example\n'.repeat(10_001)}`, {}, 413],
  ])('%s is refused and leaves nothing', async (_, file, fields, status) => {
    const shop = await verifiedShop();
    const answer =
      file === undefined
        ? await world.ask('POST', '/api/imports', { token: shop.owner.token, body: new FormData() })
        : await upload(shop, file, fields);
    expectStatus(answer, status);
    if (status === 413) expect(answer.body.detail).toContain('5 MB and 10,000 lines');
    expect((await shop.owner.ask('GET', '/api/imports')).body.items).toEqual([]);
  });

  test('prints letters, one page each, with their own links', async () => {
    const shop = await verifiedShop();
    const { id } = await importFile(
      shop,
      `Nome;Cognome;Azienda;Email\nDora;<b>Neri</b>;;\n;;Osteria del Ponte;\nAda;Rossi;;${address()}\n`,
    );
    const answer = await shop.owner.ask('GET', `/api/imports/${id}/letters`);
    expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
    expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
    const page = String(answer.body);
    expect(page.match(/<article>/g)).toHaveLength(2);
    expect(page.match(/<svg/g)).toHaveLength(2);
    expect(page).toContain('Gentile Dora &lt;b&gt;Neri&lt;/b&gt;,');
    expect(page).not.toMatch(/<script|style="/);
    const { body } = await shop.owner.ask('GET', `/api/invitations?importId=${id}&letter=true`);
    expect(body.items).toHaveLength(2);
    for (const { url } of body.items) expect(page).toContain(url);
  });
});

describe('no line is lost or doubled', () => {
  const cell = fc.oneof(
    fc.constantFrom(
      '',
      'Ada',
      ' Ugo ',
      '"',
      'a"b',
      "d'Este",
      '=1+1',
      '😀',
      'è',
      'x@y',
      '\t',
      'riga\ndue',
      'riga\r\ndue',
    ),
    fc.constantFrom('ada@mail.example', 'ADA@mail.example', 'ugo@mail.example', 'eva@mail.example'),
    fc.string({ maxLength: 12 }),
  );
  const table = fc.record({
    separator: fc.constantFrom(',', ';', '\t'),
    lineBreak: fc.constantFrom('\n', '\r\n', '\r'),
    bom: fc.boolean(),
    rows: fc.array(fc.tuple(cell, cell, cell), { maxLength: 25 }),
  });

  test('whatever the file holds', async () => {
    const shop = await verifiedShop();
    const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;
    await fc.assert(
      fc.asyncProperty(table, async ({ separator, lineBreak, bom, rows }) => {
        const lines = [['Nome', 'Cognome', 'Email'], ...rows].map((cells) => cells.map(quoted).join(separator));
        const file = (bom ? '\uFEFF' : '') + lines.join(lineBreak);
        // Records in which something can be seen; blank ones are none.
        const expected = rows.filter((cells) => cells.some((value) => value.trim() !== '')).length;
        fc.pre(expected > 0);
        const { id, total, done, counts } = await importFile(shop, file);
        const reported = await report(shop, id);
        expect([total, done, reported.length]).toEqual([expected, expected, expected]);
        expect(reported.map(({ number }) => number)).toEqual(reported.map((_, index) => index + 1));
        const sum = Object.values(counts as Record<string, number>).reduce((all, each) => all + each, 0);
        expect(sum).toBe(expected);
        const standing = await pages(shop, '/api/invitations?kind=personal&state=active&');
        const addresses = standing.flatMap(({ email }) => email?.toLowerCase() ?? []);
        expect(new Set(addresses).size).toBe(addresses.length);
      }),
      { numRuns: 30 },
    );
  });

  test('while the service is stopped and the database cuts its connections', async () => {
    await importWhileInterrupted(4_000);
  });
});

describe('the address book as a file', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await verifiedShop();
    await world.join(shop, 'anna', {
      firstName: '=SOMMA(1)',
      surname: 'Rossi; "detta" Ada',
      email: 'ada@mail.example',
    });
    await world.join(shop, 'osteria', { companyName: 'Caffè Nicolò', email: 'caffe@mail.example' });
  });
  const file = (query: string) => shop.owner.ask('GET', `/api/contacts/export?${query}`);

  test('as CSV opens in a spreadsheet, and contains no formula', async () => {
    const answer = await file('format=csv&locale=it');
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="rubrica.csv"');
    const response = await fetch(`${world.url}/api/contacts/export`, {
      headers: { authorization: `Bearer ${shop.owner.token}` },
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]));
    const lines = bytes.toString('utf8').slice(1).split('\r\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^Codice;Nome;Cognome;Ragione sociale;/);
    expect(lines[1]).toContain(`;Caffè Nicolò;`);
    expect(lines[2]).toMatch(/^;'=SOMMA\(1\);"Rossi; ""detta"" Ada";;;ada@mail\.example;/);
    expect((await file('locale=en')).body.split('\r\n')[0]).toContain('External ID,First name,Surname');
  });

  test('as CSV can be imported elsewhere with every person recognised', async () => {
    const { body } = await file('format=csv&locale=it');
    const there = await importFile(shop, String(body));
    expect(there.counts).toMatchObject({ already_there: 2, invalid: 0 });
    const elsewhere = await verifiedShop();
    const { id } = await importFile(elsewhere, String(body));
    const { invitationId } = (await report(elsewhere, id))[1];
    expect((await shown(elsewhere, invitationId)).suggestion).toMatchObject({ firstName: '=SOMMA(1)' });
  });

  test('as JSON holds what the list shows', async () => {
    const { body } = await file('format=json');
    const { body: list } = await shop.owner.ask('GET', '/api/contacts');
    expect(body).toEqual(list.items);
  });

  test('is for the owner alone', async () => {
    const staff = await world.staff(shop);
    expectStatus(await staff.device.ask('GET', '/api/contacts'), 200);
    expectStatus(await staff.device.ask('GET', '/api/contacts/export'), 404);
    expectStatus(await staff.device.ask('GET', '/api/imports'), 200);
  });
});

test('a person who joins by an imported invitation gets the customer number in it, unless another contact has it', async () => {
  const shop = await verifiedShop();
  const [first, second] = [address(), address()];
  await importFile(shop, `nome;cognome;email;codice\nDora;Neri;${first};M-001\nElsa;Gallo;${second};M-002\n`, {
    mapping: JSON.stringify({ nome: 'firstName', cognome: 'surname', email: 'email', codice: 'externalId' }),
  });
  const invitations = await pages(shop, '/api/invitations?');
  const codeOf = (email: string) => invitations.find((each) => each.email === email).code as string;
  const join = async (email: string) => {
    const body = await world.joining(codeOf(email), 'carla', { email });
    const answer = await world.ask('POST', `/api/invitations/by-code/${codeOf(email)}/acceptance`, { body });
    expectStatus(answer, 201);
    return (await shop.owner.ask('GET', `/api/contacts/${answer.body.contact.id}`)).body;
  };
  expect(await join(first)).toMatchObject({ email: first, externalId: 'M-001' });
  const bruno = await world.join(shop, 'bruno');
  expectStatus(await shop.owner.ask('PATCH', `/api/contacts/${bruno.contactId}`, { externalId: 'M-002' }), 200);
  expect(await join(second)).toMatchObject({ email: second, externalId: null });
});
