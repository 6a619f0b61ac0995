import type { Lock, Store } from './ports.js';

/** A store that ends with the page. */
export class MemoryStore implements Store {
  private readonly values = new Map<string, unknown>();

  async get(key: string): Promise<unknown> {
    return this.values.get(key);
  }

  async entries(prefix: string): Promise<[string, unknown][]> {
    return [...this.values].filter(([key]) => key.startsWith(prefix));
  }

  async put(entries: readonly (readonly [string, unknown])[]): Promise<void> {
    for (const [key, value] of entries) {
      if (value === undefined) this.values.delete(key);
      else this.values.set(key, value);
    }
  }
}

/** A lock between the parts of one page. */
export class MemoryLock implements Lock {
  private readonly tails = new Map<string, Promise<unknown>>();

  request<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const done = (this.tails.get(name) ?? Promise.resolve()).then(work);
    this.tails.set(
      name,
      done.catch(() => undefined),
    );
    return done;
  }
}
