import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import yauzl from 'yauzl';
import { limits } from '../src/contract/limits.js';
import { wav } from './hostile-files/containers.js';
import { bytesOf, download, upload } from './support/files.js';
import {
  type Device,
  expectStatus,
  type Person,
  type Shop,
  type Staff,
  unique,
  until,
  World,
} from './support/world.js';

let world: World;
let bakery: Shop;
let anna: Person;
let bruno: Person;
let staff: Staff;
/** Entries of the zip by their names, as the owner gets it in Italian and Anna in English. */
let owners: Map<string, Buffer>;
let annas: Map<string, Buffer>;
const harmless = '<script>alert("1")</script> & \'ciao\'';
const files: { name: string; bytes: Buffer }[] = [];

const conversation = (person: Person) => `/api/conversations/${person.contactId}`;
const send = async (device: Device, content: Record<string, unknown>): Promise<number> => {
  const answer = await device.ask('POST', `${conversation(anna)}/messages`, {
    clientId: unique(),
    body: '',
    ...content,
  });
  expectStatus(answer, 201);
  return answer.body.seq;
};
const get = (device: Device, path: string) => download({ url: world.url, token: device.token }, path);

beforeAll(async () => {
  world = await World.shared();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  bruno = await world.join(bakery, 'bruno');
  staff = await world.staff(bakery);
  const picture = await sharp({ create: { width: 40, height: 30, channels: 3, background: 'tomato' } })
    .jpeg()
    .toBuffer();
  files.push(
    { name: 'CON', bytes: Buffer.from('uno') },
    { name: '../../etc/passwd', bytes: Buffer.from('due') },
    { name: 'a:b*?"<>|.txt', bytes: Buffer.from('tre') },
    { name: 'foto "bella".jpg', bytes: picture },
    { name: 'foto "bella".jpg', bytes: picture },
    { name: `${'è'.repeat(150)}.wav`, bytes: wav(1) },
  );
  await send(anna.device, { body: harmless });
  const ids: string[] = [];
  for (const { name, bytes } of files) {
    ids.push((await upload(staff.device, bytes, { conversationId: anna.contactId, name })).id);
  }
  await send(staff.device, { body: 'Ecco i file', attachmentIds: ids });
  const secret = await upload(anna.device, Buffer.from('da ritirare'), { conversationId: anna.contactId });
  const withdrawn = await send(anna.device, { body: 'Parola segreta', attachmentIds: [secret.id] });
  expectStatus(await anna.device.ask('DELETE', `${conversation(anna)}/messages/${withdrawn}`), 204);
  const poster = await upload(bakery.owner, Buffer.from('orari di agosto'), { broadcast: true, name: 'orari.txt' });
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
    const { body } = await anna.device.ask('GET', `${conversation(anna)}/messages`);
    return body.items.some(({ broadcastId }: { broadcastId?: string }) => broadcastId === made.body.id);
  }, 'the broadcast arrives');
  // More messages than one page of the list has.
  for (let count = 0; count < limits.pageMax; count++) await send(anna.device, { body: `numero ${count}` });
  owners = await entriesOf((await get(bakery.owner, `${conversation(anna)}/export?locale=it`)).bytes);
  annas = await entriesOf((await get(anna.device, `${conversation(anna)}/export?locale=en`)).bytes);
});
afterAll(() => world.close());

async function entriesOf(zip: Buffer): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const opened = await yauzl.fromBufferPromise(zip, { strictFileNames: true });
  for await (const entry of opened.eachEntry())
    found.set(entry.fileName, await buffer(await opened.openReadStreamPromise(entry)));
  return found;
}

const page = (entries: Map<string, Buffer>) => entries.get('conversation.html')!.toString();
const data = (entries: Map<string, Buffer>) => JSON.parse(entries.get('conversation.json')!.toString());

