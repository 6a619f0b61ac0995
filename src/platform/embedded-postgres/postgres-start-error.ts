import { StartError } from '../start-error.js';

/** Reason why PostgreSQL did not start. */
export class PostgresStartError extends StartError {
  override readonly name = 'PostgresStartError';

  constructor(message: string, options?: ErrorOptions) {
    super(message.replace(/\s+/g, ' ').trim(), options);
  }
}

/** Translates an error of the system for the person at the terminal. */
export function asPostgresStartError(error: unknown, dataDir: string): PostgresStartError {
  if (error instanceof PostgresStartError) return error;
  return new PostgresStartError(explain(error as NodeJS.ErrnoException, dataDir), { cause: error });
}

function explain({ code = '', path, message }: NodeJS.ErrnoException, dataDir: string): string {
  const place = path ?? dataDir;
  if (['ENOSPC', 'EDQUOT'].includes(code)) return fullDisk(place);
  if (['ENOTDIR', 'EEXIST'].includes(code))
    return `${place} should be a folder, but it or something above it is a file: move that away, or set DATA_DIR to another folder.`;
  if (['EACCES', 'EPERM', 'EROFS'].includes(code))
    return `This user may not use ${place}: give it to the user that runs Colloquio, or set DATA_DIR to another folder.`;
  return `PostgreSQL cannot be started in ${dataDir}: ${message}.`;
}

/** Explains why a program of PostgreSQL gave up, from its output. */
export function startFailure(what: string, dir: string, output: string): PostgresStartError {
  // The system says the same of its table of shared memory.
  const isFull = /^(?!.*shared memory).*(No space left on device|Disk quota exceeded|wrote only \d+ of)/m.test(output);
  const reason = lastWords(output);
  return new PostgresStartError(
    isFull
      ? fullDisk(dir)
      : `PostgreSQL ${what} in ${dir} (${reason}): mend that, or set DATABASE_URL to a PostgreSQL of your own.`,
  );
}

/** The line in which it says why. */
export function lastWords(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim());
  const line = lines.findLast((candidate) => /\b(FATAL|PANIC):|error:/.test(candidate)) ?? lines.at(-1);
  return line?.replace(/^.*?\b(FATAL|PANIC|LOG|error): */, '').trim() ?? 'it gave no reason';
}

function fullDisk(path: string): string {
  return `The disk that holds ${path} is full: free some space and start again.`;
}
