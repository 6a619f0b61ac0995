import { expect, test } from '@jest/globals';
import { startService } from '../src/service.js';
import { outside } from './support/outside.js';

test('the service is loaded once for each worker of the tests, and not by Jest for each file', () => {
  expect(startService).toBe((outside('../../dist/src/service.js') as { startService: unknown }).startService);
});
