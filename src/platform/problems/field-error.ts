import type { FieldError } from '../../contract/errors.js';
import { type FieldErrorCode, fieldErrorCatalogue, type FieldErrorValues } from '../../contract/field-errors.js';

/** A fault of a value: its code, the values of the code's sentence, and a sentence that says more than that one. */
export interface Fault {
  code: FieldErrorCode;
  values?: FieldErrorValues;
  /** May hold `{field}` and the names of the values; the sentence of the catalogue without it. */
  message?: string;
}

const longestField = 80;

/** Puts a fault in words. A field's name can be anything that a client has sent, so a long one is cut. */
export function fieldError(path: string, { code, values, message }: Fault): FieldError {
  const field = shortened(path);
  const sentence = message ?? fieldErrorCatalogue[code].en;
  return { field, code, message: filledIn(sentence, field, values), ...(values && { values }) };
}

function filledIn(sentence: string, field: string, values: FieldErrorValues = {}): string {
  const place = typeof values['item'] === 'number' ? `${field}.${values['item']}` : field;
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => {
    if (name === 'field') return place;
    const value = values[name];
    return value === undefined ? whole : inWords(value);
  });
}

function inWords(value: FieldErrorValues[string]): string {
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'number' ? value.toLocaleString('en') : String(value);
}

function shortened(path: string): string {
  return path.length <= longestField ? path : `${path.slice(0, longestField).toWellFormed()}…`;
}
