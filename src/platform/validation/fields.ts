import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsOptional,
  IsUUID,
  ValidateIf,
  ValidateNested,
  type ValidationOptions,
} from 'class-validator';
import { limits } from '../../contract/limits.js';
import type { Fault } from '../problems/field-error.js';
import { isPlain } from './plain.js';
import { Rule } from './rule.js';

/** A field that may be left out; null means the same as leaving it out. */
export const Optional = () =>
  applyDecorators(
    IsOptional(),
    Transform(({ value }: { value: unknown }) => value ?? undefined),
  );

/** A field that may be left out, but must not be null. */
export const Omittable = () => ValidateIf((_, value) => value !== undefined);

/** A field that may be left out, or be null for no value: in a change, null removes the value. */
export const Clearable = () => ValidateIf((_, value) => value !== undefined && value !== null);

/** A field that must be sent, and may be null. */
export const Nullable = () => ValidateIf((_, value) => value !== null);

const lowerCase = (value: unknown): unknown => (typeof value === 'string' ? value.toLowerCase() : value);

/** An id. PostgreSQL takes them in any letter case; everything else here compares texts. */
export const IsId = () =>
  applyDecorators(
    IsUUID(),
    Transform(({ value }: { value: unknown }) => lowerCase(value)),
  );

interface ListSize {
  /** Most items. */
  max: number;
  /** A sentence for a list with more, where the usual one does not do. */
  message?: string;
}

/** Also decorates the field for the API description, whose generator reads only decorators on the field itself. */
const atMost = ({ max, message }: ListSize) =>
  applyDecorators(ArrayMaxSize(max, message === undefined ? {} : { message }), ApiProperty({ maxItems: max }));

/** A list of a limited number of ids. */
export const IsIds = (size: ListSize) =>
  applyDecorators(
    IsArray(),
    atMost(size),
    IsUUID(undefined, { each: true }),
    Transform(({ value }: { value: unknown }) => (Array.isArray(value) ? value.map(lowerCase) : value)),
  );

/** A list whose items have rules of their own, given with `each: true`. */
export const IsList = (size: ListSize) => applyDecorators(IsArray(), atMost(size));

/** An object within, of a class with rules of its own. */
export const IsPart = (part: () => new () => object) =>
  applyDecorators(ValidateNested({ context: { part } }), Type(part));

/** A list of such objects. */
export const IsParts = (part: () => new () => object, size: ListSize) =>
  applyDecorators(IsArray(), atMost(size), ValidateNested({ each: true, context: { part } }), Type(part));

/** An id that a client's program chooses: 1 to 64 letters, digits and ._:- */
export const IsClientId = () =>
  applyDecorators(
    Rule('isClientId', clientIdFault),
    ApiProperty({ pattern: `^[A-Za-z0-9._:-]{1,${clientIdLength}}$` }),
  );

const { clientIdLength } = limits;

function clientIdFault(value: unknown): Fault | undefined {
  if (typeof value !== 'string') return { code: 'not_text' };
  if (value === '') return { code: 'empty' };
  if (value.length > clientIdLength) return { code: 'too_long', values: { limit: clientIdLength } };
  if (/^[A-Za-z0-9._:-]+$/.test(value)) return undefined;
  return { code: 'invalid_characters', message: `{field} has 1 to ${clientIdLength} letters, digits and ._:-` };
}

/** A SHA-256 in hexadecimal, in small letters. */
export const IsSha256 = () => applyDecorators(Rule('isSha256', sha256Fault), ApiProperty({ pattern: sha256.source }));

const sha256 = /^[0-9a-f]{64}$/;

function sha256Fault(value: unknown): Fault | undefined {
  if (typeof value !== 'string') return { code: 'not_text' };
  return sha256.test(value) ? undefined : { code: 'invalid_format' };
}

/** An object that names at most so many things, each with a short text or null. */
export const IsDictionary = ({ max }: { max: number }) =>
  Rule('isDictionary', (value) => {
    if (!isPlain(value)) return { code: 'not_an_object' };
    if (Object.keys(value).length > max) return { code: 'too_many', values: { limit: max } };
    const plain = Object.values(value).every((each) => each === null || typeof each === 'string');
    return plain ? undefined : { code: 'not_text' };
  });

/** A number that a query string carries as text. Anything else stays what it is, for the rules that follow to refuse. */
export const ToNumber = () =>
  Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value,
  );

/** A switch that can only be on: `true`, also as a query string has it. */
export const IsTrue = () =>
  applyDecorators(
    Rule('isTrue', (value) => (value === true ? undefined : { code: 'not_one_of', values: { allowed: [true] } })),
    Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value)),
  );

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i;

/** Tells if a text is a time with its zone (RFC 3339) that PostgreSQL and JavaScript agree on. */
export function isTime(value: unknown): value is string {
  if (typeof value !== 'string' || !rfc3339.test(value)) return false;
  const time = new Date(value);
  return !Number.isNaN(time.getTime()) && time.getUTCFullYear() >= 1970 && time.getUTCFullYear() <= 9998;
}

/** A time such as 2026-01-31T09:30:00Z, kept in UTC to the millisecond. */
export const IsTime = (options?: ValidationOptions) =>
  applyDecorators(
    Rule('isTime', (value) => (isTime(value) ? undefined : { code: 'not_a_time' }), options),
    Transform(({ value }: { value: unknown }) => (isTime(value) ? new Date(value).toISOString() : value)),
  );
