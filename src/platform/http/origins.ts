import type { IncomingHttpHeaders } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { type Config, CONFIG } from '../config.js';
import { isLoopback } from '../settings/readers.js';
import { DomainError } from '../problems/domain-error.js';

/** Answers of the CORS protocol (Fetch Standard, section 3.2) to the origins of ALLOWED_ORIGINS. */
const corsMethods = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const corsRequestHeaders =
  'Authorization, Content-Type, If-None-Match, If-Range, Range, Tus-Resumable, Upload-Length, Upload-Metadata, Upload-Offset, X-Colloquio-App';
const corsAnswerHeaders =
  'Accept-Ranges, Content-Disposition, Content-Range, ETag, Last-Modified, Location, Retry-After, Tus-Resumable, Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset, X-Request-Id';
const preflightSeconds = 600;

/**
 * Requests that a browser sends from another site's page are refused, whatever they carry, unless the page's origin is one
 * of ALLOWED_ORIGINS: that one acts by its bearer token, and never by a cookie. Browsers cannot forge these headers; other
 * clients do not send them.
 */
@Injectable()
export class Origins {
  /** Other origins whose pages may call the API. */
  readonly allowed: ReadonlySet<string>;
  private readonly own: Set<string>;
  /** Behind a loopback listener the port is known only once it listens. */
  private readonly loopback: boolean;

  constructor(@Inject(CONFIG) config: Config) {
    this.own = new Set([config.publicUrl.origin]);
    this.allowed = new Set(config.allowedOrigins.filter((origin) => !this.own.has(origin)));
    this.loopback = isLoopback(config.host);
  }

  /** Tells if a request may go on. Cookies of a request from an allowed origin are removed. */
  allow(headers: IncomingHttpHeaders): boolean {
    const { origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers;
    if (origin !== undefined) {
      if (this.own.has(origin) || this.isOwnLoopback(origin, headers.host)) return true;
      delete headers.cookie;
      return this.allowed.has(origin);
    }
    // Following a link from elsewhere is no attack: SameSite=Strict cookies do not come along.
    return site === undefined || site === 'same-origin' || site === 'none' || mode === 'navigate';
  }

  /** Express middleware: answers 403 `origin_refused`, and what browsers ask before a page of an allowed origin may call. */
  readonly check = (request: Request, response: Response, next: NextFunction): void => {
    if (this.allowed.size > 0) response.vary('Origin');
    if (!this.allow(request.headers)) return next(new DomainError('origin_refused'));
    const { origin } = request.headers;
    if (!origin || !this.allowed.has(origin)) return next();
    request.withoutCookies = true;
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Expose-Headers', corsAnswerHeaders);
    if (request.method !== 'OPTIONS' || !request.headers['access-control-request-method']) return next();
    response.setHeader('Access-Control-Allow-Methods', corsMethods);
    response.setHeader('Access-Control-Allow-Headers', corsRequestHeaders);
    response.setHeader('Access-Control-Max-Age', preflightSeconds);
    response.status(204).end();
  };

  /** http://127.0.0.1:3000 and http://localhost:3000 are the same place when only this machine can reach it. */
  private isOwnLoopback(origin: string, host: string | undefined): boolean {
    if (!this.loopback || !URL.canParse(origin)) return false;
    const { hostname, port } = new URL(origin);
    return isLoopback(hostname) && port === (host?.split(':').at(-1) ?? '');
  }
}
