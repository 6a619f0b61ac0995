import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { verifyCertificate } from '../../src/commands/certificate-verification.js';
import { EpochKeys } from '../../src/platform/vault/epoch-keys.js';
import { parseMasterKey } from '../../src/platform/settings/readers.js';
import { open, UnsealError } from '../../src/platform/vault/sealing.js';
import { erasurePoints, Orders } from '../crash/orders.js';
import { Installation, type Service, until } from '../support/installation.js';
import { type Answer, expectStatus, password, shops, unique } from '../support/world.js';

/**
 * Promise 6: an erased person is unreadable wherever something of it was. Every sealed value and every wrapped key is copied
 * before, and opened with the keys of then; afterwards nothing of it is left in both databases, and with the key directory as it
 * is now, not even the copies open. The same when the service is killed at any step.
 */

jest.setTimeout(240_000);

let orders: Orders;
let installation: Installation;
let service: Service;
let owner: string;
let invitation: string;

const start = async () => {
  service = await installation.start({
    REGISTRATION: 'open',
    RATE_JOIN: '1000',
    RATE_MESSAGES: '1000',
    LOG_LEVEL: 'debug',
    ...orders.environment,
  });
};

beforeAll(async () => {
  orders = await Orders.open();
  installation = await Installation.make(orders.nodeArguments);
  await start();
  const { body: policies } = await service.ask('GET', '/api/policies/current?audience=subscriber');
  const consents = policies.items.map(({ id, purpose }: { id: string; purpose: string }) => ({
    policyId: id,
    purpose,
  }));
  const registration = { ...shops.bakery, username: 'forno.oblio', password, consents };
  const registered = await service.ask('POST', '/api/subscribers', { body: registration });
  expectStatus(registered, 201);
  owner = registered.body.session.token;
  invitation = (await ask('POST', '/api/invitations', { kind: 'open' })).body.code;
}, 180_000);
afterAll(async () => {
  await installation?.remove();
  await orders?.remove();
});

const ask = (method: string, path: string, body?: unknown, token = owner): Promise<Answer> =>
  service.ask(method, path, { token, body }).catch((error: unknown) => {
    throw new Error(`${method} ${path}`, { cause: error });
  });

const rows = <Row>(query: string, values: unknown[] = [], database = 'colloquio') =>
  installation.onPostgres(async (client) => (await client.query(query, values)).rows as Row[], database);

interface Canary {
  word: string;
  interlocutorId: string;
  contactId: string;
  ids: string[];
}

/** Somebody joins, and a word that is its own goes into every place that holds something of a person. */
async function canary(): Promise<Canary> {
  const word = `Zqy${unique()}`;
  const { body: opened } = await service.ask('GET', `/api/invitations/by-code/${invitation}`);
  const consents = [
    { policyId: opened.policies[0].id, purpose: 'privacy' },
    { policyId: opened.policies[0].id, purpose: 'promotions' },
  ];
  const email = `${word.toLowerCase()}@mail.example`;
  const person = { firstName: word, surname: word, email, password, ageConfirmed: true, locale: 'it', device: word };
  const joined = await service.ask('POST', `/api/invitations/by-code/${invitation}/acceptance`, {
    body: { ...person, consents },
  });
  expectStatus(joined, 201);
  const { contact, interlocutor, session } = joined.body;
  const path = `/api/conversations/${contact.id}/messages`;
  const { body: label } = await ask('POST', '/api/labels', { name: `Etichetta ${word}` });
  const added = { labels: [label.id], note: word, externalId: word, phone: `0546 ${word}` };
  expectStatus(await ask('PATCH', `/api/contacts/${contact.id}`, added), 200);
  await ask('DELETE', `/api/labels/${label.id}`);
  const attachmentIds: string[] = [];
  for (const name of [`${word}.txt`, `${word}-2.txt`]) {
    const form = new FormData();
    form.set('conversationId', contact.id);
    form.set('file', new Blob([`${word} `.repeat(1_000)]), name);
    const headers = { authorization: `Bearer ${session.token}` };
    const response = await fetch(`${service.url}/api/attachments`, { method: 'POST', headers, body: form });
    expect(response.status).toBe(201);
    attachmentIds.push(((await response.json()) as { id: string }).id);
  }
  const content = { clientId: unique(), body: word, attachmentIds: attachmentIds.slice(0, 1) };
  expectStatus(await ask('POST', path, content, session.token), 201);
  expectStatus(await ask('POST', path, { clientId: unique(), body: `Grazie, ${word}` }), 201);
  expectStatus(await ask('PUT', `/api/conversations/${contact.id}/receipt`, { seenSeq: 1 }), 204);
  const broadcast = { clientId: unique(), kind: 'service', reason: 'other', body: 'Ciao {{firstName}}' };
  const made = await ask('POST', '/api/broadcasts', { ...broadcast, audience: { contactIds: [contact.id] } });
  expectStatus(made, 202);
  await until(
    async () => (await ask('GET', `/api/broadcasts/${made.body.id}`)).body.state === 'finished',
    'it is sent',
  );
  await ask('POST', `${path}/3/advertising-report`, undefined, session.token);
  // Mails wait, because there is no server for them.
  await ask('POST', '/api/me/email-verification', undefined, session.token);
  await until(async () => {
    const { body } = await ask('POST', '/api/archive/searches', { q: word });
    return body.items.length === 2;
  }, 'it is in the index');
  const [account] = await rows<{ id: string }>('SELECT account_id AS id FROM interlocutor WHERE id = $1', [
    interlocutor.id,
  ]);
  return {
    word,
    interlocutorId: interlocutor.id,
    contactId: contact.id,
    ids: [contact.id, interlocutor.id, account!.id, session.id, ...attachmentIds],
  };
}

