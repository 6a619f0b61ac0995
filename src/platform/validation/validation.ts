import { type ArgumentMetadata, ValidationPipe } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validate } from 'class-validator';
import { toValidationFailed } from '../problems/problems.js';
import { plainlyKeepsRules } from './rules.js';

const rules = {
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  validationError: { target: false, value: true },
} as const;

/**
 * The pipe for every body, query and socket event: unknown fields are refused, known ones converted and checked. What is
 * plainly right takes the short way, which was a tenth of the cost of a message.
 */
class Validation extends ValidationPipe {
  constructor() {
    super({ ...rules, transform: true, exceptionFactory: (errors) => toValidationFailed(errors) });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    // A path's parts have pipes of their own, which want the text.
    if (metadata.type === 'param') return value;
    const shape = metadata.metatype as (new () => object) | undefined;
    if (shape && isPlain(value)) {
      const instance = plainToInstance(shape, value);
      if (plainlyKeepsRules(shape, instance)) return instance;
    }
    return super.transform(value, metadata);
  }
}

export const validationPipe = () => new Validation();

/**
 * Checks a value that is one of several shapes, once it is known which.
 * @throws ValidationFailed
 */
export async function validated<Shape extends object>(shape: new () => Shape, value: unknown): Promise<Shape> {
  const instance = plainToInstance(shape, value ?? {});
  const errors = await validate(instance, rules);
  if (errors.length > 0) throw toValidationFailed(errors);
  return instance;
}

/** An object as JSON makes it, of texts, numbers and the like; lists and objects within take the long way. */
function isPlain(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.values(value).every((each) => typeof each !== 'object' || each === null)
  );
}
