import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '../../src/platform/free-port.js';
import { openShop } from '../support/booted-shop.js';
import { home, stopped } from '../support/home.js';
import { Installation, until } from '../support/installation.js';
import { expectOneLine } from '../support/refusals.js';
import { expectStatus } from '../support/world.js';

/** The built service as a process: first starts that meet another or are cut short, and starts that cannot succeed. */

test('a second service is refused on the same new data when both start at once', async () => {
  const installation = await Installation.make();
  try {
    const both = [installation.spawn(), installation.spawn({ PORT: String(await freePort()) })];
    await until(() => both.some(({ hasGreeted }) => hasGreeted), 'one runs');
    const loser = both.find(({ hasGreeted }) => !hasGreeted)!;
    expectOneLine(await loser.ended, 'Another Colloquio is running on this data');
    const winner = both.find(({ hasGreeted }) => hasGreeted)!;
    expectStatus(await winner.ask('GET', '/api/health/ready'), 200);
  } finally {
    await installation.remove();
  }
});

test('a first start that is killed halfway does not prevent the next', async () => {
  const installation = await Installation.make();
  try {
    const lands = ['keys/postgres.password', 'keys/master.key', 'keys/epoch.key'];
    for (const file of lands) {
      const service = installation.spawn();
      await until(() => existsSync(join(installation.dataDir, file)), `${file} is there`);
      service.kill();
      await service.ended;
    }
    const service = await installation.start();
    await openShop(service);
    expect(await service.stop()).toMatchObject({ code: 0 });
  } finally {
    await installation.remove();
  }
});

describe('a start that cannot succeed prints one line with what to do, and leaves nothing behind:', () => {
  beforeAll(stopped);

  /** Starts in vain, and finds that PostgreSQL is gone. */
  async function refusal(environment: Record<string, string>, ...said: string[]): Promise<void> {
    expectOneLine(await home.failToStart(environment), ...said);
    expect(home.postgresPid).toBeUndefined();
  }

  test('settings that cannot be used', () =>
    refusal(
      { PORT: 'many', MASTER_KEY: 'short', KEYRING_DATABASE_URL: 'nowhere' },
      'PORT',
      'MASTER_KEY',
      'DATABASE_URL',
    ));

  test('a port that is taken', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    try {
      await refusal({ PORT: String(port) }, `Port ${port} is taken`, 'PORT');
    } finally {
      other.close();
    }
  });
});

test('a first start that fails mentions the master key that it created, because the next one will not', async () => {
  const installation = await Installation.make();
  const other = createServer().listen(installation.port, '127.0.0.1');
  try {
    const failed = await installation.failToStart();
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('is taken') });
    const made = existsSync(installation.keyFile('master.key'));
    expect(failed.stdout.includes('The master key was made')).toBe(made);
    other.close();
    const service = await installation.start();
    expect(service.stdout.includes('The master key was made')).toBe(!made);
  } finally {
    other.close();
    await installation.remove();
  }
});
