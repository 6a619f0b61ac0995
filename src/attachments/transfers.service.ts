import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import type { Principal } from '../auth/principal.js';
import { giveTurnBack } from '../auth/session.guard.js';
import { limits } from '../contract/limits.js';
import { Turns } from '../platform/turns.js';

/** Bounds how many files come and go at once: each holds some memory, a connection, and an open file. */
@Injectable()
export class Transfers {
  private readonly uploads = new Turns({
    concurrency: limits.uploadsAtOnceOfAll,
    concurrencyPerAsker: limits.uploadsAtOnce,
    waiting: limits.uploadsWaitingOfAll,
    waitingPerAsker: limits.uploadsWaiting,
    of: 'uploads',
  });
  private readonly downloads = new Turns({
    concurrency: Infinity,
    concurrencyPerAsker: limits.downloadsAtOnce,
    waiting: Infinity,
    waitingPerAsker: limits.downloadsWaiting,
    of: 'downloads',
  });

  /**
   * Takes a turn for a request whose file comes in, and gives its turn among the account's requests back.
   * @throws DomainError `rate_limited` or `overloaded` when too much waits
   */
  uploading({ accountId }: Principal, request: Request): Promise<() => void> {
    return this.turn(this.uploads, accountId, request);
  }

  /**
   * The same for a file that goes out.
   * @throws DomainError `rate_limited` when too much waits
   */
  downloading({ accountId }: Principal, request: Request): Promise<() => void> {
    return this.turn(this.downloads, accountId, request);
  }

  private turn(turns: Turns, accountId: string, request: Request): Promise<() => void> {
    giveTurnBack(request);
    return turns.acquire(accountId, { answer: request.res! });
  }
}
