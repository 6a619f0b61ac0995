import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import type { FieldError } from '../../contract/errors.js';
import { limits } from '../../contract/limits.js';
import { DomainError, ValidationFailed } from '../problems/domain-error.js';
import { type Fault, fieldError } from '../problems/field-error.js';
import { isPlain } from './plain.js';
import { type PlannedField, planOf, type Shape } from './plan.js';
import { requirePlainShape } from './shape.js';

type Values = Record<string, unknown>;

/** Parameter types without rules. */
const untyped: readonly unknown[] = [String, Boolean, Number, Array, Object, undefined];

/** The pipe for every body, query and socket event: unknown fields are refused, known ones converted and checked. */
class Validation implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    // A path's parts have pipes of their own, and uploaded files are checked by the code that reads them.
    const checked = (type === 'body' || type === 'query') && !untyped.includes(metatype);
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
    throw new DomainError('malformed_request', { detail: 'Send an object with the described fields.' });
  }
  // JSON and events were looked at when they came; this is a query or a form.
  if (Object.getPrototypeOf(sent) === null) requirePlainShape(sent);
  return read(shape, sent);
}

/**
 * Makes an instance of a class out of what was sent, and checks it by the rules that the class declares with class-validator.
 * Sizes come first: unknown fields are set aside and the size of every list is checked before any of its items, so that a
 * wrong request costs no more than a right one. The answer names the first fault of each field, for at most
 * `limits.fieldErrors` fields.
 * @throws ValidationFailed
 */
export function read<Instance extends object>(shape: new () => Instance, sent: object): Instance {
  const found = new Found();
  const instance = plainToInstance(shape, pick(shape, sent as Values, '', found));
  check(shape, instance as Values, '', found);
  if (found.errors.length > 0) throw new ValidationFailed(found.errors);
  return instance;
}

class Found {
  readonly errors: FieldError[] = [];
  private readonly settled = new Set<string>();

  add(path: string, fault: Fault): void {
    this.settled.add(path);
    if (!this.enough) this.errors.push(fieldError(path, fault));
  }

  has(path: string): boolean {
    return this.settled.has(path);
  }

  /** True once there is one error more than an answer lists, so that the answer can say so. */
  get enough(): boolean {
    return this.errors.length > limits.fieldErrors;
  }
}

/** Takes the declared fields of a request, without those that are too large to be looked at. */
function pick(shape: Shape, sent: Values, path: string, found: Found): Values {
  const { fields, names } = planOf(shape);
  const picked: Values = {};
  for (const name in sent) {
    if (found.enough) return picked;
    if (!names.has(name)) found.add(path + name, { code: 'unknown_field' });
  }
  for (const field of fields) {
    const value = sent[field.name];
    if (value === undefined || (value === null && field.optional)) continue;
    const fault = typeof value === 'object' && value !== null ? misplaced(field, value) : undefined;
    if (fault) found.add(path + field.name, fault);
    else picked[field.name] = field.part ? pickParts(field, value, path + field.name, found) : value;
  }
  return picked;
}

/** Judges a list or an object as far as that can be done without looking into it. */
function misplaced({ tooMany, part, checks }: PlannedField, value: object): Fault | undefined {
  if (!Array.isArray(value)) return tooMany || part ? undefined : firstFault(checks, value, {});
  if (tooMany) return value.length > tooMany.most ? tooMany.fault : undefined;
  return part ? { code: 'not_an_object' } : firstFault(checks, value, {});
}

function pickParts({ part }: PlannedField, value: unknown, path: string, found: Found): unknown {
  const inner = (each: unknown, at: string) => (isPlain(each) ? pick(part!(), each as Values, `${at}.`, found) : each);
  return Array.isArray(value) ? value.map((each, index) => inner(each, `${path}.${index}`)) : inner(value, path);
}

function check(shape: Shape, instance: Values, path: string, found: Found): void {
  for (const field of planOf(shape).fields) {
    if (found.enough) return;
    const at = path + field.name;
    const value = instance[field.name];
    if (found.has(at) || !field.conditions.every((holds) => holds(instance, value))) continue;
    const fault = value === undefined || value === null ? missing : firstFault(field.checks, value, instance);
    if (fault) found.add(at, fault);
    else if (field.tooMany) checkItems(field, value, at, found);
    else if (field.part) checkPart(field.part(), value, at, found);
  }
}

const missing: Fault = { code: 'required' };

function checkItems({ tooMany, itemChecks, part }: PlannedField, value: unknown, at: string, found: Found): void {
  if (!Array.isArray(value)) return found.add(at, { code: 'not_a_list' });
  if (value.length > tooMany!.most) return found.add(at, tooMany!.fault);
  for (const [index, item] of value.entries()) {
    if (part) checkPart(part(), item, `${at}.${index}`, found);
    const fault = firstFault(itemChecks, item, value);
    if (fault) return found.add(at, { ...fault, values: { ...fault.values, item: index } });
  }
}

function checkPart(shape: Shape, value: unknown, at: string, found: Found): void {
  if (value instanceof shape) check(shape, value as Values, `${at}.`, found);
  else found.add(at, { code: 'not_an_object' });
}

function firstFault(checks: PlannedField['checks'], value: unknown, object: object): Fault | undefined {
  for (const find of checks) {
    const fault = find(value, object);
    if (fault) return fault;
  }
  return undefined;
}
