import { expect, test } from '@jest/globals';
import { agree } from './model/agreement.js';

/** Promise 4. */
test('whatever devices do, in whatever order, each equals a simple model and a fresh load', async () => {
  expect(await agree({ sequences: 3 })).toBeGreaterThanOrEqual(3);
});
