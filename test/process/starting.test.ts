import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '../../src/platform/free-port.js';
import { type BootedShop, openShop, read } from '../support/booted-shop.js';
import { Installation, type Service } from '../support/installation.js';
import { expectOneLine } from '../support/refusals.js';
import { expectStatus } from '../support/world.js';

/**
 * The built service as a process: how it starts, alone and beside another, and how it says that it cannot. Everything that
 * may be wrong at a start is tried in test/starts.long.ts, without a process for each; more of what needs one is in starting.long.ts.
 */

const quick = { RATE_MESSAGES: '100000' };

/** An installation with a shop in it, which the tests stop, kill and start again as they need. */
let home: Installation;
let shop: BootedShop;
let current: Service | undefined;

/** The service on the shared installation, started unless it runs. */
async function running(): Promise<Service> {
  if (!current?.isRunning) current = await home.start(quick);
  return current;
}

beforeAll(async () => {
  home = await Installation.make();
});
afterAll(() => home.remove());

test('it starts with an empty environment, prints its address, and mentions the master key once', async () => {
  current = await home.start(quick);
  const { port } = home;
  expect(current.stdout).toContain(`http://localhost:${port}`);
  expect(current.stdout).toContain(`http://localhost:${port}/api/docs`);
  expect(current.stdout).toContain(home.dataDir);
  expect(current.stdout).toContain(`The master key was made: ${home.keyFile('master.key')}`);
  expectStatus(await current.ask('GET', '/api/health/ready'), 200);
  shop = await openShop(current);
});

describe('a start that cannot succeed', () => {
  test('prints one line with what to do, and leaves nothing behind', async () => {
    await current!.stop();
    const failed = await home.failToStart({ MASTER_KEY: Buffer.alloc(32, 7).toString('base64') });
    expectOneLine(failed, 'The master key does not open', 'Put the right key back');
    expect(home.postgresPid).toBeUndefined();
  });

  test('is followed by one that succeeds, and no longer mentions the master key', async () => {
    const again = await running();
    expectStatus(await again.ask('GET', '/api/health/ready'), 200);
    expect(await read(shop.anna, shop.conversationId)).toEqual([]);
    expect(again.stdout).toContain(`http://localhost:${home.port}`);
    expect(again.stdout).not.toContain('master key');
    expect(again.stderr).toBe('');
  });
});

test('only the service’s user can read its keys', async () => {
  await running();
  const keys = join(home.dataDir, 'keys');
  expect((await readdir(keys)).sort()).toEqual([
    'epoch.key',
    'master.key',
    'postgres.password',
    'push.key',
    'signing.key',
  ]);
  expect((await stat(keys)).mode & 0o777).toBe(0o700);
  for (const name of await readdir(keys)) expect((await stat(join(keys, name))).mode & 0o777).toBe(0o600);
});

test('it serves the description of its API', async () => {
  const service = await running();
  const page = await service.ask('GET', '/api/docs');
  expectStatus(page, 200);
  expect(page.headers.get('content-type')).toContain('text/html');
  const events = await service.ask('GET', '/api/docs/events.md');
  expect({ status: events.status, body: events.body }).toEqual({
    status: 200,
    body: expect.stringMatching(/^# Events/),
  });
  const document = await service.ask('GET', '/api/docs-json');
  expectStatus(document, 200);
  expect(document.body).toEqual(JSON.parse(await readFile(new URL('../../openapi.json', import.meta.url), 'utf8')));
});

describe('a second service', () => {
  test('is refused on the same data, and the first continues to work', async () => {
    const service = await running();
    const second = await home.failToStart({ PORT: String(await freePort()) });
    expectOneLine(second, 'Another Colloquio is running on this data');
    expectStatus(await service.ask('GET', '/api/health/ready'), 200);
    expectStatus(await shop.anna.ask('GET', '/api/conversations'), 200);
  });
});
