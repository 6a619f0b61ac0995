import { expect, test } from '@jest/globals';
import { pausing } from './pausing.js';

test('work pauses after a time, not after a number of steps', async () => {
  let turns = 0;
  const turn = (): void => void (turns++, (next = setImmediate(turn)));
  let next = setImmediate(turn);
  const pause = pausing();
  for (let step = 0; step < 5; step++) {
    const since = performance.now();
    while (performance.now() - since < 12);
    await pause();
  }
  clearImmediate(next);
  expect(turns).toBeGreaterThanOrEqual(4);
});

test('pauses rest, until they have rested enough in all', async () => {
  const pause = pausing(1, { restingMilliseconds: 20, restingInAll: 60 });
  let rested = 0;
  for (let step = 0; step < 50; step++) {
    const since = performance.now();
    while (performance.now() - since < 2);
    // An immediate comes before a timer of 20 ms, so a pause without rest ends before it.
    const timer = setTimeout(() => rested++, 19);
    await pause();
    clearTimeout(timer);
  }
  expect(rested).toBe(3);
});
