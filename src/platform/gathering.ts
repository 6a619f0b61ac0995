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
  /** Rounds that may be under way at once, of different groups. */
  rounds: number;
  /** Milliseconds that lie at least between the beginnings of two rounds, for what is in no hurry; none by default. */
  spacing?: number;
  /** Most items that wait or are being written; one more is refused as `overloaded`. */
  most: number;
}

const shortestRest = 2;
const longestRest = 50;

/**
 * Gathers what is to be written while writes are under way, and writes it together in the next round. When there is a
 * round to spare an item waits only for those that came in the same turn of the event loop, and, where rounds are spaced,
 * until the last one has begun that long ago. A group that is busy rests and waits alone, and an item that the database
 * refuses fails alone.
 */
export class Gathering<Item, Outcome> {
  private waiting: Waiting<Item, Outcome>[] = [];
  private underWay = 0;
  private rounds = 0;
  private beginning = false;
  /** When the next round may begin, on the clock of `performance`. */
  private next = 0;
  private spacing: NodeJS.Timeout | undefined;
  /** Groups of the rounds that are under way, and those that rest. */
  private readonly held = new Set<string>();
  /** How long groups that were busy have rested: of each only the first item is tried again. */
  private readonly busy = new Map<string, number>();

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
      if (this.beginning) return;
      this.beginning = true;
      setImmediate(() => {
        this.beginning = false;
        this.begin();
      });
    });
  }

  private begin(): void {
    const { rounds, spacing = 0 } = this.options;
    while (this.rounds < rounds && this.waiting.length > 0) {
      const now = performance.now();
      if (now < this.next) return this.beginAfter(this.next - now);
      const round = this.take();
      if (round.length === 0) return;
      this.next = now + spacing;
      void this.run(round);
    }
  }

  private beginAfter(milliseconds: number): void {
    this.spacing ??= setTimeout(() => {
      this.spacing = undefined;
      this.begin();
    }, milliseconds);
  }

  private async run(round: Waiting<Item, Outcome>[]): Promise<void> {
    const { groupOf } = this.options;
    const groups = new Set(round.map(({ item }) => groupOf(item)));
    for (const group of groups) this.held.add(group);
    this.rounds++;
    this.underWay += round.length;
    const postponed = await this.settle(round);
    this.underWay -= round.length;
    this.rounds--;
    this.waiting = [...postponed, ...this.waiting];
    const postponedGroups = new Set(postponed.map(({ item }) => groupOf(item)));
    for (const group of groups) {
      if (postponedGroups.has(group)) this.rest(group);
      else this.release(group);
    }
    this.begin();
  }

  private rest(group: string): void {
    const milliseconds = Math.min((this.busy.get(group) ?? shortestRest / 2) * 2, longestRest);
    this.busy.set(group, milliseconds);
    setTimeout(() => {
      this.held.delete(group);
      this.begin();
    }, milliseconds);
  }

  private release(group: string): void {
    this.held.delete(group);
    this.busy.delete(group);
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
      const isBusy = this.busy.has(group);
      const waits =
        round.length >= atOnce ||
        this.held.has(group) ||
        (key !== undefined && keys.has(key)) ||
        (isBusy && (tried.has(group) || tried.size >= atOnce / 4));
      if (waits) {
        rest.push(each);
        continue;
      }
      if (isBusy) tried.add(group);
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
