import { describe, expect, test } from '@jest/globals';
import { read } from '../support/booted-shop.js';
import { home, running, shop } from '../support/home.js';
import { stopInGoodOrder } from '../support/stopping.js';
import { pause } from '../support/world.js';

/**
 * The built service as a process: it stops in good order, also when PostgreSQL hangs. What else may hang, and that it goes on
 * when PostgreSQL does, is in stopping.long.ts.
 */

describe('stopping', () => {
  test('by SIGTERM finishes work in progress, PostgreSQL last', () => stopInGoodOrder('SIGTERM'));
});

describe('when PostgreSQL is halted and answers nothing', () => {
  test('the service still stops, and PostgreSQL with it', async () => {
    const service = await running();
    home.signalPostgres('SIGSTOP');
    const asked = [1, 2, 3].map(() => shop.anna.ask('GET', '/api/conversations').catch(() => undefined));
    await pause(200);
    expect(await service.stop()).toMatchObject({ code: 0, signal: null, stderr: '' });
    await Promise.all(asked);
    expect(home.postgresPid).toBeUndefined();
    expect(service.stdout).toContain('Stopping goes on without waiting any longer for requests under way.');
    await running();
    expect((await read(shop.anna, shop.conversationId)).length).toBeGreaterThan(0);
  });
});
