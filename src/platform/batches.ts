import { DomainError } from './problems/domain-error.js';
import { isRefusedContent } from './sqlstate.js';

/** The outcome of an item whose group another transaction has locked; the slow lane writes it again. */
export const deferred = Symbol('deferred');

interface Waiting<Item, Outcome> {
  item: Item;
  resolve: (outcome: Outcome) => void;
  reject: (error: unknown) => void;
}

export interface BatchesOptions<Item, Outcome> {
  /** Writes items in one commit and skips locked groups; returns the outcomes in the order of the items. */
  write: (items: Item[]) => Promise<(Outcome | typeof deferred)[]>;
  /** Writes items of one locked group and waits for its lock. Required where `write` defers. */
  writeAfterLock?: (items: Item[]) => Promise<Outcome[]>;
  /** Items of one group are written in the order of arrival. */
  groupOf: (item: Item) => string;
  /** No two items of a batch have the same key; the second waits for the next batch. */
  keyOf?: (item: Item) => string;
  /** Maximum number of items in a batch. */
  batchSize: number;
  /** Maximum number of concurrent batches: while few items wait, and under load, where larger batches cost less. */
  concurrency: { idle: number; loaded: number };
  /** Minimum milliseconds between the starts of two batches; none by default. */
  minInterval?: number;
  /** Maximum number of items waiting or being written; one more is refused as `overloaded`. */
  capacity: number;
}

/** More items than this, waiting or being written, count as load. */
const idleItems = 16;
/** Locked groups to wait for at once; each occupies a connection. */
const slowConcurrency = 2;

/**
 * Collects items that arrive during a write into the next batch. While few items wait, an item waits only for those of the same
 * turn of the event loop.
 *
 * There are two lanes. The fast lane skips groups that another transaction has locked; their items go to the slow lane, which
 * waits for the lock of one group after another, so that a locked group delays no other. An item that the database refuses
 * fails alone.
 */
