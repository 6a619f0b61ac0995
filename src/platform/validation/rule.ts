import { ValidateBy, type ValidationOptions } from 'class-validator';
import { type Fault, fieldError } from '../problems/field-error.js';

/** Finds what is wrong with a value; undefined when nothing is. */
export type Judge = (value: unknown) => Fault | undefined;

const judges = new WeakMap<object, Judge>();

/**
 * Declares a rule of our own for a field, which names a fault by a code of the contract. A rule must refuse values beyond some
 * size, because `planOf` takes its field for bounded.
 */
export function Rule(name: string, judge: Judge, options?: ValidationOptions): PropertyDecorator {
  const constraint = { judge };
  judges.set(constraint, judge);
  const validator = {
    validate: (value: unknown) => judge(value) === undefined,
    defaultMessage: (args?: { value: unknown; property: string }) => {
      const fault = judge(args?.value);
      return fault ? fieldError(args?.property ?? '', fault).message : '';
    },
  };
  return ValidateBy({ name, constraints: [constraint], validator }, options);
}

/** The judge of a rule that `Rule` has made. */
export function judgeOf(constraints: readonly unknown[] | undefined): Judge | undefined {
  const [constraint] = constraints ?? [];
  return typeof constraint === 'object' && constraint !== null ? judges.get(constraint) : undefined;
}
