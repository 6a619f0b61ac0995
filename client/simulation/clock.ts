import type { Clock } from '../ports.js';

interface Timer {
  at: number;
  number: number;
  work: () => void;
}

/** A clock that stands still until it is run, and then jumps from one thing that is due to the next. */
export class SimulatedClock implements Clock {
  private time = Date.parse('2026-03-02T08:00:00.000Z');
  private count = 0;
  private readonly timers = new Set<Timer>();

  now(): number {
    return this.time;
  }

  setTimeout(work: () => void, milliseconds: number): unknown {
    const timer = { at: this.time + Math.max(0, milliseconds), number: this.count++, work };
    this.timers.add(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.timers.delete(timer as Timer);
  }

  /** Lets so much time pass, and everything happen that is due in it. */
  async run(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    await promisesSettled();
    for (let next = this.next(end); next; next = this.next(end)) {
      this.timers.delete(next);
      this.time = Math.max(this.time, next.at);
      next.work();
      await promisesSettled();
    }
    this.time = end;
  }

  private next(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.timers) {
      if (timer.at <= end && (!next || timer.at < next.at || (timer.at === next.at && timer.number < next.number))) {
        next = timer;
      }
    }
    return next;
  }
}

const promisesSettled = () => new Promise<void>((resolve) => void setImmediate(resolve));