/** Wrapped keys of a person and values that they seal, as somebody has copied them. */
interface Copies {
  keys: { scope: string; id: string; epoch: number; wrapped: Buffer }[];
  sealed: { id: string; bytes: Buffer; context: string[] }[];
}

async function copies({ contactId, interlocutorId }: Canary): Promise<Copies> {
  const [shop] = await rows<{ id: string }>('SELECT subscriber_id AS id FROM contact WHERE id = $1', [contactId]);
  const [contact] = await rows<{ identity: Buffer }>('SELECT identity FROM contact WHERE id = $1', [contactId]);
  const [original] = await rows<{ identity: Buffer }>('SELECT identity FROM interlocutor WHERE id = $1', [
    interlocutorId,
  ]);
  const keys = await rows<Copies['keys'][number]>(
    'SELECT scope, id, epoch, wrapped FROM wrapped_key WHERE id = ANY ($1::uuid[])',
    [[contactId, interlocutorId]],
    'colloquio_keyring',
  );
  return {
    keys,
    sealed: [
      { id: contactId, bytes: contact!.identity, context: ['contact', shop!.id, contactId, 'identity'] },
      { id: interlocutorId, bytes: original!.identity, context: ['interlocutor', interlocutorId, 'identity'] },
    ],
  };
}

/** Tries to open copies with the key directory as it is now; also with the epoch as it is now in the place of an older one. */
async function opened({ keys, sealed }: Copies, word: string): Promise<number> {
  const masterKey = parseMasterKey(await readFile(installation.keyFile('master.key'), 'utf8'))!;
  const epochs = await EpochKeys.load(installation.keyFile('epoch.key'), masterKey);
  let readable = 0;
  for (const { scope, id, wrapped } of keys) {
    for (const number of epochs.known) {
      try {
        const key = open(epochs.key(number), wrapped, ['key', scope, id]);
        const value = sealed.find((each) => each.id === id)!;
        if (open(key, value.bytes, value.context).toString().includes(word)) readable++;
      } catch (error) {
        if (!(error instanceof UnsealError)) throw error;
      }
    }
  }
  return readable;
}

