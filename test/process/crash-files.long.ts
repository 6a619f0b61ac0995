import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import yauzl from 'yauzl';
import { type KillPoint, Orders } from '../crash/orders.js';
import { bytesOf } from '../support/files.js';
import { Installation, type Service } from '../support/installation.js';
import { expectStatus, password, people, shops, unique, until } from '../support/world.js';

/**
 * Promise 3: a service that is killed in an upload, in a send with files, in a withdrawal or in an export shows nothing half, loses nothing
 * that was acknowledged, and leaves nothing in the storage that a sweep does not find.
 */

const hour = 60 * 60 * 1000;

let orders: Orders;
let installation: Installation;
let service: Service;
let token: string;
let conversationId: string;

const start = async () => {
  service = await installation.start({ REGISTRATION: 'open', RATE_MESSAGES: '1000', ...orders.environment });
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
  const registration = { ...shops.bakery, username: 'forno.crash', password, consents };
  const owner = (await service.ask('POST', '/api/subscribers', { body: registration })).body.session.token;
  const { code } = (await service.ask('POST', '/api/invitations', { token: owner, body: { kind: 'open' } })).body;
  const { body: opened } = await service.ask('GET', `/api/invitations/by-code/${code}`);
  const joining = {
    ...people.anna,
    password,
    ageConfirmed: true,
    locale: 'it',
    consents: [{ policyId: opened.policies[0].id, purpose: 'privacy' }],
  };
  const joined = await service.ask('POST', `/api/invitations/by-code/${code}/acceptance`, { body: joining });
  expectStatus(joined, 201);
  token = joined.body.session.token;
  conversationId = joined.body.contact.id;
});
afterAll(async () => {
  await installation?.remove();
  await orders?.remove();
});

async function upload(bytes: Buffer): Promise<string> {
  const form = new FormData();
  form.set('conversationId', conversationId);
  form.set('file', new Blob([new Uint8Array(bytes)]), 'torta.bin');
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${service.url}/api/attachments`, { method: 'POST', headers, body: form });
  const answer = {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as { id: string },
  };
  expectStatus(answer, 201);
  return answer.body.id;
}

const download = async (id: string) => {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${service.url}/api/attachments/${id}`, { headers });
  return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
};

const tus = (method: string, path: string, headers: Record<string, string>, bytes?: Buffer) =>
  fetch(service.url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0', ...headers },
    ...(bytes && { body: new Uint8Array(bytes) }),
  });

const send = (content: Record<string, unknown>) =>
  service.ask('POST', `/api/conversations/${conversationId}/messages`, { token, body: content });

