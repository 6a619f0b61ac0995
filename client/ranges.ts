/** Numbers from one to another, both included. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The numbers that are held, as ranges: ascending, and with at least one number missing between two of them. */
export class Ranges {
  private held: readonly Range[] = [];

  get all(): readonly Range[] {
    return this.held;
  }

  add({ from, to }: Range): void {
    if (from > to) return;
    const apart = this.held.filter((range) => range.to < from - 1 || range.from > to + 1);
    const joined = this.held.filter((range) => !apart.includes(range));
    const whole = {
      from: Math.min(from, ...joined.map((range) => range.from)),
      to: Math.max(to, ...joined.map((range) => range.to)),
    };
    this.held = [...apart, whole].sort((a, b) => a.from - b.from);
  }

  /** Keeps nothing but what lies within. */
  keep(within: Range): void {
    this.held = this.within(within);
  }

  /** The parts of what is held that lie within. */
  within({ from, to }: Range): Range[] {
    return this.held
      .map((range) => ({ from: Math.max(range.from, from), to: Math.min(range.to, to) }))
      .filter((range) => range.from <= range.to);
  }

  /** The range that a number is in. */
  around(number: number): Range | undefined {
    return this.held.find(({ from, to }) => from <= number && number <= to);
  }
}
