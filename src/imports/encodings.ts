import iconv from 'iconv-lite';
import type { Encoding } from '../contract/imports.js';
import { scoresOf, unicodeScores, wordsIn } from './plausibility.js';

export interface DecodedText {
  encoding: Encoding;
  text: string;
  /** Bytes that do not belong to the encoding; of UTF-8 they were read as Windows-1252. */
  damaged: number;
  /** Words that do not read as words of any language in this encoding. */
  garbled: number;
  /** Most words with other letters than a to z are garbled. */
  gibberish: boolean;
  /** Another encoding yields equally plausible words. */
  doubtful: boolean;
}

/**
 * Reads a text in the wanted encoding, or in the one that fits it best. A byte order mark decides; without one UTF-16 is
 * known by its zero bytes, UTF-8 by its sequences, even if a few bytes are broken, and the others by the words that they make
 * of it.
 */
export function decodedText(bytes: Buffer, wanted?: Encoding): DecodedText {
  if (wanted && wanted !== 'utf-8') {
    const text = withoutMark(iconv.decode(bytes, wanted));
    return { ...judged(wanted, text, bytes), damaged: text.split('\uFFFD').length - 1 };
  }
  const utf16 = wanted ? undefined : utf16Of(bytes);
  if (utf16) return judged(utf16, withoutMark(iconv.decode(bytes, utf16)), bytes);
  const utf8 = sequencesOf(bytes);
  const marked = bytes.subarray(0, 3).equals(byteOrderMark);
  if (wanted || marked || utf8.invalid.length === 0 || utf8.valid > 4 * utf8.invalid.length) {
    const text = withoutMark(repaired(bytes, utf8.invalid));
    return { ...judged('utf-8', text, bytes), damaged: utf8.invalid.length };
  }
  const { encoding, doubtful } = byteEncodingOf(bytes);
  return { ...judged(encoding, iconv.decode(bytes, encoding), bytes), doubtful };
}

function judged(encoding: Encoding, text: string, bytes: Buffer): DecodedText {
  const scores = scoresOf(encoding, wordsOf(bytes, encoding)) ?? unicodeScores(text);
  const garbled = scores.filter((score) => score < 0).length;
  return { encoding, text, damaged: 0, garbled, gibberish: garbled > scores.length / 2, doubtful: false };
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);
const withoutMark = (text: string) => (text.startsWith('\uFEFF') ? text.slice(1) : text);

function utf16Of(bytes: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const looked = Math.min(bytes.length & ~1, 4_096);
  const zeros = [0, 0];
  for (let index = 0; index < looked; index++) if (bytes[index] === 0) zeros[index & 1]!++;
  // Names, separators and line breaks are mostly Latin, one byte of which is zero in UTF-16.
  const many = looked / 4;
  if (zeros[1]! > many && zeros[1]! > 4 * zeros[0]!) return 'utf-16le';
  return zeros[0]! > many && zeros[0]! > 4 * zeros[1]! ? 'utf-16be' : undefined;
}

/** Counts the multi-byte sequences of UTF-8 (RFC 3629), and lists the positions of bytes that belong to none. */
function sequencesOf(bytes: Buffer): { valid: number; invalid: number[] } {
  let valid = 0;
  const invalid: number[] = [];
  for (let index = 0; index < bytes.length; index++) {
    const first = bytes[index]!;
    if (first < 0x80) continue;
    const length = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first <= 0xf4 ? 4 : 0;
    if (first >= 0xc2 && length > 0 && isSequence(bytes, index, length)) {
      valid++;
      index += length - 1;
    } else {
      invalid.push(index);
    }
  }
  return { valid, invalid };
}

function isSequence(bytes: Buffer, start: number, length: number): boolean {
  for (let index = start + 1; index < start + length; index++) {
    if (index >= bytes.length || (bytes[index]! & 0xc0) !== 0x80) return false;
  }
  const [first, second] = [bytes[start]!, bytes[start + 1]!];
  if (first === 0xe0) return second >= 0xa0;
  if (first === 0xed) return second <= 0x9f;
  if (first === 0xf0) return second >= 0x90;
  return first !== 0xf4 || second <= 0x8f;
}

function repaired(bytes: Buffer, invalid: readonly number[]): string {
  if (invalid.length === 0) return bytes.toString('utf8');
  const pieces: string[] = [];
  let start = 0;
  for (const index of invalid) {
    pieces.push(bytes.toString('utf8', start, index), iconv.decode(bytes.subarray(index, index + 1), 'windows-1252'));
    start = index + 1;
  }
  return pieces.join('') + bytes.toString('utf8', start);
}

/** Tried in this order; the last two share most letters with the first, and have to be clearly better. */
const byteEncodings = [
  'windows-1252',
  'macintosh',
  'cp850',
  'windows-1251',
  'koi8-r',
  'cp866',
  'windows-1253',
  'shift_jis',
  'windows-1254',
  'windows-1250',
] as const satisfies Encoding[];
const clearly = 0.3;
const hardly = 0.1;

/** The encoding that makes the best words of a text, and whether that is in doubt. Windows-1252 is what most lists are in. */
function byteEncodingOf(bytes: Buffer): { encoding: Encoding; doubtful: boolean } {
  let best: { encoding: Encoding; score: number } = { encoding: 'windows-1252', score: -1 };
  let rival = -1;
  for (const encoding of byteEncodings) {
    const scores = scoresOf(encoding, wordsOf(bytes, encoding))!;
    if (scores.length === 0) continue;
    const score = scores.reduce((sum, each) => sum + each, 0) / scores.length;
    const margin = encoding === 'windows-1250' || encoding === 'windows-1254' ? clearly : 0;
    if (score > best.score + margin) {
      rival = best.score;
      best = { encoding, score };
    } else if (margin === 0) rival = Math.max(rival, score);
  }
  return { encoding: best.encoding, doubtful: best.encoding !== 'windows-1252' && rival > best.score - hardly };
}

function wordsOf(bytes: Buffer, encoding: Encoding): string[] {
  const words = iconv.decode(wordsIn(bytes), encoding);
  return words === '' ? [] : words.split('\n');
}
