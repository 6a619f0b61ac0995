import type { LoggerService } from '@nestjs/common';
import { type Logger, pino } from 'pino';
import type { Config } from './config.js';

/**
 * The service's log: JSON lines on standard output. It holds route templates instead of URLs, no addresses, no headers,
 * and of an error its name, code and stack frames but not its message, which may quote what people wrote.
 */
export class Log implements LoggerService {
  private readonly out: Logger;

  constructor({ logLevel }: Pick<Config, 'logLevel'>) {
    this.out = pino({ level: logLevel, base: undefined, timestamp: pino.stdTimeFunctions.isoTime });
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

  /** Does what follows a commit: it cannot undo what is stored, so a failure is noted and no request fails for it. */
  async afterCommit(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.failure(error);
    }
  }

  failure(error: unknown, facts: Record<string, string> = {}): void {
    this.out.error({ ...facts, error: describe(error) }, 'failure');
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
}

/** A stack begins with the message, which may have lines that look like frames. */
function withoutMessage({ stack = '', message }: Error): string {
  const start = stack.indexOf(message);
  return start < 0 ? '' : stack.slice(start + message.length);
}

function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { name: typeof error };
  const { code, constraint, cause } = error as Error & { code?: unknown; constraint?: unknown };
  return {
    name: error.name,
    code,
    constraint,
    frames: withoutMessage(error)
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .map((line) => line.trim())
      .slice(0, 12),
    ...(cause !== undefined && { cause: describe(cause) }),
  };
}
