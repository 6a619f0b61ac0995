/** Recipients of a broadcast that are listed: all of them, or by what came of them. */
export type Shown = 'all' | 'unseen' | 'answered' | 'skipped';

export const shownOf = (value: string | null): Shown =>
  value === 'unseen' || value === 'answered' || value === 'skipped' ? value : 'all';
