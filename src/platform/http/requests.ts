import { Injectable } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { v7 as uuid } from 'uuid';
import { Log } from '../log.js';
import { UnderWay } from '../under-way.js';

/** Numbers each request and logs it with the template of its route, never its address. */
@Injectable()
export class Requests {
  private readonly requests = new UnderWay();
  private stopping = false;

  constructor(private readonly log: Log) {}

  /** Waits until the requests under way have their answers. */
  drain(): Promise<void> {
    this.stopping = true;
    return this.requests.end();
  }

  readonly observe = (request: Request, response: Response, next: NextFunction): void => {
    const begun = performance.now();
    request.id = uuid();
    response.setHeader('X-Request-Id', request.id);
    // Otherwise a keep-alive connection would go on sending requests during shutdown.
    if (this.stopping) response.setHeader('Connection', 'close');
    // Each bound on a request watches for its end, and a download does so several times.
    response.setMaxListeners(20);
    response.once('close', this.requests.begin());
    response.once('finish', () => {
      this.log.request({
        requestId: request.id,
        method: request.method,
        route: (request.route as { path?: string } | undefined)?.path ?? 'unmatched',
        status: response.statusCode,
        milliseconds: Math.round(performance.now() - begun),
      });
    });
    next();
  };
}
