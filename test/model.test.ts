import { expect, test } from '@jest/globals';
import { agree } from './model/agreement.js';

/** Promise 4. */
test('whatever devices do and in whatever order, each holds what a simple model says and what a fresh load gives', async () => {
  expect(await agree({ sequences: 3 })).toBeGreaterThanOrEqual(3);
});
