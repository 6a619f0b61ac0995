/** Something that observables are made of. */
export interface Part {
  feeds(changed: () => void): void;
}

/**
 * A value with subscribers. It is computed on access, and again after it or one of its sources has changed; several changes in
 * a row notify once. `subscribe` works like that of a Svelte store.
 */
export class Observable<Value> implements Part {
  private made: { value: Value } | undefined;
  private readonly watchers = new Set<(value: Value) => void>();
  private readonly dependents = new Set<() => void>();
  private telling = false;

  constructor(
    private readonly make: () => Value,
    parts: readonly Part[] = [],
  ) {
    for (const part of parts) this.madeOf(part);
  }

  /** Stays the same object until something changes. */
  get value(): Value {
    this.made ??= { value: this.make() };
    return this.made.value;
  }

  madeOf(part: Part): void {
    part.feeds(() => this.changed());
  }

  feeds(changed: () => void): void {
    this.dependents.add(changed);
  }

  /** Calls at once with the present value, and after every change. Gives the function that ends it. */
  subscribe(watcher: (value: Value) => void): () => void {
    const own = (value: Value) => watcher(value);
    this.watchers.add(own);
    own(this.value);
    return () => void this.watchers.delete(own);
  }

  changed(): void {
    this.made = undefined;
    for (const changed of this.dependents) changed();
    if (this.telling || this.watchers.size === 0) return;
    this.telling = true;
    void Promise.resolve().then(() => {
      this.telling = false;
      for (const watcher of [...this.watchers]) watcher(this.value);
    });
  }
}
