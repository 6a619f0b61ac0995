import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { connect } from 'node:net';
import { DataSource } from 'typeorm';
import { ArchivePool } from '../src/archive/archive-pool.service.js';
import { poolOf } from '../src/platform/database-pool.js';
import { HotStatements } from '../src/platform/hot-statements.js';
import { Log } from '../src/platform/log.js';
import { Storage, StorageFailure } from '../src/platform/storage/storage.js';
import { askToUpload, bytesOf, download, objectsOf } from './support/files.js';
import { expectStatus, type Person, type Shop, settle, unique, until, World } from './support/world.js';

/** A database that answers, but does not do what it is asked to: what people and operators are told. */

let world: World;
let bakery: Shop;
let anna: Person;

beforeAll(async () => {
  world = await World.open();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  await anna.device.connect();
});
afterAll(() => world.close());

const path = () => `/api/conversations/${anna.contactId}/messages`;
const ready = () => world.ask('GET', '/api/health/ready');
const readyAgain = () => until(async () => (await ready()).status === 200, 'it is ready again');

/** The database refuses every new message with this SQLSTATE. */
const refuseMessages = (sqlstate: string) =>
  world.rows(`
    CREATE FUNCTION refuse_message() RETURNS trigger LANGUAGE plpgsql
      AS $$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '${sqlstate}'; END$$;
    CREATE TRIGGER refuse_message BEFORE INSERT ON message FOR EACH ROW EXECUTE FUNCTION refuse_message()`);
const takeMessages = () => world.rows('DROP FUNCTION refuse_message CASCADE');

test('a full disk: sends are refused with the reason, readiness reports it, and all continues once there is space', async () => {
  expectStatus(await ready(), 200);
  const content = { clientId: unique(), body: 'Una pagnotta' };
  await refuseMessages('53100');
  const detail = expect.stringContaining('the disk of this service is full');
  const refused = await anna.device.ask('POST', path(), content);
  expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable', detail, retryAfter: 60 } });
  expect(refused.headers.get('retry-after')).toBe('60');
  const { error } = await anna.device.emit('message.send', { conversationId: anna.contactId, ...content });
  expect(error).toMatchObject({ status: 503, code: 'unavailable', detail });
  expect(await ready()).toMatchObject({ status: 503, body: { detail: expect.stringContaining('The disk is full') } });
  expectStatus(await world.ask('GET', '/api/health/live'), 200);

  await takeMessages();
  expectStatus(await anna.device.ask('POST', path(), content), 201);
  await readyAgain();
});

test('a full file storage: uploads are refused with the reason and leave nothing, and messages continue', async () => {
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'writev', errno: -28 });
  const handle = await open('/dev/null');
  const files = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const writev = Reflect.get<FileHandle, 'writev'>(files, 'writev');
  let room = 4_000_000;
  const writing = jest.spyOn(files, 'writev').mockImplementation(async function (this: FileHandle, pieces) {
    room -= pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (room < 0) throw full;
    return writev.call(this, pieces);
  });
  const storage = jest
    .spyOn(world.service.app.get(Storage), 'check')
    .mockRejectedValue(new StorageFailure('full', full));
  // Larger than what a connection holds on its way, so that a client which is cut off would not get the answer.
  const bytes = bytesOf(40_000_000);
  const conversationId = anna.contactId;
  const kept = (await objectsOf(world)).length;

  const refused = await askToUpload(anna.device, bytes, { conversationId });
  const problem = { code: 'storage_full', detail: expect.stringContaining('no space for files'), retryAfter: 60 };
  expect(refused).toMatchObject({ status: 507, body: problem });
  expect(refused.headers.get('retry-after')).toBe('60');
  expect(await objectsOf(world)).toHaveLength(kept);
  expect(await ready()).toMatchObject({
    status: 503,
    body: { detail: expect.stringContaining('storage of files is full') },
  });
  expectStatus(await anna.device.ask('POST', path(), { clientId: unique(), body: 'Una pagnotta' }), 201);

  // An upload that can be resumed keeps what its last answer said.
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const tus = (method: string, place: string, headers: Record<string, string>, body?: Buffer) =>
    fetch(world.url + place, {
      method,
      headers: { authorization: `Bearer ${anna.device.token}`, 'tus-resumable': '1.0.0', ...headers },
      ...(body && { body: new Uint8Array(body) }),
    });
  const begun = await tus('POST', '/api/attachments/uploads', {
    'upload-length': String(bytes.length),
    'upload-metadata': `filename ${base64('a.bin')},conversationId ${base64(conversationId)}`,
  });
  const place = begun.headers.get('location')!;
  const append = (offset: number) =>
    tus(
      'PATCH',
      place,
      { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' },
      bytes.subarray(offset),
    );
  room = 20_000_000;
  const cut = await append(0);
  expect([cut.status, await cut.json()]).toEqual([507, expect.objectContaining(problem)]);
  const reached = Number((await tus('HEAD', place, {})).headers.get('upload-offset'));
  expect(reached).toBe(16 * 1024 * 1024);
  room = Infinity;
  storage.mockRestore();
  expect((await append(reached)).status).toBe(204);
  const id = place.split('/').at(-1)!;
  const whole = await download({ url: world.url, token: anna.device.token }, `/api/attachments/${id}`);
  expect(whole.bytes.equals(bytes)).toBe(true);
  writing.mockRestore();
  // The database has nothing to do with it.
  expectStatus(await ready(), 200);
});

