import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Creates a function to call after each step of a long piece of work: it lets other work go on once the steps have taken a while.
 * @param workingMilliseconds so long at most is other work kept waiting, but for the length of a step
 * @param restingMilliseconds length of a pause, until pauses have taken `restingInAll`; after that, as by default, a pause only
 *   lets go first what is waiting already
 */
export function pausing(
  workingMilliseconds = 10,
  { restingMilliseconds = 0, restingInAll = 0 } = {},
): () => Promise<void> {
  let since = performance.now();
  let left = restingInAll;
  return async () => {
    if (performance.now() - since < workingMilliseconds) return;
    if (left > 0) await sleep(restingMilliseconds);
    else await new Promise(setImmediate);
    left -= restingMilliseconds;
    since = performance.now();
  };
}
