import { stat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { limits } from '../src/contract/limits.js';
import { askToUpload, bytesOf, download, objectsOf, upload } from './support/files.js';
import { type Device, expectStatus, type Person, type Shop, unique, until, World } from './support/world.js';

/** Promise 8: files reach the two parties alone, byte by byte as they were sent. */

let world: World;
let bakery: Shop;
let anna: Person;
let bruno: Person;

beforeAll(async () => {
  world = await World.open({ ATTACHMENT_MB: '2', STORAGE_GB: '0.05' });
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  bruno = await world.join(bakery, 'bruno');
  await Promise.all([bakery.owner, anna.device, bruno.device].map((device) => device.connect()));
});
afterAll(() => world.close());

const messages = (person: Person) => `/api/conversations/${person.contactId}/messages`;
const send = (device: Device, person: Person, content: Record<string, unknown>) =>
  device.ask('POST', messages(person), { clientId: unique(), body: '', ...content });
const get = (device: Device, path: string, headers?: Record<string, string>) =>
  download({ url: world.url, token: device.token }, path, headers);
const attachment = (id: string) => `/api/attachments/${id}`;
const objectsInStorage = async () => (await objectsOf(world)).map(({ name }) => name).sort();
const objectsOfFiles = async () =>
  (await world.rows<{ id: string }>('SELECT id FROM attachment_object ORDER BY id')).map(({ id }) => id);
/** Nothing is stored but what belongs to a file. */
const isTidy = async () => {
  const [stored, known] = [await objectsInStorage(), await objectsOfFiles()];
  return JSON.stringify(stored) === JSON.stringify(known);
};

describe('an upload', () => {
  test('is described by the file’s view, and comes back byte by byte', async () => {
    const bytes = bytesOf(300_000);
    const view = await upload(anna.device, bytes, { conversationId: anna.contactId, name: 'scontrino.bin' });
    expect(view).toMatchObject({ name: 'scontrino.bin', size: 300_000, state: 'ready', scanned: false });
    const answer = await get(anna.device, attachment(view.id));
    expect(answer.status).toBe(200);
    expect(answer.bytes.equals(bytes)).toBe(true);
  });

  test('may name its conversation before or after the file', async () => {
    const bytes = bytesOf(70_000);
    for (const fileFirst of [true, false]) {
      const { id } = await upload(anna.device, bytes, { conversationId: anna.contactId, fileFirst });
      expect((await get(anna.device, attachment(id))).bytes.equals(bytes)).toBe(true);
    }
  });

  test('is on the disk sealed, in folders and files that only the service’s user can read', async () => {
    const bytes = Buffer.from('Il segreto della focaccia è il riposo. '.repeat(5_000));
    await upload(anna.device, bytes, { conversationId: anna.contactId, name: 'ricetta segreta.txt' });
    const objects = await objectsOf(world);
    expect(objects.length).toBeGreaterThan(0);
    for (const { name, bytes: sealed } of objects) {
      expect(name).toMatch(/^[0-9a-f-]{36}$/);
      expect(sealed.includes('focaccia')).toBe(false);
      expect(sealed.includes('ricetta')).toBe(false);
    }
    const root = join(world.dataDir, 'files');
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const { mode } = await stat(join(entry.parentPath, entry.name));
      expect((mode & 0o777).toString(8)).toBe(entry.isDirectory() ? '700' : '600');
    }
  });

  test('of the maximum size is accepted, and one byte more is refused and leaves nothing', async () => {
    const most = 2 * 1024 * 1024;
    const view = await upload(anna.device, bytesOf(most), { conversationId: anna.contactId });
    expect(view.size).toBe(most);
    const before = await objectsInStorage();
    const answer = await askToUpload(anna.device, bytesOf(most + 1), { conversationId: anna.contactId });
    expectStatus(answer, 413);
    expect(answer.body).toMatchObject({ code: 'too_large', detail: expect.stringContaining('2 MB') });
    expect(await objectsInStorage()).toEqual(before);
    expectStatus(await anna.device.ask('DELETE', attachment(view.id)), 204);
  });

  test.each<[string, number, string, () => Promise<{ status: number; body: { code: string } }>]>([
    [
      'of no bytes',
      422,
      'file_empty',
      () => askToUpload(anna.device, Buffer.alloc(0), { conversationId: anna.contactId }),
    ],
    [
      'without a file',
      400,
      'validation_failed',
      () => askToUpload(anna.device, undefined, { conversationId: anna.contactId }),
    ],
    ['for nothing', 400, 'validation_failed', () => askToUpload(anna.device, bytesOf(10), {})],
    [
      'for a conversation and a broadcast',
      400,
      'validation_failed',
      () => askToUpload(bakery.owner, bytesOf(10), { conversationId: anna.contactId, broadcast: true }),
    ],
    [
      'for a broadcast of an interlocutor',
      400,
      'validation_failed',
      () => askToUpload(anna.device, bytesOf(10), { broadcast: true }),
    ],
    [
      'for the conversation of somebody else',
      404,
      'not_found',
      () => askToUpload(anna.device, bytesOf(10), { conversationId: bruno.contactId }),
    ],
    [
      'with a waveform of too many points',
      400,
      'validation_failed',
      () =>
        askToUpload(anna.device, bytesOf(10), {
          conversationId: anna.contactId,
          fields: { waveform: JSON.stringify(Array(limits.waveformPoints + 1).fill(1)) },
        }),
    ],
    [
      'with a waveform that is too high',
      400,
      'validation_failed',
      () =>
        askToUpload(anna.device, bytesOf(10), {
          conversationId: anna.contactId,
          fields: { waveform: JSON.stringify([limits.waveformHeight + 1]) },
        }),
    ],
    [
      'with an unknown field',
      400,
      'validation_failed',
      () => askToUpload(anna.device, bytesOf(10), { conversationId: anna.contactId, fields: { album: '1' } }),
    ],
    [
      'as JSON',
      415,
      'media_type_refused',
      () => anna.device.ask('POST', '/api/attachments', { conversationId: anna.contactId }),
    ],
  ])('%s is refused with %i %s, and leaves nothing', async (_, status, code, ask) => {
    await until(isTidy, 'a tidy storage');
    const before = await objectsInStorage();
    const { status: found, body } = await ask();
    expect([found, body.code]).toEqual([status, code]);
    expect(await objectsInStorage()).toEqual(before);
  });

  test('of a voice note has the duration and the waveform stated by its sender’s client', async () => {
    const waveform = Array.from({ length: limits.waveformPoints }, (_, index) => index % (limits.waveformHeight + 1));
    const fields = { waveform: JSON.stringify(waveform), duration: '4200' };
    const view = await upload(anna.device, bytesOf(5_000), { conversationId: anna.contactId, fields });
    expect(view).toMatchObject({ duration: 4200, waveform });
  });

  test('has a name without folders, control characters and changes of direction', async () => {
    for (const [sent, kept] of [
      ['../../etc/passwd', 'passwd'],
      ['C:\\Users\\anna\\foto.jpg', 'foto.jpg'],
      ['fattura\u202Egpj.exe', 'fatturagpj.exe'],
      ['perché no?.txt', 'perché no?.txt'],
      ['…', '…'],
    ] as const) {
      const view = await upload(anna.device, bytesOf(10), { conversationId: anna.contactId, name: sent });
      expect(view.name).toBe(kept);
    }
  });

  test('whose sender disconnects halfway leaves nothing', async () => {
    await until(isTidy, 'a tidy storage');
    const before = await objectsInStorage();
    const controller = new AbortController();
    let pulled = 0;
    const body = new ReadableStream({
      async pull(stream) {
        if (pulled++ === 0) {
          const head = `--x\r\nContent-Disposition: form-data; name="conversationId"\r\n\r\n${anna.contactId}\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n`;
          stream.enqueue(Buffer.concat([Buffer.from(head), bytesOf(400_000)]));
        } else {
          await until(
            async () => (await objectsInStorage()).some((name) => name.endsWith('.part')),
            'bytes on the disk',
          );
          controller.abort();
          await new Promise(() => undefined);
        }
      },
    });
    const asked = fetch(`${world.url}/api/attachments`, {
      method: 'POST',
      headers: { authorization: `Bearer ${anna.device.token}`, 'content-type': 'multipart/form-data; boundary=x' },
      body,
      signal: controller.signal,
      duplex: 'half',
    });
    await expect(asked).rejects.toThrow();
    await until(async () => JSON.stringify(await objectsInStorage()) === JSON.stringify(before), 'nothing left');
  });

  test('that is not sent can be deleted by its uploader alone', async () => {
    const { id } = await upload(anna.device, bytesOf(10), { conversationId: anna.contactId });
    expectStatus(await bakery.owner.ask('DELETE', attachment(id)), 404);
    expectStatus(await anna.device.ask('DELETE', attachment(id)), 204);
    expectStatus(await anna.device.ask('DELETE', attachment(id)), 404);
    await until(isTidy, 'a tidy storage');
  });

  test('beyond the storage of the business is refused, and withdrawn files free their space', async () => {
    const shop = await world.shop('florist');
    const carla = await world.join(shop, 'carla');
    const used = async () => (await shop.owner.ask('GET', '/api/attachments/usage')).body;
    expect(await used()).toEqual({
      fileBytes: 2 * 1024 * 1024,
      filesPerMessage: 10,
      usedBytes: 0,
      allowedBytes: Math.floor(0.05 * 1024 ** 3),
    });
    await world.rows('INSERT INTO attachment_usage (subscriber_id, bytes) VALUES ($1, $2)', [
      shop.id,
      Math.floor(0.05 * 1024 ** 3) - 1_000,
    ]);
    const over = await askToUpload(carla.device, bytesOf(1_001), { conversationId: carla.contactId });
    expect([over.status, over.body.code]).toEqual([413, 'quota_exceeded']);
    expect(over.body.detail).not.toContain('51');
    const owner = await askToUpload(shop.owner, bytesOf(1_001), { conversationId: carla.contactId });
    expect(owner.body.detail).toContain('51 MB');
    const { id } = await upload(carla.device, bytesOf(1_000), { conversationId: carla.contactId });
    expect((await used()).usedBytes).toBe(Math.floor(0.05 * 1024 ** 3));
    expect((await carla.device.ask('GET', '/api/attachments/usage')).body).toEqual({
      fileBytes: 2 * 1024 * 1024,
      filesPerMessage: 10,
    });
    const { body: sent } = await send(carla.device, carla, { attachmentIds: [id] });
    expectStatus(await carla.device.ask('DELETE', `${messages(carla)}/${sent.seq}`), 204);
    expect((await used()).usedBytes).toBe(Math.floor(0.05 * 1024 ** 3) - 1_000);
  });
});

