import { canonicalSegment, type Segment } from '../places/segments.js';
import { fold, foldedWords, foldings, separators } from '../platform/folding.js';
import { type CanonicalAddress, canonicalAddress } from '../platform/validation/email-addresses.js';

/** The part of a contact that the directory holds: enough to sort, filter and find it. */
export interface BookEntry {
  id: string;
  /** The sort key, as in a telephone book: the surname, or the company's name. */
  name: string;
  firstName: string;
  /** By what the contact is found ({@link wordsOf}), then the address in lower case, each after a line break. */
  words: string;
  region: string | null;
  province: string | null;
  sector: string | null;
  promotions: boolean;
  labels: readonly string[];
  /** In milliseconds since 1970, as the next one. */
  joinedAt: number;
  updatedAt: number;
}

export type BookSort = 'name' | 'joined' | 'updated';

/** A place between entries: that of an entry, whether it is still there or not. */
export type BookPlace = Pick<BookEntry, 'id' | 'name' | 'firstName' | 'joinedAt' | 'updatedAt'>;

export interface BookFilter {
  query?: string;
  region?: string;
  province?: string;
  sector?: string;
  /** All of them. */
  labels?: readonly string[];
  labelled?: boolean;
  promotions?: boolean;
  updatedSince?: number;
  /** One contact only. */
  id?: string;
  /** These only. */
  ids?: ReadonlySet<string>;
}

export interface BookPage {
  entries: BookEntry[];
  more: boolean;
  /** Number of matches on all pages. */
  total: number;
}

export interface Facet {
  value: string;
  contacts: number;
}

export interface Facets {
  total: number;
  unlabelled: number;
  promotions: number;
  region: Facet[];
  province: Facet[];
  sector: Facet[];
  label: Facet[];
}

/** The contacts of one subscriber, kept in the orders that are asked for. */
export class Book {
  private readonly entries: Map<string, BookEntry>;
  private readonly orders = new Map<BookSort, Order>();
  private readonly forgotten = new Set<string>();

  constructor(entries: Iterable<BookEntry>) {
    this.entries = new Map();
    for (const entry of entries) this.entries.set(entry.id, entry);
  }

  get size(): number {
    return this.entries.size;
  }

  /** Takes a contact as it is now, unless a later state of it is here already. */
  put(entry: BookEntry): void {
    const known = this.entries.get(entry.id);
    if (known && known.updatedAt > entry.updatedAt) return;
    const kept = this.forgotten.size > 0 ? { ...entry, labels: this.remaining(entry.labels) } : entry;
    this.entries.set(entry.id, kept);
    for (const order of this.orders.values()) order.replace(known, kept);
  }

  remove(id: string): void {
    const known = this.entries.get(id);
    if (!known) return;
    this.entries.delete(id);
    for (const order of this.orders.values()) order.replace(known, undefined);
  }

  /** Takes a label off every contact; a late reading of one does not bring it back. */
  forgetLabel(label: string): void {
    this.forgotten.add(label);
    for (const entry of this.entries.values()) {
      if (entry.labels.includes(label)) entry.labels = this.remaining(entry.labels);
    }
  }

  async page(
    filter: BookFilter,
    { sort, descending, after, limit }: { sort: BookSort; descending: boolean; after?: BookPlace; limit: number },
  ): Promise<BookPage> {
    const { sorted, compare } = await this.order(sort);
    const last = sorted.length - 1;
    // The first index, in the direction of reading, that lies beyond `after`.
    let start = 0;
    if (after) {
      const place = firstNotBefore(sorted, after, compare);
      const there = sorted[place] !== undefined && compare(sorted[place], after) === 0;
      start = descending ? last - place + 1 : place + (there ? 1 : 0);
    }
    const checks = checksOf(filter);
    const entries: BookEntry[] = [];
    if (checks.length === 0) {
      for (let index = start; index <= last && entries.length < limit; index++)
        entries.push(sorted[descending ? last - index : index]!);
      return { entries, more: start + entries.length <= last, total: sorted.length };
    }
    // Reading a whole book takes a while, in which the order may change.
    const read = sorted.slice();
    let [total, more] = [0, false];
    for (let index = 0; index <= last; index++) {
      if (index % readBeforePausing === readBeforePausing - 1) await pause();
      const entry = read[descending ? last - index : index]!;
      if (!checks.every((check) => check(entry))) continue;
      total++;
      if (index < start) continue;
      if (entries.length < limit) entries.push(entry);
      else more = true;
    }
    return { entries, more, total };
  }

