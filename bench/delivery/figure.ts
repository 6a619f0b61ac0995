import { median, range, shown } from './measures.js';

/** One line of the results: what was measured, beside what it is compared with. */
export interface Figure {
  title: string;
  /** Of a single value, and what it is compared with. */
  unit: string;
  ours: readonly number[];
  others: readonly number[];
  /** What the others are. */
  beside: string;
  /** What the ratio of ours to the others' has to be. */
  mark?: Mark;
  /** What our own value has to be, besides. */
  ownMark?: Mark;
  /** What else is to be known, a sentence each. */
  notes: string[];
}

export interface Mark {
  kind: 'at least' | 'at most';
  value: number;
}

/** Round by round, since what slows the machine down slows both. */
export function ratios({ ours, others }: Figure): number[] {
  return ours.map((value, round) => value / others[round]!);
}

export function ratio(figure: Figure): number {
  return median(ratios(figure));
}

export function isMet(figure: Figure): boolean | undefined {
  const { mark, ownMark, ours } = figure;
  if (!mark && !ownMark) return undefined;
  return (!mark || reaches(ratio(figure), mark)) && (!ownMark || reaches(median(ours), ownMark));
}

function reaches(value: number, { kind, value: wanted }: Mark): boolean {
  return kind === 'at least' ? value >= wanted : value <= wanted;
}

export function row(figure: Figure): string {
  const { title, unit, ours, others, beside, mark, ownMark } = figure;
  const met = isMet(figure);
  const marks = [mark && `${mark.kind} ${mark.value} ×`, ownMark && `${ownMark.kind} ${ownMark.value} ${unit}`];
  const cells = [
    `${title}, ${unit}`,
    `${shown(median(ours))} (${range(ours)})`,
    `${beside}: ${shown(median(others))} (${range(others)})`,
    `${shown(ratio(figure))} × (${range(ratios(figure))})`,
    marks.filter(Boolean).join(', ') || 'none',
    met === undefined ? '' : met ? 'yes' : '**no**',
  ];
  return `| ${cells.join(' | ')} |`;
}