describe('a message', () => {
  test('can consist of files alone, which both parties see and can load', async () => {
    const [first, second] = [bytesOf(100_000), bytesOf(1_000)];
    const a = await upload(anna.device, first, { conversationId: anna.contactId, name: 'torta.bin' });
    const b = await upload(anna.device, second, { conversationId: anna.contactId, name: 'misure.bin' });
    const answer = await send(anna.device, anna, { attachmentIds: [b.id, a.id] });
    expectStatus(answer, 201);
    const { seq } = answer.body;
    for (const device of [anna.device, bakery.owner]) {
      const told = await device.hears('message.sent', (each) => each.seq === seq);
      expect(told.attachments).toEqual([b, a]);
      const { body } = await device.ask('GET', `${messages(anna)}?limit=1`);
      expect(body.items[0]).toMatchObject({ seq, body: '', attachments: [b, a] });
      const { body: head } = await device.ask('GET', `/api/conversations/${anna.contactId}`);
      expect(head).toMatchObject({ preview: null, lastFiles: { count: 2, family: 'other' } });
      expect((await get(device, attachment(a.id))).bytes.equals(first)).toBe(true);
      expect((await get(device, attachment(b.id))).bytes.equals(second)).toBe(true);
    }
  });

  test('without text and files is refused', async () => {
    for (const attachmentIds of [undefined, []]) {
      const answer = await send(anna.device, anna, { attachmentIds });
      expectStatus(answer, 400);
      expect(answer.body.errors).toMatchObject([{ field: 'body', code: 'empty' }]);
    }
  });

  test('is the same on a retry with the same files in the same order, and a different one otherwise', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 3; i++)
      ids.push((await upload(anna.device, bytesOf(10), { conversationId: anna.contactId })).id);
    const [a, b, c] = ids as [string, string, string];
    const clientId = unique();
    const content = { clientId, body: 'Ecco', attachmentIds: [a, b] };
    const first = await send(anna.device, anna, content);
    expectStatus(first, 201);
    const again = await send(anna.device, anna, content);
    expectStatus(again, 200);
    expect(again.body).toEqual(first.body);
    for (const attachmentIds of [[b, a], [a], [a, b, c], []]) {
      const other = await send(anna.device, anna, { ...content, attachmentIds });
      expect([other.status, other.body.code]).toEqual([409, 'client_id_reused']);
    }
    const retried = await anna.device.emit('message.send', { conversationId: anna.contactId, ...content });
    expect(retried).toEqual({ data: first.body });
  });

  test('can have at most ten files, each once', async () => {
    const { id } = await upload(anna.device, bytesOf(10), { conversationId: anna.contactId });
    const twice = await send(anna.device, anna, { attachmentIds: [id, id.toUpperCase()] });
    expect(twice.body.errors).toMatchObject([{ field: 'attachmentIds', code: 'not_unique' }]);
    const eleven = await send(anna.device, anna, { attachmentIds: Array.from({ length: 11 }, uuidOf) });
    expect(eleven.body.errors).toMatchObject([{ field: 'attachmentIds', code: 'too_many', values: { limit: 10 } }]);
    const ids: string[] = [];
    for (let i = 0; i < 10; i++)
      ids.push((await upload(anna.device, bytesOf(10), { conversationId: anna.contactId })).id);
    expectStatus(await send(anna.device, anna, { attachmentIds: ids }), 201);
  });

  test('cannot have a file of another account or conversation, one that was sent, or a missing one', async () => {
    const staff = (await world.staff(bakery)).device;
    const shop = await world.shop('florist');
    const there = await world.joinAlso(anna, shop);
    const own = async (device: Device, conversationId: string) =>
      (await upload(device, bytesOf(10), { conversationId })).id;
    const sent = await own(anna.device, anna.contactId);
    expectStatus(await send(anna.device, anna, { attachmentIds: [sent] }), 201);
    const foreign = {
      'no file': uuidOf(),
      'the business’s': await own(bakery.owner, anna.contactId),
      'of another conversation': await own(anna.device, there),
      'of another person': await own(bruno.device, bruno.contactId),
      'sent already': sent,
    };
    const mine = await own(anna.device, anna.contactId);
    for (const id of Object.values(foreign)) {
      const before = (await anna.device.ask('GET', `/api/conversations/${anna.contactId}`)).body.lastSeq;
      const answer = await send(anna.device, anna, { body: 'Ecco', attachmentIds: [mine, id] });
      expect([answer.status, answer.body.code]).toEqual([404, 'attachment_not_found']);
      expect(answer.body.errors).toMatchObject([
        { field: 'attachmentIds', code: 'unknown_attachment', values: { item: 1 } },
      ]);
      expect(answer.body.detail).toContain(id);
      expect((await anna.device.ask('GET', `/api/conversations/${anna.contactId}`)).body.lastSeq).toBe(before);
    }
    // A colleague's file is a colleague's.
    const owners = await own(bakery.owner, anna.contactId);
    expect((await send(staff, anna, { attachmentIds: [owners] })).body.code).toBe('attachment_not_found');
    expectStatus(await send(bakery.owner, anna, { attachmentIds: [owners] }), 201);
    // What was refused is still there to be sent.
    expectStatus(await send(anna.device, anna, { attachmentIds: [mine] }), 201);
  });

  test('is the only one of several concurrent messages to get a file that all name', async () => {
    for (let round = 0; round < 5; round++) {
      const { id } = await upload(anna.device, bytesOf(10), { conversationId: anna.contactId });
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => send(anna.device, anna, { attachmentIds: [id] })),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(7).fill(404)]);
    }
    const { body } = await anna.device.ask('GET', `${messages(anna)}?limit=200`);
    const seqs = body.items.map((each: { seq: number }) => each.seq);
    expect(seqs).toEqual(seqs.map((_: number, index: number) => seqs[0] + index));
  });

  test('that is withdrawn loses its files, in the storage too', async () => {
    const { id } = await upload(bakery.owner, bytesOf(200_000), { conversationId: anna.contactId });
    const { body } = await send(bakery.owner, anna, { body: 'Listino', attachmentIds: [id] });
    expect((await get(anna.device, attachment(id))).status).toBe(200);
    expectStatus(await bakery.owner.ask('DELETE', `${messages(anna)}/${body.seq}`), 204);
    for (const device of [anna.device, bakery.owner]) {
      const gone = await get(device, attachment(id));
      expect([gone.status, gone.problem().code]).toEqual([404, 'not_found']);
      const { body: list } = await device.ask('GET', `${messages(anna)}?limit=1`);
      expect(list.items[0]).toMatchObject({ seq: body.seq, body: '', attachments: [] });
      const { body: head } = await device.ask('GET', `/api/conversations/${anna.contactId}`);
      expect(head).toMatchObject({ lastKind: 'withdrawn', lastFiles: null });
    }
    await until(isTidy, 'a tidy storage');
    expect(await world.rows('SELECT FROM erased_object')).toEqual([]);
  });
});

