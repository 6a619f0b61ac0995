import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { limits } from '../contract/limits.js';
import type { Fault } from '../platform/problems/field-error.js';
import { Rule } from '../platform/validation/rule.js';
import { plainTextProblem } from '../platform/validation/text.js';

/**
 * Tells whether a text can be kept as a telephone number: one line of at most 40 characters with three digits at least.
 * A number that a spreadsheet has computed, such as `3,33E+09`, is none, because its other digits are lost.
 */
export function isPhone(text: unknown): text is string {
  return (
    typeof text === 'string' &&
    plainTextProblem(text, { max: limits.phoneLength }) === undefined &&
    (text.match(/\d/g)?.length ?? 0) >= 3 &&
    !/^\d(?:[.,]\d+)?E\+?\d+$/i.test(text.trim())
  );
}

/**
 * A number as it is dialled from everywhere, such as "+39 051 123 4567", where it is valid in the country or has a
 * country code. Anything else, such as two numbers or an extension, stays as it was typed.
 */
export function normalisedPhone(text: string, country: string): string {
  const numbers = text.match(/\d{3,}/g);
  if (!numbers && !/\d/.test(text)) return text;
  const where = isSupportedCountry(country) ? (country satisfies CountryCode) : undefined;
  // What does not look like one number alone is not guessed at.
  if (!/^[+\d\s().\-/]+$/.test(text)) return text;
  const parsed = parsePhoneNumberFromString(text, where);
  return parsed?.isValid() ? parsed.formatInternational() : text;
}

/** A telephone number of at most 40 characters; an empty text passes, to take it away. */
export function IsPhone(): PropertyDecorator {
  const fault: Fault = { code: 'is_phone', values: { limit: limits.phoneLength } };
  return Rule('isPhone', (value) => (value === '' || isPhone(value) ? undefined : fault));
}
