import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { CertificateMails } from '../src/erasures/certificate-mails.service.js';
import { ErasureRuns } from '../src/erasures/erasure-runs.service.js';
import { AccountsAlone } from '../src/leaving/accounts-alone.service.js';
import { Closings } from '../src/leaving/closings.service.js';
import { DeletionRequests } from '../src/leaving/deletion-requests.service.js';
import { UnusedAccounts } from '../src/leaving/unused-accounts.service.js';
import { BroadcastRuns } from '../src/broadcasts/broadcast-runs.service.js';
import { bytesOf, askToUpload } from './support/files.js';
import { MailServer, tokenIn } from './support/mail-server.js';
import {
  type Answer,
  type Device,
  expectStatus,
  password,
  type Person,
  type Shop,
  unique,
  until,
  World,
} from './support/world.js';

/** Leaving: deletion requests of people, pauses and closings of businesses, and accounts that nobody uses. */

let world: World;
let mails: MailServer;
let bakery: Shop;
let other: Shop;
const ownerAddress = 'info@aurora.example';

beforeAll(async () => {
  mails = await MailServer.open();
  world = await World.open({ SMTP_URL: mails.url, REGISTRATION: 'open' });
  bakery = await world.shop('bakery');
  other = await world.shop('florist');
  await confirm(ownerAddress);
});
afterAll(async () => {
  await world.close();
  await mails.close();
});

let address: string;
let anna: Person;
beforeEach(async () => {
  address = `anna${unique()}@mail.example`;
  anna = await world.join(bakery, 'anna', { promotions: true, email: address });
});

async function confirm(email: string): Promise<void> {
  const token = tokenIn(await mails.mail(email, /Conferma/));
  expectStatus(await world.ask('POST', '/api/me/email-verification/confirmation', { body: { token } }), 204);
}

const part = <Service>(type: new (...values: never[]) => Service): Service => world.service.app.get(type);
const send = (device: Device, contactId: string, body = 'Ciao'): Promise<Answer> =>
  device.ask('POST', `/api/conversations/${contactId}/messages`, { clientId: unique(), body });
const head = async (device: Device, contactId: string) =>
  (await device.ask('GET', `/api/conversations/${contactId}`)).body;
const code = ({ status, body }: Answer) => [status, body.code];

async function askDeletion(person: Person, wanted: object = { contactId: person.contactId }): Promise<string> {
  const answer = await person.device.ask('POST', '/api/deletion-requests', wanted);
  expectStatus(answer, 201);
  return answer.body.items[0].id;
}

/** Moves the deadline of a request into the past. */
const overdue = (id: string) =>
  world.rows(`UPDATE rights_request SET due_at = now() - interval '1 second' WHERE id = $1`, [id]);

/** Lets erasures end, with a new epoch, and the mails about them go. */
async function finish(): Promise<void> {
  await until(async () => {
    await part(ErasureRuns).proceed();
    return (await world.rows('SELECT FROM erasure WHERE finished_at IS NULL')).length === 0;
  }, 'the erasures end');
  await world.service.keyring.renewEpoch();
  await part(ErasureRuns).noteRenewals();
  await part(CertificateMails).proceed();
}

const keysLeft = async (ids: string[]) =>
  (await world.rows('SELECT FROM wrapped_key WHERE id = ANY ($1::uuid[])', [ids], 'keyring')).length;

