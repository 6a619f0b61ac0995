import { DomainError } from './problems/domain-error.js';

export interface TurnsOptions {
  /** Maximum weight of concurrent work, for all askers. */
  concurrency: number;
  /** The same for one asker. */
  concurrencyPerAsker: number;
  /** Maximum weight of waiting work, for all askers; beyond it, an asker with waiting work gets `overloaded`. */
  waiting: number;
  /** The same for an asker with an empty queue, so that others cannot lock it out; by default ten times as much. */
  waitingAtMost?: number;
  /** The same for one asker; beyond it the answer is `rate_limited`. */
  waitingPerAsker: number;
  /** Name of the work in the plural, for the error message. */
  of: string;
}

export interface TurnOptions {
  weight?: number;
  /** The answer of the request; once it closes, the turn goes to another asker. */
  answer?: { once(event: 'close', listener: () => void): unknown };
}

interface Waiting {
  weight: number;
  begin: (release: () => void) => void;
}

interface Queue {
  underWay: number;
  weightWaiting: number;
  waiting: Waiting[];
}

/**
 * Limits concurrent and waiting work. Askers take turns: one with much work waits behind its own, and delays others by at most
 * one piece.
 */
export class Turns {
  private readonly queues = new Map<string, Queue>();
  /** Askers with work that could start, in the order of their turns. */
  private readonly ready = new Set<string>();
  private underWay = 0;
  private weightWaiting = 0;

  constructor(private readonly options: TurnsOptions) {}

  /** @throws DomainError `rate_limited` or `overloaded` when too much waits; whatever the work throws */
  async run<Result>(asker: string, work: () => Promise<Result>, weight = 1): Promise<Result> {
    const release = await this.acquire(asker, { weight });
    try {
      return await work();
    } finally {
      release();
    }
  }

  /**
   * Resolves when it is the asker's turn, with a function to call when its work is done.
   * @throws DomainError `rate_limited` or `overloaded` when too much waits
   */
  async acquire(asker: string, { weight = 1, answer }: TurnOptions = {}): Promise<() => void> {
    const queue = this.queues.get(asker) ?? { underWay: 0, weightWaiting: 0, waiting: [] };
    if (this.fits(queue, weight) && queue.waiting.length === 0 && this.ready.size === 0) {
      this.queues.set(asker, queue);
      return this.occupy(asker, queue, weight);
    }
    this.requireSpace(queue, weight);
    this.queues.set(asker, queue);
    return new Promise((resolve, reject) => {
      const waiting = { weight, begin: resolve };
      queue.waiting.push(waiting);
      queue.weightWaiting += weight;
      this.weightWaiting += weight;
      answer?.once('close', () => {
        const place = queue.waiting.indexOf(waiting);
        if (place < 0) return;
        queue.waiting.splice(place, 1);
        this.waitsNoMore(queue, weight);
        this.settle(asker, queue);
        // The caller has gone away.
        reject(new DomainError('rate_limited'));
      });
      this.settle(asker, queue);
    });
  }

  private requireSpace({ weightWaiting }: Queue, weight: number): void {
    const { waiting, waitingAtMost = 10 * waiting, waitingPerAsker, of } = this.options;
    if (weightWaiting + weight > waitingPerAsker) {
      const detail = `Too many of your ${of} are waiting. Wait for their answers, then try again.`;
      throw new DomainError('rate_limited', { detail, retryAfter: 2 });
    }
    if (this.weightWaiting + weight > (weightWaiting > 0 ? waiting : waitingAtMost)) {
      throw new DomainError('overloaded', {
        detail: `The service is busy: too many ${of} are waiting. Try again in a moment.`,
        retryAfter: 5,
      });
    }
  }

  private occupy(asker: string, queue: Queue, weight: number): () => void {
    queue.underWay += weight;
    this.underWay += weight;
    let done = false;
    return () => {
      if (done) return;
      done = true;
      queue.underWay -= weight;
      this.underWay -= weight;
      this.settle(asker, queue);
    };
  }

  /** Updates whether an asker has work that could start, and starts what can. */
  private settle(asker: string, queue: Queue): void {
    const next = queue.waiting[0];
    if (next && this.fitsAsker(queue, next.weight)) this.ready.add(asker);
    else this.ready.delete(asker);
    if (!next && queue.underWay === 0) this.queues.delete(asker);
    this.advance();
  }

  private advance(): void {
    for (const asker of this.ready) {
      const queue = this.queues.get(asker)!;
      const { weight, begin } = queue.waiting[0]!;
      if (!this.fits(queue, weight)) return;
      queue.waiting.shift();
      this.waitsNoMore(queue, weight);
      // To the end of the line, if it has more.
      this.ready.delete(asker);
      const release = this.occupy(asker, queue, weight);
      const following = queue.waiting[0];
      if (following && this.fitsAsker(queue, following.weight)) this.ready.add(asker);
      begin(release);
    }
  }

  private waitsNoMore(queue: Queue, weight: number): void {
    queue.weightWaiting -= weight;
    this.weightWaiting -= weight;
  }

  /** Work heavier than the whole capacity runs alone. */
  private fits(queue: Queue, weight: number): boolean {
    const { concurrency } = this.options;
    return this.fitsAsker(queue, weight) && (this.underWay === 0 || this.underWay + weight <= concurrency);
  }

  private fitsAsker({ underWay }: Queue, weight: number): boolean {
    return underWay === 0 || underWay + weight <= this.options.concurrencyPerAsker;
  }
}
