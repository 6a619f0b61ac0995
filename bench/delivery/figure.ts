import { median, range, shown } from './measures.js';

/** One line of the results: what was measured, beside what it is compared with. */
export interface Figure {
  title: string;
  /** Unit of our value and of the value it is compared with. */
  unit: string;
  /** A value of each round. */
  ours: readonly number[];
  /** Name of the value it is compared with. */
  beside: string;
  /** None when that is not there. */
  others: readonly number[];
  /** Required ratio of our value to the other. */
  mark?: Mark;
  /** Required value of our own, in addition. */
  ownMark?: Mark;
  /** Remarks, a sentence each. */
  notes: string[];
}

export interface Mark {
  kind: 'at least' | 'at most';
  value: number;
}

/** Round by round, since what slows the machine down slows both. */
function ratios({ ours, others }: Figure): number[] {
  return others.map((other, round) => ours[round]! / other);
}

export function ratio(figure: Figure): number {
  return median(ratios(figure));
}

/** undefined when there is no mark, or nothing to compare with. */
export function isMet(figure: Figure): boolean | undefined {
  const { mark, ownMark, ours, others } = figure;
  if ((!mark && !ownMark) || others.length === 0) return undefined;
  return (!mark || reaches(ratio(figure), mark)) && (!ownMark || reaches(median(ours), ownMark));
}

function reaches(value: number, { kind, value: wanted }: Mark): boolean {
  return kind === 'at least' ? value >= wanted : value <= wanted;
}

export function marksOf({ unit, mark, ownMark }: Figure): string {
  const marks = [mark && `${mark.kind} ${mark.value} ×`, ownMark && `${ownMark.kind} ${ownMark.value} ${unit}`];
  return marks.filter(Boolean).join(', ') || 'none';
}

/** A table in Markdown: medians, and the least and the most of the rounds. */
export function tableOf(figures: readonly Figure[]): string {
  const head = ['', 'Colloquio', 'beside', '', 'ratio', 'mark', 'met'];
  const lines = figures.map((figure) => {
    const { title, unit, ours, beside, others } = figure;
    const met = { true: 'yes', false: '**no**', undefined: '' }[String(isMet(figure))]!;
    return [`${title}, ${unit}`, span(ours), beside, span(others), span(ratios(figure)), marksOf(figure), met];
  });
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function span(values: readonly number[]): string {
  return values.length === 0 ? 'not measured' : `${shown(median(values))} (${range(values)})`;
}
