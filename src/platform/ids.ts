import { And, type FindOperator, LessThan, MoreThanOrEqual } from 'typeorm';

/** The first id (UUID version 7, RFC 9562) that can have been made at a time. */
export function firstIdOf(time: Date): string {
  const hex = Math.max(0, time.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7000-8000-000000000000`;
}

/** Condition for ids before another one, and made between two times. */
export function idsBetween({
  before,
  since,
  until,
}: {
  before?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
}): { id?: FindOperator<string> } {
  const conditions = [
    ...(before === undefined ? [] : [LessThan(before)]),
    ...(since === undefined ? [] : [MoreThanOrEqual(firstIdOf(new Date(since)))]),
    ...(until === undefined ? [] : [LessThan(firstIdOf(new Date(until)))]),
  ];
  return conditions.length > 0 ? { id: And(...conditions) } : {};
}
