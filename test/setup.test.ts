import type { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import { startService } from '../src/service.js';

/** Set by the environment of the tests, test/setup/environment.mjs. */
declare const requireOutside: ReturnType<typeof createRequire>;

test('the service is loaded once for each worker of the tests, and not by Jest for each file', () => {
  const outside = requireOutside('../../dist/src/service.js') as { startService: unknown };
  expect(startService).toBe(outside.startService);
});