describe('a file', () => {
  let bytes: Buffer;
  let path: string;
  beforeAll(async () => {
    bytes = bytesOf(200_001);
    const { id } = await upload(bakery.owner, bytes, { conversationId: anna.contactId, name: 'prezzi “perché”.bin' });
    expectStatus(await send(bakery.owner, anna, { attachmentIds: [id] }), 201);
    path = attachment(id);
  });

  test('can be loaded by the two parties alone; for others it does not exist', async () => {
    expect((await get(anna.device, path)).status).toBe(200);
    expect((await get((await world.staff(bakery)).device, path)).status).toBe(200);
    const florist = await world.shop('florist');
    const missing = await get(bruno.device, attachment(uuidOf()));
    for (const device of [bruno.device, florist.owner]) {
      for (const each of [path, `${path}/thumbnail`, `${path}/display`]) {
        const answer = await get(device, each);
        expect([answer.status, { ...answer.problem(), requestId: '' }]).toEqual([
          404,
          { ...missing.problem(), requestId: '' },
        ]);
      }
    }
    expect((await fetch(world.url + path)).status).toBe(401);
  });

  test('is sent with headers that keep it private and harmless', async () => {
    const { headers } = await get(anna.device, path);
    expect(Object.fromEntries(headers)).toMatchObject({
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-cache',
      'content-disposition': `attachment; filename="prezzi ?perch??.bin"; filename*=UTF-8''prezzi%20%E2%80%9Cperch%C3%A9%E2%80%9D.bin`,
      'content-length': String(bytes.length),
      'content-security-policy': expect.stringMatching(/^sandbox; default-src 'none'/),
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      etag: expect.stringMatching(/^"[^"]+"$/),
    });
    expect(headers.get('content-encoding')).toBeNull();
  });

  test('can be read in ranges, byte by byte like the original', async () => {
    const size = bytes.length;
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=65535-65536', 65_535, 65_537],
      [`bytes=131000-${size + 50}`, 131_000, size],
      ['bytes=-1', size - 1, size],
      ['bytes=100000-', 100_000, size],
    ] as const) {
      const answer = await get(anna.device, path, { range });
      expect([answer.status, answer.headers.get('content-range')]).toEqual([206, `bytes ${start}-${end - 1}/${size}`]);
      expect(answer.bytes.equals(bytes.subarray(start, end))).toBe(true);
    }
    const outside = await get(anna.device, path, { range: `bytes=${size}-` });
    expect([outside.status, outside.headers.get('content-range')]).toEqual([416, `bytes */${size}`]);
    expect(outside.problem().code).toBe('range_not_satisfiable');
  });

  test('is not sent again to a client that has it, and a range applies only to the same bytes', async () => {
    const etag = (await get(anna.device, path)).headers.get('etag')!;
    const held = await get(anna.device, path, { 'if-none-match': etag });
    expect([held.status, held.bytes.length]).toEqual([304, 0]);
    const same = await get(anna.device, path, { range: 'bytes=0-9', 'if-range': etag });
    expect([same.status, same.bytes.length]).toEqual([206, 10]);
    const other = await get(anna.device, path, { range: 'bytes=0-9', 'if-range': '"other"' });
    expect([other.status, other.bytes.length]).toEqual([200, bytes.length]);
    const head = await download({ url: world.url, token: anna.device.token }, path, {}, 'HEAD');
    expect([head.status, head.headers.get('content-length'), head.bytes.length]).toEqual([
      200,
      String(bytes.length),
      0,
    ]);
  });

  test('whose object is lost is answered with a clear problem', async () => {
    const { id } = await upload(anna.device, bytesOf(1_000), { conversationId: anna.contactId });
    const [object] = await world.rows<{ id: string }>('SELECT id FROM attachment_object WHERE attachment_id = $1', [
      id,
    ]);
    const { rm } = await import('node:fs/promises');
    await rm(join(world.dataDir, 'files', object!.id.slice(0, 6), object!.id));
    const answer = await get(anna.device, attachment(id));
    expect([answer.status, answer.problem().code]).toEqual([410, 'attachment_lost']);
    await anna.device.ask('DELETE', attachment(id));
  });

  test('can be read in a restricted conversation, while uploads are refused', async () => {
    await world.rows('UPDATE conversation SET restricted_by_interlocutor = now() WHERE id = $1', [anna.contactId]);
    try {
      expect((await get(anna.device, path)).status).toBe(200);
      const answer = await askToUpload(anna.device, bytesOf(10), { conversationId: anna.contactId });
      expect([answer.status, answer.body.code]).toEqual([403, 'conversation_restricted']);
    } finally {
      await world.rows('UPDATE conversation SET restricted_by_interlocutor = NULL WHERE id = $1', [anna.contactId]);
    }
  });
});

