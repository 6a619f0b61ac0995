import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Upload } from 'tus-js-client';
import { bytesOf, download, objectsOf } from './support/files.js';
import { type Device, expectStatus, type Person, type Shop, unique, until, World } from './support/world.js';

/** Promise 8: a phone that loses its network goes on with an upload where it was. */

let world: World;
let bakery: Shop;
let anna: Person;
let bruno: Person;

beforeAll(async () => {
  world = await World.open({ ATTACHMENT_MB: '20' });
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  bruno = await world.join(bakery, 'bruno');
});
afterAll(() => world.close());

const megabyte = 1024 * 1024;
const encoded = (fields: Record<string, string>) =>
  Object.entries(fields)
    .map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`)
    .join(',');

interface TusAnswer {
  status: number;
  headers: Headers;
  code: string | undefined;
}

async function tus(
  device: Device,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: Buffer,
): Promise<TusAnswer> {
  const response = await fetch(world.url + path, {
    method,
    headers: { authorization: `Bearer ${device.token}`, 'tus-resumable': '1.0.0', ...headers },
    ...(body && { body: new Uint8Array(body) }),
  });
  const text = await response.text();
  const code = text ? (JSON.parse(text) as { code: string }).code : undefined;
  return { status: response.status, headers: response.headers, code };
}

const begin = (device: Device, size: number, fields: Record<string, string>) =>
  tus(device, 'POST', '/api/attachments/uploads', {
    'upload-length': String(size),
    'upload-metadata': encoded(fields),
  });

async function begun(device: Device, size: number, name = 'filmato.bin'): Promise<string> {
  const answer = await begin(device, size, { filename: name, conversationId: anna.contactId });
  expect(answer.status).toBe(201);
  return answer.headers.get('location')!;
}

const patch = (device: Device, path: string, offset: number, bytes: Buffer) =>
  tus(
    device,
    'PATCH',
    path,
    { 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset) },
    bytes,
  );

const offsetOf = async (device: Device, path: string) =>
  Number((await tus(device, 'HEAD', path)).headers.get('upload-offset'));

const idOf = (path: string) => path.split('/').at(-1)!;
const content = (device: Device, path: string) =>
  download({ url: world.url, token: device.token }, `/api/attachments/${idOf(path)}`);
const send = (device: Device, id: string) =>
  device.ask('POST', `/api/conversations/${anna.contactId}/messages`, {
    clientId: unique(),
    body: '',
    attachmentIds: [id],
  });

/** Sends the first bytes of a request and then breaks the connection. */
function sendAndBreak(device: Device, path: string, offset: number, bytes: Buffer, length: number): Promise<void> {
  return new Promise((resolve) => {
    const request = httpRequest(world.url + path, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${device.token}`,
        'tus-resumable': '1.0.0',
        'content-type': 'application/offset+octet-stream',
        'upload-offset': String(offset),
        'content-length': String(length),
      },
    });
    request.on('error', () => resolve());
    request.write(bytes, () => setTimeout(() => request.destroy(), 100));
    request.on('close', () => resolve());
  });
}

test('a tus client uploads in pieces, stops, resumes, and sends the file', async () => {
  const bytes = bytesOf(9 * megabyte + 5);
  const options = {
    endpoint: `${world.url}/api/attachments/uploads`,
    headers: { authorization: `Bearer ${anna.device.token}` },
    metadata: { filename: 'perché.bin', conversationId: anna.contactId },
    chunkSize: megabyte,
  };
  const url = await new Promise<string>((resolve, reject) => {
    const upload = new Upload(bytes, {
      ...options,
      onError: reject,
      onChunkComplete: (_size, accepted) => {
        if (accepted >= 3 * megabyte) void upload.abort().then(() => resolve(upload.url!));
      },
    });
    upload.start();
  });
  expect(await offsetOf(anna.device, new URL(url).pathname)).toBeGreaterThanOrEqual(3 * megabyte);
  const progress: number[] = [];
  await new Promise<void>((resolve, reject) => {
    const upload = new Upload(bytes, {
      ...options,
      uploadUrl: url,
      chunkSize: Infinity,
      onError: reject,
      onProgress: (sent) => progress.push(sent),
      onSuccess: () => resolve(),
    });
    upload.start();
  });
  expect(progress[0]).toBeGreaterThanOrEqual(3 * megabyte);
  const id = idOf(url);
  expectStatus(await send(anna.device, id), 201);
  const answer = await content(bakery.owner, url);
  expect(answer.bytes.equals(bytes)).toBe(true);
  expect(answer.headers.get('content-disposition')).toContain("UTF-8''perch%C3%A9.bin");
  for (const [start, end] of [
    [megabyte - 1, megabyte + 1],
    [2 * megabyte, 5 * megabyte],
    [bytes.length - 5, bytes.length],
  ] as const) {
    const range = { range: `bytes=${start}-${end - 1}` };
    const part = await download({ url: world.url, token: bakery.owner.token }, `/api/attachments/${id}`, range);
    expect([part.status, part.bytes.equals(bytes.subarray(start, end))]).toEqual([206, true]);
  }
});

