import type { FieldError } from '../../contract/errors.js';
import { fieldErrorCatalogue } from '../../contract/field-errors.js';
import { filledIn } from '../../contract/rules/field-error-texts.js';
import type { Fault } from '../../contract/rules/texts.js';

export type { Fault };

const longestField = 80;

/** Puts a fault in words. A field's name can be anything that a client has sent, so a long one is cut. */
export function fieldError(path: string, { code, values, message }: Fault): FieldError {
  const field = shortened(path);
  const sentence = message ?? fieldErrorCatalogue[code].en;
  return { field, code, message: filledIn(sentence, { field, values, locale: 'en' }), ...(values && { values }) };
}

function shortened(path: string): string {
  return path.length <= longestField ? path : `${path.slice(0, longestField).toWellFormed()}…`;
}
