import type { Log } from '../platform/log.js';

interface LaneOptions<Item> {
  /** Maximum number of items in progress, and of items started in a second. */
  concurrency: number;
  perSecond: number;
  /** Called before items are taken. */
  prepare: () => Promise<void>;
  take: (limit: number) => Promise<Item[]>;
  work: (item: Item) => Promise<void>;
  /** Returns the seconds until something is due; undefined if nothing is pending. */
  next: () => Promise<number | undefined>;
  log: Log;
}

const turnsPerSecond = 10;
/** Interval of checks without pending work: they find what another node has left in a crash. */
const idleSeconds = 15;
const afterFailureSeconds = 1;

/** Works on due items at a limited rate, and keeps only the items in progress in memory. */
export class LaneWork<Item> {
  private readonly underWay = new Set<Promise<void>>();
  private wakeAt = 0;
  private wake: (() => void) | undefined;
  private ending = false;
  private working: Promise<void> | undefined;

  constructor(private readonly options: LaneOptions<Item>) {}

  start(): void {
    this.working = this.turns();
  }

  async end(): Promise<void> {
    this.ending = true;
    this.wake?.();
    await this.working;
    await Promise.all(this.underWay);
  }

  wakeIn(seconds: number): void {
    this.wakeAt = Math.min(this.wakeAt, performance.now() + seconds * 1000);
    this.wake?.();
  }

  private async turns(): Promise<void> {
    while (!this.ending) {
      const begun = performance.now();
      try {
        this.wakeAt = Infinity;
        const seconds = await this.turn();
        this.wakeAt = Math.min(this.wakeAt, performance.now() + Math.min(seconds ?? idleSeconds, idleSeconds) * 1000);
      } catch (error) {
        this.options.log.failure(error);
        this.wakeAt = performance.now() + afterFailureSeconds * 1000;
      }
      await this.sleep(begun + 1000 / turnsPerSecond);
    }
  }

  /** @returns seconds until the next one is due */
  private async turn(): Promise<number | undefined> {
    const { concurrency, perSecond, prepare, take, next } = this.options;
    await prepare();
    const limit = Math.min(concurrency - this.underWay.size, Math.ceil(perSecond / turnsPerSecond));
    if (limit > 0) for (const item of await take(limit)) this.launch(item);
    // Each finished item wakes this.
    if (this.underWay.size >= concurrency) return undefined;
    return next();
  }

  private launch(item: Item): void {
    const { work, log } = this.options;
    const done = work(item)
      // It becomes due again after a while.
      .catch((error: unknown) => log.failure(error))
      .finally(() => {
        this.underWay.delete(done);
        this.wakeIn(0);
      });
    this.underWay.add(done);
  }

  /** Sleeps until something is due, and at least until this time. */
  private async sleep(earliest: number): Promise<void> {
    while (!this.ending) {
      const left = Math.max(earliest, this.wakeAt) - performance.now();
      if (left <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
