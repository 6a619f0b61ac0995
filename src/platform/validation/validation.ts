import { ValidationPipe } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validate } from 'class-validator';
import { toValidationFailed } from '../problems/problems.js';

const rules = {
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  validationError: { target: false, value: true },
} as const;

/** The pipe for every body, query and socket event: unknown fields are refused, known ones converted and checked. */
export const validationPipe = () =>
  new ValidationPipe({ ...rules, transform: true, exceptionFactory: (errors) => toValidationFailed(errors) });

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
