import { type ErrorCode, errorCatalogue, type FieldError } from '../../contract/errors.js';
import type { UnreadableReason } from '../../contract/imports.js';
import { limits } from '../../contract/limits.js';

export interface DomainErrorData {
  /** One sentence for the person who reads it; the catalogue's title without it. */
  detail?: string;
  errors?: FieldError[];
  /** Seconds. */
  retryAfter?: number;
  /** Reason for which a file cannot be read, and the line that is meant. */
  reason?: UnreadableReason;
  line?: number;
  /** Limit that is reached, of several with one code. */
  limit?: number;
}

/** The one error of the domain: a code of the catalogue, which fixes the status, and what to say about it. */
export class DomainError extends Error {
  override readonly name: string = 'DomainError';

  constructor(
    readonly code: ErrorCode,
    readonly data: DomainErrorData = {},
  ) {
    super(data.detail ?? errorCatalogue[code].title);
  }

  get status(): number {
    return errorCatalogue[this.code].status;
  }
}

/** The one answer for a thing that does not exist and for a thing that the asker may not see. */
export class NotFound extends DomainError {
  constructor() {
    super('not_found');
  }
}

/** Some fields are wrong. Of many it tells the first, which is enough to begin with. */
export class ValidationFailed extends DomainError {
  constructor(found: FieldError[]) {
    const errors = found.slice(0, limits.fieldErrors);
    const sentences = errors.map(({ message }) => message);
    if (found.length > errors.length) sentences.push('There are more errors.');
    super('validation_failed', { detail: sentences.join(' '), errors });
  }
}
