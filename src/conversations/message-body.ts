import { ValidateBy, type ValidationOptions } from 'class-validator';
import { limits } from '../contract/limits.js';
import { codePoints, isBlank } from '../platform/validation/text.js';

/** Why a text cannot be a message; undefined when it can. Nothing is trimmed: what was written is what arrives. */
export function bodyProblem(body: unknown): string | undefined {
  if (typeof body !== 'string') return 'The message is a text.';
  if (isBlank(body)) return 'The message is empty.';
  if (!body.isWellFormed()) return 'The message holds a broken character (a lone surrogate).';
  if (body.includes('\0')) return 'The message holds a NUL character.';
  const length = codePoints(body);
  if (length > limits.messageLength) {
    return `The message has ${length} characters; at most ${limits.messageLength} are possible.`;
  }
  return undefined;
}

export function IsMessageBody(options?: ValidationOptions): PropertyDecorator {
  const validator = {
    validate: (value: unknown) => bodyProblem(value) === undefined,
    defaultMessage: (args?: { value: unknown }) => bodyProblem(args?.value) ?? '',
  };
  return ValidateBy({ name: 'messageBody', validator }, options);
}
