import type { Log } from '../log.js';

/** A job ends after this, so that a stop need not wait for all of its work. */
const workingMilliseconds = 4_000;

/**
 * Takes every item a step further in turn, for a few seconds. One that fails stops no other, and is left for the next job.
 * @param step whether there is more to do for the item
 * @param then called with the items that are not finished, before an error is thrown
 * @throws the first error of a step; further ones are logged
 */
export async function inTurns<Item>(
  items: readonly Item[],
  step: (item: Item) => Promise<boolean>,
  { log, then }: { log: Log; then: (unfinished: readonly Item[]) => Promise<void> },
): Promise<void> {
  const deadline = performance.now() + workingMilliseconds;
  const failures: unknown[] = [];
  let unfinished = items;
  while (unfinished.length > 0 && performance.now() < deadline) {
    const further: Item[] = [];
    for (const item of unfinished) {
      try {
        if (await step(item)) further.push(item);
      } catch (error) {
        failures.push(error);
      }
    }
    unfinished = further;
  }
  if (unfinished.length > 0) await then(unfinished);
  const [first, ...others] = failures;
  for (const failure of others) log.failure(failure);
  if (failures.length > 0) throw first as Error;
}
