import { DataSource } from 'typeorm';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import yauzl from 'yauzl';
import { limits } from '../src/contract/limits.js';
import { Exporting } from '../src/exports/exporting.service.js';
import { fieldNames } from '../src/exports/field-names.js';
import { Storage, StorageFailure } from '../src/platform/storage/storage.js';
import { download, upload } from './support/files.js';
import {
  type Answer,
  type Device,
  expectStatus,
  password,
  type Person,
  type Shop,
  type Staff,
  unique,
  until,
  World,
} from './support/world.js';

let world: World;
let bakery: Shop;
let florist: Shop;
let anna: Person;
let bruno: Person;
let staff: Staff;
/** Anna's contact at the florist. */
let annaAtFlorist: string;
let annasExport: string;
let code: string;
/** Entries of the zips by their names. */
let annas: Map<string, Buffer>;
let owners: Map<string, Buffer>;

const canary = 'Canarino: la ricetta segreta del pane nero';

type Item = Record<string, unknown>;

async function everything(device: Device, path: string): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const sign = path.includes('?') ? '&' : '?';
    const answer: Answer = await device.ask('GET', `${path}${sign}limit=200${cursor && `&cursor=${cursor}`}`);
    expectStatus(answer, 200);
    items.push(...answer.body.items);
    cursor = answer.body.nextCursor;
  }
  return items;
}

async function exported(device: Device, wanted: Record<string, unknown> = {}): Promise<string> {
  const asked = await device.ask('POST', '/api/exports', wanted);
  expectStatus(asked, 202);
  const { id } = asked.body;
  await until(
    async () => (await device.ask('GET', `/api/exports/${id}`)).body.state === 'ready',
    'the export is ready',
  );
  return id;
}

const file = (device: Device, id: string, headers: Record<string, string> = {}) =>
  download({ token: device.token, url: world.url }, `/api/exports/${id}/file`, headers);

async function opened(device: Device, id: string): Promise<Map<string, Buffer>> {
  expectStatus(await device.ask('POST', `/api/exports/${id}/download`, { password }), 200);
  const { status, bytes } = await file(device, id);
  expect(status).toBe(200);
  const found = new Map<string, Buffer>();
  const zip = await yauzl.fromBufferPromise(bytes, { strictFileNames: true });
  for await (const entry of zip.eachEntry())
    found.set(entry.fileName, await buffer(await zip.openReadStreamPromise(entry)));
  return found;
}

const data = (entries: Map<string, Buffer>, name: string): Item[] =>
  JSON.parse(entries.get(`${name}.json`)!.toString());
const byId = (items: Item[]) => [...items].sort((one, other) => (String(one['id']) < String(other['id']) ? -1 : 1));
const without = (items: Item[], ...fields: string[]) =>
  items.map((item) => Object.fromEntries(Object.entries(item).filter(([field]) => !fields.includes(field))));

const say = async (device: Device, contactId: string, body: string, attachmentIds: string[] = []) => {
  const content = { clientId: unique(), body, attachmentIds };
  expectStatus(await device.ask('POST', `/api/conversations/${contactId}/messages`, content), 201);
};

