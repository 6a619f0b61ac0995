import type { Word } from './words.js';

/** A telephone number, an IBAN, a plate or a code, written as one or in groups, in its place in a text. */
export interface JoinedNumber {
  start: number;
  end: number;
  /** Without the characters between the groups. */
  joined: string;
}

/** Shorter numbers are told apart by how they are grouped: 12,50 is not 1250. An IBAN has up to 34 characters. */
const shortest = 6;
const longest = 34;
const groupsAtMost = 10;
/** A blank, a dash, a dot and the like between two groups. */
const between = /^[ \t\u00A0\u2009\u202F'\u2019\-\u2010-\u2013\u2212/\\._:,()|*+]{1,3}$/;
const digit = /\d/;
const initials = /^[A-Z]{1,3}$/;
/** Country code of Italy, which people write or leave out. */
const italian = /^(?:00)?39(?=[03]\d{7,10}$)/;

export const isNumber = (folded: string): boolean =>
  folded.length >= shortest && folded.length <= longest && digit.test(folded);

/** Every number of a text that one may ask for: its groups, those that follow each other, and all of them. */
export function joinedNumbersIn(text: string, words: readonly Word[]): JoinedNumber[] {
  const found: JoinedNumber[] = [];
  const isGroup = ({ folded, start, end }: Word) => digit.test(folded) || initials.test(text.slice(start, end));
  for (const [first, { start, folded, end }] of words.entries()) {
    if (isNumber(folded)) found.push({ start, end, joined: folded });
    const prefixed = text[start - 1] === '+' || folded.startsWith('00');
    if (prefixed && italian.test(folded)) found.push({ start, end, joined: folded.replace(italian, '') });
    if (!isGroup(words[first]!)) continue;
    let joined = folded;
    for (let next = first + 1; next < words.length && next < first + groupsAtMost; next++) {
      const word = words[next]!;
      if (!isGroup(word) || !between.test(text.slice(words[next - 1]!.end, word.start))) break;
      joined += word.folded;
      if (joined.length > longest) break;
      if (isNumber(joined)) found.push({ start, end: word.end, joined });
    }
  }
  return found;
}

/** Groups with blanks between them that are one number beyond doubt: a telephone number, or an IBAN. */
const telephone =
  /(?<=^|\s)(?:(?:\+|00)\d{1,3}(?:[ .\-/]\d{2,8}){1,6}|(?:\+|00)\d{7,14}|[03]\d{1,4}(?:[ .\-/]\d{2,8}){1,5})(?=$|\s)/gu;
const iban = /(?<=^|\s)[A-Z]{2}\d{2}(?: ?(?=[A-Z]{0,4}\d)[A-Z\d]{1,5}){2,9}(?=$|\s)/giu;

/** Writes the telephone numbers and IBANs of a query as one word each, without the country code of Italy. */
export function withNumbersJoined(query: string): string {
  return query
    .replace(iban, (written) => {
      const joined = written.replace(/ /g, '');
      return joined.length <= longest ? joined : written;
    })
    .replace(telephone, (written) => {
      const joined = written.replace(/[^\d+]/g, '').replace(/^\+/, '00');
      const national = joined.replace(/^00/, '').replace(/^39(?=[03])/, '');
      return national.length >= 8 && national.length <= 14 ? national : written;
    });
}
