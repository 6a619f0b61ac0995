import type { IncomingHttpHeaders } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { type Config, CONFIG, isLoopback } from '../config.js';
import { DomainError } from '../problems/domain-error.js';

/**
 * Requests that a browser sends from another site's page are refused, whatever they carry. Browsers cannot forge these
 * headers; other clients do not send them.
 */
@Injectable()
export class Origins {
  private readonly own: Set<string>;
  /** Behind a loopback listener the port is known only once it listens. */
  private readonly loopback: boolean;

  constructor(@Inject(CONFIG) config: Config) {
    this.own = new Set([config.publicUrl.origin]);
    this.loopback = isLoopback(config.host);
  }

  allow({ origin, host, 'sec-fetch-site': site, 'sec-fetch-mode': mode }: IncomingHttpHeaders): boolean {
    if (origin !== undefined) return this.own.has(origin) || this.isOwnLoopback(origin, host);
    // Following a link from elsewhere is no attack: SameSite=Strict cookies do not come along.
    return site === undefined || site === 'same-origin' || site === 'none' || mode === 'navigate';
  }

  /** Express middleware: answers 403 `origin_refused`. */
  readonly check = (request: Request, _response: Response, next: NextFunction): void => {
    next(this.allow(request.headers) ? undefined : new DomainError('origin_refused'));
  };

  /** http://127.0.0.1:3000 and http://localhost:3000 are the same place when only this machine can reach it. */
  private isOwnLoopback(origin: string, host: string | undefined): boolean {
    if (!this.loopback || !URL.canParse(origin)) return false;
    const { hostname, port } = new URL(origin);
    return isLoopback(hostname) && port === (host?.split(':').at(-1) ?? '');
  }
}
