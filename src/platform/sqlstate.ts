import { DomainError } from './problems/domain-error.js';

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */

/** The SQLSTATE of an error of PostgreSQL, as TypeORM or the driver throws it; undefined for any other error. */
export function sqlstateOf(error: unknown): string | undefined {
  const { driverError = error } = (error ?? {}) as { driverError?: unknown };
  const { code } = (driverError ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** PostgreSQL refused the rows themselves (data, constraints, limits, raised by a function): others may still be stored. */
export function isRefusedContent(error: unknown): boolean {
  return ['22', '23', '54', 'P0'].includes(sqlstateOf(error)?.slice(0, 2) ?? '');
}

export function isUniqueViolation(error: unknown): boolean {
  return sqlstateOf(error) === '23505';
}

export function isForeignKeyViolation(error: unknown): boolean {
  return sqlstateOf(error) === '23503';
}

/**
 * The commit may or may not have happened. An SQLSTATE says what was not stored, unless it is about the connection
 * (classes 08 and 57P); an error of the driver says nothing.
 */
export function isUnknownOutcome(error: unknown): boolean {
  if (error instanceof DomainError) return false;
  const code = sqlstateOf(error);
  return code === undefined || !/^[0-9FHPX]/.test(code) || /^(08|57P)/.test(code);
}
