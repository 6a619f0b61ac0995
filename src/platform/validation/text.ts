import { Transform } from 'class-transformer';
import type { ValidationOptions } from 'class-validator';
import { limits } from '../../contract/limits.js';
import { type Fault, textFault, type TextLimits, trimmed } from '../../contract/rules/texts.js';
import {
  domainOf,
  invisibleCharacter,
  isEmailAddress,
  lacksPlainAt,
  normalisedEmail,
  undecodableLabel,
} from './email-addresses.js';
import { Rule } from './rule.js';

export { codePoints, isBlank, shortened, textFault, type TextLimits, trimmed } from '../../contract/rules/texts.js';
export { isEmailAddress, normalisedEmail } from './email-addresses.js';

/** Says the same as the end of a sentence. */
export function plainTextProblem(value: unknown, textLimits: TextLimits): string | undefined {
  return textFault(value, textLimits)?.problem;
}

/** A text within its limits, see `textFault`. With `@Trimmed()`, the counted text is also the stored one. */
export function IsPlainText(textLimits: TextLimits, options?: ValidationOptions): PropertyDecorator {
  const judge = (value: unknown): Fault | undefined => {
    const fault = textFault(value, textLimits);
    return fault?.code === 'invalid_characters' ? { ...fault, message: `{field} ${fault.problem}.` } : fault;
  };
  return Rule('isPlainText', judge, options);
}

/** Trims a text or a list of texts before it is validated; other values pass unchanged, for the validator to refuse. */
export function Trimmed(kind: { multiline?: boolean } = {}): PropertyDecorator {
  return Transform(({ value }) => eachText(value, (text) => trimmed(text, kind)));
}

/** An address as `isEmailAddress` has it. Invisible or look-alike characters have errors of their own, which name them. */
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
