import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { buildMessage, ValidateBy } from 'class-validator';
import { limits } from '../contract/limits.js';
import { plainTextProblem } from '../platform/validation/text.js';

/** Whether a text can be kept as a telephone number: one line of at most 40 characters with three digits at least. */
export function isPhone(text: unknown): text is string {
  return (
    typeof text === 'string' &&
    plainTextProblem(text, { max: limits.phoneLength }) === undefined &&
    (text.match(/\d/g)?.length ?? 0) >= 3
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
  const defaultMessage = buildMessage(
    (each) => `${each}$property must be a telephone number of at most ${limits.phoneLength} characters`,
  );
  return ValidateBy({
    name: 'isPhone',
    validator: { validate: (value: unknown) => value === '' || isPhone(value), defaultMessage },
  });
}