describe('a broadcast', () => {
  const service = { kind: 'service', reason: 'closure' };
  const finished = async (id: string) =>
    until(
      async () => (await bakery.owner.ask('GET', `/api/broadcasts/${id}`)).body.state === 'finished',
      'the end of the broadcast',
    );

  test('has files that are stored once, and readable by its recipients and the business alone', async () => {
    const bytes = bytesOf(100_000);
    const file = await upload(bakery.owner, bytes, { broadcast: true, name: 'orari.bin' });
    await until(isTidy, 'a tidy storage');
    const before = (await objectsInStorage()).length;
    const audience = { contactIds: [anna.contactId] };
    const wanted = { ...service, clientId: unique(), body: '', audience, attachmentIds: [file.id] };
    const made = await bakery.owner.ask('POST', '/api/broadcasts', wanted);
    expectStatus(made, 202);
    expectStatus(await bakery.owner.ask('POST', '/api/broadcasts', wanted), 200);
    const other = await bakery.owner.ask('POST', '/api/broadcasts', { ...wanted, body: 'Ciao', attachmentIds: [] });
    expect(other.body.code).toBe('client_id_reused');
    const again = await bakery.owner.ask('POST', '/api/broadcasts', { ...wanted, clientId: unique() });
    expect([again.status, again.body.code]).toEqual([404, 'attachment_not_found']);
    await finished(made.body.id);
    expect((await objectsInStorage()).length).toBe(before);

    const told = await anna.device.hears('message.sent', ({ broadcastId }) => broadcastId === made.body.id);
    expect(told.attachments).toEqual([file]);
    for (const device of [anna.device, bakery.owner]) {
      const { body } = await device.ask('GET', `${messages(anna)}?limit=1`);
      expect(body.items[0]).toMatchObject({ broadcastId: made.body.id, body: '', attachments: [file] });
      const { body: head } = await device.ask('GET', `/api/conversations/${anna.contactId}`);
      expect(head).toMatchObject({ preview: null, lastFiles: { count: 1, family: 'other' } });
      expect((await get(device, attachment(file.id))).bytes.equals(bytes)).toBe(true);
    }
    expect((await bakery.owner.ask('GET', `/api/broadcasts/${made.body.id}`)).body.attachments).toEqual([file]);
    expect((await get(bruno.device, attachment(file.id))).status).toBe(404);
  });

  test('withdrawn for one recipient stays readable for the others', async () => {
    const file = await upload(bakery.owner, bytesOf(1_000), { broadcast: true });
    const audience = { contactIds: [anna.contactId, bruno.contactId] };
    const wanted = { ...service, clientId: unique(), body: 'Ciao {{firstName}}', audience, attachmentIds: [file.id] };
    const { body: made } = await bakery.owner.ask('POST', '/api/broadcasts', wanted);
    await finished(made.id);
    const told = await anna.device.hears('message.sent', ({ broadcastId }) => broadcastId === made.id);
    expect(told).toMatchObject({ body: 'Ciao Anna', attachments: [file] });
    expect((await get(anna.device, attachment(file.id))).status).toBe(200);
    expectStatus(await bakery.owner.ask('DELETE', `${messages(anna)}/${told.seq}`), 204);
    expect((await get(anna.device, attachment(file.id))).status).toBe(404);
    expect((await get(bruno.device, attachment(file.id))).status).toBe(200);
    expect((await get(bakery.owner, attachment(file.id))).status).toBe(200);
  });

  test('cannot have a file uploaded for a conversation, nor a message one uploaded for a broadcast', async () => {
    const forAnna = await upload(bakery.owner, bytesOf(10), { conversationId: anna.contactId });
    const forAll = await upload(bakery.owner, bytesOf(10), { broadcast: true });
    const wanted = { ...service, clientId: unique(), body: 'x', audience: { all: true }, attachmentIds: [forAnna.id] };
    expect((await bakery.owner.ask('POST', '/api/broadcasts', wanted)).body.code).toBe('attachment_not_found');
    const sent = await send(bakery.owner, anna, { attachmentIds: [forAll.id] });
    expect(sent.body.code).toBe('attachment_not_found');
    const staff = (await world.staff(bakery)).device;
    const others = await staff.ask('POST', '/api/broadcasts', { ...wanted, attachmentIds: [forAll.id] });
    expect(others.body.code).toBe('attachment_not_found');
  });
});