describe('a deletion request', () => {
  test('freezes the conversation at once, ends promotions, and shows the business its deadline', async () => {
    await confirm(address);
    await bakery.owner.connect();
    expectStatus(await send(anna.device, anna.contactId), 201);
    const answer = await anna.device.ask('POST', '/api/deletion-requests', {
      contactId: anna.contactId,
      words: 'Basta, grazie',
    });
    expectStatus(answer, 201);
    const [request] = answer.body.items;
    expect(request).toMatchObject({ kind: 'erasure', state: 'open', words: 'Basta, grazie', legalReason: null });
    const days = (Date.parse(request.dueAt) - Date.parse(request.askedAt)) / 86_400_000;
    expect(Math.round(days * 1000) / 1000).toBe(7);

    const told = await bakery.owner.hears(
      'restriction.changed',
      ({ conversationId }) => conversationId === anna.contactId,
    );
    expect(told.deletion).toEqual({ askedAt: expect.any(String), dueAt: request.dueAt });
    for (const device of [anna.device, bakery.owner]) {
      expect((await head(device, anna.contactId)).deletion).toEqual(told.deletion);
      expect(code(await send(device, anna.contactId))).toEqual([403, 'conversation_restricted']);
      const upload = await askToUpload(device, bytesOf(100), { conversationId: anna.contactId });
      expect(code(upload)).toEqual([403, 'conversation_restricted']);
    }
    const receipt = await bakery.owner.ask('PUT', `/api/conversations/${anna.contactId}/receipt`, { seenSeq: 1 });
    expect(code(receipt)).toEqual([403, 'conversation_restricted']);
    expect((await bakery.owner.ask('GET', `/api/contacts/${anna.contactId}`)).body.promotions).toBe(false);
    const kept = await bakery.owner.ask('GET', `/api/conversations/${anna.contactId}/messages`);
    expect(kept.body.items).toHaveLength(1);

    const seen = await bakery.owner.ask('GET', `/api/requests?contactId=${anna.contactId}`);
    expect(seen.body.items).toMatchObject([{ id: request.id, kind: 'erasure', dueAt: request.dueAt }]);
    const own = await anna.device.ask('GET', '/api/deletion-requests');
    expect(own.body.items).toMatchObject([{ id: request.id }]);
    expect((await mails.mail(ownerAddress, /richiesta di cancellazione/)).text).toContain('Senza una risposta');
  });

  test('is the same when repeated, and can be taken back until it is carried out', async () => {
    const id = await askDeletion(anna);
    const again = await anna.device.ask('POST', '/api/deletion-requests', { contactId: anna.contactId });
    expect([again.status, again.body.items.map((item: { id: string }) => item.id)]).toEqual([200, [id]]);
    expectStatus(await anna.device.ask('DELETE', `/api/deletion-requests/${id}`), 204);
    expect(await head(anna.device, anna.contactId)).toMatchObject({ deletion: null, restrictions: [] });
    expectStatus(await send(anna.device, anna.contactId), 201);
    const second = await askDeletion(anna);
    expect(second).not.toBe(id);
    expectStatus(await anna.device.ask('DELETE', `/api/requests/${second}`), 204);
    expectStatus(await send(bakery.owner, anna.contactId), 201);
  });

  test('can be refused only with a legal reason, which the person is told, and the conversation continues', async () => {
    await confirm(address);
    const id = await askDeletion(anna);
    const answer = (body: object) => bakery.owner.ask('POST', `/api/requests/${id}/answer`, body);
    const without = await answer({ outcome: 'refused', answer: 'Fatture' });
    expect([without.status, without.body.errors[0].field]).toEqual([400, 'legalReason']);
    const silent = await answer({ outcome: 'refused', legalReason: 'legal_obligation' });
    expect([silent.status, silent.body.errors[0].field]).toEqual([400, 'answer']);
    const both = await answer({ outcome: 'fulfilled', legalReason: 'legal_obligation' });
    expect([both.status, both.body.errors[0].field]).toEqual([400, 'legalReason']);
    const later = await bakery.owner.ask('POST', `/api/requests/${id}/extension`, { reason: 'Archivio' });
    expect(code(later)).toEqual([409, 'request_extended']);
    const refused = await answer({ outcome: 'refused', answer: 'Le fatture', legalReason: 'legal_obligation' });
    expectStatus(refused, 200);
    const request = await anna.device.ask('GET', `/api/requests/${id}`);
    expect(request.body).toMatchObject({ state: 'refused', legalReason: 'legal_obligation', answer: 'Le fatture' });
    expect((await mails.mail(address, /non cancella/)).text).toContain('obbligo di legge');
    expectStatus(await send(anna.device, anna.contactId), 201);
    expect(code(await anna.device.ask('DELETE', `/api/deletion-requests/${id}`))).toEqual([409, 'request_closed']);
    await part(DeletionRequests).carryOut(new Date(Date.now() + 30 * 86_400_000));
    expect((await head(anna.device, anna.contactId)).id).toBe(anna.contactId);
  });

  test('is carried out if unanswered; the other business keeps the person, and the certificate is mailed', async () => {
    await confirm(address);
    const elsewhere = await world.joinAlso(anna, other);
    expectStatus(await send(anna.device, anna.contactId), 201);
    expectStatus(await send(anna.device, elsewhere), 201);
    const id = await askDeletion(anna);
    await part(DeletionRequests).carryOut();
    expect((await head(anna.device, anna.contactId)).deletion).not.toBeNull();
    await overdue(id);
    await part(DeletionRequests).carryOut();
    expectStatus(await anna.device.ask('GET', `/api/conversations/${anna.contactId}`), 404);
    expectStatus(await bakery.owner.ask('GET', `/api/contacts/${anna.contactId}`), 404);
    expectStatus(await anna.device.ask('GET', `/api/requests/${id}`), 404);
    const messages = await anna.device.ask('GET', `/api/conversations/${elsewhere}/messages`);
    expect(messages.body.items).toHaveLength(1);
    const [noted] = await world.rows<{ id: string; erasure_id: string; sealed: Buffer }>(
      `SELECT id, erasure_id, sealed FROM certificate_mail JOIN erased_contact USING (subscriber_id, erasure_id)
       WHERE contact_id = $1`,
      [anna.contactId],
    );
    expect(noted!.sealed.includes(address)).toBe(false);
    await finish();

    const mail = await mails.mail(address, /Certificato/);
    const { body: certificate } = await bakery.owner.ask('GET', `/api/erasures/${noted!.erasure_id}`);
    expect(certificate).toMatchObject({
      origin: 'interlocutor',
      state: 'finished',
      erased: { contacts: 1, accounts: 0 },
    });
    expect(certificate.kept.map(({ what }: { what: string }) => what)).toContain('certificate_address');
    const whole = String(mail.text).replace(/\s+/g, '');
    expect(whole).toContain(certificate.signature.replace(/\s+/g, ''));
    await until(async () => (await keysLeft([noted!.id])) === 0, 'the key of the address is destroyed');
    await part(CertificateMails).proceed();
    expect(await world.rows('SELECT FROM certificate_mail')).toEqual([]);
  });

  test('carried out by the owner of the last business ends the account', async () => {
    const id = await askDeletion(anna);
    const done = await bakery.owner.ask('POST', `/api/requests/${id}/answer`, { outcome: 'fulfilled' });
    expect([done.status, done.body.state]).toEqual([200, 'fulfilled']);
    expectStatus(await anna.device.ask('GET', '/api/me'), 401);
    expect(await keysLeft([anna.contactId, anna.id])).toBe(0);
    await finish();
    expect(await world.rows('SELECT FROM rights_request WHERE id = $1', [id])).toEqual([]);
  });

  test('to all businesses leaves nothing and no orphan when two of them erase the person at the same time', async () => {
    await confirm(address);
    const elsewhere = await world.joinAlso(anna, other);
    const asked = await anna.device.ask('POST', '/api/deletion-requests', {});
    expectStatus(asked, 201);
    const items = asked.body.items as { id: string; conversationId: string }[];
    expect(items.map(({ conversationId }) => conversationId).sort()).toEqual([anna.contactId, elsewhere].sort());
    for (const { id } of items) await overdue(id);
    const answers = await Promise.all([
      bakery.owner.ask('DELETE', `/api/contacts/${anna.contactId}`),
      other.owner.ask('DELETE', `/api/contacts/${elsewhere}`),
      part(DeletionRequests).carryOut(),
      part(DeletionRequests).carryOut(),
    ]);
    for (const answer of answers.slice(0, 2)) expect([202, 404]).toContain((answer as Answer).status);
    await finish();
    expectStatus(await anna.device.ask('GET', '/api/me'), 401);
    expect(await world.rows('SELECT FROM interlocutor WHERE id = $1', [anna.id])).toEqual([]);
    expect(await keysLeft([anna.contactId, elsewhere, anna.id])).toBe(0);
    const open = await world.rows('SELECT FROM rights_request WHERE id = ANY ($1::uuid[])', [
      items.map(({ id }) => id),
    ]);
    expect(open).toEqual([]);
  });

  test('taken back at its deadline is either carried out or taken back, never half', async () => {
    const id = await askDeletion(anna);
    await overdue(id);
    const [answer] = await Promise.all([
      anna.device.ask('DELETE', `/api/deletion-requests/${id}`),
      part(DeletionRequests).carryOut(),
    ]);
    await part(DeletionRequests).carryOut();
    const gone = (await bakery.owner.ask('GET', `/api/contacts/${anna.contactId}`)).status === 404;
    expect(gone).toBe(answer.status !== 204);
    if (!gone) expectStatus(await send(anna.device, anna.contactId), 201);
  });

  test('that was decided before a crash is carried out after it', async () => {
    const id = await askDeletion(anna);
    // As after a crash between the decision and the erasure.
    await world.rows(`UPDATE rights_request SET state = 'fulfilled', closed_at = now() WHERE id = $1`, [id]);
    expect(code(await anna.device.ask('DELETE', `/api/deletion-requests/${id}`))).toEqual([409, 'request_closed']);
    await part(DeletionRequests).carryOut();
    expectStatus(await bakery.owner.ask('GET', `/api/contacts/${anna.contactId}`), 404);
  });

  test('destroys the key of an address that no mail reached within a day', async () => {
    await confirm(address);
    const id = await askDeletion(anna);
    await overdue(id);
    await part(DeletionRequests).carryOut();
    // One of another test may still be there, although it is posted and its key is gone.
    const [noted] = await world.rows<{ id: string }>('SELECT id FROM certificate_mail ORDER BY until DESC LIMIT 1');
    expect(await keysLeft([noted!.id])).toBe(1);
    await world.rows(`UPDATE certificate_mail SET until = now() - interval '1 second'`);
    await part(CertificateMails).proceed();
    expect(await keysLeft([noted!.id])).toBe(0);
    expect(await world.rows('SELECT FROM certificate_mail')).toEqual([]);
    await finish();
  });
});

