import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import S3rver from 's3rver';
import { backUp } from '../src/commands/backing-up.js';
import { restore } from '../src/commands/restoring.js';
import { run } from './support/commands.js';
import { bytesOf, download, objectsOf, upload, askToUpload } from './support/files.js';
import { expectStatus, type Person, type Shop, unique, until, World } from './support/world.js';

/** Files in an S3-compatible storage: the same as on the disk, which then has none. */

const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
const megabyte = 1024 * 1024;

let folder: string;
let server: S3rver;
let endpoint: string;
let world: World;
let bakery: Shop;
let anna: Person;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'colloquio-s3-'));
  const configureBuckets = [{ name: 'files', configs: [] }];
  server = new S3rver({ port: 0, address: '127.0.0.1', silent: true, directory: folder, configureBuckets });
  endpoint = `http://127.0.0.1:${(await server.run()).port}`;
  world = await World.open({
    S3_BUCKET: 'files',
    S3_ENDPOINT: endpoint,
    S3_ACCESS_KEY_ID: credentials.accessKeyId,
    S3_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    S3_PREFIX: 'colloquio/',
  });
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
});
afterAll(async () => {
  await world.close();
  await server.close().catch(() => undefined);
  await rm(folder, { recursive: true, force: true });
});

async function keys(): Promise<string[]> {
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'files' }));
  client.destroy();
  return Contents.map(({ Key }) => Key!);
}

const get = (id: string, headers?: Record<string, string>) =>
  download({ url: world.url, token: bakery.owner.token }, `/api/attachments/${id}`, headers);

test('a file is stored sealed in the bucket, read from it completely and in ranges, and deleted from it once withdrawn', async () => {
  for (const size of [1_000, 11 * megabyte + 3]) {
    const bytes = bytesOf(size);
    const { id } = await upload(anna.device, bytes, { conversationId: anna.contactId });
    const path = `/api/conversations/${anna.contactId}/messages`;
    const sent = await anna.device.ask('POST', path, { clientId: unique(), body: '', attachmentIds: [id] });
    expectStatus(sent, 201);
    expect((await get(id)).bytes.equals(bytes)).toBe(true);
    const part = await get(id, { range: 'bytes=-700' });
    expect([part.status, part.bytes.equals(bytes.subarray(-700))]).toEqual([206, true]);
    expect(await keys()).toEqual([expect.stringMatching(/^colloquio\/[0-9a-f-]{36}$/)]);
    expectStatus(await anna.device.ask('DELETE', `${path}/${sent.body.seq}`), 204);
    await until(async () => (await keys()).length === 0, 'an empty bucket');
  }
  await expect(objectsOf(world)).rejects.toThrow('ENOENT');
});

test('a file is backed up from the bucket, once, and restored to a disk', async () => {
  const bytes = bytesOf(6 * megabyte + 5);
  const { id } = await upload(anna.device, bytes, { conversationId: anna.contactId });
  const backups = join(folder, 'backups');
  const made = await run(backUp, world.environment, backups);
  expect(made).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('Stored files copied: 1') });
  const again = await run(backUp, world.environment, backups);
  expect(again.stdout).toContain('Stored files copied: 0, already there: 1');
  const target = await World.open();
  await target.stop();
  await cp(join(world.dataDir, 'keys/master.key'), join(target.dataDir, 'keys/master.key'));
  expect(await run(restore, target.environment, backups)).toMatchObject({ code: 0, stderr: '' });
  const there = await target.restart();
  try {
    const { token } = await there.signIn(anna.username);
    const got = await download({ url: there.url, token }, `/api/attachments/${id}`);
    expect(got.bytes.equals(bytes)).toBe(true);
  } finally {
    await there.close();
  }
  expectStatus(await anna.device.ask('DELETE', `/api/attachments/${id}`), 204);
  await until(async () => (await keys()).length === 0, 'an empty bucket');
});

test('objects without a file are found by their names', async () => {
  const { FileErasures } = await import('../src/attachments/file-erasures.service.js');
  const { Storage } = await import('../src/platform/storage/storage.js');
  const { v7: uuid } = await import('uuid');
  const { id } = await upload(anna.device, bytesOf(100), { conversationId: anna.contactId });
  const stray = uuid();
  await world.service.app.get(Storage).write(stray, one(bytesOf(100)));
  expect((await keys()).length).toBe(2);
  await world.service.app.get(FileErasures).sweepStray(Date.now() + 25 * 60 * 60 * 1000);
  expect((await keys()).length).toBe(1);
  expect((await download({ url: world.url, token: anna.device.token }, `/api/attachments/${id}`)).status).toBe(200);
  expectStatus(await anna.device.ask('DELETE', `/api/attachments/${id}`), 204);
});

test('while the storage is unavailable, uploads and readiness say so', async () => {
  const { id } = await upload(bakery.owner, bytesOf(100), { conversationId: anna.contactId });
  expect((await world.ask('GET', '/api/health/ready')).status).toBe(200);
  await server.close();
  const ready = await world.ask('GET', '/api/health/ready');
  expect([ready.status, ready.body.detail]).toEqual([503, 'The storage of files cannot be reached or written.']);
  const answer = await askToUpload(anna.device, bytesOf(100), { conversationId: anna.contactId });
  expect([answer.status, answer.body]).toMatchObject([503, { code: 'unavailable' }]);
  const reading = await get(id);
  expect([reading.status, reading.problem().code]).toEqual([503, 'unavailable']);
});

async function* one(bytes: Buffer) {
  yield bytes;
}
