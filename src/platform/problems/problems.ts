import { HttpException, type ValidationError } from '@nestjs/common';
import { type ErrorCode, errorCatalogue, type FieldError, type Problem } from '../../contract/errors.js';
import { databaseTrouble, databaseTroubles } from '../database-failures.js';
import { DomainError, ValidationFailed } from './domain-error.js';

/**
 * The problem an error becomes. What is unknown becomes `internal`, and nothing of it is told; trouble with the database
 * becomes `unavailable`, and says so in words.
 */
export function toProblem(error: unknown, requestId: string): Problem {
  const { code, data } = toDomainError(error);
  const { status, title } = errorCatalogue[code];
  return {
    type: `urn:colloquio:problem:${code}`,
    title,
    status,
    code,
    detail: data.detail ?? `${title}.`,
    ...(data.errors && { errors: data.errors }),
    ...(data.retryAfter !== undefined && { retryAfter: data.retryAfter }),
    requestId,
  };
}

/** The errors that class-validator found, flattened to one line per broken rule of a field. */
export function toValidationFailed(errors: ValidationError[]): ValidationFailed {
  return new ValidationFailed(errors.flatMap((error) => fieldErrors(error, '')));
}

function fieldErrors(
  { property, value, constraints, contexts, children }: ValidationError,
  parent: string,
): FieldError[] {
  const field = `${parent}${property}`;
  const inner = (children ?? []).flatMap((child) => fieldErrors(child, `${field}.`));
  const rules = Object.entries(constraints ?? {});
  const unknown = rules.some(([rule]) => rule === 'whitelistValidation');
  if (unknown) return [{ field, code: 'unknown_field', message: `There is no field ${field}.` }];
  // A missing value breaks every rule of its field; saying so once is enough.
  if (value === undefined && rules.length > 0)
    return [{ field, code: 'required', message: `${field} is missing.` }, ...inner];
  const own = rules.map(([rule, message]) => ({
    field,
    code: (contexts?.[rule] as { code?: string } | undefined)?.code ?? snakeCase(rule),
    message: /[.!?]$/.test(message) ? message : `${message}.`,
  }));
  return [...own, ...inner];
}

function toDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  const status = statusOf(error);
  if (status === undefined || status >= 500) {
    const trouble = databaseTrouble(error);
    if (!trouble) return new DomainError('internal');
    const { detail, retryAfter } = databaseTroubles[trouble];
    return new DomainError('unavailable', { detail, retryAfter });
  }
  return new DomainError(codeByStatus[status] ?? 'malformed_request');
}

/** Express and its body parsers throw errors that carry a status; Nest throws HttpException. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === 'number' ? status : undefined;
}

const codeByStatus: Record<number, ErrorCode> = {
  401: 'unauthenticated',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'too_large',
  415: 'media_type_refused',
  429: 'rate_limited',
};

const snakeCase = (rule: string) => rule.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/^_/, '');
