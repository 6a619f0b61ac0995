import { StorageFailure } from './storage/storage.js';

/** Reasons why a database refuses a valid statement. */
export type DatabaseTrouble =
  | 'disk_full'
  | 'out_of_memory'
  | 'no_connections'
  | 'read_only'
  | 'stopping'
  | 'unreachable'
  | 'silent'
  | 'slow'
  | 'contended';

interface TroubleWords {
  /** For the operator, in the log and at `/api/health/ready`: what is wrong, and what to do about it. */
  log: string;
  /** For the person whose request failed. */
  detail: string;
  /** Seconds. */
  retryAfter: number;
}

const outcomeUnknown =
  'The database did not answer, so it is not known if this was done. Try again in a moment; a message or broadcast with the same clientId is never stored twice.';
const tryAgain = 'Try again in a moment.';

export const databaseTroubles: Record<DatabaseTrouble, TroubleWords> = {
  disk_full: {
    log: 'The disk is full: nothing can be stored until there is room on it.',
    detail:
      'The service cannot store anything at the moment, because the disk of this service is full. Try again later.',
    retryAfter: 60,
  },
  out_of_memory: {
    log: 'PostgreSQL has run out of memory: give it more, or lower work_mem and max_connections.',
    detail: `The database has no memory left. ${tryAgain}`,
    retryAfter: 5,
  },
  no_connections: {
    log: 'PostgreSQL has no free connection: raise max_connections, or end what else is connected.',
    detail: `The database accepts no more connections. ${tryAgain}`,
    retryAfter: 5,
  },
  read_only: {
    log: 'The database is read-only (a standby, or default_transaction_read_only): point the service to one that can be written.',
    detail: 'The service cannot store anything at the moment, because the database is read-only. Try again later.',
    retryAfter: 30,
  },
  stopping: {
    log: 'PostgreSQL is starting or stopping.',
    detail: outcomeUnknown,
    retryAfter: 5,
  },
  unreachable: {
    log: 'The connection to the database broke, or cannot be made.',
    detail: outcomeUnknown,
    retryAfter: 5,
  },
  silent: {
    log: 'The database does not answer in time.',
    detail: outcomeUnknown,
    retryAfter: 5,
  },
  slow: {
    log: 'The database gave up a statement or transaction that took too long.',
    detail: `The database took too long. ${tryAgain}`,
    retryAfter: 5,
  },
  contended: {
    log: 'Two transactions got in each other’s way, and PostgreSQL undid this one.',
    detail: `Another change happened at the same moment. ${tryAgain}`,
    retryAfter: 1,
  },
};

/** SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html; the others are of the operating system. */
const troubleByCode: Record<string, DatabaseTrouble> = {
  '53100': 'disk_full',
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
  '53200': 'out_of_memory',
  '53300': 'no_connections',
  '25006': 'read_only',
  EROFS: 'read_only',
  '57P01': 'stopping',
  '57P02': 'stopping',
  '57P03': 'stopping',
  ECONNREFUSED: 'unreachable',
  ECONNRESET: 'unreachable',
  EPIPE: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',
  ETIMEDOUT: 'silent',
  '25P03': 'slow',
  '57014': 'slow',
  '55P03': 'contended',
  '40001': 'contended',
  '40P01': 'contended',
};

/** The driver's own errors have no code; these are its words, and `silenceError` below has the first ones. */
const troubleByMessage: [RegExp, DatabaseTrouble][] = [
  [/^the database has been silent/, 'silent'],
  [/^timeout exceeded when trying to connect|connection timeout|^timeout expired|^Query read timeout/, 'silent'],
  [/^Connection terminated|is not queryable$|^Client was closed/, 'unreachable'],
];

/** The end of a connection on which an answer was waited for in vain. */
export function silenceError(): Error {
  return new Error('the database has been silent');
}

/** The trouble that an error tells of; undefined when it is about what was asked, or about something else. */
export function databaseTrouble(error: unknown): DatabaseTrouble | undefined {
  for (let each = error, depth = 0; isErrorLike(each) && depth < 4; depth++) {
    // The storage of files has troubles of its own, and may be another disk.
    if (each instanceof StorageFailure) return undefined;
    const { code, syscall, message } = each;
    if (typeof code === 'string') {
      const known = troubleByCode[code] ?? (/^08/.test(code) ? 'unreachable' : undefined);
      if (known) return known;
      // The socket of a PostgreSQL that is not there.
      if (code === 'ENOENT' && syscall === 'connect') return 'unreachable';
    }
    const said = troubleByMessage.find(([words]) => words.test(message ?? ''));
    if (said) return said[1];
    each = each.driverError ?? each.cause;
  }
  return undefined;
}

interface ErrorLike {
  code?: unknown;
  syscall?: unknown;
  message?: string;
  driverError?: unknown;
  cause?: unknown;
}

function isErrorLike(error: unknown): error is ErrorLike {
  return typeof error === 'object' && error !== null;
}