export class Batches<Item, Outcome> {
  private waiting: Waiting<Item, Outcome>[] = [];
  /** Items of locked groups, by group. A group stays here until all its items are written. */
  private readonly slow = new Map<string, Waiting<Item, Outcome>[]>();
  /** Groups of the batches being written. */
  private readonly writing = new Set<string>();
  private itemsUnderWay = 0;
  private batchesUnderWay = 0;
  private slowUnderWay = 0;
  private scheduled = false;
  /** Earliest time of the next batch, on the clock of `performance`. */
  private earliest = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: BatchesOptions<Item, Outcome>) {}

  /** @throws DomainError `overloaded` when the capacity is reached; any error of writing the item */
  add(item: Item): Promise<Outcome> {
    if (this.waiting.length + this.itemsUnderWay >= this.options.capacity) throw overloaded();
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (this.scheduled) return;
      this.scheduled = true;
      setImmediate(() => {
        this.scheduled = false;
        this.writeNext();
      });
    });
  }

  private writeNext(): void {
    const { minInterval = 0, concurrency } = this.options;
    while (this.waiting.length > 0) {
      const isLoaded = this.waiting.length + this.itemsUnderWay > idleItems;
      if (this.batchesUnderWay >= (isLoaded ? concurrency.loaded : concurrency.idle)) return;
      const now = performance.now();
      if (now < this.earliest) return this.writeIn(this.earliest - now);
      const batch = this.nextBatch();
      if (batch.length === 0) return;
      this.earliest = now + minInterval;
      void this.write(batch);
    }
  }

  private writeIn(milliseconds: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.writeNext();
    }, milliseconds);
  }

  /**
   * Items in the order of arrival, without those whose group or key is being written; items of locked groups move to the slow
   * lane.
   */
  private nextBatch(): Waiting<Item, Outcome>[] {
    const { batchSize, groupOf, keyOf } = this.options;
    const batch: Waiting<Item, Outcome>[] = [];
    const left: Waiting<Item, Outcome>[] = [];
    const keys = new Set<string>();
    for (const [index, each] of this.waiting.entries()) {
      if (batch.length === batchSize) {
        left.push(...this.waiting.slice(index));
        break;
      }
      const group = groupOf(each.item);
      const slow = this.slow.get(group);
      const key = keyOf?.(each.item);
      if (slow) {
        slow.push(each);
        this.itemsUnderWay++;
      } else if (this.writing.has(group) || (key !== undefined && keys.has(key))) left.push(each);
      else {
        if (key !== undefined) keys.add(key);
        batch.push(each);
      }
    }
    this.waiting = left;
    return batch;
  }

  private async write(batch: Waiting<Item, Outcome>[]): Promise<void> {
    const groups = new Set(batch.map(({ item }) => this.options.groupOf(item)));
    for (const group of groups) this.writing.add(group);
    this.batchesUnderWay++;
    this.itemsUnderWay += batch.length;
    const locked = await this.settle(batch, this.options.write);
    this.batchesUnderWay--;
    this.itemsUnderWay -= batch.length - locked.length;
    for (const group of groups) this.writing.delete(group);
    for (const each of locked) {
      const group = this.options.groupOf(each.item);
      const slow = this.slow.get(group);
      if (slow) slow.push(each);
      else this.slow.set(group, [each]);
    }
    this.writeSlow();
    this.writeNext();
  }

  private writeSlow(): void {
    for (const group of this.slow.keys()) {
      if (this.slowUnderWay >= slowConcurrency) return;
      if (!this.writing.has(group)) void this.writeLocked(group);
    }
  }

  /** Writes the items of one group in the slow lane, until none is left. */
  private async writeLocked(group: string): Promise<void> {
    const { batchSize, keyOf } = this.options;
    this.writing.add(group);
    this.slowUnderWay++;
    const waiting = this.slow.get(group)!;
    while (waiting.length > 0) {
      const keys = new Set<string>();
      const end = waiting.findIndex(({ item }, index) => {
        const key = keyOf?.(item) ?? String(index);
        return index === batchSize || keys.size === keys.add(key).size;
      });
      const batch = waiting.splice(0, end < 0 ? waiting.length : end);
      await this.settle(batch, this.options.writeAfterLock!);
      this.itemsUnderWay -= batch.length;
    }
    this.slow.delete(group);
    this.writing.delete(group);
    this.slowUnderWay--;
    this.writeSlow();
    this.writeNext();
  }

  /** @returns the items whose group is locked */
  private async settle(
    batch: Waiting<Item, Outcome>[],
    write: (items: Item[]) => Promise<(Outcome | typeof deferred)[]>,
  ): Promise<Waiting<Item, Outcome>[]> {
    try {
      const outcomes = await write(batch.map(({ item }) => item));
      return batch.filter(({ resolve }, index) => {
        const outcome = outcomes[index]!;
        if (outcome === deferred) return true;
        resolve(outcome);
        return false;
      });
    } catch (error) {
      if (batch.length > 1 && isRefusedContent(error)) return this.settleHalves(batch, write);
      for (const { reject } of batch) reject(error);
      return [];
    }
  }

  private async settleHalves(
    batch: Waiting<Item, Outcome>[],
    write: (items: Item[]) => Promise<(Outcome | typeof deferred)[]>,
  ): Promise<Waiting<Item, Outcome>[]> {
    const middle = Math.ceil(batch.length / 2);
    const first = await this.settle(batch.slice(0, middle), write);
    const locked = new Set(first.map(({ item }) => this.options.groupOf(item)));
    const second = batch.slice(middle);
    // An item must not overtake an earlier one of its group.
    const behind = second.filter(({ item }) => locked.has(this.options.groupOf(item)));
    const free = second.filter(({ item }) => !locked.has(this.options.groupOf(item)));
    return [...first, ...behind, ...(free.length > 0 ? await this.settle(free, write) : [])];
  }
}

function overloaded(): DomainError {
  const detail = 'The service is busy and cannot store more at the moment. Try again shortly.';
  return new DomainError('overloaded', { detail, retryAfter: 1 });
}
