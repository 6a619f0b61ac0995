import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  PayloadTooLargeException,
} from '@nestjs/common';
import { catchError, finalize, type Observable } from 'rxjs';
import type { MemberPrincipal } from '../auth/principal.js';
import { limits } from '../contract/limits.js';
import { DomainError } from '../platform/problems/domain-error.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { Turns } from '../platform/turns.js';
import { importTooLarge } from './tables.js';

const importedFiles = defineLimit('import', { points: limits.importsPerHour, seconds: 60 * 60 });

/**
 * Has files read one at a time for each business, and two at a time for all: a table of 5 MB keeps the processor busy, and
 * its upload the memory.
 */
@Injectable()
export class ImportTurns {
  private readonly sending = new Set<string>();
  private readonly reading = new Turns({
    concurrency: 2,
    concurrencyPerAsker: 1,
    waiting: 8,
    // Keeps the uploads that are held in memory few: no business has two of them.
    waitingAtMost: 8,
    waitingPerAsker: 8,
    of: 'files',
  });

  /**
   * Lets a business send a file, until the returned function is called.
   * @throws DomainError `rate_limited` while it sends another
   */
  enter(subscriberId: string): () => void {
    if (this.sending.has(subscriberId)) {
      const detail = 'Another of your files is being read. Wait until that is done, then send this one again.';
      throw new DomainError('rate_limited', { detail, retryAfter: 5 });
    }
    this.sending.add(subscriberId);
    return () => void this.sending.delete(subscriberId);
  }

  /** @throws DomainError `overloaded` when too many files wait */
  read<Result>(subscriberId: string, work: () => Promise<Result>): Promise<Result> {
    return this.reading.run(subscriberId, work);
  }
}

/** Counts files, dry runs too, before they are uploaded, and says which limit one has met. */
@Injectable()
export class OneFileAtATime implements NestInterceptor {
  constructor(
    private readonly rateLimits: RateLimits,
    private readonly turns: ImportTurns,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const { principal } = context.switchToHttp().getRequest<{ principal: MemberPrincipal }>();
    await this.rateLimits.count(importedFiles, principal.subscriberId);
    const leave = this.turns.enter(principal.subscriberId);
    return next.handle().pipe(
      catchError((error: unknown) => {
        throw error instanceof PayloadTooLargeException
          ? new DomainError('too_large', { detail: importTooLarge })
          : error;
      }),
      finalize(leave),
    );
  }
}
