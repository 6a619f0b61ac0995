import type { FieldErrorCode, FieldErrorValues } from '../field-errors.js';
import { limits } from '../limits.js';

/** A fault of a value: its code, the values of the code's sentence, and a sentence that says more than that one. */
export interface Fault {
  code: FieldErrorCode;
  values?: FieldErrorValues;
  /** May hold `{field}` and the names of the values; the sentence of the catalogue without it. */
  message?: string;
}

export interface TextLimits {
  /** Fewest Unicode code points after trimming; 1 unless stated. */
  min?: number;
  /** Most Unicode code points after trimming. */
  max: number;
  /** Line breaks and tabs are allowed. */
  multiline?: boolean;
}

/** They turn the direction of what follows, so that one name can be made to look like another (Unicode TR 36). */
const bidiOverrides = /[\u202A-\u202E\u2066-\u2069]/;
const controls = /[\u0000-\u001F\u007F-\u009F]/;
const controlsExceptLayout = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/;
const lineSeparators = /[\u2028\u2029]/;
/**
 * Invisible characters: blanks, control characters, characters that fonts skip, noncharacters, and the signs of scripts and
 * of musical notation that stand for a gap. Format characters that enclose numbers are visible.
 */
const nothing =
  /^(?:[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Noncharacter_Code_Point}\u2800\uFFFC\u{13441}\u{13442}\u{1D159}]|\u{16FE4}|(?![\u0600-\u0605\u06DD\u0890\u0891\u08E2\u{110BD}\u{110CD}])\p{Cf})*$/u;

/** Counts characters as limits do: in code points, an emoji of one as one. */
export function codePoints(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length - 1; index++) {
    if (isHighSurrogate(text.charCodeAt(index)) && isLowSurrogate(text.charCodeAt(index + 1))) count--;
  }
  return count;
}

const isHighSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdbff;
const isLowSurrogate = (unit: number) => unit >= 0xdc00 && unit <= 0xdfff;

/** A fault of a text, with the end of a sentence such as "must have 1 to 100 characters". */
export interface TextFault extends Fault {
  problem: string;
}

/** True if a text has no visible character, which counts as empty. */
export function isBlank(text: string): boolean {
  return nothing.test(text);
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * At most so many code points of a text, the last one an ellipsis where something was left out. Never cuts within what is
 * read as one character, such as a flag or a family, unless that alone is longer.
 */
export function shortened(text: string, most: number): string {
  const characters = [...text];
  if (characters.length <= most) return text;
  let [beginning, length] = ['', 0];
  for (const { segment } of graphemes.segment(text)) {
    length += codePoints(segment);
    if (length >= most) break;
    beginning += segment;
  }
  return `${beginning || characters.slice(0, most - 1).join('')}…`;
}

/**
 * Finds what keeps a value from being plain text; undefined when nothing does. Refused are lone surrogates, control characters (a multi-line text
 * may hold tabs and line breaks, `\n` or `\r\n`), in single-line texts also direction overrides, and texts in which nothing
 * can be seen where one is required.
 */
export function textFault(value: unknown, { min = 1, max, multiline = false }: TextLimits): TextFault | undefined {
  if (typeof value !== 'string') return { code: 'not_text', problem: 'must be a text' };
  const text = value.trim();
  const length = codePoints(text);
  const problem = `must have ${lengths(min, max)}`;
  if (length > max) return { code: 'too_long', values: { limit: max }, problem };
  if (min > 0 && isBlank(text)) return { code: 'empty', problem };
  if (length < min) return { code: 'too_short', values: { limit: min }, problem };
  if (!text.isWellFormed()) return { code: 'invalid_unicode', problem: 'must be valid Unicode' };
  const invalid = (problem: string): TextFault => ({ code: 'invalid_characters', problem });
  if (multiline) {
    const held = controlsExceptLayout.test(text.replaceAll('\r\n', '\n'));
    return held ? invalid('must not hold control characters') : undefined;
  }
  if (controls.test(text) || lineSeparators.test(text)) return invalid('must be one line without control characters');
  if (bidiOverrides.test(text)) return invalid('must not hold characters that override the direction of text');
  return undefined;
}

/**
 * Without blanks at both ends; in a single line every run of blanks and line breaks becomes one space. Of a text in which
 * nothing can be seen nothing is left.
 */
export function trimmed(text: string, { multiline = false } = {}): string {
  if (isBlank(text)) return '';
  return multiline ? text.replaceAll('\r\n', '\n').trim() : text.trim().replace(/\s+/g, ' ');
}

/** Finds what keeps a text from being a message; undefined when nothing does. Nothing is trimmed: what was written arrives. */
export function bodyFault(body: unknown): Fault | undefined {
  if (typeof body !== 'string') return { code: 'not_text', message: 'The message must be text.' };
  if (isBlank(body)) return { code: 'empty', message: 'The message is empty.' };
  if (!body.isWellFormed()) {
    return { code: 'invalid_unicode', message: 'The message contains an invalid character (a lone surrogate).' };
  }
  if (body.includes('\0')) return { code: 'invalid_characters', message: 'The message contains a NUL character.' };
  const length = codePoints(body);
  const limit = limits.messageLength;
  if (length <= limit) return undefined;
  const message = `The message has ${length} characters; the limit is ${limit}.`;
  return { code: 'too_long', values: { limit, length }, message };
}

/** Makes the preview of a message: its first characters on one line. */
export function beginningOf(body: string): string {
  return shortened(body.replace(/\s+/g, ' ').trim(), limits.previewLength);
}

function lengths(min: number, max: number): string {
  if (min === max) return `exactly ${max} characters`;
  return min === 0 ? `at most ${max} characters` : `${min} to ${max} characters`;
}
