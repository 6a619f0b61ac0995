import { plainToInstance } from 'class-transformer';
import type { FieldError } from '../../contract/errors.js';
import { limits } from '../../contract/limits.js';
import { ValidationFailed } from '../problems/domain-error.js';
import { type Fault, fieldError } from '../problems/field-error.js';
import { isPlain } from './plain.js';
import { type PlannedField, planOf, type Shape } from './plan.js';

type Values = Record<string, unknown>;

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

  /** Holds once there is one error more than is told, so that the answer can say that there are others. */
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
