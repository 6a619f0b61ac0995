import { expect, test } from '@jest/globals';
import { raceOptOuts } from './support/opt-out-races.js';

test('Promise 2: of 50 people who opt out during a promotional broadcast, none gets it after the answer', async () => {
  const { sent, spared } = await raceOptOuts(50, 5);
  expect(sent + spared).toBe(50);
});
