import iconv from 'iconv-lite';

export const encodings = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'macintosh'] as const;
export type Encoding = (typeof encodings)[number];

export interface DecodedText {
  encoding: Encoding;
  text: string;
  /** Bytes that do not belong to the encoding, and were read as Windows-1252. */
  damaged: number;
}

/**
 * Reads a text in the encoding that fits it best. A byte order mark decides; without one UTF-16 is known by its zero
 * bytes, UTF-8 by its sequences, even if a few bytes are broken, and Mac Roman by accented letters that stand where
 * Windows-1252 has signs.
 */
export function decodedText(bytes: Buffer): DecodedText {
  const utf16 = utf16Of(bytes);
  if (utf16) return { encoding: utf16, text: withoutMark(iconv.decode(bytes, utf16)), damaged: 0 };
  const utf8 = sequencesOf(bytes);
  const marked = bytes.subarray(0, 3).equals(byteOrderMark);
  if (marked || utf8.invalid.length === 0 || utf8.valid > 4 * utf8.invalid.length) {
    return { encoding: 'utf-8', text: withoutMark(mended(bytes, utf8.invalid)), damaged: utf8.invalid.length };
  }
  const encoding = singleByteEncoding(bytes);
  return { encoding, text: iconv.decode(bytes, encoding), damaged: 0 };
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

/** How many sequences of several bytes are UTF-8 (RFC 3629), and where bytes stand that belong to none. */
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

function mended(bytes: Buffer, invalid: readonly number[]): string {
  if (invalid.length === 0) return bytes.toString('utf8');
  const pieces: string[] = [];
  let start = 0;
  for (const index of invalid) {
    pieces.push(bytes.toString('utf8', start, index), iconv.decode(bytes.subarray(index, index + 1), 'windows-1252'));
    start = index + 1;
  }
  return pieces.join('') + bytes.toString('utf8', start);
}

const smallLetters = new Set('àèéìòùáíóúâêîôûäëïöüçñãõåæøœß');
const capitals = new Set([...smallLetters].map((letter) => letter.toUpperCase()));

function singleByteEncoding(bytes: Buffer): 'windows-1252' | 'macintosh' {
  return plausibility(bytes, 'macintosh') > plausibility(bytes, 'windows-1252') ? 'macintosh' : 'windows-1252';
}

/** How well the bytes above ASCII read as letters of western Europe beside the ASCII letters around them. */
function plausibility(bytes: Buffer, encoding: 'windows-1252' | 'macintosh'): number {
  const all = iconv.decode(Buffer.from(Array.from({ length: 128 }, (_, index) => index + 128)), encoding);
  const looked = Math.min(bytes.length, 512 * 1024);
  let score = 0;
  for (let index = 0; index < looked; index++) {
    const byte = bytes[index]!;
    if (byte < 0x80) continue;
    const before = index > 0 ? bytes[index - 1]! : 0x20;
    const after = bytes[index + 1] ?? 0x20;
    if (!isLetter(before) && !isLetter(after)) continue;
    const character = all[byte - 128]!;
    const inWord = before >= 0x61 && before <= 0x7a;
    if (smallLetters.has(character)) score += 2;
    else if (capitals.has(character)) score += inWord ? -2 : 1;
    else if (character === '’') score += isLetter(before) && isLetter(after) ? 1 : 0;
    else score -= 2;
  }
  return score;
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}