describe('an exported conversation', () => {
  test('has every message in its order, as a page and as JSON', async () => {
    const { items } = (await bakery.owner.ask('GET', `${conversation(anna)}/messages?after=0&limit=200`)).body;
    const { messages, own, names } = data(owners);
    expect(messages).toHaveLength(limits.pageMax + 4);
    expect(messages.map(({ seq }: { seq: number }) => seq)).toEqual(
      messages.map((_: unknown, index: number) => index + 1),
    );
    expect(messages.slice(0, 200).map(({ body }: { body: string }) => body)).toEqual(
      items.map(({ body }: { body: string }) => body),
    );
    expect({ own, names }).toEqual({
      own: 'subscriber',
      names: { subscriber: expect.any(String), interlocutor: expect.any(String) },
    });
    const ids = [...page(owners).matchAll(/<article id="m(\d+)"/g)].map(([, seq]) => Number(seq));
    expect(ids).toEqual(messages.map(({ seq }: { seq: number }) => seq));
  });

  test('shows what people wrote as text, runs nothing and loads nothing from elsewhere', () => {
    for (const entries of [owners, annas]) {
      const html = page(entries);
      expect(html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;ciao&#39;');
      expect(html).not.toMatch(/<script|javascript:|https?:\/\//);
      expect(html).toMatch(
        /http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-/,
      );
      expect(html).toContain('@media print');
      expect(html).toContain('prefers-color-scheme: dark');
    }
    expect(page(owners)).toContain('<html lang="it">');
    expect(page(owners)).toContain('Conversazione con ');
    expect(page(annas)).toContain('<html lang="en">');
    expect(page(annas)).toContain('Conversation with ');
  });

  test('contains the files byte by byte, under safe and distinct names, and the page links to them', () => {
    for (const entries of [owners, annas]) {
      const { messages } = data(entries);
      const named = messages.flatMap(({ attachments }: { attachments: { file: string | null }[] }) =>
        attachments.map(({ file }) => file),
      );
      expect(new Set(named).size).toBe(files.length + 1);
      expect([...entries.keys()].sort()).toEqual(['conversation.html', 'conversation.json', ...named].sort());
      for (const [index, { bytes }] of files.entries()) expect(entries.get(named[index])!.equals(bytes)).toBe(true);
      expect(entries.get(named.at(-1))!.toString()).toBe('orari di agosto');
      for (const path of named) {
        expect(path).toMatch(/^(allegati|files)\/\d{6}-\d+-[^<>:"/\\|?*]+$/);
        expect(Buffer.byteLength(path)).toBeLessThan(200);
        expect(page(entries)).toContain(
          `"${path.split('/').map(encodeURIComponent).join('/').replaceAll("'", '&#39;')}"`,
        );
      }
      expect(page(entries).match(/<img /g)).toHaveLength(2);
      expect(page(entries).match(/<audio /g)).toHaveLength(1);
    }
  });

  test('shows times in the time zone of the business to both parties, whatever the server’s', () => {
    const { messages } = data(annas);
    const times = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: 'Europe/Rome' });
    const first = times.format(new Date(messages[0].sentAt));
    expect(process.env['TZ'] ?? 'UTC').not.toBe('Europe/Rome');
    for (const entries of [owners, annas]) expect(page(entries)).toContain(` · ${first}</p>`);
  });

  test('links to no file that would run when opened, and keeps the proportions of a tall picture', async () => {
    const carla = await world.join(bakery, 'carla');
    const tall = await sharp({ create: { width: 300, height: 2400, channels: 3, background: 'teal' } })
      .png()
      .toBuffer();
    const attachmentIds: string[] = [];
    for (const [name, bytes] of [
      ['pagina.html', Buffer.from('<!doctype html><script>alert(1)</script>')],
      ['programma.js', Buffer.from('alert(1)')],
      ['alta.png', tall],
    ] as const)
      attachmentIds.push((await upload(carla.device, bytes, { conversationId: carla.contactId, name })).id);
    const message = { clientId: unique(), body: '', attachmentIds };
    expectStatus(await carla.device.ask('POST', `${conversation(carla)}/messages`, message), 201);

    const entries = await entriesOf((await get(bakery.owner, `${conversation(carla)}/export?locale=it`)).bytes);
    for (const place of ['allegati/000001-1-pagina.html', 'allegati/000001-2-programma.js']) {
      expect(entries.has(place)).toBe(true);
      expect(page(entries)).toContain(`si trova in ${place}`);
      expect(page(entries)).not.toContain(`"${place}"`);
    }
    expect(page(entries)).toContain('width="60" height="480"');
  });

  test('contains nothing of a withdrawn message except that there was one', () => {
    for (const entries of [owners, annas]) {
      const all = [...entries.values()].map((bytes) => bytes.toString()).join();
      expect(all).not.toContain('Parola segreta');
      expect(all).not.toContain('da ritirare');
    }
    expect(page(owners)).toContain('Messaggio ritirato');
    expect(page(annas)).toContain('Message withdrawn');
  });

  test('names the authors to the business and never to the interlocutor', async () => {
    const { items } = (await bakery.owner.ask('GET', `${conversation(anna)}/messages?after=1&limit=1`)).body;
    const { id, displayName } = items[0].author;
    expect(page(owners)).toContain(displayName);
    expect(data(owners).messages[1].author).toEqual({ id, displayName });
    for (const name of ['conversation.html', 'conversation.json']) {
      const told = annas.get(name)!.toString();
      expect(told).not.toContain(displayName);
      expect(told).not.toContain(id);
      expect(told).not.toContain('"author"');
    }
  });

  test('is a download that no cache keeps, and an action in the log', async () => {
    const { headers, status } = await get(bakery.owner, `${conversation(anna)}/export`);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/zip');
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="convers\w+\.zip"$/);
    expect(headers.get('cache-control')).toBe('private, no-store');
    const { items } = (await bakery.owner.ask('GET', '/api/actions')).body;
    expect(items[0]).toMatchObject({ kind: 'conversation.exported', subjectId: anna.contactId });
  });

  test('does not exist for staff, nor for others', async () => {
    const unknown = await bruno.device.ask('GET', '/api/conversations/01900000-0000-7000-8000-000000000000/export');
    for (const device of [staff.device, bruno.device]) {
      const answer = await device.ask('GET', `${conversation(anna)}/export`);
      expectStatus(answer, 404);
      expect({ ...answer.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' });
    }
  });

  test('of a conversation without messages says so', async () => {
    const empty = await world.join(bakery, 'carla');
    const entries = await entriesOf((await get(empty.device, `${conversation(empty)}/export?locale=en`)).bytes);
    expect(data(entries).messages).toEqual([]);
    expect(page(entries)).toContain('No messages.');
  });

  test('leaves out a file whose bytes are lost, and is complete otherwise', async () => {
    const { id } = await upload(anna.device, bytesOf(5_000), { conversationId: anna.contactId, name: 'perso.bin' });
    await send(anna.device, { attachmentIds: [id] });
    await world.rows('UPDATE attachment_object SET id = gen_random_uuid() WHERE attachment_id = $1', [id]);
    const entries = await entriesOf((await get(anna.device, `${conversation(anna)}/export`)).bytes);
    expect(entries.size).toBe(annas.size);
    expect(data(entries).messages.at(-1).attachments[0]).toMatchObject({ name: 'perso.bin', file: null });
    expect(page(entries)).toContain('perso.bin (non disponibile)');
  });

  test('is cut when the session ends, and closes its source', async () => {
    const large = await world.join(bakery, 'osteria');
    const ids: string[] = [];
    for (let count = 0; count < 3; count++)
      ids.push((await upload(large.device, bytesOf(20_000_000), { conversationId: large.contactId })).id);
    const body = { clientId: unique(), body: '', attachmentIds: ids };
    expectStatus(await large.device.ask('POST', `${conversation(large)}/messages`, body), 201);
    const device = await world.signIn(large.username);
    let got = 0;
    let reading = true;
    const socket = connect(Number(new URL(world.url).port), '127.0.0.1').on('error', () => {});
    socket.write(
      `GET ${conversation(large)}/export HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${device.token}\r\n\r\n`,
    );
    socket.on('data', (chunk: Buffer) => {
      got += chunk.length;
      if (reading && got > 1_000_000) socket.pause();
    });
    await until(() => got > 1_000_000, 'the download is under way');
    expectStatus(await device.ask('DELETE', '/api/sessions/current'), 204);
    reading = false;
    socket.resume();
    await until(() => socket.closed, 'the download is cut');
    expect(got).toBeLessThan(60_000_000);
    const whole = await get(large.device, `${conversation(large)}/export`);
    expect((await entriesOf(whole.bytes)).size).toBe(5);
  });

  test('can be requested up to the limit in an hour', async () => {
    const empty = await world.join(await world.shop('florist'), 'carla');
    for (let count = 0; count < limits.conversationExportsPerHour; count++)
      expect((await get(empty.device, `${conversation(empty)}/export`)).status).toBe(200);
    const refused = await empty.device.ask('GET', `${conversation(empty)}/export`);
    expectStatus(refused, 429);
    expect(refused.body.code).toBe('rate_limited');
  });
});