describe.each([
  ['53200', 'no memory left'],
  ['53300', 'accepts no more connections'],
  ['57014', 'took too long'],
  ['40P01', 'Another change happened at the same moment'],
])('SQLSTATE %s', (sqlstate, words) => {
  test('is answered as unavailable, with the reason', async () => {
    await refuseMessages(sqlstate);
    const content = { clientId: unique(), body: 'Una pagnotta' };
    const refused = await anna.device.ask('POST', path(), content);
    await takeMessages();
    expect(refused).toMatchObject({
      status: 503,
      body: { code: 'unavailable', detail: expect.stringContaining(words), retryAfter: expect.any(Number) },
    });
    expectStatus(await anna.device.ask('POST', path(), content), 201);
    await readyAgain();
  });
});

test('a read-only database: likewise, until it can be written again', async () => {
  const [{ name } = { name: '' }] = await world.rows<{ name: string }>('SELECT current_database() AS name');
  const setting = `ALTER DATABASE "${name}" SET default_transaction_read_only`;
  // Sessions keep what they began with.
  const endSessions = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'colloquio'`;
  await world.rows(`${setting} = on`);
  await world.rows(endSessions);
  const content = { clientId: unique(), body: 'Due pagnotte' };
  let refused = await anna.device.ask('POST', path(), content);
  await until(async () => {
    refused = await anna.device.ask('POST', path(), content);
    return String(refused.body.detail).includes('read-only');
  }, 'it is refused by a new session');
  expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect(await ready()).toMatchObject({ status: 503, body: { detail: expect.stringContaining('read-only') } });
  expectStatus(await anna.device.ask('GET', path()), 200);

  await world.rows(`BEGIN READ WRITE; ${setting} = off; COMMIT`);
  await world.rows(endSessions);
  await until(async () => (await anna.device.ask('POST', path(), content)).status < 300, 'it is taken');
  await readyAgain();
});

test('an upload that its sender interrupts is not logged as a failure', async () => {
  const log = world.service.app.get(Log);
  const failure = jest.spyOn(log, 'failure');
  const aborted = jest.spyOn(log, 'aborted');
  const { hostname, port } = new URL(world.url);
  for (const [method, route] of [
    ['POST', '/api/imports'],
    ['PUT', '/api/subscriber/logo'],
  ]) {
    const socket = connect(Number(port), hostname).on('error', () => {});
    await once(socket, 'connect');
    socket.write(
      `${method} ${route} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${bakery.owner.token}\r\n` +
        'Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000\r\n\r\n' +
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nemail\n',
    );
    await settle();
    socket.destroy();
  }
  await until(() => aborted.mock.calls.length === 2, 'both are noted');
  expect(failure).not.toHaveBeenCalled();
  failure.mockRestore();
  aborted.mockRestore();
});

test('a connection that ends between two statements does not stop the service', async () => {
  const { app } = world.service;
  const pools = [poolOf(app.get(DataSource)), app.get(HotStatements).pool, app.get(ArchivePool).pool];
  for (const pool of pools) {
    const client = await pool.connect();
    client.emit('error', new Error('terminating connection due to unexpected postmaster exit'));
    client.release(true);
  }
  expectStatus(await anna.device.ask('POST', path(), { clientId: unique(), body: 'Tutto bene' }), 201);
});
