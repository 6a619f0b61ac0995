import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { ValidateBy, type ValidationArguments, type ValidationOptions, buildMessage } from 'class-validator';
import { limits } from '../../contract/limits.js';
import { invisibleCharacter, isEmailAddress, normalisedEmail } from './email-addresses.js';

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
const invisible = /[\s\p{Default_Ignorable_Code_Point}]/gu;

export function codePoints(text: string): number {
  return [...text].length;
}

/**
 * What keeps a value from being plain text, as the end of a sentence such as "must have 1 to 100 characters", or
 * undefined. Refused are lone surrogates, control characters (a multi-line text may hold tabs and line breaks, `\n` or
 * `\r\n`), in single-line texts also direction overrides, and texts in which nothing can be seen where one is required.
 */
export function plainTextProblem(value: unknown, { min = 1, max, multiline = false }: TextLimits): string | undefined {
  if (typeof value !== 'string') return 'must be a text';
  const text = value.trim();
  const length = codePoints(text);
  const missing = min > 0 && text.replace(invisible, '') === '';
  if (length < min || length > max || missing) return `must have ${lengths(min, max)}`;
  if (!text.isWellFormed()) return 'must be valid Unicode';
  if (multiline) {
    return controlsExceptLayout.test(text.replaceAll('\r\n', '\n')) ? 'must not hold control characters' : undefined;
  }
  if (controls.test(text) || lineSeparators.test(text)) return 'must be one line without control characters';
  if (bidiOverrides.test(text)) return 'must not hold characters that override the direction of text';
  return undefined;
}

/** A text within its limits, see `plainTextProblem`. With `@Trimmed()` what is counted is also what is kept. */
export function IsPlainText(textLimits: TextLimits, options?: ValidationOptions): PropertyDecorator {
  const validator = {
    validate: (value: unknown) => plainTextProblem(value, textLimits) === undefined,
    defaultMessage: (args?: ValidationArguments) => {
      const values: unknown[] = options?.each && Array.isArray(args?.value) ? args.value : [args?.value];
      const problem = values.map((value) => plainTextProblem(value, textLimits)).find(Boolean);
      return buildMessage((each) => `${each}$property ${problem ?? 'must be a text'}`, options)(args);
    },
  };
  return ValidateBy({ name: 'isPlainText', constraints: [textLimits], validator }, options);
}

/** Without blanks at both ends; in a single line every run of blanks and line breaks becomes one space. */
export function trimmed(text: string, { multiline = false } = {}): string {
  return multiline ? text.replaceAll('\r\n', '\n').trim() : text.trim().replace(/\s+/g, ' ');
}

/** Trims a text or a list of texts before it is validated; other values pass unchanged, for the validator to refuse. */
export function Trimmed(kind: { multiline?: boolean } = {}): PropertyDecorator {
  return Transform(({ value }) => eachText(value, (text) => trimmed(text, kind)));
}

/** An address as `isEmailAddress` has it. Invisible characters have an error of their own, which names the first. */
export function IsEmailAddress(options?: ValidationOptions): PropertyDecorator {
  const hidden = (value: unknown) => (typeof value === 'string' ? invisibleCharacter(value) : undefined);
  const isAddress = {
    validate: (value: unknown) => hidden(value) !== undefined || isEmailAddress(value),
    defaultMessage: buildMessage(
      (each) => `${each}$property must be an email address of at most ${limits.emailLength} characters`,
      options,
    ),
  };
  const isVisible = {
    validate: (value: unknown) => hidden(value) === undefined,
    defaultMessage: (args?: ValidationArguments) =>
      `${args?.property ?? 'The address'} holds a character that cannot be seen (${hidden(args?.value) ?? ''}). Type the address instead of copying it.`,
  };
  return applyDecorators(
    ValidateBy({ name: 'isEmailAddress', validator: isAddress }, options),
    ValidateBy({ name: 'invisibleCharacters', validator: isVisible }, options),
  );
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
