/** A value that was asked for a while ago, or is still being asked for. */
interface Asked {
  until: number;
  value: Promise<unknown>;
}

/** Answers that are costly to compute, given again for a while to everybody who asks. Kept by this node alone, in memory. */
export class Lately {
  private readonly asked = new Map<string, Asked>();

  constructor(private readonly now: () => number = Date.now) {}

  /** Computes a value, or gives the one that was computed in the latest `milliseconds`. A failure is not kept. */
  of<T>(key: string, milliseconds: number, compute: () => Promise<T>): Promise<T> {
    this.forgetOld();
    const known = this.asked.get(key);
    if (known) return known.value as Promise<T>;
    const value = compute();
    if (milliseconds <= 0) return value;
    const asked = { until: Infinity, value };
    this.asked.set(key, asked);
    value.then(
      () => (asked.until = this.now() + milliseconds),
      () => this.asked.delete(key),
    );
    return value;
  }

  private forgetOld(): void {
    const now = this.now();
    for (const [key, { until }] of this.asked) if (until <= now) this.asked.delete(key);
  }
}
