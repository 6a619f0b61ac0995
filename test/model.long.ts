import { expect, test } from '@jest/globals';
import { agree } from './model/agreement.js';

/** Promise 4. */
test('whatever devices do and in whatever order, each holds what a simple model says and what a fresh load gives', async () => {
  const runs = await agree({ seconds: 10 });
  process.stderr.write(`${runs} sequences of commands agreed with the model\n`);
  expect(runs).toBeGreaterThan(0);
});