beforeAll(async () => {
  world = await World.open();
  bakery = await world.shop('bakery');
  florist = await world.shop('florist');
  anna = await world.join(bakery, 'anna', { promotions: true });
  bruno = await world.join(bakery, 'bruno');
  annaAtFlorist = await world.joinAlso(anna, florist);
  staff = await world.staff(bakery);
  const label = (await bakery.owner.ask('POST', '/api/labels', { name: 'Clienti del sabato' })).body.id;
  const reply = { title: 'Orari', text: 'Buongiorno {{firstName}}, siamo aperti dalle 7.' };
  expectStatus(await staff.device.ask('POST', '/api/quick-replies', reply), 201);
  const note = 'Preferisce il pane <b>ben cotto</b>';
  const added = { labels: [label], note, externalId: 'C-1', phone: '+39 0546 123456' };
  expectStatus(await staff.device.ask('PATCH', `/api/contacts/${anna.contactId}`, added), 200);
  await say(anna.device, anna.contactId, 'Buongiorno a tutti');
  const recipe = await upload(staff.device, Buffer.from(canary), {
    conversationId: anna.contactId,
    name: 'ricetta.txt',
  });
  await say(staff.device, anna.contactId, 'Ecco la ricetta', [recipe.id]);
  await say(bruno.device, bruno.contactId, 'Sono Bruno');
  await say(florist.owner, annaAtFlorist, 'I fiori sono pronti');
  await anna.device.ask('PUT', `/api/conversations/${anna.contactId}/receipt`, { seenSeq: 2 });
  const poster = await upload(bakery.owner, Buffer.from('Orari di agosto'), { broadcast: true, name: 'orari.txt' });
  const made = await bakery.owner.ask('POST', '/api/broadcasts', {
    clientId: unique(),
    kind: 'service',
    reason: 'closure',
    body: 'Chiusi ad agosto',
    attachmentIds: [poster.id],
    audience: { all: true },
  });
  expectStatus(made, 202);
  await until(async () => {
    const { body } = await bakery.owner.ask('GET', `/api/broadcasts/${made.body.id}`);
    return body.state === 'finished';
  }, 'the broadcast is sent');
  const request = { contactId: anna.contactId, kind: 'rectification', words: 'Il cognome è Rossi' };
  expectStatus(await anna.device.ask('POST', '/api/requests', request), 201);
  const letters = new FormData();
  letters.set('file', new Blob(['email\nlina@mail.example\n']), 'clienti.csv');
  expectStatus(await bakery.owner.ask('POST', '/api/imports', letters), 202);
  await until(async () => {
    const { body } = await bakery.owner.ask('GET', '/api/imports');
    return body.items[0].state === 'finished';
  }, 'the import ends');
  ({ code } = await world.invitation(bakery));
  annasExport = await exported(anna.device, { locale: 'en' });
  annas = await opened(anna.device, annasExport);
  owners = await opened(bakery.owner, await exported(bakery.owner, { locale: 'it' }));
});
afterAll(() => world.close());

