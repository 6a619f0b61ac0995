import type { Terminal } from './command.js';

const barLength = 40;
const shownMilliseconds = 500;

/** A line that shows a share from 0 to 1. */
export function barOf(share: number): string {
  const done = Math.min(barLength, Math.floor(share * barLength));
  return `[${'#'.repeat(done)}${' '.repeat(barLength - done)}] ${Math.floor(Math.min(1, share) * 100)} %`;
}

/** Shows the steps of a command, each with a bar that grows by a line at most every half second. */
export class ProgressBars {
  private step: string | undefined;
  private told = '';
  private toldAt = 0;

  /** @param titles of the steps, by their names */
  constructor(
    private readonly terminal: Terminal,
    private readonly titles: Record<string, string>,
  ) {}

  readonly show = (step: string, share: number): void => {
    if (step !== this.step) {
      this.step = step;
      this.told = '';
      this.terminal.print(this.titles[step] ?? step);
    }
    const bar = barOf(share);
    if (bar === this.told || (share < 1 && Date.now() - this.toldAt < shownMilliseconds)) return;
    this.terminal.print((this.told = bar));
    this.toldAt = Date.now();
  };
}