test('Promise 2: without accepting a newer policy, files can be read but not uploaded', async () => {
  const { id } = await upload(anna.device, bytesOf(10), { conversationId: anna.contactId });
  await world.rows('UPDATE contact SET privacy_version = 0 WHERE id = $1', [anna.contactId]);
  try {
    const answer = await askToUpload(anna.device, bytesOf(10), { conversationId: anna.contactId });
    expect([answer.status, answer.body.code]).toEqual([403, 'consent_required']);
    expect((await get(anna.device, attachment(id))).status).toBe(200);
  } finally {
    await world.rows('UPDATE contact SET privacy_version = 1 WHERE id = $1', [anna.contactId]);
  }
});

test('unsent files are deleted after a day, and so are objects of a killed service', async () => {
  const { FileErasures } = await import('../src/attachments/file-erasures.service.js');
  const { Storage } = await import('../src/platform/storage/storage.js');
  const erasures = world.service.app.get(FileErasures);
  const unsent = await upload(anna.device, bytesOf(10), { conversationId: anna.contactId });
  const kept = await upload(anna.device, bytesOf(10), { conversationId: anna.contactId });
  expectStatus(await send(anna.device, anna, { attachmentIds: [kept.id] }), 201);
  const hour = 60 * 60 * 1000;
  await erasures.sweepUnsent(Date.now() + 23 * hour);
  expect((await get(anna.device, attachment(unsent.id))).status).toBe(200);
  await erasures.sweepUnsent(Date.now() + 25 * hour);
  expect((await get(anna.device, attachment(unsent.id))).status).toBe(404);
  expect((await get(anna.device, attachment(kept.id))).status).toBe(200);

  const { v7: uuid } = await import('uuid');
  const stray = uuid();
  await world.service.app.get(Storage).write(stray, formless(bytesOf(100)));
  await erasures.sweepStray(Date.now() + 23 * hour);
  expect(await objectsInStorage()).toContain(stray);
  await erasures.sweepStray(Date.now() + 25 * hour);
  expect(await objectsInStorage()).not.toContain(stray);
  expect((await get(anna.device, attachment(kept.id))).status).toBe(200);
});

async function* formless(bytes: Buffer) {
  yield bytes;
}

const uuidOf = () => crypto.randomUUID();
