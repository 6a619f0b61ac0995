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
