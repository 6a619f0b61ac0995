/** A cached value, or one still being computed. */
interface Cached {
  until: number;
  value: Promise<unknown>;
}

/** Caches costly results for a short time, in the memory of this node. */
export class ResultCache {
  private readonly cached = new Map<string, Cached>();

  constructor(private readonly now: () => number = Date.now) {}

  /** Computes a value, or returns the one computed within the last `milliseconds`. Failures are not cached. */
  of<T>(key: string, milliseconds: number, compute: () => Promise<T>): Promise<T> {
    this.forgetOld();
    const known = this.cached.get(key);
    if (known) return known.value as Promise<T>;
    const value = compute();
    if (milliseconds <= 0) return value;
    const entry = { until: Infinity, value };
    this.cached.set(key, entry);
    value.then(
      () => (entry.until = this.now() + milliseconds),
      () => this.cached.delete(key),
    );
    return value;
  }

  private forgetOld(): void {
    const now = this.now();
    for (const [key, { until }] of this.cached) if (until <= now) this.cached.delete(key);
  }
}
