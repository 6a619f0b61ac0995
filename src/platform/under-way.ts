/** Counts what is under way, so that a stop can wait for it. */
export class UnderWay {
  private count = 0;
  private ended: (() => void) | undefined;

  /** Call what it returns when it is done. */
  begin(): () => void {
    this.count++;
    return () => {
      this.count--;
      if (this.count === 0) this.ended?.();
    };
  }

  /** Waits until nothing is under way, or that long. */
  async end(milliseconds: number): Promise<void> {
    if (this.count === 0) return;
    const patience = new Promise<void>((resolve) => setTimeout(resolve, milliseconds).unref());
    await Promise.race([new Promise<void>((resolve) => (this.ended = resolve)), patience]);
  }
}