describe('a business that pauses', () => {
  test('sends and receives nothing, keeps everything, and comes back at once', async () => {
    const { code: invitation } = await world.invitation(bakery);
    expectStatus(await send(anna.device, anna.contactId), 201);
    const broadcast = {
      kind: 'service',
      reason: 'order',
      body: 'Domani aperti',
      audience: { contactIds: [anna.contactId] },
    };
    const sendAt = new Date(Date.now() + 3_600_000).toISOString();
    const made = await bakery.owner.ask('POST', '/api/broadcasts', { ...broadcast, clientId: unique(), sendAt });
    expectStatus(made, 202);
    await anna.device.connect();
    const paused = await bakery.owner.ask('PUT', '/api/subscriber/pause', { paused: true });
    expect([paused.status, paused.body.paused]).toEqual([200, true]);
    await anna.device.hears(
      'subscriber.changed',
      ({ counterpart }) => counterpart.kind === 'subscriber' && counterpart.paused,
    );
    expect((await head(anna.device, anna.contactId)).counterpart).toMatchObject({ paused: true, closesAt: null });

    for (const device of [anna.device, bakery.owner]) {
      expect(code(await send(device, anna.contactId))).toEqual([403, 'subscriber_paused']);
      const upload = await askToUpload(device, bytesOf(100), { conversationId: anna.contactId });
      expect(code(upload)).toEqual([403, 'subscriber_paused']);
      expectStatus(await device.ask('GET', `/api/conversations/${anna.contactId}/messages`), 200);
    }
    const receipt = await bakery.owner.ask('PUT', `/api/conversations/${anna.contactId}/receipt`, { seenSeq: 1 });
    expect(code(receipt)).toEqual([403, 'subscriber_paused']);
    const refused = [
      await bakery.owner.ask('POST', '/api/broadcasts', { ...broadcast, clientId: unique() }),
      await bakery.owner.ask('POST', '/api/invitations', { kind: 'open' }),
      await world.ask('GET', `/api/invitations/by-code/${invitation}?locale=it`),
    ];
    for (const answer of refused) expect(code(answer)).toEqual([403, 'subscriber_paused']);
    await world.rows(`UPDATE broadcast SET send_at = now() - interval '1 second' WHERE id = $1`, [made.body.id]);
    await part(BroadcastRuns).proceed();
    expect((await bakery.owner.ask('GET', `/api/broadcasts/${made.body.id}`)).body.state).toBe('scheduled');

    expectStatus(await bakery.owner.ask('PUT', '/api/subscriber/pause', { paused: false }), 200);
    expectStatus(await send(anna.device, anna.contactId), 201);
    await part(BroadcastRuns).proceed();
    await until(
      async () => (await bakery.owner.ask('GET', `/api/broadcasts/${made.body.id}`)).body.state === 'finished',
      'the broadcast is sent',
    );
  });
});

