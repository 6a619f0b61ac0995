import type { Log } from '../platform/log.js';

interface LaneOptions<Item> {
  /** Items under way at once, and begun in a second, at most. */
  atOnce: number;
  perSecond: number;
  /** Done before items are taken. */
  prepare: () => Promise<void>;
  take: (limit: number) => Promise<Item[]>;
  work: (item: Item) => Promise<void>;
  /** Seconds until something is due; undefined when nothing is to come. */
  next: () => Promise<number | undefined>;
  log: Log;
}

const turnsPerSecond = 10;
/** Interval of looking when nothing is known to come: what another node has left by a crash is found so. */
const idleSeconds = 15;
const afterFailureSeconds = 1;

/** Works on what comes due, at a bounded rate, and holds no more in memory than is under way. */
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
      await this.rest(begun + 1000 / turnsPerSecond);
    }
  }

  /** @returns seconds until the next one is due */
  private async turn(): Promise<number | undefined> {
    const { atOnce, perSecond, prepare, take, next } = this.options;
    await prepare();
    const limit = Math.min(atOnce - this.underWay.size, Math.ceil(perSecond / turnsPerSecond));
    if (limit > 0) for (const item of await take(limit)) this.begin(item);
    // Each that ends wakes it.
    if (this.underWay.size >= atOnce) return undefined;
    return next();
  }

  private begin(item: Item): void {
    const { work, log } = this.options;
    const done = work(item)
      // It stays taken for a while, and is then taken again.
      .catch((error: unknown) => log.failure(error))
      .finally(() => {
        this.underWay.delete(done);
        this.wakeIn(0);
      });
    this.underWay.add(done);
  }

  /** Rests until something is due, and at least until then. */
  private async rest(earliest: number): Promise<void> {
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
