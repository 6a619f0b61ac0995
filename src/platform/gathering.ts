import { DomainError } from './problems/domain-error.js';

/** The outcome of an item that could not be written yet, because what it belongs to is busy: it goes into a later round. */
export const later = Symbol('later');

interface Waiting<Item, Outcome> {
  item: Item;
  resolve: (outcome: Outcome) => void;
  reject: (error: unknown) => void;
}

export interface GatheringOptions<Item, Outcome> {
  /** Writes items together; gives their outcomes in their order. */
  write: (items: Item[]) => Promise<(Outcome | typeof later)[]>;
  /** What an item belongs to. Items of one group are written in the order in which they came. */
  groupOf: (item: Item) => string;
  /** No two items of a round have the same; the second waits for the next. */
  keyOf?: (item: Item) => string;
  /** Most items of a round. */
  atOnce: number;
  /** Most items that wait or are being written; one more is refused as `overloaded`. */
  most: number;
}

const shortestPause = 2;
const longestPause = 50;

/**
 * Gathers what is to be written while a write is under way, and writes it together in the next round. When nothing is
 * under way an item waits only for those that came in the same turn of the event loop. A group that is busy waits alone,
 * and an item that the database refuses fails alone.
 */
export class Gathering<Item, Outcome> {
  private waiting: Waiting<Item, Outcome>[] = [];
  private underWay = 0;
  /** Groups that were busy in the last round: of each only the first item is tried again. */
  private busy = new Set<string>();
  private running = false;

  constructor(private readonly options: GatheringOptions<Item, Outcome>) {}

  /** @throws DomainError `overloaded` when too much waits; whatever writing the item throws */
  add(item: Item): Promise<Outcome> {
    if (this.waiting.length + this.underWay >= this.options.most) {
      throw new DomainError('overloaded', {
        detail: 'Too much waits to be stored. Try again in a moment.',
        retryAfter: 1,
      });
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (this.running) return;
      this.running = true;
      setImmediate(() => void this.run());
    });
  }

  private async run(): Promise<void> {
    let pause = shortestPause;
    while (this.waiting.length > 0) {
      const round = this.take();
      this.underWay = round.length;
      const postponed = await this.settle(round);
      this.underWay = 0;
      this.busy = new Set(postponed.map(({ item }) => this.options.groupOf(item)));
      this.waiting = [...postponed, ...this.waiting];
      if (postponed.length < round.length) {
        pause = shortestPause;
      } else {
        await new Promise((resolve) => setTimeout(resolve, pause));
        pause = Math.min(pause * 2, longestPause);
      }
    }
    this.running = false;
  }

  /** The next round: in the order of arrival, one item of each busy group, and these as a quarter of it at most. */
  private take(): Waiting<Item, Outcome>[] {
    const { atOnce, groupOf, keyOf } = this.options;
    const round: Waiting<Item, Outcome>[] = [];
    const rest: Waiting<Item, Outcome>[] = [];
    const keys = new Set<string>();
    const tried = new Set<string>();
    for (const each of this.waiting) {
      const group = groupOf(each.item);
      const key = keyOf?.(each.item);
      const waits =
        round.length >= atOnce ||
        (key !== undefined && keys.has(key)) ||
        (this.busy.has(group) && (tried.has(group) || tried.size >= atOnce / 4));
      if (waits) {
        rest.push(each);
        continue;
      }
      if (this.busy.has(group)) tried.add(group);
      if (key !== undefined) keys.add(key);
      round.push(each);
    }
    this.waiting = rest;
    return round;
  }

  /** @returns what is to be tried again */
  private async settle(round: Waiting<Item, Outcome>[]): Promise<Waiting<Item, Outcome>[]> {
    try {
      const outcomes = await this.options.write(round.map(({ item }) => item));
      return round.filter(({ resolve }, index) => {
        const outcome = outcomes[index]!;
        if (outcome === later) return true;
        resolve(outcome);
        return false;
      });
    } catch (error) {
      if (round.length > 1 && isAboutContent(error)) return this.divide(round);
      for (const { reject } of round) reject(error);
      return [];
    }
  }

  private async divide(round: Waiting<Item, Outcome>[]): Promise<Waiting<Item, Outcome>[]> {
    const middle = Math.ceil(round.length / 2);
    const first = await this.settle(round.slice(0, middle));
    const held = new Set(first.map(({ item }) => this.options.groupOf(item)));
    const second = round.slice(middle);
    // What waits must not be overtaken by what came after it in its group.
    const behind = second.filter(({ item }) => held.has(this.options.groupOf(item)));
    const free = second.filter(({ item }) => !held.has(this.options.groupOf(item)));
    return [...first, ...behind, ...(free.length > 0 ? await this.settle(free) : [])];
  }
}

/**
 * Whether PostgreSQL refused what was written, so that the rest may be written without it; not that it could not be
 * asked, or what it answered was lost (classes of SQLSTATE: data, constraints, limits, raised by a function).
 */
function isAboutContent(error: unknown): boolean {
  const { driverError } = error as { driverError?: { code?: unknown } };
  const code = driverError?.code;
  return typeof code === 'string' && ['22', '23', '54', 'P0'].includes(code.slice(0, 2));
}
