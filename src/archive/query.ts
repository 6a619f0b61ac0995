import { isNumber, withNumbersJoined } from './joined-numbers.js';
import type { Word, Words } from './words.js';

/** A part of a query that a text must contain, or must not contain. */
export type Clause =
  | { kind: 'term'; term: string }
  /** A telephone number, an IBAN, a date or a code, however it is grouped. */
  | { kind: 'number'; joined: string }
  /** Words that follow each other, compared as they are written but for case, accents and width. */
  | { kind: 'phrase'; words: readonly Pick<Word, 'folded' | 'term'>[] };

export interface Query {
  required: Clause[];
  excluded: Clause[];
}

const quotes = /["\u201C\u201D\u201E\u201F\u00AB\u00BB\u2033\uFF02]/;
const minus = /^[-\u2010\u2011\u2012\u2013\u2212]$/;
/** Characters that tie words together into one code, address or link when no blank stands between. */
const tie = /^['\u2018\u2019\u02BC\u00B4\u0060\u2032\-\u2010-\u2013\u2212/\\._@:&+#%=?~*|]+$/;
/** A link is the same with it and without. */
const protocol = /^(?:https?:\/\/(?:www\.)?|www\.)(?=[^\s.])/i;
const betweenDigits = /^[,.]$/;

/**
 * Parses a query: words, which must all occur; "words in quotes", which must follow each other; and either after a minus, to
 * exclude it. `ORD-2024/118`, an address or a link is a phrase of its parts. A phone number, an IBAN or a date is found however
 * it is grouped. An open quote extends to the end, because people search while they type.
 */
export function parseQuery(text: string, words: Words): Query {
  const query: Query = { required: [], excluded: [] };
  for (const { part, quoted, without } of partsOf(text)) {
    const into = without ? query.excluded : query.required;
    const of = words.of(quoted ? part : part.replace(protocol, ''));
    if (quoted) {
      const phrase = of.length > 0 ? [phraseOf(of)] : [];
      into.push(...phrase);
    } else {
      into.push(...tied(part.replace(protocol, ''), of).map(clauseOf));
    }
  }
  return { required: distinct(query.required), excluded: distinct(query.excluded) };
}

/** The number of words in all clauses. */
export function sizeOf({ required, excluded }: Query): number {
  return [...required, ...excluded].reduce(
    (sum, clause) => sum + (clause.kind === 'phrase' ? clause.words.length : 1),
    0,
  );
}

/** Terms that every text which matches a query has to hold. */
export function requiredTerms({ required }: Query): string[] {
  const terms = required.flatMap((clause) => {
    if (clause.kind === 'phrase') return clause.words.map(({ term }) => term);
    return [clause.kind === 'term' ? clause.term : clause.joined];
  });
  return [...new Set(terms)];
}

interface Part {
  part: string;
  quoted: boolean;
  without: boolean;
}

function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let plain = '';
  const end = () => {
    for (const part of withNumbersJoined(plain).split(/\s+/u)) {
      if (part === '') continue;
      const without = part.length > 1 && minus.test(part[0]!);
      parts.push({ part: without ? part.slice(1) : part, quoted: false, without });
    }
    plain = '';
  };
  for (let index = 0; index < text.length; index++) {
    if (!quotes.test(text[index]!)) {
      plain += text[index];
      continue;
    }
    // A sign of inches or seconds behind a figure opens nothing.
    const closing = restOf(text, index + 1);
    const without = minus.test(plain.at(-1) ?? '') && /^$|\s/u.test(plain.at(-2) ?? '');
    if (without) plain = plain.slice(0, -1);
    end();
    parts.push({ part: text.slice(index + 1, closing), quoted: true, without });
    index = closing;
  }
  end();
  return parts;
}

/** Index of the next quote, or the end. */
function restOf(text: string, from: number): number {
  for (let index = from; index < text.length; index++) if (quotes.test(text[index]!)) return index;
  return text.length;
}

/** Divides the words of a part into runs of those that are tied together. */
function tied(part: string, words: readonly Word[]): Word[][] {
  const runs: Word[][] = [];
  for (const word of words) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    const between = before && part.slice(before.end, word.start);
    const together =
      between !== undefined &&
      (between === '' ||
        tie.test(between) ||
        (betweenDigits.test(between) && /\d$/.test(before!.folded) && /^\d/.test(word.folded)));
    if (run && together) run.push(word);
    else runs.push([word]);
  }
  return runs;
}

function clauseOf(run: readonly Word[]): Clause {
  // `l'olio` is asked for as `olio`, and `baker's` as `baker`.
  const own = run.filter(({ tied }) => !tied);
  const joined = own.map(({ folded }) => folded).join('');
  if (isNumber(joined) && own.every(({ folded }) => /\d/.test(folded))) return { kind: 'number', joined };
  if (own.length === 1) return { kind: 'term', term: own[0]!.term };
  return phraseOf(own.length > 0 ? trimmed(run) : run);
}

/** Without the articles before it and the endings behind it. */
function trimmed(run: readonly Word[]): readonly Word[] {
  const first = run.findIndex(({ tied }) => !tied);
  const last = run.findLastIndex(({ tied }) => !tied);
  return run.slice(first, last + 1);
}

function phraseOf(words: readonly Word[]): Clause {
  return { kind: 'phrase', words: words.map(({ folded, term }) => ({ folded, term })) };
}

function distinct(clauses: readonly Clause[]): Clause[] {
  return [...new Map(clauses.map((clause) => [JSON.stringify(clause), clause])).values()];
}