  /** The ids of all that a search finds. */
  async found(query: string): Promise<ReadonlySet<string>> {
    const { entries } = await this.page({ query }, { sort: 'joined', descending: false, limit: Infinity });
    return new Set(entries.map(({ id }) => id));
  }

  /** Finds the addresses that contacts of this book have. */
  addressesAmong(addresses: ReadonlySet<CanonicalAddress>): Set<CanonicalAddress> {
    const found = new Set<CanonicalAddress>();
    for (const { words } of this.entries.values()) {
      const address = canonicalAddress(addressIn(words));
      if (addresses.has(address)) found.add(address);
    }
    return found;
  }

  facets(): Facets {
    const counts = {
      region: new Map<string, number>(),
      province: new Map<string, number>(),
      sector: new Map<string, number>(),
      label: new Map<string, number>(),
    };
    let [unlabelled, promotions] = [0, 0];
    for (const { region, province, sector, labels, promotions: agrees } of this.entries.values()) {
      count(counts.region, region);
      count(counts.province, province);
      count(counts.sector, sector);
      for (const label of labels) count(counts.label, label);
      if (labels.length === 0) unlabelled++;
      if (agrees) promotions++;
    }
    return {
      total: this.size,
      unlabelled,
      promotions,
      region: gathered('region', counts.region),
      province: gathered('province', counts.province),
      sector: gathered('sector', counts.sector),
      label: [...counts.label].map(([value, contacts]) => ({ value, contacts })).sort(byCount),
    };
  }

  private order(sort: BookSort): Promise<{ sorted: readonly BookEntry[]; compare: Comparison }> {
    let order = this.orders.get(sort);
    if (!order) {
      order = new Order([...this.entries.values()], comparisons[sort]);
      this.orders.set(sort, order);
    }
    return order.whenSorted();
  }

  private remaining(labels: readonly string[]): readonly string[] {
    return labels.filter((label) => !this.forgotten.has(label));
  }
}

type Comparison = (a: BookPlace, b: BookPlace) => number;

/** The entries in one order. What changes while they are being sorted is made up for afterwards. */
class Order {
  private sorted: BookEntry[] | undefined;
  private readonly missed: [known: BookEntry | undefined, now: BookEntry | undefined][] = [];
  private readonly sorting: Promise<void>;

  constructor(
    entries: BookEntry[],
    private readonly compare: Comparison,
  ) {
    this.sorting = sortInSlices(entries, compare).then((sorted) => {
      this.sorted = sorted;
      for (const [known, now] of this.missed.splice(0)) this.replace(known, now);
    });
  }

  async whenSorted(): Promise<{ sorted: readonly BookEntry[]; compare: Comparison }> {
    await this.sorting;
    return { sorted: this.sorted!, compare: this.compare };
  }

  replace(known: BookEntry | undefined, now: BookEntry | undefined): void {
    if (!this.sorted) return void this.missed.push([known, now]);
    if (known) this.sorted.splice(firstNotBefore(this.sorted, known, this.compare), 1);
    if (now) this.sorted.splice(firstNotBefore(this.sorted, now, this.compare), 0, now);
  }
}

