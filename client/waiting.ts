import type { Clock, Random } from './ports.js';

const second = 1_000;
const longest = 60 * second;

/** Milliseconds before another attempt: 1, 2, 4 … 60 seconds, and up to half as much again, so that clients spread. */
export function backOff(failures: number, random: Random): number {
  const pause = Math.min(second * 2 ** Math.max(0, failures - 1), longest);
  return pause * (1 + random.number() / 2);
}

export function pause(clock: Clock, milliseconds: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimeout(resolve, milliseconds));
}
