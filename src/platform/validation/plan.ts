import { getMetadataStorage, IS_OPTIONAL, ValidationTypes } from 'class-validator';
import type { FieldErrorCode, FieldErrorValues } from '../../contract/field-errors.js';
import type { Fault } from '../problems/field-error.js';
import { judgeOf } from './rule.js';

export type Shape = abstract new () => object;

type Check = (value: unknown, object: object) => Fault | undefined;

/** The rules that a class declares for one field. */
export interface PlannedField {
  name: string;
  /** A field that may be left out, where null means the same: one of IsOptional, also that of a PartialType. */
  optional: boolean;
  /** Conditions that must all hold for the rules to count, as with optional fields. */
  conditions: ((object: object, value: unknown) => boolean)[];
  /** Checks of the whole value; the first fault ends the search. */
  checks: Check[];
  /** Checks of each item of a list. */
  itemChecks: Check[];
  /** The maximum of a list, and its fault beyond that. */
  tooMany: { most: number; fault: Fault } | undefined;
  /** The class of an object within, or of a list's objects. */
  part: (() => Shape) | undefined;
}

export interface Plan {
  fields: PlannedField[];
  names: ReadonlySet<string>;
}

interface KnownRule {
  code: FieldErrorCode;
  values?: (constraints: readonly unknown[]) => FieldErrorValues;
  /** A rule about the type of a value, which speaks before those about its size. */
  first?: true;
  /** A value that keeps the rule is of bounded size. */
  bounds?: true;
}

const limit = ([first]: readonly unknown[]) => ({ limit: first as number });

/** The rules of class-validator that classes here may use. Others have to get a code first. */
const knownRules: Record<string, KnownRule> = {
  isString: { code: 'not_text', first: true },
  isInt: { code: 'not_a_number', first: true, bounds: true },
  isBoolean: { code: 'not_boolean', first: true, bounds: true },
  isArray: { code: 'not_a_list', first: true },
  isUuid: { code: 'not_an_id', bounds: true },
  isIn: { code: 'not_one_of', values: ([allowed]) => ({ allowed: allowed as string[] }), bounds: true },
  equals: { code: 'not_one_of', values: ([allowed]) => ({ allowed: [allowed as string] }), bounds: true },
  min: { code: 'too_small', values: limit },
  max: { code: 'too_large', values: limit },
  maxLength: { code: 'too_long', values: limit, bounds: true },
  arrayUnique: { code: 'not_unique' },
};

const plans = new Map<Shape, Plan>();

/**
 * Reads the rules of a class of requests, once. A class must be sound, so that no request makes much work: every field is
 * bounded, every list has a maximum that is judged before its items, every rule has a code, and none is asynchronous.
 * @throws TypeError for a class that is not sound
 */
export function planOf(shape: Shape): Plan {
  let plan = plans.get(shape);
  if (!plan) plans.set(shape, (plan = readPlan(shape)));
  return plan;
}

function readPlan(shape: Shape): Plan {
  const storage = getMetadataStorage();
  const declared = storage.getTargetValidationMetadatas(shape, '', false, false);
  const fields = Object.entries(storage.groupByPropertyName(declared)).map(([name, rules]) =>
    readField(name, rules, (wrong) => new TypeError(`${shape.name}.${name} ${wrong}`)),
  );
  return { fields, names: new Set(fields.map(({ name }) => name)) };
}

type Declared = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

function readField(name: string, rules: Declared[], unsound: (wrong: string) => TypeError): PlannedField {
  const field: PlannedField = {
    name,
    optional: rules.some((rule) => rule.name === IS_OPTIONAL),
    conditions: [],
    checks: [],
    itemChecks: [],
    tooMany: undefined,
    part: undefined,
  };
  const first: Check[] = [];
  let bounded = false;
  let list = false;
  // Decorators register from the last to the first; the first that is read should be the first to speak.
  for (const rule of rules.toReversed()) {
    const { type, each } = rule;
    const constraints = rule.constraints as readonly unknown[];
    if (type === ValidationTypes.CONDITIONAL_VALIDATION) {
      field.conditions.push(constraints[0] as PlannedField['conditions'][number]);
    } else if (type === ValidationTypes.NESTED_VALIDATION) {
      field.part = (rule.context as { part?: () => Shape } | undefined)?.part;
      if (!field.part) throw unsound('is an object within: declare it with IsPart or IsParts');
      list ||= each;
      bounded = true;
    } else if (rule.name === 'arrayMaxSize') {
      const most = constraints[0] as number;
      const said = typeof rule.message === 'string' ? { message: rule.message } : {};
      field.tooMany = { most, fault: { code: 'too_many', values: { limit: most }, ...said } };
    } else if (type === ValidationTypes.CUSTOM_VALIDATION) {
      const known = knownRules[rule.name ?? ''];
      const judge = judgeOf(constraints);
      if (!known && !judge) throw unsound(`has a rule without a code of its own, ${rule.name}`);
      const check = judge ?? checkOf(rule, known!, name, unsound);
      bounded ||= judge !== undefined || known!.bounds === true;
      list ||= each || rule.name === 'isArray';
      (each ? field.itemChecks : known?.first ? first : field.checks).push(check);
    } else throw unsound(`has a rule of a kind that is not looked at, ${type}`);
  }
  if (list && !field.tooMany) throw unsound('is a list without a maximum: give it one');
  if (!bounded && field.tooMany?.most !== 0) throw unsound('can be of any size: give it a maximum');
  field.checks.unshift(...first);
  return field;
}

function checkOf(rule: Declared, known: KnownRule, property: string, unsound: (wrong: string) => TypeError): Check {
  const { constraintCls } = rule;
  const constraints = rule.constraints as unknown[];
  const message = typeof rule.message === 'string' ? { message: rule.message } : {};
  const fault: Fault = { code: known.code, ...(known.values && { values: known.values(constraints) }), ...message };
  const validators = getMetadataStorage().getTargetValidatorConstraints(constraintCls);
  if (validators.some(({ async }) => async)) throw unsound(`has a rule that takes its time, ${rule.name}`);
  return (value, object) => {
    const args = { value, constraints, object, property, targetName: '' };
    return validators.every(({ instance }) => instance.validate(value, args) === true) ? undefined : fault;
  };
}
