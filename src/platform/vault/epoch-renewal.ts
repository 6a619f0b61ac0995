import { dayMilliseconds } from '../durations.js';
import type { Log } from '../log.js';
import type { Keyring } from './keyring.js';

const lookMilliseconds = 10 * 60 * 1000;

/**
 * Renews the epoch key once it is a day old.
 * @returns how to stop, which waits for a renewal under way
 */
export function scheduleEpochRenewal(keyring: Keyring, log: Log): () => Promise<void> {
  let underWay = Promise.resolve();
  const look = () => {
    const age = Date.now() - keyring.epochMadeAt.getTime();
    // One from the future was made while the clock was wrong, and would not be due for as long as that.
    if (age >= 0 && age < dayMilliseconds) return;
    underWay = keyring.renewEpoch().catch((error: unknown) => log.failure(error));
  };
  look();
  const timer = setInterval(look, lookMilliseconds);
  timer.unref();
  return () => {
    clearInterval(timer);
    return underWay;
  };
}
