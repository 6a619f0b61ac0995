import { Transform } from 'class-transformer';
import type { ValidationOptions } from 'class-validator';
import { limits } from '../../contract/limits.js';
import type { Fault } from '../problems/field-error.js';
import {
  domainOf,
  invisibleCharacter,
  isEmailAddress,
  lacksPlainAt,
  normalisedEmail,
  undecodableLabel,
} from './email-addresses.js';
import { Rule } from './rule.js';

export { isEmailAddress, normalisedEmail } from './email-addresses.js';

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

/** Tells if a text has no visible character. Such a text counts as empty. */
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

/** Says the same as the end of a sentence. */
export function plainTextProblem(value: unknown, textLimits: TextLimits): string | undefined {
  return textFault(value, textLimits)?.problem;
}

/** A text within its limits, see `textFault`. With `@Trimmed()` what is counted is also what is kept. */
export function IsPlainText(textLimits: TextLimits, options?: ValidationOptions): PropertyDecorator {
  const judge = (value: unknown): Fault | undefined => {
    const fault = textFault(value, textLimits);
    return fault?.code === 'invalid_characters' ? { ...fault, message: `{field} ${fault.problem}.` } : fault;
  };
  return Rule('isPlainText', judge, options);
}

/**
 * Without blanks at both ends; in a single line every run of blanks and line breaks becomes one space. Of a text in which
 * nothing can be seen nothing is left.
 */
export function trimmed(text: string, { multiline = false } = {}): string {
  if (isBlank(text)) return '';
  return multiline ? text.replaceAll('\r\n', '\n').trim() : text.trim().replace(/\s+/g, ' ');
}

/** Trims a text or a list of texts before it is validated; other values pass unchanged, for the validator to refuse. */
export function Trimmed(kind: { multiline?: boolean } = {}): PropertyDecorator {
  return Transform(({ value }) => eachText(value, (text) => trimmed(text, kind)));
}

/** An address as `isEmailAddress` has it. What is hard to see in one has an error of its own, which names it. */
export function IsEmailAddress(options?: ValidationOptions): PropertyDecorator {
  return Rule('isEmailAddress', emailAddressFault, options);
}

function emailAddressFault(value: unknown): Fault | undefined {
  const character = typeof value === 'string' ? invisibleCharacter(value) : undefined;
  if (character !== undefined) return { code: 'invisible_characters', values: { character } };
  if (isEmailAddress(value)) return undefined;
  if (typeof value === 'string' && lacksPlainAt(value)) return { code: 'at_sign' };
  const label = typeof value === 'string' ? undecodableLabel(domainOf(value)) : undefined;
  if (label !== undefined) return { code: 'domain_label', values: { label } };
  return { code: 'is_email_address', values: { limit: limits.emailLength } };
}

/** Applies `normalisedEmail` before validation. */
export function NormalisedEmail(): PropertyDecorator {
  return Transform(({ value }) => eachText(value, normalisedEmail));
}

function eachText(value: unknown, change: (text: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => eachText(item, change));
  return typeof value === 'string' ? change(value) : value;
}

function lengths(min: number, max: number): string {
  if (min === max) return `exactly ${max} characters`;
  return min === 0 ? `at most ${max} characters` : `${min} to ${max} characters`;
}
