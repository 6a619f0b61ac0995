import type { Locale } from '../common.js';
import type { FieldError } from '../errors.js';
import { fieldErrorCatalogue, type FieldErrorValues } from '../field-errors.js';

/**
 * Says a field error in the language of the user.
 * @param name of the field as the user knows it; the error's own without it
 */
export function fieldErrorText({ field, code, values }: FieldError, locale: Locale, name = field): string {
  return filledIn(fieldErrorCatalogue[code][locale], { field: name, values, locale });
}

/** Puts the name of the field and the values into a sentence of the catalogue. */
export function filledIn(
  sentence: string,
  { field, values = {}, locale }: { field: string; values?: FieldErrorValues | undefined; locale: Locale },
): string {
  const place = typeof values['item'] === 'number' ? `${field}.${values['item']}` : field;
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => {
    if (name === 'field') return place;
    const value = values[name];
    return value === undefined ? whole : inWords(value, locale);
  });
}

function inWords(value: FieldErrorValues[string], locale: Locale): string {
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'number' ? value.toLocaleString(locale) : String(value);
}
