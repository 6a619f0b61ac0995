import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { DomainError } from '../problems/domain-error.js';
import { isPlain } from './plain.js';
import { read } from './rules.js';
import { requirePlainShape } from './shape.js';

/** The types that say nothing of what a value is to be. */
const open: readonly unknown[] = [String, Boolean, Number, Array, Object, undefined];

/** The pipe for every body, query and socket event: unknown fields are refused, known ones converted and checked. */
class Validation implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    // A path's parts have pipes of their own, and uploaded files are checked by the code that reads them.
    const checked = (type === 'body' || type === 'query') && !open.includes(metatype);
    return checked ? validated(metatype as new () => object, value) : value;
  }
}

export const validationPipe = () => new Validation();

/**
 * Makes an instance of a class out of a request, and checks it by the rules of the class. No request is the same as no fields.
 * @throws ValidationFailed, DomainError `malformed_request` for what is no object
 */
export function validated<Instance extends object>(shape: new () => Instance, value: unknown): Instance {
  const sent = value ?? {};
  if (!isPlain(sent)) {
    throw new DomainError('malformed_request', { detail: 'Send an object with the fields that are described.' });
  }
  // JSON and events were looked at when they came; this is a query or a form.
  if (Object.getPrototypeOf(sent) === null) requirePlainShape(sent);
  return read(shape, sent);
}
