import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { Equals, IsOptional, IsUUID, ValidateBy, type ValidationOptions } from 'class-validator';

/** A field that may be left out; null means the same. */
export const Optional = () =>
  applyDecorators(
    IsOptional(),
    Transform(({ value }: { value: unknown }) => value ?? undefined),
  );

const lowerCase = (value: unknown): unknown => (typeof value === 'string' ? value.toLowerCase() : value);

/** An id. PostgreSQL takes them in any letter case; everything else here compares texts. */
export const IsId = () =>
  applyDecorators(
    IsUUID(),
    Transform(({ value }: { value: unknown }) => lowerCase(value)),
  );

/** A list of ids. */
export const IsIds = () =>
  applyDecorators(
    IsUUID(undefined, { each: true }),
    Transform(({ value }: { value: unknown }) => (Array.isArray(value) ? value.map(lowerCase) : value)),
  );

/** A number that a query string carries as text. Anything else stays what it is, for the rules that follow to refuse. */
export const ToNumber = () =>
  Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value,
  );

/** A switch that can only be on: `true`, also as a query string has it. */
export const IsTrue = () =>
  applyDecorators(
    Equals(true, { message: '$property is true, or left out' }),
    Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value)),
  );

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i;

/** Whether a text is a time with its zone (RFC 3339) that PostgreSQL and JavaScript agree on. */
export function isTime(value: unknown): value is string {
  if (typeof value !== 'string' || !rfc3339.test(value)) return false;
  const time = new Date(value);
  return !Number.isNaN(time.getTime()) && time.getUTCFullYear() >= 1970 && time.getUTCFullYear() <= 9998;
}

/** A time such as 2026-01-31T09:30:00Z, kept in UTC to the millisecond. */
export const IsTime = (options?: ValidationOptions) =>
  applyDecorators(
    ValidateBy(
      {
        name: 'isTime',
        validator: { validate: isTime, defaultMessage: () => '$property is not a time such as 2026-01-31T09:30:00Z' },
      },
      options,
    ),
    Transform(({ value }: { value: unknown }) => (isTime(value) ? new Date(value).toISOString() : value)),
  );
