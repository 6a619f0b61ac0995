import type { Observable } from './observable.js';
import type { Clock, Lock, Store } from './ports.js';

/** Something that is kept: `source` stays the same object until it has changed. */
export interface Keepable {
  readonly key: string;
  readonly source: unknown;
  /** Plain data. Undefined: not at this moment; what was kept before stays. */
  readonly value: () => unknown;
}

export interface KeeperOptions {
  account: string;
  store: Store;
  lock: Lock;
  clock: Clock;
  /** Changes whenever something that is kept may have changed. */
  watched: Observable<unknown>;
  /** All that is to be kept at this moment; undefined when it is too early to say. */
  state: () => Iterable<Keepable> | undefined;
}

export const prefix = 'kept/';
/** Time in which changes are gathered before they are kept, in milliseconds. */
const keptAfter = 1_000;

/**
 * Stores the state of a device, so that it can be shown without a network. One tab of an account stores its own state, because
 * parts of several tabs do not fit together. Each write is a consistent snapshot.
 */
export class Keeper {
  /** Sources of the stored state, by their keys. */
  private readonly kept = new Map<string, unknown>();
  private planned = false;
  private release: (() => void) | undefined;
  private ended = false;

  constructor(private readonly options: KeeperOptions) {}

  start(): void {
    const { lock, account, watched } = this.options;
    const keep = async () => {
      if (this.ended) return;
      await this.takeOver();
      const unsubscribe = watched.subscribe(() => this.plan());
      await new Promise<void>((resolve) => (this.release = resolve));
      unsubscribe();
    };
    lock.request(`keeper:${account}`, keep).catch(() => undefined);
  }

  stop(): void {
    this.ended = true;
    this.release?.();
  }

  /** Erases something at once. */
  async forget(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.kept.delete(key);
    await this.options.store.put(keys.map((key) => [prefix + key, undefined]));
  }

  /** Replaces as a whole what another tab has kept. */
  private async takeOver(): Promise<void> {
    const unknown = {};
    for (const [key] of await this.options.store.entries(prefix)) this.kept.set(key.slice(prefix.length), unknown);
  }

  private plan(): void {
    if (this.planned) return;
    this.planned = true;
    this.options.clock.setTimeout(() => void this.save(), keptAfter);
  }

  private async save(): Promise<void> {
    this.planned = false;
    const state = this.options.state();
    if (this.ended || !state) return;
    const there = new Set<string>();
    const changes: [key: string, source: unknown, value: unknown][] = [];
    for (const { key, source, value } of state) {
      there.add(key);
      if (this.kept.get(key) === source) continue;
      const changed = value();
      if (changed !== undefined) changes.push([key, source, changed]);
    }
    const gone = [...this.kept.keys()].filter((key) => !there.has(key));
    if (changes.length === 0 && gone.length === 0) return;
    try {
      await this.options.store.put([
        ...changes.map(([key, , value]) => [prefix + key, value] as const),
        ...gone.map((key) => [prefix + key, undefined] as const),
      ]);
    } catch {
      // A device that is full keeps what it had; the next change tries again.
      return;
    }
    for (const [key, source] of changes) this.kept.set(key, source);
    for (const key of gone) this.kept.delete(key);
  }
}
