import { type Figure, type Mark, isMet, marksOf, ratio } from './figure.js';
import { median, shown } from './measures.js';

type Marked = Figure & { mark: Mark };

const width = 860;
const left = 24;
/** End of a bar that just reaches its mark. */
const markAt = 440;
const longest = width - left;
const rowHeight = 74;
const groupHeight = 48;

/** Every figure that has a mark: a bar from nothing to its ratio, and a line where the mark is. */
export function pictureOf(figures: readonly Figure[]): string {
  const marked = figures.filter((figure): figure is Marked => figure.mark !== undefined && figure.others.length > 0);
  const groups = [
    { heading: 'More is better: a bar should reach the line', kind: 'at least' },
    { heading: 'Less is better: a bar should end before the line', kind: 'at most' },
  ].map(({ heading, kind }) => ({ heading, rows: marked.filter(({ mark }) => mark.kind === kind) }));
  let y = 0;
  const parts: string[] = [];
  for (const { heading, rows } of groups) {
    if (rows.length === 0) continue;
    parts.push(`<text class="heading" x="${left}" y="${y + 34}">${escaped(heading)}</text>`);
    y += groupHeight;
    parts.push(...rows.map((row, index) => rowOf(row, y + index * rowHeight)));
    y += rows.length * rowHeight;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 12}" role="img" aria-labelledby="title">
<title id="title">Delivery: how each figure stands to its mark</title>
<style>
  text { font: 14px system-ui, sans-serif; fill: #1f2328 }
  .heading { font-size: 16px; font-weight: 600 }
  .said { font-size: 13px; fill: #59636e }
  .met { fill: #1a7f37 }
  .missed { fill: #bc4c00 }
  .line { stroke: #1f2328; stroke-width: 2 }
  .ground { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .said { fill: #9198a1 }
    .met { fill: #3fb950 }
    .missed { fill: #f0883e }
    .line { stroke: #f0f6fc }
    .ground { fill: #0d1117 }
  }
</style>
<rect class="ground" width="100%" height="100%" rx="8"/>
${parts.join('\n')}
</svg>
`;
}

function rowOf(figure: Marked, y: number): string {
  const { title, unit, ours, beside, others, mark } = figure;
  const met = isMet(figure) ? 'met' : 'missed';
  const end = Math.min(longest, left + ((markAt - left) * ratio(figure)) / mark.value);
  const value = (values: readonly number[]) => `${shown(median(values))}${unit.startsWith('/') ? '' : ' '}${unit}`;
  const said = `${value(ours)}; ${beside}: ${value(others)}. ${shown(ratio(figure))} × (${marksOf(figure)}: ${met}).`;
  return [
    `<text x="${left}" y="${y + 16}">${escaped(title)}</text>`,
    `<rect class="${met}" x="${left}" y="${y + 24}" width="${(end - left).toFixed(1)}" height="16" rx="3"/>`,
    `<path class="line" d="M${markAt} ${y + 20}v24"/>`,
    `<text class="said" x="${left}" y="${y + 57}">${escaped(said)}</text>`,
  ].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