describe('an export of an interlocutor', () => {
  test('equals what the API shows it, field by field', async () => {
    const api = {
      profile: [{ ...(await anna.device.ask('GET', '/api/me')).body, unreadAfterMinutes: 60 }],
      devices: without(await everything(anna.device, '/api/sessions'), 'current'),
      consents: await everything(anna.device, '/api/consents'),
      requests: await everything(anna.device, '/api/requests'),
      conversations: byId(await everything(anna.device, '/api/conversations')),
    };
    expect({
      profile: data(annas, 'profile'),
      devices: data(annas, 'devices'),
      consents: without(data(annas, 'consents'), 'words'),
      requests: data(annas, 'requests'),
      conversations: without(data(annas, 'conversations'), 'page'),
    }).toEqual(api);
    expect(api.conversations).toHaveLength(2);
    expect(api.requests).toHaveLength(1);
    await messagesEqual(annas, anna.device);
  });

  test('contains what each business has added about the person, and what was done with it, without naming the members', async () => {
    const { addressShared, labels, ...seen } = (await bakery.owner.ask('GET', `/api/contacts/${anna.contactId}`)).body;
    expect([addressShared, labels]).toEqual([false, [expect.any(String)]]);
    const [about] = data(annas, 'about-you').filter(({ id }) => id === anna.contactId);
    const { counterpart } = (await anna.device.ask('GET', `/api/conversations/${anna.contactId}`)).body;
    expect(about).toEqual({ business: counterpart, ...seen, labels: ['Clienti del sabato'] });
    expect(data(annas, 'about-you')).toHaveLength(2);
    const actions = (await everything(bakery.owner, '/api/actions')).filter(
      ({ subjectId }) => subjectId === anna.contactId,
    );
    expect(actions.length).toBeGreaterThan(0);
    const ofBakery = data(annas, 'actions').filter(({ businessName }) => businessName === 'Forno Aurora');
    expect(byId(ofBakery)).toEqual(
      byId(without(actions, 'memberId', 'network', 'times')).map((each) => ({ businessName: 'Forno Aurora', ...each })),
    );
    const all = [...annas.values()].map((bytes) => bytes.toString()).join();
    expect(all).not.toContain(staff.id);
    expect(all).not.toContain('Sara');
  });

  test('contains the texts and the wording of every consent as they were shown', async () => {
    const { body } = await world.ask('GET', `/api/invitations/by-code/${code}?locale=it`);
    const [{ text, sha256, checkboxes }] = body.policies;
    expect(data(annas, 'texts')).toContainEqual(expect.objectContaining({ sha256, text }));
    const given = data(annas, 'consents').filter(({ contactId }) => contactId === anna.contactId);
    expect(given.map(({ words }) => words).sort()).toEqual(
      checkboxes.map(({ words }: { words: string }) => words).sort(),
    );
  });

  test('contains nothing of other people or businesses', () => {
    const all = [...annas.values()].map((bytes) => bytes.toString()).join();
    expect(all).not.toContain('Bruno');
    expect(all).not.toContain(bruno.contactId);
    expect(all).not.toContain('clienti.csv');
  });

  test('of one business contains nothing of the others', async () => {
    const id = await exported(anna.device, { contactId: annaAtFlorist });
    expect((await anna.device.ask('GET', `/api/exports/${id}`)).body.contactId).toBe(annaAtFlorist);
    const entries = await opened(anna.device, id);
    const all = [...entries.values()].map((bytes) => bytes.toString()).join();
    expect(all).toContain('I fiori sono pronti');
    expect(all).not.toContain('Forno Aurora');
    expect(all).not.toContain(anna.contactId);
    expect(data(entries, 'conversations')).toHaveLength(1);
    expect(data(entries, 'texts')).toHaveLength(1);
  });
});