describe('a business that closes', () => {
  let shop: Shop;
  let person: Person;
  let personAddress: string;
  let shopAddress: string;
  beforeEach(async () => {
    shopAddress = `negozio${unique()}@mail.example`;
    shop = await world.shop('florist', { email: shopAddress, username: `fiori${unique()}` });
    await confirm(shopAddress);
    personAddress = `bruno${unique()}@mail.example`;
    person = await world.join(shop, 'bruno', { email: personAddress });
    await confirm(personAddress);
  });
  const name = () => String(shop.registration['businessName']);
  const close = (wanted: object) => shop.owner.ask('POST', '/api/subscriber/closing', wanted);

  test('must confirm with its name and password, tells its people, and sends nothing until it changes its mind', async () => {
    expect(code(await close({ password, businessName: 'Altro' }))).toEqual([409, 'confirmation_wrong']);
    expect(code(await close({ password: 'sbagliata-1234', businessName: name() }))).toEqual([403, 'password_wrong']);
    const closing = await close({ password, businessName: name().toUpperCase() });
    expectStatus(closing, 201);
    const { askedAt, closesAt } = closing.body;
    expect(Math.round((Date.parse(closesAt) - Date.parse(askedAt)) / 86_400_000)).toBe(7);
    expect((await close({ password, businessName: name() })).body).toEqual({ askedAt, closesAt });
    await part(Closings).tellContacts();
    await mails.mail(shopAddress, /verrà chiusa/);
    expect((await mails.mail(personAddress, /chiude/)).text).toContain(`/app/c/${person.contactId}`);
    expect((await head(person.device, person.contactId)).counterpart.closesAt).toBe(closesAt);
    for (const device of [person.device, shop.owner])
      expect(code(await send(device, person.contactId))).toEqual([403, 'subscriber_closing']);
    expectStatus(await shop.owner.ask('GET', `/api/conversations/${person.contactId}/export`), 200);
    expectStatus(await shop.owner.ask('DELETE', '/api/subscriber/closing'), 204);
    expectStatus(await send(person.device, person.contactId), 201);
    await part(Closings).carryOut(new Date(Date.now() + 30 * 86_400_000));
    expectStatus(await shop.owner.ask('GET', '/api/me'), 200);
  });

  test('is gone with all its data, except for what the law requires', async () => {
    const elsewhere = await world.joinAlso(anna, shop);
    const staff = await world.staff(shop);
    await staff.device.connect();
    expectStatus(await send(person.device, person.contactId, 'Un mazzo di rose'), 201);
    expectStatus(await send(anna.device, elsewhere), 201);
    expectStatus(await send(anna.device, anna.contactId), 201);
    expectStatus(await shop.owner.ask('POST', '/api/labels', { name: 'Matrimoni' }), 201);
    const invited = await shop.owner.ask('POST', '/api/invitations', { kind: 'personal', email: 'carla@mail.example' });
    expectStatus(invited, 201);
    expectStatus(await close({ password, businessName: name() }), 201);
    await world.rows(`UPDATE subscriber SET closes_at = now() - interval '1 second' WHERE subscriber_id = $1`, [
      shop.id,
    ]);
    await part(Closings).carryOut();
    for (const device of [shop.owner, staff.device, person.device])
      expectStatus(await device.ask('GET', '/api/me'), 401);
    await until(() => !staff.device.connected, 'its connections are cut');
    expect(await keysLeft([shop.id, person.contactId, elsewhere, person.id, invited.body.id])).toBe(0);
    expectStatus(await anna.device.ask('GET', `/api/conversations/${elsewhere}`), 404);
    const kept = await anna.device.ask('GET', `/api/conversations/${anna.contactId}/messages`);
    expect(kept.body.items).toHaveLength(1);
    const closed = await world.ask('POST', '/api/sessions', { body: { username: shop.username, password } });
    expect(code(closed)).toEqual([401, 'sign_in_failed']);
    await finish();

    expect((await mails.mail(shopAddress, /Certificato/)).text).toContain('cancellati');
    await until(
      async () => (await world.rows('SELECT FROM mail WHERE key_scope = $1', ['mail'])).length === 0,
      'it is sent',
    );
    await part(CertificateMails).proceed();
    const tables = await world.rows<{ table: string }>(
      `SELECT table_name AS table FROM information_schema.columns JOIN pg_class ON relname = table_name
       WHERE table_schema = 'public' AND column_name = 'subscriber_id' AND relkind IN ('r', 'p') AND NOT relispartition`,
    );
    const left: string[] = [];
    for (const { table } of tables) {
      const rows = await world.rows(`SELECT FROM ${table} WHERE subscriber_id = $1`, [shop.id]);
      if (rows.length > 0) left.push(table);
    }
    expect(left.sort()).toEqual([
      'consent',
      'consent_proof',
      'consent_proof_key',
      'erased_contact',
      'erasure',
      'shown_text',
      'subscriber',
    ]);
    const [row] = await world.rows(
      'SELECT email, street, vat_number, closed_at FROM subscriber WHERE subscriber_id = $1',
      [shop.id],
    );
    expect(row).toEqual({ email: '', street: '', vat_number: null, closed_at: expect.any(Date) });
    const ledger = await world.rows(
      'SELECT FROM erased WHERE scope = $1 AND id = $2',
      ['subscriber', shop.id],
      'keyring',
    );
    expect(ledger).toHaveLength(1);
  });

  test('cannot change its mind once the erasure has begun', async () => {
    expectStatus(await close({ password, businessName: name() }), 201);
    await world.rows(`UPDATE subscriber SET closing_erasure_id = gen_random_uuid() WHERE subscriber_id = $1`, [
      shop.id,
    ]);
    expect(code(await shop.owner.ask('DELETE', '/api/subscriber/closing'))).toEqual([409, 'closing_under_way']);
    await world.rows(`UPDATE subscriber SET closing_erasure_id = NULL WHERE subscriber_id = $1`, [shop.id]);
    expectStatus(await shop.owner.ask('DELETE', '/api/subscriber/closing'), 204);
  });
});

