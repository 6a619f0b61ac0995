import type { LoggerService } from '@nestjs/common';
import { type Logger, pino } from 'pino';
import { BoundedCache } from './bounded-cache.js';
import type { Config } from './config.js';
import { type DatabaseTrouble, databaseTrouble, databaseTroubles } from './database-failures.js';

/** The same failure is told once, and then how often it came, at most once in this time. */
const repeatedMilliseconds = 60_000;
/** Kinds of failure that are remembered at once; beyond that, the oldest are logged in full again. */
const failuresKnown = 500;

/** A failure that was told, and is only counted for a while. */
interface Told {
  name: unknown;
  code: unknown;
  times: number;
}

/**
 * The service's log: JSON lines on standard output. It holds route templates instead of URLs, no addresses, no headers,
 * and of an error its name, code and stack frames but not its message, which may quote what people wrote.
 */
export class Log implements LoggerService {
  /** Called with the trouble of a database that a failure tells of. */
  onTrouble: ((trouble: DatabaseTrouble) => void) | undefined;
  private readonly out: Logger;
  private readonly told = new BoundedCache<string, Told>(failuresKnown);

  constructor({ logLevel }: Pick<Config, 'logLevel'>, destination?: { write(line: string): void }) {
    const options = { level: logLevel, base: undefined, timestamp: pino.stdTimeFunctions.isoTime };
    this.out = destination ? pino(options, destination) : pino(options);
  }

  info(event: string, facts: Record<string, string | number | boolean> = {}): void {
    this.out.info(facts, event);
  }

  warning(event: string, facts: Record<string, string | number | boolean>): void {
    this.out.warn(facts, event);
  }

  request(facts: { requestId: string; method: string; route: string; status: number; milliseconds: number }): void {
    this.out.debug(facts, 'request');
  }

  /** A request whose sender went away before it had sent all of it. */
  aborted(facts: { requestId: string }): void {
    this.out.debug(facts, 'request aborted by its sender');
  }

  /** Does work whose failure is noted and fails nothing else, such as what follows a commit: that cannot be undone. */
  async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.failure(error);
    }
  }

  /**
   * Tells of a failure: in full the first time, and while it goes on once a minute how often it came, because a full disk
   * must not be filled by the log that tells of it.
   */
  failure(error: unknown, facts: Record<string, string> = {}): void {
    const trouble = databaseTrouble(error);
    if (trouble) this.onTrouble?.(trouble);
    const described = describe(error);
    const { name, code } = described;
    // A trouble of the database is one, wherever it is met.
    const kind = trouble ?? JSON.stringify([facts['job'], name, code, described['constraint'], placeOf(described)]);
    const known = this.told.get(kind);
    if (known) return void known.times++;
    this.told.set(kind, { name, code, times: 0 });
    this.countLater(kind, trouble);
    const reason = trouble && databaseTroubles[trouble].log;
    this.out.error({ ...facts, ...(reason && { reason }), error: described }, 'failure');
  }

  /** Nest's own notices (modules, routes) are noise to an operator; its warnings and errors are not. */
  log(): void {}

  error(message: unknown): void {
    if (message instanceof Error) this.failure(message);
    else this.out.error(String(message));
  }

  warn(message: unknown): void {
    this.out.warn(String(message));
  }

  private countLater(kind: string, trouble: DatabaseTrouble | undefined): void {
    setTimeout(() => {
      const known = this.told.peek(kind);
      if (!known) return;
      if (known.times === 0) return void this.told.delete(kind);
      const { name, code, times } = known;
      known.times = 0;
      const reason = trouble && databaseTroubles[trouble].log;
      const seconds = repeatedMilliseconds / 1000;
      this.out.error({ ...(reason && { reason }), error: { name, code }, times, seconds }, 'failure repeated');
      this.countLater(kind, trouble);
    }, repeatedMilliseconds).unref();
  }
}

/** The place that threw: two failures of one place are the same. */
function placeOf({ frames }: Record<string, unknown>): string | undefined {
  return (frames as string[] | undefined)?.[0];
}

/** A stack begins with the message, which may have lines that look like frames. */
function withoutMessage({ stack = '', message = '' }: ErrorLike): string {
  const start = stack.indexOf(message);
  return start < 0 ? '' : stack.slice(start + message.length);
}

interface ErrorLike {
  name?: unknown;
  code?: unknown;
  constraint?: unknown;
  cause?: unknown;
  stack?: string;
  message?: string;
  /** Queue of a failed job. */
  queue?: unknown;
}

/** pg-boss hands on copies of errors, which are no errors themselves and know no name. */
function isErrorLike(error: unknown): error is ErrorLike {
  return error instanceof Error || (typeof error === 'object' && error !== null && 'stack' in error);
}

function describe(error: unknown): Record<string, unknown> {
  if (!isErrorLike(error)) return { name: typeof error };
  const { name, code, constraint, cause, queue, stack } = error;
  return {
    name: name ?? /^\w+/.exec(stack ?? '')?.[0] ?? 'Error',
    code,
    constraint,
    queue,
    frames: withoutMessage(error)
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .map((line) => line.trim())
      .slice(0, 12),
    ...(cause !== undefined && { cause: describe(cause) }),
  };
}