async function objects(): Promise<string[]> {
  const entries = await readdir(join(installation.dataDir, 'files'), { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).sort();
}

const rows = <Row>(query: string, values: unknown[] = []) =>
  installation.onPostgres(async (client) => (await client.query(query, values)).rows as Row[]);

/** Does something that the service does not survive, and starts it again. */
async function killedAt(point: KillPoint, work: () => Promise<unknown>): Promise<void> {
  await orders.give({ point, countdown: 1 });
  const { ended } = service;
  await work().catch(() => undefined);
  expect((await ended).signal).toBe('SIGKILL');
  expect((await orders.passed())?.point).toBe(point);
  await start();
}

/** Every object of a row is there, and nothing half; an object without a row is one that the sweep will find. */
async function examine(): Promise<void> {
  const stored = await objects();
  expect(stored.filter((name) => name.endsWith('.part'))).toEqual([]);
  const named = await rows<{ id: string }>('SELECT id FROM attachment_object');
  expect(stored).toEqual(expect.arrayContaining(named.map(({ id }) => id)));
  const usage = await rows<{ right: boolean }>(
    `SELECT bytes = (SELECT coalesce(sum(size), 0) FROM attachment WHERE state <> 'rejected') AS right FROM attachment_usage`,
  );
  expect(usage.every(({ right }) => right)).toBe(true);
}

test.each(['in-upload', 'in-file-commit'] as const)(
  'a form: killed at the point %s, it leaves nothing half, and the next upload works',
  async (point) => {
    await killedAt(point, () => upload(bytesOf(3_000_000)));
    await examine();
    const bytes = bytesOf(500_000);
    const id = await upload(bytes);
    expect((await download(id)).bytes.equals(bytes)).toBe(true);
  },
);

test.each(['before-file'] as const)(
  'a resumable upload: killed at the point %s, it goes on at the offset that is told',
  async (point) => {
    const bytes = bytesOf(20_000_000);
    const begun = await tus('POST', '/api/attachments/uploads', {
      'upload-length': String(bytes.length),
      'upload-metadata': `conversationId ${Buffer.from(conversationId).toString('base64')}`,
    });
    const path = begun.headers.get('location')!;
    const patch = (offset: number) =>
      tus(
        'PATCH',
        path,
        { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' },
        bytes.subarray(offset),
      );
    await killedAt(point, () => patch(0));
    await examine();
    const offset = Number((await tus('HEAD', path, {})).headers.get('upload-offset'));
    expect(offset % (16 * 1024 * 1024)).toBe(0);
    expect((await patch(offset)).status).toBe(204);
    expect((await download(path.split('/').at(-1)!)).bytes.equals(bytes)).toBe(true);
  },
);

test.each(['in-commit', 'after-commit'] as const)(
  'a message with files: killed at the point %s, a retry has it once, with its files',
  async (point) => {
    const bytes = bytesOf(100_000);
    const attachmentIds = [await upload(bytes), await upload(bytesOf(10))];
    const content = { clientId: unique(), body: '', attachmentIds };
    await killedAt(point, () => send(content));
    await examine();
    const retried = await send(content);
    expect([200, 201]).toContain(retried.status);
    const path = `/api/conversations/${conversationId}/messages?limit=200`;
    const { items } = (await service.ask('GET', path, { token })).body;
    const stored = items.filter(({ clientId }: { clientId: string }) => clientId === content.clientId);
    expect(stored).toMatchObject([{ seq: retried.body.seq, attachments: attachmentIds.map((id) => ({ id })) }]);
    expect((await download(attachmentIds[0]!)).bytes.equals(bytes)).toBe(true);
    expect((await send({ ...content, clientId: unique() })).body.code).toBe('attachment_not_found');
  },
);

test('a withdrawal killed while it commits leaves the message and its files both there or both gone', async () => {
  const id = await upload(bytesOf(100_000));
  const { body } = await send({ clientId: unique(), body: 'Ecco', attachmentIds: [id] });
  const path = `/api/conversations/${conversationId}/messages/${body.seq}`;
  await killedAt('in-withdrawal', () => service.ask('DELETE', path, { token }));
  await examine();
  const list = `/api/conversations/${conversationId}/messages?after=${body.seq - 1}`;
  const [message] = (await service.ask('GET', list, { token })).body.items;
  expect((await download(id)).status).toBe(message.withdrawnAt ? 404 : 200);
  expectStatus(await service.ask('DELETE', path, { token }), 204);
  expect((await download(id)).status).toBe(404);
});

test.each(['in-upload', 'before-export', 'in-export', 'after-export'] as const)(
  'an export: killed at the point %s, it is made anew and whole, and nothing is left of the other attempt',
  async (point) => {
    const id = await upload(bytesOf(3_000_000));
    expectStatus(await send({ clientId: unique(), body: 'Per la copia', attachmentIds: [id] }), 201);
    let exported = '';
    await killedAt(point, async () => {
      exported = (await service.ask('POST', '/api/exports', { token, body: {} })).body.id;
    });
    const [{ id: known } = { id: '' }] = await rows<{ id: string }>(
      'SELECT id FROM export ORDER BY asked_at DESC LIMIT 1',
    );
    if (exported) expect(known).toBe(exported);
    await until(
      async () => (await service.ask('GET', `/api/exports/${known}`, { token })).body.state === 'ready',
      'the export is ready',
    );
    const named = await rows<{ object: string }>('SELECT object FROM export');
    expect((await objects()).filter((name) => name.startsWith('export-'))).toEqual(
      named.map(({ object }) => object).sort(),
    );
    expectStatus(await service.ask('POST', `/api/exports/${known}/download`, { token, body: { password } }), 200);
    const headers = { authorization: `Bearer ${token}` };
    const zip = await (await fetch(`${service.url}/api/exports/${known}/file`, { headers })).arrayBuffer();
    const entries = [];
    const opened = await yauzl.fromBufferPromise(Buffer.from(zip));
    for await (const entry of opened.eachEntry()) entries.push(entry.fileName);
    expect(entries.at(-1)).toBe('index.html');
    expectStatus(await service.ask('DELETE', `/api/exports/${known}`, { token }), 204);
  },
);

test('an object without a row is named after its time, so the sweep finds it after a day', async () => {
  const named = new Set((await rows<{ id: string }>('SELECT id FROM attachment_object')).map(({ id }) => id));
  const waiting = new Set((await rows<{ id: string }>('SELECT id FROM erased_object')).map(({ id }) => id));
  const stray = (await objects()).filter(
    (name) => !named.has(name) && !waiting.has(name) && !name.startsWith('export-'),
  );
  for (const name of stray) {
    const time = Number.parseInt(name.replace(/-/g, '').slice(0, 12), 16);
    expect(Math.abs(Date.now() - time)).toBeLessThan(hour);
  }
});