const collator = new Intl.Collator('it', { sensitivity: 'base', numeric: true });
const byId: Comparison = (a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** By name as in a telephone book: persons by surname, companies by name. No two entries are equal. */
const comparisons: Record<BookSort, Comparison> = {
  name: (a, b) => collator.compare(a.name, b.name) || collator.compare(a.firstName, b.firstName) || byId(a, b),
  joined: (a, b) => a.joinedAt - b.joinedAt || byId(a, b),
  updated: (a, b) => a.updatedAt - b.updatedAt || byId(a, b),
};

/** The index of the first entry that does not come before the place. */
function firstNotBefore(sorted: readonly BookEntry[], place: BookPlace, compare: Comparison): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(sorted[middle]!, place) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

const runLength = 1_000;
const mergedBeforePausing = 5_000;
const readBeforePausing = 10_000;
export const pause = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A merge sort that lets other work go on: sorting 100,000 names at once would stop the service for a second. */
export async function sortInSlices<Item>(items: Item[], compare: (a: Item, b: Item) => number): Promise<Item[]> {
  let runs: Item[][] = [];
  for (let start = 0; start < items.length; start += runLength) {
    runs.push(items.slice(start, start + runLength).sort(compare));
    await pause();
  }
  while (runs.length > 1) {
    const merged: Item[][] = [];
    for (let index = 0; index < runs.length; index += 2) {
      const [left, right] = [runs[index]!, runs[index + 1]];
      merged.push(right ? await merge(left, right, compare) : left);
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<Item>(left: Item[], right: Item[], compare: (a: Item, b: Item) => number): Promise<Item[]> {
  const merged: Item[] = [];
  let [l, r] = [0, 0];
  while (l < left.length || r < right.length) {
    const fromLeft = r >= right.length || (l < left.length && compare(left[l]!, right[r]!) <= 0);
    merged.push(fromLeft ? left[l++]! : right[r++]!);
    if (merged.length % mergedBeforePausing === 0) await pause();
  }
  return merged;
}

/**
 * The words by which a contact is found, in the form that an entry holds: those of the name, also written together where
 * an apostrophe or hyphen parts them, the parts of the address before its @, and its domain with the @ and without.
 */
export function wordsOf(displayName: string, email: string): string {
  // eslint-disable-next-line no-restricted-syntax -- It is searched as it is written; addressesAmong compares.
  const address = email.toLowerCase();
  const at = address.lastIndexOf('@');
  const [local, domain] = [address.slice(0, at), address.slice(at)];
  const words = new Set([
    ...foldings(displayName).flatMap((form) => [...form.split(' ').flatMap(wordsWithin), ...writtenTogether(form)]),
    ...fold(local).split(separators).slice(1),
    fold(domain),
    fold(domain.slice(1)),
    fold(address),
  ]);
  words.delete('');
  words.delete(address);
  return ['', ...words, address].join('\n');
}

/** "D'Angelo" is found as d, as angelo and as dangelo. */
function wordsWithin(text: string): string[] {
  const pieces = text.split(separators).filter(Boolean);
  return pieces.length > 1 ? [...pieces, pieces.join('')] : pieces;
}

/** Scripts that put no blanks between words, or, as Korean, none within a name. */
const unspaced =
  /^[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Bopomofo}\p{scx=Hangul}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]/u;

/** A name of such a script in one piece, the surname before and behind: "太郎 山田" is found as 山田太郎 too. */
function writtenTogether(form: string): string[] {
  const pieces = form.split(separators).filter(Boolean);
  if (pieces.length < 2 || !pieces.every((piece) => unspaced.test(piece))) return [];
  return [pieces.join(''), pieces.reverse().join('')];
}

const addressIn = (words: string) => words.slice(words.lastIndexOf('\n') + 1);

type Check = (entry: BookEntry) => boolean;

/** Looks at what is asked for alone, at what costs least first: it runs through the whole book. */
function checksOf(filter: BookFilter): Check[] {
  const { query, region, province, sector, labels = [], labelled, promotions, updatedSince, id, ids } = filter;
  const checks: Check[] = [];
  if (ids !== undefined) checks.push((entry) => ids.has(entry.id));
  if (id !== undefined) checks.push((entry) => entry.id === id);
  if (updatedSince !== undefined) checks.push((entry) => entry.updatedAt >= updatedSince);
  if (labelled !== undefined) checks.push((entry) => entry.labels.length > 0 === labelled);
  if (promotions !== undefined) checks.push((entry) => entry.promotions === promotions);
  for (const label of labels) checks.push((entry) => entry.labels.includes(label));
  if (region !== undefined) checks.push(sameIn('region', region));
  if (province !== undefined) checks.push(sameIn('province', province));
  if (sector !== undefined) checks.push(sameIn('sector', sector));
  if (query !== undefined && !isBlank(query)) {
    const finds = beginningsIn(query);
    checks.push(({ words }) => finds(words));
  }
  return checks;
}

/** Tells that nothing is asked for, which everybody answers to. */
export const isBlank = (query: string) => fold(query) === '';

/** Finds the beginnings of words: all parts of one form of what is asked for. Without letters and digits it finds none. */
function beginningsIn(query: string): (words: string) => boolean {
  const forms = foldings(query)
    .map((form) => form.split(' ').flatMap(beginning))
    .filter((form) => form.length > 0);
  return (words) => forms.some((form) => form.every((finds) => finds(words)));
}

/** The text that finds a piece: at the beginning of a word, or anywhere in scripts without blanks. */
const begun = (piece: string) => (unspaced.test(piece) ? piece : `\n${piece}`);

/** "jean-pierre" is found as the beginning of an address, as two words of a name, and as "jeanpierre". */
function beginning(part: string): ((words: string) => boolean)[] {
  const pieces = part.split(separators).filter(Boolean);
  if (pieces.length === 0) return [];
  const whole = begun(part);
  if (pieces[0] === part) return [(words) => words.includes(whole)];
  const joined = begun(pieces.join(''));
  const begins = pieces.map(begun);
  return [(words) => words.includes(whole) || words.includes(joined) || begins.every((each) => words.includes(each))];
}

/** Tells whether a search finds a name, as it would find a contact of that name. */
export function namesLike(query: string): (name: string) => boolean {
  if (isBlank(query)) return () => true;
  const finds = beginningsIn(query);
  return (name) => finds(wordsOf(name, ''));
}

/** Compares folded, and folds each value that occurs once: there are few, for many contacts. */
function sameIn(field: Segment, wanted: string): Check {
  const isWanted = sameSegment(field, [wanted]);
  const known = new Map<string | null, boolean>();
  return ({ [field]: value }) => {
    let same = known.get(value);
    if (same === undefined) known.set(value, (same = isWanted(value ?? '')));
    return same;
  };
}

/** Finds the regions, provinces or sectors that are among the wanted ones, however they are spelled: "Modena" is MO. */
export function sameSegment(segment: Segment, wanted: readonly string[]): (value: string) => boolean {
  const formsOf = (text: string) => foldedWords(canonicalSegment(segment, text));
  const forms = new Set(wanted.flatMap(formsOf));
  return (value) => formsOf(value).some((form) => forms.has(form));
}

export interface LetterPlace {
  letter: string;
  /** Index of the first entry under it. */
  from: number;
}

/** The letters under which sorted entries stand, each with the place where it begins. `#` stands for all that are none. */
export function lettersOf(entries: readonly Pick<BookEntry, 'name'>[]): LetterPlace[] {
  const places: LetterPlace[] = [];
  // Folding is most of the cost, and thousands of names begin alike.
  const known = new Map<string, string | undefined>();
  for (const [index, { name }] of entries.entries()) {
    const beginning = /^\P{M}\p{M}*/u.exec(name)?.[0] ?? '';
    if (!known.has(beginning)) known.set(beginning, letterOf(beginning));
    const letter = known.get(beginning) ?? letterOf(name) ?? '#';
    if (places.at(-1)?.letter !== letter) places.push({ letter, from: index });
  }
  return places;
}

/** Undefined for a text of which nothing is left when it is folded. */
function letterOf(text: string): string | undefined {
  const [first] = fold(text);
  if (first === undefined) return undefined;
  return /\p{L}/u.test(first) ? first.toUpperCase() : '#';
}

function count(counts: Map<string, number>, value: string | null): void {
  if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
}

/** Spellings that are filtered as one are counted as one, under the most frequent. */
function gathered(segment: Segment, counts: Map<string, number>): Facet[] {
  const facets = new Map<string, Facet>();
  for (const [value, contacts] of [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))) {
    const shown = canonicalSegment(segment, value);
    const [key = shown] = foldedWords(shown);
    const facet = facets.get(key);
    if (facet) facet.contacts += contacts;
    else facets.set(key, { value: shown, contacts });
  }
  return [...facets.values()].sort(byCount);
}

const byCount = (a: Facet, b: Facet) => b.contacts - a.contacts || (a.value < b.value ? -1 : 1);