describe('an export of a business', () => {
  test('equals what the API shows its owner, field by field', async () => {
    const owner = bakery.owner;
    const labels = new Map((await everything(owner, '/api/labels')).map(({ id, name }) => [id, name]));
    const broadcasts = await everything(owner, '/api/broadcasts');
    const views = await Promise.all(
      broadcasts.map(async ({ id }) => (await owner.ask('GET', `/api/broadcasts/${String(id)}`)).body),
    );
    const recipients = await everything(owner, `/api/broadcasts/${String(broadcasts[0]!['id'])}/recipients`);
    const contacts = (await everything(owner, '/api/contacts')) as (Item & { labels: string[] })[];
    const api = {
      profile: [{ ...(await owner.ask('GET', '/api/me')).body, unreadAfterMinutes: 60 }],
      members: await everything(owner, '/api/members'),
      devices: without(await everything(owner, '/api/sessions'), 'current'),
      notifications: [(await owner.ask('GET', '/api/notification-settings')).body],
      labels: await everything(owner, '/api/labels'),
      quickReplies: await everything(owner, '/api/quick-replies'),
      contacts: contacts.map((each) => ({ ...each, labels: each.labels.map((id) => labels.get(id)) })),
      broadcasts: views,
      recipients: recipients.map((each) => ({ broadcastId: broadcasts[0]!['id'], ...each })),
      invitations: await everything(owner, '/api/invitations'),
      imports: await everything(owner, '/api/imports'),
      consents: await everything(owner, '/api/consents'),
      requests: await everything(owner, '/api/requests'),
      conversations: byId(await everything(owner, '/api/conversations')),
    };
    const shown = {
      profile: data(owners, 'profile'),
      members: data(owners, 'members'),
      devices: data(owners, 'devices'),
      notifications: data(owners, 'notifications'),
      labels: data(owners, 'labels'),
      quickReplies: data(owners, 'quick-replies'),
      contacts: data(owners, 'contacts'),
      broadcasts: data(owners, 'broadcasts').map(({ attachments, ...each }) => ({
        ...each,
        attachments: without(attachments as Item[], 'file'),
      })),
      recipients: data(owners, 'broadcast-recipients'),
      invitations: data(owners, 'invitations'),
      imports: data(owners, 'imports'),
      consents: without(data(owners, 'consents'), 'words'),
      requests: data(owners, 'requests'),
      conversations: without(data(owners, 'conversations'), 'page'),
    };
    expect(shown).toEqual(api);
    for (const list of Object.values(shown)) expect(list.length).toBeGreaterThan(0);
    await messagesEqual(owners, owner);
    // The export itself was asked for, and let be downloaded, while the log was read.
    const actions = await everything(owner, '/api/actions');
    const told = data(owners, 'actions');
    expect(told).toEqual(actions.slice(-told.length));
    expect(actions.slice(0, -told.length).map(({ kind }) => kind)).toEqual(['export.downloaded']);
    const { body: annasConsents } = await anna.device.ask('GET', '/api/consents?limit=200');
    const proofs = data(owners, 'contact-consents').filter(({ contactId }) => contactId === anna.contactId);
    expect(byId(without(proofs, 'words'))).toEqual(
      byId(annasConsents.items.filter(({ contactId }: Item) => contactId === anna.contactId)),
    );
  });

  test('contains the file of a broadcast once, and every conversation links to it', () => {
    const files = [...owners.keys()].filter((path) => owners.get(path)!.toString() === 'Orari di agosto');
    expect(files).toEqual([expect.stringMatching(/^broadcast-files\/\d{6}-orari\.txt$/)]);
    const pages = [...owners.keys()].filter((path) => path.endsWith('/conversation.html'));
    expect(pages.length).toBeGreaterThan(1);
    for (const path of pages) expect(owners.get(path)!.toString()).toContain(`href="../../${files[0]!}"`);
    const annasOwn = [...annas.keys()].filter((path) => annas.get(path)!.toString() === 'Orari di agosto');
    expect(annasOwn).toEqual([expect.stringMatching(/^conversations\/\d{6}-Forno Aurora\/files\//)]);
  });
});

/** Compares every message of an export with the API's, but for the places of files and the offer to opt out. */
async function messagesEqual(entries: Map<string, Buffer>, device: Device): Promise<void> {
  const documents = [...entries.keys()].filter((path) => path.endsWith('/conversation.json'));
  for (const path of documents) {
    const { id, messages, counterpart } = JSON.parse(entries.get(path)!.toString());
    const head = (await device.ask('GET', `/api/conversations/${id}`)).body;
    expect(counterpart).toEqual(head.counterpart);
    const shown = (await everything(device, `/api/conversations/${id}/messages?after=0`)).map(
      ({ broadcast, ...message }) => {
        if (!broadcast) return message;
        const { optOut: _, ...mark } = broadcast as Item;
        return { ...message, broadcast: mark };
      },
    );
    const told = (messages as (Item & { attachments: Item[] })[]).map(({ attachments, ...message }) => {
      for (const { file: place } of attachments) {
        const folder = path.slice(0, path.lastIndexOf('/') + 1);
        expect(entries.has(new URL(String(place), `zip:///${folder}`).pathname.slice(1).replaceAll('%20', ' '))).toBe(
          true,
        );
      }
      return { ...message, attachments: without(attachments, 'file') };
    });
    expect(told).toEqual(shown);
    expect(shown.length).toBe(head.lastSeq);
  }
  const heads = await everything(device, '/api/conversations');
  expect(documents).toHaveLength(heads.filter(({ lastSeq }) => Number(lastSeq) > 0).length);
}

describe('the pages of an export', () => {
  test('show what people wrote as text, run nothing, and load nothing from elsewhere', () => {
    for (const entries of [annas, owners]) {
      const pages = [...entries].filter(([path]) => path.endsWith('.html'));
      expect(pages.length).toBeGreaterThan(6);
      for (const [, bytes] of pages) {
        const html = bytes.toString();
        expect(html).not.toMatch(/<script|<link|<iframe|javascript:|(?:src|href)="(?:https?:)?\/\//);
        expect(html).toMatch(/http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;/);
        expect(html).toContain('@media print');
      }
    }
    expect(annas.get('about-you.html')!.toString()).toContain('Preferisce il pane &lt;b&gt;ben cotto&lt;/b&gt;');
  });

  test('are linked from the index, in the requested language', () => {
    for (const [entries, language, title] of [
      [annas, 'en', 'Your data in Colloquio'],
      [owners, 'it', 'I tuoi dati in Colloquio'],
    ] as const) {
      const index = entries.get('index.html')!.toString();
      expect(index).toContain(`<html lang="${language}">`);
      expect(index).toContain(`<h1>${title}</h1>`);
      const linked = [...index.matchAll(/href="([^"]+)"/g)].map(([, path]) => path!);
      const listed = entries.get('conversations.html')!.toString();
      const conversations = [...listed.matchAll(/href="([^"]+)"/g)].map(([, path]) => decodeURIComponent(path!));
      const pages = [...entries.keys()].filter((path) => path.endsWith('.html') && path !== 'index.html');
      expect([...linked, ...conversations].sort()).toEqual(pages.sort());
    }
    expect(owners.get('profile.html')!.toString()).toContain('<dt>Partita IVA</dt>');
    expect(annas.get('profile.html')!.toString()).toContain('<dt>First name</dt>');
  });

  test('name every field of every record in both languages', () => {
    const names = new Set<string>();
    const collect = (value: unknown): void => {
      if (Array.isArray(value)) return value.forEach(collect);
      if (typeof value !== 'object' || value === null) return;
      for (const [field, inner] of Object.entries(value)) {
        names.add(field);
        collect(inner);
      }
    };
    for (const entries of [annas, owners])
      for (const [path, bytes] of entries)
        if (path.endsWith('.json') && !path.includes('/')) collect(JSON.parse(bytes.toString()));
    // The results of an import are named by their codes.
    const codes = [
      'invited',
      'corrected',
      'already_there',
      'already_invited',
      'duplicate_in_file',
      'asked_not_to_be_written_to',
      'invalid',
    ];
    expect([...names].filter((name) => !fieldNames[name] && !codes.includes(name))).toEqual([]);
  });
});

describe('the download of an export', () => {
  test('needs the password again, unless its device has just signed in', async () => {
    const device = await world.signIn(anna.username);
    expect((await file(device, annasExport)).status).toBe(403);
    await world.rows(
      `UPDATE session SET created_at = now() - interval '${limits.exportProofMinutes} minutes' WHERE id = $1`,
      [device.sessionId],
    );
    const refused = await device.ask('POST', `/api/exports/${annasExport}/download`, {});
    expect([refused.status, refused.body.code]).toEqual([403, 'password_required']);
    const wrong = await device.ask('POST', `/api/exports/${annasExport}/download`, { password: 'sbagliata' });
    expect([wrong.status, wrong.body.code]).toEqual([403, 'password_wrong']);
    const problem = await device.ask('GET', `/api/exports/${annasExport}/file`);
    expect([problem.status, problem.body.code]).toEqual([403, 'password_required']);
    const allowed = await device.ask('POST', `/api/exports/${annasExport}/download`, { password });
    expect(allowed.body).toEqual({ path: `/api/exports/${annasExport}/file`, until: expect.any(String) });
    expect((await file(device, annasExport)).status).toBe(200);
    const fresh = await world.signIn(anna.username);
    expectStatus(await fresh.ask('POST', `/api/exports/${annasExport}/download`, {}), 200);
    expect((await file(fresh, annasExport)).status).toBe(200);
  });

  test('resumes where it was interrupted, and expires some hours after the proof', async () => {
    const { bytes, headers } = await file(anna.device, annasExport);
    expect(headers.get('content-disposition')).toBe('attachment; filename="colloquio-data.zip"');
    expect(headers.get('cache-control')).toBe('private, no-store');
    const etag = headers.get('etag')!;
    const rest = await file(anna.device, annasExport, { range: 'bytes=1000-', 'if-range': etag });
    expect([rest.status, rest.headers.get('content-range')]).toEqual([
      206,
      `bytes 1000-${bytes.length - 1}/${bytes.length}`,
    ]);
    expect(rest.bytes.equals(bytes.subarray(1000))).toBe(true);
    const beyond = await anna.device.ask('GET', `/api/exports/${annasExport}/file`);
    expect(beyond.status).toBe(200);
    expect((await file(anna.device, annasExport, { range: `bytes=${bytes.length}-` })).status).toBe(416);
    const { body } = await anna.device.ask('GET', `/api/exports/${annasExport}`);
    expect(body).toMatchObject({ state: 'ready', size: bytes.length, problem: null });
    expect(body.done).toBe(body.total);
    await world.rows('UPDATE export_download SET until = now() WHERE export_id = $1', [annasExport]);
    expect((await file(anna.device, annasExport)).status).toBe(403);
  });

  test('does not exist for others, nor for staff', async () => {
    const unknown = await bruno.device.ask('GET', '/api/exports/01900000-0000-7000-8000-000000000000');
    expectStatus(unknown, 404);
    for (const device of [bruno.device, bakery.owner, staff.device]) {
      for (const [method, path, body] of [
        ['GET', '', undefined],
        ['GET', '/file', undefined],
        ['POST', '/download', { password }],
        ['DELETE', '', undefined],
      ] as const) {
        const answer = await device.ask(method, `/api/exports/${annasExport}${path}`, body);
        expect({ ...answer.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' });
      }
    }
    for (const [method, body] of [
      ['GET', undefined],
      ['POST', {}],
    ] as const) {
      expectStatus(await staff.device.ask(method, '/api/exports', body), 404);
    }
    expectStatus(await anna.device.ask('POST', '/api/exports', { contactId: bruno.contactId }), 404);
    const member = await bakery.owner.ask('POST', '/api/exports', { contactId: anna.contactId });
    expect([member.status, member.body.errors[0].code]).toEqual([400, 'not_for_members']);
  });
});

/** Promise 5. */
test('nothing of an export is readable at rest', async () => {
  const folder = join(world.dataDir, 'files', 'export');
  const names = await readdir(folder);
  expect(names.length).toBeGreaterThan(1);
  // The file is in the zip as it is, so it would be found if the zip were not sealed.
  const clear = (await file(bakery.owner, String((await bakery.owner.ask('GET', '/api/exports')).body.items[0].id)))
    .bytes;
  expect(clear.includes(canary)).toBe(true);
  for (const name of names) {
    const bytes = await readFile(join(folder, name));
    for (const secret of [canary, 'conversation.json', 'Anna', 'PK\u0003\u0004'])
      expect(bytes.includes(secret)).toBe(false);
  }
  const rows = await world.rows<{ row: string }>('SELECT export::text AS row FROM export');
  const keys = await world.rows<{ id: string }>(`SELECT id FROM wrapped_key WHERE scope = 'export'`, [], 'keyring');
  expect(keys.length).toBe(rows.length);
});

/** Promise 6. */
describe('an export ends', () => {
  const objectOf = async (id: string) =>
    (await world.rows<{ object: string | null }>('SELECT object FROM export WHERE id = $1', [id]))[0]?.object;
  const keyOf = (id: string) => world.rows('SELECT FROM wrapped_key WHERE id = $1', [id], 'keyring');
  // The last object takes its folder along.
  const stored = () => readdir(join(world.dataDir, 'files', 'export')).catch(() => []);

  async function isGone(device: Device, id: string, object: string): Promise<void> {
    expect(await keyOf(id)).toEqual([]);
    expect(await stored()).not.toContain(object);
    expectStatus(await device.ask('GET', `/api/exports/${id}`), 404);
    expectStatus(await device.ask('GET', `/api/exports/${id}/file`), 404);
  }

  test('when it is deleted', async () => {
    const id = await exported(bruno.device);
    const object = (await objectOf(id))!;
    expect(await keyOf(id)).toHaveLength(1);
    expect(await stored()).toContain(object);
    expectStatus(await bruno.device.ask('DELETE', `/api/exports/${id}`), 204);
    await isGone(bruno.device, id, object);
  });

  test('when a contact in it is erased, for the business and for the person', async () => {
    const [brunos, owner] = [await exported(bruno.device), await exported(bakery.owner)];
    const objects = [(await objectOf(brunos))!, (await objectOf(owner))!];
    await world.service.app
      .get(DataSource)
      .transaction((manager) => world.service.app.get(Exporting).forgetContacts(manager, bakery.id, [bruno.contactId]));
    await isGone(bruno.device, brunos, objects[0]!);
    await isGone(bakery.owner, owner, objects[1]!);
    // Anna's holds nothing of Bruno.
    expect(await objectOf(annasExport)).toBeDefined();
  });

  test('with the erasure of a contact, even while the storage is unavailable', async () => {
    const carla = await world.join(bakery, 'carla');
    const id = await exported(carla.device);
    const owner = await exported(bakery.owner);
    const objects = [(await objectOf(id))!, (await objectOf(owner))!];
    const away = jest
      .spyOn(world.service.app.get(Storage), 'remove')
      .mockRejectedValue(new StorageFailure('away', undefined));
    expectStatus(await bakery.owner.ask('DELETE', `/api/contacts/${carla.contactId}`), 202);
    expect(away).toHaveBeenCalled();
    away.mockRestore();
    for (const each of [id, owner]) expect(await keyOf(each)).toEqual([]);
    expectStatus(await bakery.owner.ask('GET', `/api/contacts/${carla.contactId}`), 404);
    expectStatus(await bakery.owner.ask('GET', `/api/exports/${owner}`), 404);

    expect(await stored()).toEqual(expect.arrayContaining(objects));
    await world.service.app.get(Exporting).sweepStray();
    for (const object of objects) expect(await stored()).not.toContain(object);
  });

  test('after 48 hours, with its key', async () => {
    const id = await exported(bruno.device);
    const object = (await objectOf(id))!;
    const { body } = await bruno.device.ask('GET', `/api/exports/${id}`);
    const hours = (new Date(body.expiresAt).getTime() - new Date(body.readyAt).getTime()) / 3_600_000;
    expect(Math.round(hours)).toBe(limits.exportHours);
    const exporting = world.service.app.get(Exporting);
    await exporting.expire(new Date(new Date(body.expiresAt).getTime() - 1000));
    expect(await keyOf(id)).toHaveLength(1);
    await exporting.expire(new Date(body.expiresAt));
    await isGone(bruno.device, id, object);
  });
});

describe('one export at a time', () => {
  test('is made for an account, and another can be requested once it is finished or deleted', async () => {
    const carla = await world.join(bakery, 'carla');
    const waiting = await world.holding('LOCK TABLE export IN EXCLUSIVE MODE', [], async () => {
      const asked = carla.device.ask('POST', '/api/exports', {});
      const another = carla.device.ask('POST', '/api/exports', {});
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { answers: [asked, another] };
    });
    const answers = await Promise.all(waiting.answers);
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409]);
    expect(answers.find(({ status }) => status === 409)!.body.code).toBe('export_under_way');
    const { id } = answers.find(({ status }) => status === 202)!.body;
    expectStatus(await carla.device.ask('DELETE', `/api/exports/${id}`), 204);
    const asked = await carla.device.ask('POST', '/api/exports', {});
    expectStatus(asked, 202);
    const early = await carla.device.ask('POST', `/api/exports/${asked.body.id}/download`, { password });
    if (early.status !== 200) expect([early.status, early.body.code]).toEqual([409, 'export_not_ready']);
  });

  test('is limited to five in 24 hours', async () => {
    const { device } = await world.join(bakery, 'osteria');
    for (let count = 0; count < limits.exportsPerDay; count++) await exported(device);
    const refused = await device.ask('POST', '/api/exports', {});
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
  });
});
