import type { Range } from '../../../client/index.js';

/** Most messages that the page holds at once. */
export const mostShown = 200;
/** Number of messages by which the window moves. */
export const page = 30;

/** The numbers of the messages that are in the page. `to` is infinite while the window goes with the end. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Things that a window is moved over. */
export interface Held {
  readonly ranges: readonly Range[];
  readonly lastSeq: number;
}

export type Step =
  | { readonly kind: 'moved'; readonly window: Window }
  /** Messages beyond this one must be loaded first. */
  | { readonly kind: 'load'; readonly seq: number }
  /** Nothing is there in this direction. */
  | { readonly kind: 'end' };

/**
 * The held range that a window lies in: what is beyond a gap is never shown together with it. A window at the end stays with
 * what it shows while something later is held already, until what lies between has come.
 */
export function rangeOf({ from, to }: Window, { ranges }: Held): Range | undefined {
  const own = ranges.find((range) => range.from <= from && range.to >= from);
  if (own) return own;
  if (to === Infinity) return ranges.at(-1);
  return ranges.find((range) => range.from <= to && range.to >= from);
}

/** The window at the end of a conversation. */
export function atEnd(held: Held): Window {
  const last = held.ranges.at(-1);
  return { from: Math.max(last?.from ?? 1, (last?.to ?? 0) - page + 1), to: Infinity };
}

/** A window around a message that is held. */
export function around(seq: number, held: Held): Window | undefined {
  const range = held.ranges.find(({ from, to }) => from <= seq && seq <= to);
  if (!range) return undefined;
  const to = Math.min(range.to, seq + page);
  return { from: Math.max(range.from, seq - page), to: reachesEnd(to, held) ? Infinity : to };
}

/** The window with more before it; the other side gives way beyond {@link mostShown}. */
export function older(window: Window, held: Held): Step {
  const range = rangeOf(window, held);
  if (!range) return { kind: 'end' };
  const from = Math.max(range.from, window.from);
  if (from > range.from) {
    const next = Math.max(range.from, from - page);
    const to = Math.min(window.to, next + mostShown - 1);
    const isWhole = window.to === Infinity && range.to - next < mostShown;
    return { kind: 'moved', window: { from: next, to: isWhole ? Infinity : to } };
  }
  return range.from > 1 ? { kind: 'load', seq: range.from } : { kind: 'end' };
}

/** The window with more after it. */
export function newer(window: Window, held: Held): Step {
  const range = rangeOf(window, held);
  if (!range) return { kind: 'end' };
  const to = Math.min(range.to, window.to);
  if (to < range.to) {
    const next = Math.min(range.to, to + page);
    return { kind: 'moved', window: trimmed({ from: window.from, to: next }, held) };
  }
  if (to < held.lastSeq) return { kind: 'load', seq: to };
  if (window.to === Infinity) return { kind: 'end' };
  return { kind: 'moved', window: trimmed({ from: window.from, to }, held) };
}

/** The window that goes with the end, without what has become too much before it. */
export function following(window: Window, held: Held): Window {
  const range = rangeOf(window, held);
  if (window.to !== Infinity || !range) return window;
  const from = Math.max(window.from, range.from);
  // In pages, so that the page changes rarely.
  return range.to - from < mostShown ? window : { from: range.to - mostShown + page, to: Infinity };
}

/** A window that stands still: what comes in beyond its size is not shown until somebody goes there. */
export function resting(window: Window, held: Held): Window {
  const range = rangeOf(window, held);
  if (window.to !== Infinity || !range) return window;
  const from = Math.max(window.from, range.from);
  return range.to - from < mostShown ? window : { from, to: from + mostShown - 1 };
}

function trimmed({ from, to }: Window, held: Held): Window {
  return { from: Math.max(from, to - mostShown + 1), to: reachesEnd(to, held) ? Infinity : to };
}

const reachesEnd = (to: number, { ranges, lastSeq }: Held) => to >= lastSeq && to >= (ranges.at(-1)?.to ?? 0);
