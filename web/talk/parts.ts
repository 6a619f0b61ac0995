import type { Range } from '../../client/index.js';
import type { MessageView } from '../../src/contract/events.js';
import type { Held, Window } from './rules/window.js';

/** The messages of a range that are within a window. */
export function partOf(messages: readonly MessageView[], range: Range | undefined, window: Window): MessageView[] {
  if (!range) return [];
  const from = Math.max(range.from, window.from);
  const to = Math.min(range.to, window.to);
  return messages.filter(({ seq }) => seq >= from && seq <= to);
}

/** True where what is sent next comes right after this range. */
export const awaitsMessages = (range: Range | undefined, { ranges }: Pick<Held, 'ranges'>): boolean =>
  range === undefined || range.to === ranges.at(-1)?.to;
