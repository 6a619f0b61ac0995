import { dayMilliseconds } from '../durations.js';
import type { Log } from '../log.js';
import type { Keyring } from './keyring.js';

const lookMilliseconds = 10 * 60 * 1000;
/** Erasures that come within this time are gathered into one renewal. */
const gatherMilliseconds = 2_000;
/** Renewals asked for by erasures begin at most this often. */
const leastMilliseconds = 60_000;

/** Renews the epoch key: once it is a day old, and soon after an erasure has asked for it, at most once a minute. */
export class EpochRenewal {
  private readonly timer: NodeJS.Timeout;
  private readonly listeners: (() => Promise<void>)[] = [];
  private underWay = Promise.resolve();
  private requested: NodeJS.Timeout | undefined;
  private lastBegun = -Infinity;
  private stopped = false;

  constructor(
    private readonly keyring: Keyring,
    private readonly log: Log,
  ) {
    this.look();
    this.timer = setInterval(() => this.look(), lookMilliseconds);
    this.timer.unref();
  }

  /** The epoch that wraps now. What was destroyed before is unreadable once all epochs up to it have gone. */
  get current(): number {
    return this.keyring.currentEpoch;
  }

  /** The oldest epoch that still opens. */
  get oldest(): number {
    return this.keyring.oldestEpoch;
  }

  /** Has the epoch renewed soon, together with what others ask for meanwhile. */
  request(): void {
    if (this.requested || this.stopped) return;
    const wait = Math.max(gatherMilliseconds, this.lastBegun + leastMilliseconds - performance.now());
    this.requested = setTimeout(() => {
      this.requested = undefined;
      this.renew();
    }, wait);
    this.requested.unref();
  }

  /** Calls back after every renewal. */
  onRenewed(listener: () => Promise<void>): void {
    this.listeners.push(listener);
  }

  /** Stops after a renewal under way. One that was asked for is asked for again after the next start. */
  stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    clearTimeout(this.requested);
    return this.underWay;
  }

  private look(): void {
    const age = Date.now() - this.keyring.epochMadeAt.getTime();
    // One from the future was made while the clock was wrong, and would not be due for as long as that.
    if (age >= 0 && age < dayMilliseconds) return;
    this.renew();
  }

  private renew(): void {
    this.lastBegun = performance.now();
    this.underWay = this.underWay
      .then(() => this.keyring.renewEpoch())
      .then(async () => {
        for (const listener of this.listeners) await listener();
      })
      .catch((error: unknown) => {
        this.log.failure(error);
        // What an erasure waits for is not left until tomorrow.
        this.request();
      });
  }
}

/**
 * Renews the epoch key once it is a day old.
 * @returns how to stop, which waits for a renewal under way
 */
export function scheduleEpochRenewal(keyring: Keyring, log: Log): () => Promise<void> {
  const renewal = new EpochRenewal(keyring, log);
  return () => renewal.stop();
}
