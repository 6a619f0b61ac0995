import { HttpException } from '@nestjs/common';
import type { Response } from 'express';
import { type ErrorCode, errorCatalogue, type Problem } from '../../contract/errors.js';
import { databaseTrouble, databaseTroubles } from '../database-failures.js';
import { StorageFailure } from '../storage/storage.js';
import { DomainError } from './domain-error.js';

/**
 * The problem for an error. An unknown error becomes `internal` and reveals nothing; trouble with the database becomes
 * `unavailable`, with a reason.
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
    ...(data.reason && { reason: data.reason }),
    ...(data.line !== undefined && { line: data.line }),
    ...(data.limit !== undefined && { limit: data.limit }),
    requestId,
  };
}

/** Answers a request with a problem. */
export function sendProblem(response: Response, problem: Problem): void {
  if (problem.retryAfter !== undefined) response.setHeader('Retry-After', problem.retryAfter);
  response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

function toDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  if (error instanceof StorageFailure) return storageProblems[error.code]();
  const status = statusOf(error);
  if (status === undefined || status >= 500) {
    const trouble = databaseTrouble(error);
    if (!trouble) return new DomainError('internal');
    const { detail, retryAfter } = databaseTroubles[trouble];
    return new DomainError('unavailable', { detail, retryAfter });
  }
  const detail = formDetails[causeOf(error) ?? ''];
  return new DomainError(codeByStatus[status] ?? 'malformed_request', detail === undefined ? {} : { detail });
}

const storageProblems: Record<StorageFailure['code'], () => DomainError> = {
  full: () =>
    new DomainError('storage_full', {
      detail: 'The service has no space for files at the moment. Your file was not stored. Try again later.',
      retryAfter: 60,
    }),
  away: () =>
    new DomainError('unavailable', {
      detail: 'The file storage cannot be reached at the moment. Try again soon.',
      retryAfter: 5,
    }),
};

/** Multer's code of what is wrong with a form, which Nest hands on as the cause. */
function causeOf(error: unknown): string | undefined {
  const cause = (error as { cause?: { code?: unknown } } | null)?.cause;
  return typeof cause?.code === 'string' ? cause.code : undefined;
}

const formDetails: Record<string, string> = {
  LIMIT_PART_COUNT: 'The form has too many parts.',
  LIMIT_FIELD_COUNT: 'The form has too many fields. Send only those that are described.',
  LIMIT_FILE_COUNT: 'The form has more than one file. Send one.',
  LIMIT_FIELD_KEY: 'The form has a field whose name is too long.',
  LIMIT_FIELD_VALUE: 'The form has a field whose value is too long.',
  LIMIT_FIELD_NESTING: 'The form has a field of a name that is not described.',
  LIMIT_FIELD_ARRAY_INDEX: 'The form has a field of a name that is not described.',
  INVALID_FIELD_NAME: 'The form has a field of a name that is not described.',
  LIMIT_UNEXPECTED_FILE: 'The form has a file in another field than "file". Send it there.',
  MISSING_FIELD_NAME: 'The form has a part without a name.',
};

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
