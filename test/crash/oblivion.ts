import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { EpochKeys } from '../../src/platform/vault/epoch-keys.js';
import { parseMasterKey } from '../../src/platform/settings/readers.js';
import { open, UnsealError } from '../../src/platform/vault/sealing.js';
import { Installation, type Service, until } from '../support/installation.js';
import { type Answer, expectStatus, password, shops, unique } from '../support/world.js';
import { type KillPoint, Orders } from './orders.js';

/** An installation with one business, on which people are erased; a test file that imports it has it to itself. */

let orders: Orders;
export let installation: Installation;
export let service: Service;
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
});
afterAll(async () => {
  await installation?.remove();
  await orders?.remove();
});

export const ask = (method: string, path: string, body?: unknown, token = owner): Promise<Answer> =>
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
export async function canary(): Promise<Canary> {
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

export async function copies({ contactId, interlocutorId }: Canary): Promise<Copies> {
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
export async function opened({ keys, sealed }: Copies, word: string): Promise<number> {
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
export async function tracesOf({ word, ids }: Canary): Promise<string[]> {
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

export const finished = async (erasureId: string) => {
  let certificate: Answer['body'];
  await until(async () => {
    const { body } = await ask('GET', `/api/erasures/${erasureId}`);
    certificate = body;
    return body.state === 'finished';
  }, 'the erasure is finished');
  return certificate;
};

/** Ledgers name contacts by their ids alone, and the accounts that went with them. */
export const ledgers = ['public.erased', 'public.erased_contact'];

/** Erases somebody while the service is killed at a point, and finds that the erasure ends. */
export async function eraseWhileKilledAt(point: KillPoint): Promise<void> {
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
}
