/** Time for which a message has to be in view before it counts as seen, in milliseconds. */
export const seenAfter = 1_000;

/**
 * Finds out which messages a person has really had on the screen: their end was in view for a second while the page was
 * visible and had the focus.
 */
export class Sight {
  private readonly inView = new Map<number, number>();
  private attends = false;

  /** The end of a message has come into view. */
  enter(seq: number, now: number): void {
    if (!this.inView.has(seq)) this.inView.set(seq, now);
  }

  leave(seq: number): void {
    this.inView.delete(seq);
  }

  /** The page has become visible or hidden; messages in view start counting again. */
  attend(attends: boolean, now: number): void {
    if (attends === this.attends) return;
    this.attends = attends;
    for (const seq of this.inView.keys()) this.inView.set(seq, now);
  }

  /** The highest number that has been in view for long enough. */
  seen(now: number): number | undefined {
    if (!this.attends) return undefined;
    const seen = [...this.inView].filter(([, since]) => now - since >= seenAfter).map(([seq]) => seq);
    return seen.length > 0 ? Math.max(...seen) : undefined;
  }

  /** Milliseconds until there may be more; undefined when nothing is in view. */
  wait(now: number): number | undefined {
    if (!this.attends) return undefined;
    const waits = [...this.inView.values()].map((since) => seenAfter - (now - since)).filter((wait) => wait > 0);
    return waits.length > 0 ? Math.min(...waits) : undefined;
  }
}