test('bytes received before the connection breaks are kept, sealed, and the upload resumes after them', async () => {
  const bytes = Buffer.from('La ricetta della nonna. '.repeat(200_000));
  const path = await begun(anna.device, bytes.length, 'ricetta della nonna.txt');
  await sendAndBreak(anna.device, path, 0, bytes.subarray(0, 3_000_000), bytes.length);
  const offset = await offsetOf(anna.device, path);
  expect(offset).toBeGreaterThan(0);
  expect(offset).toBeLessThanOrEqual(3_000_000);
  for (const object of await objectsOf(world)) expect(object.bytes.includes('nonna')).toBe(false);
  const rest = await patch(anna.device, path, offset, bytes.subarray(offset));
  expect([rest.status, Number(rest.headers.get('upload-offset'))]).toEqual([204, bytes.length]);
  expect((await content(anna.device, path)).bytes.equals(bytes)).toBe(true);
});

test('a new request takes an upload over from a connection that hangs', async () => {
  const bytes = bytesOf(2 * megabyte);
  const path = await begun(anna.device, bytes.length);
  const hanging = httpRequest(world.url + path, {
    method: 'PATCH',
    headers: {
      authorization: `Bearer ${anna.device.token}`,
      'tus-resumable': '1.0.0',
      'content-type': 'application/offset+octet-stream',
      'upload-offset': '0',
      'content-length': String(bytes.length),
    },
  });
  hanging.on('error', () => undefined);
  hanging.write(bytes.subarray(0, megabyte));
  await until(async () => (await objectsOf(world)).some(({ name }) => name.endsWith('.part')), 'bytes on the disk');
  const offset = await offsetOf(anna.device, path);
  expect(offset).toBeGreaterThan(0);
  expect((await patch(anna.device, path, offset, bytes.subarray(offset))).status).toBe(204);
  expect((await content(anna.device, path)).bytes.equals(bytes)).toBe(true);
});

test('an upload of many small pieces is joined', async () => {
  const bytes = bytesOf(40 * 1_000);
  const path = await begun(anna.device, bytes.length);
  for (let at = 0; at < bytes.length; at += 1_000) {
    expect((await patch(anna.device, path, at, bytes.subarray(at, at + 1_000))).status).toBe(204);
  }
  expect((await content(anna.device, path)).bytes.equals(bytes)).toBe(true);
  const objects = await world.rows('SELECT FROM attachment_object WHERE attachment_id = $1', [idOf(path)]);
  expect(objects.length).toBe(1);
});

