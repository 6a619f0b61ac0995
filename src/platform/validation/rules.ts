import { getMetadataStorage, ValidationTypes } from 'class-validator';

type Check = (instance: Record<string, unknown>) => boolean;

interface Rules {
  fields: ReadonlySet<string>;
  checks: Check[];
}

const known = new Map<object, Rules | undefined>();

/**
 * Whether an instance plainly keeps the rules that its class declares and has no other fields. A no says nothing: it may
 * also be that a class has rules which are not looked at here (nested, asynchronous). Then class-validator has the word, and
 * explains what is wrong. It reads a class's rules anew for each value; here they are read once.
 */
export function plainlyKeepsRules(shape: abstract new () => object, instance: object): boolean {
  const rules = rulesOf(shape);
  if (!rules || rules.checks.length === 0) return false;
  const values = instance as Record<string, unknown>;
  for (const field in values) if (!rules.fields.has(field)) return false;
  return rules.checks.every((check) => check(values));
}

function rulesOf(shape: abstract new () => object): Rules | undefined {
  if (!known.has(shape)) known.set(shape, readRules(shape));
  return known.get(shape);
}

function readRules(shape: abstract new () => object): Rules | undefined {
  const storage = getMetadataStorage();
  const metadata = storage.getTargetValidationMetadatas(shape, '', false, false);
  const fields = Object.entries(storage.groupByPropertyName(metadata));
  const checks: Check[] = [];
  for (const [field, declared] of fields) {
    const conditions = declared.filter(({ type }) => type === ValidationTypes.CONDITIONAL_VALIDATION);
    const rules: ((value: unknown, object: object) => boolean)[] = [];
    for (const { type, constraintCls, constraints, each } of declared) {
      if (type === ValidationTypes.CONDITIONAL_VALIDATION || type === ValidationTypes.WHITELIST) continue;
      if (type !== ValidationTypes.CUSTOM_VALIDATION) return undefined;
      for (const { instance, async } of storage.getTargetValidatorConstraints(constraintCls)) {
        if (async) return undefined;
        const keeps = (value: unknown, object: object) =>
          instance.validate(value, { value, constraints, object, property: field, targetName: shape.name }) === true;
        rules.push(
          each
            ? (value, object) => Array.isArray(value) && value.every((item) => keeps(item, object))
            : (value, object) => keeps(value, object),
        );
      }
    }
    checks.push((object) => {
      const value = object[field];
      const applies = conditions.every(({ constraints }) =>
        (constraints[0] as (object: unknown, value: unknown) => boolean)(object, value),
      );
      return !applies || rules.every((keeps) => keeps(value, object));
    });
  }
  return { fields: new Set(fields.map(([field]) => field)), checks };
}
