import { type ArchiveHas, archiveHas, type SearchArchive } from '../../../src/contract/archive.js';

/** A search as it stands in the address of its screen. Days are of the device's calendar: "2026-11-26". */
export interface Asked {
  words: string;
  with?: string;
  from?: 'subscriber' | 'interlocutor';
  author?: string;
  label?: string;
  has: readonly ArchiveHas[];
  first?: string;
  last?: string;
  broadcasts: boolean;
}

export const nothingAsked: Asked = { words: '', has: [], broadcasts: false };

const idForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const dayForm = /^\d{4}-\d{2}-\d{2}$/;

/**
 * Reads the search from an address. The words are behind the `#`, which browsers do not send, so that no proxy or log has them;
 * invalid parts are ignored.
 */
export function askedOf(query: URLSearchParams, hash: string): Asked {
  const id = (name: string) => {
    const value = query.get(name);
    return value !== null && idForm.test(value) ? { [name]: value } : {};
  };
  const day = (name: string) => {
    const value = query.get(name);
    const isDay = value !== null && dayForm.test(value) && !Number.isNaN(Date.parse(value));
    return isDay ? { [name]: value } : {};
  };
  const from = query.get('from');
  return {
    words: new URLSearchParams(hash.replace(/^#/, '')).get('q') ?? '',
    ...id('with'),
    ...(from === 'subscriber' || from === 'interlocutor' ? { from } : {}),
    ...id('author'),
    ...id('label'),
    has: archiveHas.filter((each) => query.getAll('has').includes(each)),
    ...day('first'),
    ...day('last'),
    broadcasts: query.has('broadcasts'),
  };
}

/** The address of a search on a screen. */
export function addressOf(
  path: string,
  asked: Asked,
  further: Readonly<Record<string, string | undefined>> = {},
): string {
  const query = new URLSearchParams();
  for (const name of ['with', 'from', 'author', 'label', 'first', 'last'] as const) {
    const value = asked[name];
    if (value) query.set(name, value);
  }
  for (const each of asked.has) query.append('has', each);
  if (asked.broadcasts) query.set('broadcasts', '1');
  for (const [name, value] of Object.entries(further)) if (value) query.set(name, value);
  const hash = asked.words.trim() === '' ? '' : `#${new URLSearchParams({ q: asked.words }).toString()}`;
  const found = query.toString();
  return `${path}${found === '' ? '' : `?${found}`}${hash}`;
}

/** True when a search says something. */
export const isSearch = (asked: Asked): boolean => addressOf('', asked) !== '';

/** The search for the service. Days begin and end at this device's midnight. */
export function wantedOf(asked: Asked): SearchArchive {
  const { words, with: conversation, from, author, label, has, first, last, broadcasts } = asked;
  return {
    ...(words.trim() && { q: words.trim() }),
    ...(conversation && { with: conversation }),
    ...(from && { from }),
    ...(author && { author }),
    ...(label && { label: [label] }),
    ...(has.length > 0 && { has: [...has] }),
    ...(first && { after: midnight(first, 0) }),
    ...(last && { before: midnight(last, 1) }),
    ...(broadcasts && { broadcasts: true as const }),
  };
}

function midnight(day: string, later: number): string {
  const [year, month, date] = day.split('-').map(Number) as [number, number, number];
  return new Date(year, month - 1, date + later).toISOString();
}

/** A day in this device's calendar, a number of days ago. */
export function dayAgo(days: number, now = new Date()): string {
  const day = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days);
  return [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
}

/** Pieces of a text, with those that were found marked. */
export function markedPieces(
  text: string,
  highlights: readonly { start: number; end: number }[],
): { text: string; isFound: boolean }[] {
  const pieces: { text: string; isFound: boolean }[] = [];
  let at = 0;
  for (const { start, end } of highlights) {
    if (start > at) pieces.push({ text: text.slice(at, start), isFound: false });
    pieces.push({ text: text.slice(start, end), isFound: true });
    at = end;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), isFound: false });
  return pieces;
}
