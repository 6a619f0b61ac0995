/** Counts what is under way, so that a stop can wait for it. */
export class UnderWay {
  private count = 0;
  private ended: (() => void) | undefined;

  /** Call the returned function when the work is done. */
  begin(): () => void {
    this.count++;
    return () => {
      this.count--;
      if (this.count === 0) this.ended?.();
    };
  }

  /** Waits until nothing is under way. */
  async end(): Promise<void> {
    if (this.count === 0) return;
    await new Promise<void>((resolve) => (this.ended = resolve));
  }
}