/** Places that hold the word, or one of the ids. */
async function tracesOf({ word, ids }: Canary): Promise<string[]> {
  const traces: string[] = [];
  for (const database of ['colloquio', 'colloquio_keyring']) {
    await installation.onPostgres(async (client) => {
      const { rows: tables } = await client.query<{ name: string }>(
        `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
         WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
      );
      for (const { name } of tables) {
        const found = await client.query<{ row: string }>(
          `SELECT t::text AS row FROM ${name} AS t WHERE t::text ILIKE ANY ($1::text[])`,
          [[word, ...ids].map((each) => `%${each}%`)],
        );
        if (found.rowCount) traces.push(name);
      }
    }, database);
  }
  const objects = await readdir(join(installation.dataDir, 'files'), { recursive: true }).catch(() => []);
  const named = await rows<{ id: string }>('SELECT id FROM attachment_object');
  const known = new Set(named.map(({ id }) => id));
  for (const name of objects)
    if (/[0-9a-f]{8}-/.test(name) && !known.has(name.slice(-36))) traces.push(`object ${name}`);
  return [...new Set(traces)].sort();
}

const finished = async (erasureId: string) => {
  let certificate: Answer['body'];
  await until(async () => {
    const { body } = await ask('GET', `/api/erasures/${erasureId}`);
    certificate = body;
    return body.state === 'finished';
  }, 'the erasure is finished');
  return certificate;
};

/** Ledgers name contacts by their ids alone, and the accounts that went with them. */
const ledgers = ['public.erased', 'public.erased_contact'];

const certificates: string[] = [];

test('an erased person stands nowhere any more, and no copy of before opens with the keys of now', async () => {
  const gone = await canary();
  const kept = await canary();
  const [before, ofKept] = [await copies(gone), await copies(kept)];
  expect([await opened(before, gone.word), await opened(ofKept, kept.word)]).toEqual([2, 2]);
  const answer = await ask('DELETE', `/api/contacts/${gone.contactId}`);
  expectStatus(answer, 202);
  const certificate = await finished(answer.body.erasureId);
  expect(certificate.erased).toMatchObject({
    ...{ contacts: 1, accounts: 1, sessions: 1, messages: 3, files: 2, notes: 1, consents: 2, broadcasts_received: 1 },
    ...{ advertising_reports: 1, search_entries: 2, waiting_mails: 2 },
  });
  expect(await tracesOf(gone)).toEqual(ledgers);
  expect(await opened(before, gone.word)).toBe(0);
  // The epoch of before is gone for everybody, but the other person's key was wrapped anew.
  expect(await opened(ofKept, kept.word)).toBe(0);
  expect(await opened(await copies(kept), kept.word)).toBe(2);
  certificates.push(JSON.stringify(certificate));

  const { stdout, stderr } = service;
  for (const text of [stdout, stderr]) expect(text.toLowerCase()).not.toContain(gone.word.toLowerCase());
});

/** Four of them by chance, since each costs a start; `ERASURE_POINTS=all`, or some of them by name. */
const wanted = process.env['ERASURE_POINTS'];
const points = erasurePoints
  .filter((point) => wanted === undefined || wanted === 'all' || wanted.split(',').includes(point))
  .sort(() => Math.random() - 0.5)
  .slice(0, wanted === undefined ? 4 : erasurePoints.length);

test.each(points)('an erasure whose service is killed at the point %s ends all the same', async (point) => {
  // A service that has just renewed the epoch would wait for a minute.
  if (point.endsWith('renewal')) {
    await service.stop();
    await start();
  }
  const gone = await canary();
  const before = await copies(gone);
  expect(await opened(before, gone.word)).toBe(2);
  await orders.give({ point, countdown: 1 });
  const { ended } = service;
  await ask('DELETE', `/api/contacts/${gone.contactId}`).catch(() => undefined);
  expect((await ended).signal).toBe('SIGKILL');
  expect((await orders.passed())?.point).toBe(point);
  await start();
  const { items } = (await ask('GET', '/api/erasures')).body;
  const [known] = await rows<{ id: string }>('SELECT erasure_id AS id FROM erased_contact WHERE contact_id = $1', [
    gone.contactId,
  ]);
  // What was not written down has not begun, and nothing of the contact is lost.
  if (!known) {
    expect(point).toBe('in-erasure-commit');
    expect((await ask('GET', `/api/contacts/${gone.contactId}`)).body.note).toBe(gone.word);
    const again = await ask('DELETE', `/api/contacts/${gone.contactId}`);
    await finished(again.body.erasureId);
  } else {
    expect(items[0].id).toBe(known.id);
    const { erased } = await finished(known.id);
    expect(erased).toMatchObject({ contacts: 1, accounts: 1, messages: 3, files: 2, consents: 2, search_entries: 2 });
  }
  expect(await tracesOf(gone)).toEqual(ledgers);
  expect(await opened(before, gone.word)).toBe(0);
});

describe('a certificate', () => {
  test('verifies without a network, with the fingerprint that the installation tells', async () => {
    const { fingerprint } = (await service.ask('GET', '/api/erasure-key')).body;
    const [text] = certificates as [string];
    expect(verifyCertificate(text)).toMatchObject({ valid: true });
    expect(verifyCertificate(text, fingerprint).lines[0]).toBe('VALID: Forno Aurora erased 1 contact.');
    const file = join(installation.dataDir, 'certificate.json');
    await writeFile(file, JSON.stringify(JSON.parse(text), null, 2));
    const run = await installation.command('verify-certificate', {}, file, '--fingerprint', fingerprint);
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('VALID') });
    expect(await installation.command('verify-certificate', {}, `${file}.none`)).toMatchObject({ code: 2 });
  });

  test.each([
    ['another number', (certificate: Answer['body']) => ({ ...certificate, contacts: 2 })],
    ['another time', (certificate: Answer['body']) => ({ ...certificate, unreadableAt: '2020-01-01T00:00:00.000Z' })],
    ['a field more', (certificate: Answer['body']) => ({ ...certificate, remark: 'x' })],
    ['a count less', ({ erased: { messages: _, ...erased }, ...rest }: Answer['body']) => ({ ...rest, erased })],
    [
      'another key',
      (certificate: Answer['body']) => ({ ...certificate, publicKey: Buffer.alloc(32, 1).toString('base64') }),
    ],
  ])('with %s does not', (_, change) => {
    const changed = change(JSON.parse(certificates[0]!));
    expect(verifyCertificate(JSON.stringify(changed))).toMatchObject({ valid: false });
    expect(verifyCertificate(JSON.stringify({ ...changed, signature: null })).valid).toBe(false);
  });

  test('of another installation is not taken for one of this', () => {
    const stranger = '0000 0000 0000 0000 0000 0000 0000 0000';
    expect(verifyCertificate(certificates[0]!, stranger).lines[0]).toMatch(/signed with another key/);
    expect(verifyCertificate('{"format":"other"}').valid).toBe(false);
    expect(verifyCertificate('no JSON').valid).toBe(false);
  });
});