describe('an account', () => {
  test('without a business for 30 days is deleted, and one that joins again stays', async () => {
    const bruno = await world.join(bakery, 'bruno');
    const alone = async () => {
      const [row] = await world.rows<{ alone_since: Date | null }>(
        'SELECT alone_since FROM account JOIN interlocutor ON account_id = account.id WHERE interlocutor.id = $1',
        [bruno.id],
      );
      return row?.alone_since ?? null;
    };
    await part(AccountsAlone).end();
    expect(await alone()).toBeNull();
    // As after a loss of its only contact that ended no account.
    await world.rows(
      'UPDATE account SET alone_since = now() FROM interlocutor WHERE account_id = account.id AND interlocutor.id = $1',
      [bruno.id],
    );
    await part(AccountsAlone).end();
    expect(await alone()).toBeNull();
    const accountId = await stray();
    await part(AccountsAlone).end();
    await world.rows(`UPDATE account SET alone_since = alone_since - interval '29 days' WHERE id = $1`, [accountId]);
    expect(await part(AccountsAlone).end()).toBe(0);
    await world.rows(`UPDATE account SET alone_since = alone_since - interval '1 day' WHERE id = $1`, [accountId]);
    expect(await part(AccountsAlone).end()).toBe(1);
    expect(await world.rows('SELECT FROM account WHERE id = $1', [accountId])).toEqual([]);
  });

  /** Makes an account of a person without any contact. */
  async function stray(): Promise<string> {
    const [row] = await world.rows<{ account_id: string }>('SELECT account_id FROM interlocutor WHERE id = $1', [
      anna.id,
    ]);
    const [made] = await world.rows<{ id: string }>(
      `INSERT INTO account (id, kind, username, username_hash, password_hash, locale, created_at)
       SELECT gen_random_uuid(), kind, username, decode(md5(random()::text), 'hex'), password_hash, locale, created_at
       FROM account WHERE id = $1 RETURNING id`,
      [row!.account_id],
    );
    await world.rows(
      `INSERT INTO interlocutor SELECT (jsonb_populate_record(NULL::interlocutor,
         to_jsonb(interlocutor) || jsonb_build_object('id', gen_random_uuid(), 'account_id', $1::uuid))).*
       FROM interlocutor WHERE id = $2`,
      [made!.id, anna.id],
    );
    return made!.id;
  }

  test('without a session for two years gets one mail that asks, and stays', async () => {
    await confirm(address);
    await part(UnusedAccounts).ask();
    const idle = async (sql: string) =>
      world.rows<{ id: string }>(
        `UPDATE account SET ${sql} FROM interlocutor WHERE account_id = account.id AND interlocutor.id = $1 RETURNING account.id`,
        [anna.id],
      );
    const [account] = await idle(
      `created_at = now() - interval '26 months', last_used_at = now() - interval '25 months'`,
    );
    await part(UnusedAccounts).ask();
    expect(
      await world.rows('SELECT FROM account WHERE id = $1 AND asked_to_stay_at IS NOT NULL', [account!.id]),
    ).toEqual([]);
    await world.rows('DELETE FROM session WHERE account_id = $1', [account!.id]);
    await idle(`last_used_at = now() - interval '25 months'`);
    await part(UnusedAccounts).ask();
    expect((await mails.mail(address, /tenere il tuo account/)).text).toContain('lo conserviamo');
    const [asked] = await world.rows<{ at: Date }>('SELECT asked_to_stay_at AS at FROM account WHERE id = $1', [
      account!.id,
    ]);
    await part(UnusedAccounts).ask();
    expect(await world.rows('SELECT asked_to_stay_at AS at FROM account WHERE id = $1', [account!.id])).toEqual([
      asked,
    ]);
    expectStatus(await (await world.signIn(anna.username)).ask('GET', '/api/me'), 200);
  });
});
