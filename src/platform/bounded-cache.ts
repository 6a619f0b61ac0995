import { LRUCache } from 'lru-cache';

/**
 * Keeps a limited number of entries and drops the ones that were not used for longest. It is empty memory until it is used: an
 * `LRUCache` with `max` makes room for all entries at once, which costs 10 ms and 3 MB for 100,000.
 */
export class BoundedCache<Key extends NonNullable<unknown>, Value extends NonNullable<unknown>> extends LRUCache<
  Key,
  Value
> {
  /** @param ttl milliseconds after which an entry counts as absent; it never does by default */
  constructor(entries: number, { ttl = 0 }: { ttl?: number } = {}) {
    super({ maxSize: entries, sizeCalculation: () => 1, ttl });
  }
}
