import type { ValidationOptions } from 'class-validator';
import { limits } from '../contract/limits.js';
import type { Fault } from '../platform/problems/field-error.js';
import { Rule } from '../platform/validation/rule.js';
import { codePoints, isBlank } from '../platform/validation/text.js';

/** Finds what keeps a text from being a message; undefined when nothing does. Nothing is trimmed: what was written arrives. */
export function bodyFault(body: unknown): Fault | undefined {
  if (typeof body !== 'string') return { code: 'not_text', message: 'The message is a text.' };
  if (isBlank(body)) return { code: 'empty', message: 'The message is empty.' };
  if (!body.isWellFormed()) {
    return { code: 'invalid_unicode', message: 'The message holds a broken character (a lone surrogate).' };
  }
  if (body.includes('\0')) return { code: 'invalid_characters', message: 'The message holds a NUL character.' };
  const length = codePoints(body);
  const limit = limits.messageLength;
  if (length <= limit) return undefined;
  const message = `The message has ${length} characters; the limit is ${limit}.`;
  return { code: 'too_long', values: { limit, length }, message };
}

export function IsMessageBody(options?: ValidationOptions): PropertyDecorator {
  return Rule('messageBody', bodyFault, options);
}
