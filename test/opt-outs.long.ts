import { expect, test } from '@jest/globals';
import { raceOptOuts } from './support/opt-out-races.js';

test('of 1,000 people who opt out during a promotional broadcast, none gets it after the answer', async () => {
  const { sent, spared } = await raceOptOuts(1_000, 40);
  expect(sent + spared).toBe(1_000);
  // Some come before it and some after it, or this were no race.
  expect(Math.min(sent, spared)).toBeGreaterThan(0);
});
