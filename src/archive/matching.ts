import { shortened } from '../contract/rules/texts.js';
import { joinedNumbersIn } from './joined-numbers.js';
import type { Clause, Query } from './query.js';
import type { Word } from './words.js';

/** A place in a text, in UTF-16 code units. */
export interface Range {
  start: number;
  end: number;
}

/** A text that is searched: that of a message, or the name of one of its files. */
export interface Field {
  text: string;
  words: readonly Word[];
}

/**
 * Tells if the fields of a message match a query: each required clause stands in one of them, no excluded one does.
 * @returns the places found in each field; undefined when they do not match
 */
export function placesIn(fields: readonly Field[], { required, excluded }: Query): Range[][] | undefined {
  if (excluded.some((clause) => fields.some((field) => rangesOf(clause, field).length > 0))) return undefined;
  const places: Range[][] = fields.map(() => []);
  for (const clause of required) {
    const found = fields.map((field) => rangesOf(clause, field));
    if (found.every((ranges) => ranges.length === 0)) return undefined;
    for (const [index, ranges] of found.entries()) places[index]!.push(...ranges);
  }
  return places.map(merged);
}

function rangesOf(clause: Clause, { text, words }: Field): Range[] {
  if (clause.kind === 'number') {
    const numbers = joinedNumbersIn(text, words).filter(({ joined }) => joined === clause.joined);
    return numbers.map(({ start, end }) => ({ start, end }));
  }
  if (clause.kind === 'term')
    return words.filter(({ term }) => term === clause.term).map(({ start, end }) => ({ start, end }));
  const { words: wanted } = clause;
  const ranges: Range[] = [];
  for (let first = 0; first + wanted.length <= words.length; first++) {
    if (!wanted.every(({ folded }, place) => words[first + place]!.folded === folded)) continue;
    ranges.push({ start: words[first]!.start, end: words[first + wanted.length - 1]!.end });
  }
  return ranges;
}

/** In their order, those that touch each other as one. */
export function merged(ranges: readonly Range[]): Range[] {
  const result: Range[] = [];
  for (const range of [...ranges].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const last = result.at(-1);
    if (last && range.start <= last.end) last.end = Math.max(last.end, range.end);
    else result.push({ ...range });
  }
  return result;
}

/** A part of a text around what was found in it. */
export interface Snippet {
  text: string;
  highlights: Range[];
  /** Something was left out before it, or behind it. */
  cutBefore: boolean;
  cutAfter: boolean;
}

/** Code units before the first place found. */
const before = 60;
const longest = 240;

/**
 * The part of a text that shows the matches: it begins at a word shortly before the first match, and has at most 240 code units
 * unless one word is longer.
 */
export function snippetOf({ text, words }: Field, places: readonly Range[]): Snippet {
  const first = places[0]?.start ?? 0;
  const start = text.length <= longest ? 0 : beginning(words, first);
  const end = text.length - start <= longest ? text.length : ending(words, start, Math.max(places[0]?.end ?? 0, start));
  const shown = text.slice(start, end);
  const highlights = places
    .filter((range) => range.start >= start && range.end <= end)
    .map((range) => ({ start: range.start - start, end: range.end - start }));
  if (words.length > 0 || shown.length <= longest) {
    return { text: shown, highlights, cutBefore: start > 0, cutAfter: end < text.length };
  }
  // Signs alone, which have no words to cut between.
  return { text: shortened(shown, longest).replace(/…$/u, ''), highlights: [], cutBefore: false, cutAfter: true };
}

function beginning(words: readonly Word[], first: number): number {
  if (first <= before) return 0;
  return words.find(({ start }) => start >= first - before)?.start ?? first;
}

function ending(words: readonly Word[], start: number, least: number): number {
  const last = words.findLast(({ end }) => end <= start + longest);
  return Math.max(last?.end ?? 0, least) || start + longest;
}
