import iconv from 'iconv-lite';
import type { Encoding } from '../contract/imports.js';

/** Scores a word by its reading: from -1, which no language has, to 1. */
export type Judge = (word: string) => number;

const [lookedBytes, lookedWords, longestWord] = [1024 * 1024, 2_000, 60];
const lineBreak = 0x0a;

/** The words of a text that hold bytes above ASCII, each ended by a line break except the last; the first few thousand. */
export function wordsIn(bytes: Buffer): Buffer {
  const words: Buffer[] = [];
  const looked = Math.min(bytes.length, lookedBytes);
  let [start, high] = [-1, 0];
  for (let index = 0; index <= looked; index++) {
    const byte = index < looked ? bytes[index]! : lineBreak;
    if (isOfWord(byte, index > 0 && bytes[index - 1]! >= 0x80)) {
      if (start < 0) start = index;
      if (byte >= 0x80) high++;
      continue;
    }
    if (high > 0 && index - start > 1 && index - start <= longestWord) {
      words.push(bytes.subarray(start, index), Buffer.of(lineBreak));
      if (words.length >= 2 * lookedWords) break;
    }
    [start, high] = [-1, 0];
  }
  return Buffer.concat(words.slice(0, -1));
}

/** Letters; and behind a byte above ASCII the signs that can be the second byte of a letter in Shift_JIS. */
function isOfWord(byte: number, afterHigh: boolean): boolean {
  if (byte >= 0x80 || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a)) return true;
  return afterHigh && byte >= 0x40 && byte <= 0x7e;
}

const western = 'àèéìòùáíóúâêîôûäëïöüçñãõåæøœßšž';
const central = 'áäâăąćčçďđéëęěíîĺľłńňóöôőŕřśšşťţúüůűýźžżß';
const turkish = 'âçğıİîöşûü';
/** Punctuation next to words. */
const beside = new Set('’‘“”«»´`°ºª–—…•€·®™©¿¡');
const ascii = /[A-Za-z]/;
const small = /\p{Ll}/u;
const capital = /\p{Lu}/u;

function latin(letters: string): Judge {
  const known = new Set([
    ...letters,
    ...[...letters].map((letter) => letter.toLocaleUpperCase('tr')),
    ...letters.toUpperCase(),
  ]);
  return (word) => {
    const characters = [...word];
    const foreign = characters.filter((character) => character > '\x7F');
    // "Èâàíîâ": hardly a word has more letters with accents than without.
    if (characters.length > 2 && foreign.length > 0.6 * characters.length) return -1;
    let score = 0;
    for (const [index, character] of characters.entries()) {
      if (character <= '\x7F') continue;
      const [before = '', after = ''] = [characters[index - 1], characters[index + 1]];
      score += known.has(character) ? letterScore(character, before, after) : signScore(character, before, after);
    }
    return score / foreign.length;
  };
}

function letterScore(letter: string, before: string, after: string): number {
  const begins = !/\p{L}/u.test(before);
  if (capital.test(letter)) {
    if (begins) return small.test(after) ? 0.9 : 0.7;
    return small.test(before) ? -1 : 0.7;
  }
  if (begins) return 0.4;
  // Italian words end in them.
  return !/\p{L}/u.test(after) && 'àèéìòù'.includes(letter) ? 1 : 0.8;
}

function signScore(sign: string, before: string, after: string): number {
  const within = ascii.test(before) && ascii.test(after);
  if (sign === '’' && within) return 0.5;
  return beside.has(sign) && !within ? 0 : -1;
}

const cases = /^(?:\p{Lu}?\p{Ll}+|\p{Lu}+)$/u;

/** Scripts with small letters and capitals, whose words have vowels. */
function alphabet(letters: RegExp, vowels: RegExp, never: RegExp): Judge {
  return (word) => {
    const text = word.replace(/[ -@[-`{-~]/g, '');
    if (!letters.test(text) || !cases.test(text) || never.test(text)) return -1;
    const share = (text.match(vowels)?.length ?? 0) / text.length;
    return text.length < 3 || (share >= 0.2 && share <= 0.8) ? 1 : -1;
  };
}

const cyrillic = alphabet(
  /^[\u0400-\u045F\u0490\u0491]+$/,
  /[аеёиоуыэюяіїєў]/gi,
  /^[ьъ]|[аеёиоуыэюябвгджзйклмнпрстфхцчшщ][ЬЪ]/,
);
const greek = alphabet(/^[\u0386-\u03CE]+$/, /[αεηιουωάέήίόύώϊϋ]/gi, /[ΐΰ]|ς.|σ$/);

/** Kana and kanji, most of which are not rare: those have lower first bytes in Shift_JIS (JIS X 0208, level 1). */
const japanese: Judge = (word) => {
  if (/^[\uFF61-\uFF9F]+$/.test(word)) return 0.7;
  if (!/^[\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Han}ー・]+$/u.test(word) || /[\uFF61-\uFF9F]/.test(word)) return -1;
  const bytes = iconv.encode(word, 'shift_jis');
  const common = bytes.filter((byte, index) => index % 2 === 0 && byte >= 0x81 && byte <= 0x98).length;
  return common >= 0.3 * bytes.length ? 1 : -1;
};

const judges: Partial<Record<Encoding, Judge>> = {
  'windows-1252': latin(western),
  macintosh: latin(western),
  cp850: latin(western),
  'windows-1250': latin(central),
  'windows-1254': latin(western + turkish),
  'windows-1251': cyrillic,
  'koi8-r': cyrillic,
  cp866: cyrillic,
  'windows-1253': greek,
  shift_jis: japanese,
};

/** In KOI8-R small letters stand where others have capitals. */
const isCased = (word: string, encoding: Encoding) => (encoding === 'koi8-r' ? small : capital).test(word);

/**
 * Scores for the words that an encoding makes; undefined for one of which any text that it decodes may be right. Where no
 * word of a script with capitals begins with one, none is a word: Hebrew looks like small Cyrillic letters.
 */
export function scoresOf(encoding: Encoding, words: readonly string[]): number[] | undefined {
  const judge = judges[encoding];
  if (!judge) return undefined;
  const cased = judge !== cyrillic && judge !== greek ? true : words.some((word) => isCased(word, encoding));
  return words.map((word) => (cased ? judge(word) : -1));
}

const [unicodeLooked, unicodeWord] = [256 * 1024, /[^\x00-@[-`{-~]+/g];
/** UTF-8 that was read as Windows-1252 and written anew ("NiccolÃ²"), what replaces lost bytes, and signs of DOS. */
const garbledUnicode =
  /[ÃÂ][\x80-\xBF\u0152\u0153\u0160\u0161\u0178\u017D\u017E\u0192\u02C6\u02DC\u2013-\u203A]|â€|[\x80-\x9F\uFFFD\u2500-\u259F]/;

/** Scores for the words of a text in any language. */
export function unicodeScores(text: string): number[] {
  const scores: number[] = [];
  for (const [word] of text.slice(0, unicodeLooked).matchAll(unicodeWord)) {
    if (!/[^\x00-\x7F]/.test(word)) continue;
    scores.push(garbledUnicode.test(word) ? -1 : 1);
    if (scores.length === lookedWords) break;
  }
  return scores;
}