describe('an upload', () => {
  test('belongs to its uploader alone', async () => {
    const path = await begun(anna.device, 100);
    for (const device of [bruno.device, bakery.owner, (await world.shop('florist')).owner]) {
      expect((await tus(device, 'HEAD', path)).status).toBe(404);
      expect(await patch(device, path, 0, bytesOf(100))).toMatchObject({ status: 404, code: 'not_found' });
      expect(await tus(device, 'DELETE', path)).toMatchObject({ status: 404, code: 'not_found' });
    }
    const other = await begin(bruno.device, 10, { filename: 'a', conversationId: anna.contactId });
    expect(other).toMatchObject({ status: 404, code: 'not_found' });
  });

  test('that is not complete cannot be sent or read', async () => {
    const path = await begun(anna.device, 100);
    await patch(anna.device, path, 0, bytesOf(50));
    expect((await send(anna.device, idOf(path))).body.code).toBe('attachment_not_found');
    expect((await content(anna.device, path)).status).toBe(404);
    expect((await patch(anna.device, path, 50, bytesOf(50))).status).toBe(204);
    expectStatus(await send(anna.device, idOf(path)), 201);
    // The answer to the last request may have been lost.
    expect(await offsetOf(anna.device, path)).toBe(100);
    expect(await patch(anna.device, path, 100, Buffer.alloc(0))).toMatchObject({ status: 204 });
  });

  test('can be cancelled, which frees its space', async () => {
    const used = async () => (await bakery.owner.ask('GET', '/api/attachments/usage')).body.usedBytes as number;
    const before = await used();
    const path = await begun(anna.device, 1_000_000);
    expect(await used()).toBe(before + 1_000_000);
    await patch(anna.device, path, 0, bytesOf(500_000));
    expect((await tus(anna.device, 'DELETE', path)).status).toBe(204);
    expect((await tus(anna.device, 'HEAD', path)).status).toBe(404);
    expect(await used()).toBe(before);
  });

  test('states its protocol, and its expiry', async () => {
    const answer = await fetch(`${world.url}/api/attachments/uploads`, { method: 'OPTIONS' });
    expect([answer.status, Object.fromEntries(answer.headers)]).toMatchObject([
      204,
      {
        'tus-version': '1.0.0',
        'tus-extension': 'creation,termination,expiration',
        'tus-max-size': String(20 * megabyte),
      },
    ]);
    const path = await begun(anna.device, 100);
    const { headers } = await tus(anna.device, 'HEAD', path);
    expect(headers.get('upload-metadata')).toBe(encoded({ filename: 'filmato.bin' }));
    const hours = (new Date(headers.get('upload-expires')!).getTime() - Date.now()) / 3_600_000;
    expect(Math.round(hours)).toBe(24);
  });

  test.each<[string, number, string | undefined, () => Promise<TusAnswer>]>([
    ['too large', 413, 'too_large', () => begin(anna.device, 20 * megabyte + 1, { conversationId: anna.contactId })],
    ['empty', 422, 'file_empty', () => begin(anna.device, 0, { conversationId: anna.contactId })],
    ['for nothing', 400, 'validation_failed', () => begin(anna.device, 10, { filename: 'a' })],
    [
      'without a length',
      400,
      'validation_failed',
      () => tus(anna.device, 'POST', '/api/attachments/uploads', { 'upload-metadata': encoded({ filename: 'a' }) }),
    ],
    [
      'with metadata that cannot be read',
      400,
      'validation_failed',
      () =>
        tus(anna.device, 'POST', '/api/attachments/uploads', { 'upload-length': '1', 'upload-metadata': 'filename é' }),
    ],
    [
      'of another version of tus',
      412,
      'tus_version_unknown',
      () => tus(anna.device, 'POST', '/api/attachments/uploads', { 'tus-resumable': '0.2.2', 'upload-length': '1' }),
    ],
    [
      'continued at another offset',
      409,
      'upload_offset_wrong',
      async () => patch(anna.device, await begun(anna.device, 100), 10, bytesOf(10)),
    ],
    [
      'continued with too many bytes',
      413,
      'too_large',
      async () => patch(anna.device, await begun(anna.device, 100), 0, bytesOf(101)),
    ],
    [
      'continued with another type',
      415,
      'media_type_refused',
      async () =>
        tus(anna.device, 'PATCH', await begun(anna.device, 100), {
          'upload-offset': '0',
          'content-type': 'text/plain',
        }),
    ],
  ])('that is %s is refused with %i %s', async (_, status, code, ask) => {
    expect(await ask()).toMatchObject({ status, code });
  });

  test('is cut when its session ends, and another device of the account can resume it', async () => {
    const tablet = await world.signIn(anna.username);
    const bytes = bytesOf(4 * megabyte);
    const path = await begun(tablet, bytes.length);
    let broken = false;
    const request = httpRequest(world.url + path, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${tablet.token}`,
        'tus-resumable': '1.0.0',
        'content-type': 'application/offset+octet-stream',
        'upload-offset': '0',
        'content-length': String(bytes.length),
      },
    });
    request.on('error', () => (broken = true)).on('close', () => (broken = true));
    request.write(bytes.subarray(0, megabyte));
    await until(async () => (await objectsOf(world)).some(({ name }) => name.endsWith('.part')), 'bytes on the disk');
    expectStatus(await tablet.ask('DELETE', '/api/sessions/current'), 204);
    await until(() => broken, 'a cut connection');
    const offset = await offsetOf(anna.device, path);
    expect((await patch(anna.device, path, offset, bytes.subarray(offset))).status).toBe(204);
    expect((await content(anna.device, path)).bytes.equals(bytes)).toBe(true);
  });
});
