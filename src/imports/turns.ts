import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  PayloadTooLargeException,
} from '@nestjs/common';
import { catchError, finalize, type Observable } from 'rxjs';
import type { MemberPrincipal } from '../auth/principal.js';
import { DomainError } from '../platform/problems/domain-error.js';
import { RateLimits } from '../platform/rate-limits.js';
import { importTooLarge } from './tables.js';

const readAtOnce = 2;
const mostWaiting = 8;

/**
 * Has files read one at a time for each business, and two at a time for all: a table of 5 MB keeps the processor busy, and
 * its upload the memory.
 */
@Injectable()
export class ImportTurns {
  private readonly busy = new Set<string>();
  private readonly waiting: (() => void)[] = [];
  private reading = 0;

  /**
   * Lets a business send a file, until the returned function is called.
   * @throws DomainError `rate_limited` while it sends another
   */
  enter(subscriberId: string): () => void {
    if (this.busy.has(subscriberId)) {
      const detail = 'Another file of yours is being read. Wait until it is done, and send this one again.';
      throw new DomainError('rate_limited', { detail, retryAfter: 5 });
    }
    this.busy.add(subscriberId);
    return () => void this.busy.delete(subscriberId);
  }

  /** @throws DomainError `overloaded` when too many files wait */
  async read<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.reading >= readAtOnce) {
      if (this.waiting.length >= mostWaiting) throw new DomainError('overloaded');
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else {
      this.reading++;
    }
    try {
      return await work();
    } finally {
      // Whoever waits longest takes over the place.
      const next = this.waiting.shift();
      if (next) next();
      else this.reading--;
    }
  }
}

/** Counts files, dry runs too, before they are uploaded, and says which limit one has met. */
@Injectable()
export class OneFileAtATime implements NestInterceptor {
  constructor(
    private readonly limits: RateLimits,
    private readonly turns: ImportTurns,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const { principal } = context.switchToHttp().getRequest<{ principal: MemberPrincipal }>();
    await this.limits.count('import', principal.subscriberId);
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
