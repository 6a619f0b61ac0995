import { Injectable } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { v7 as uuid } from 'uuid';
import { Log } from '../log.js';

/** Numbers each request and logs it with the template of its route, never its address. */
@Injectable()
export class Requests {
  constructor(private readonly log: Log) {}

  readonly observe = (request: Request, response: Response, next: NextFunction): void => {
    const begun = performance.now();
    request.id = uuid();
    response.setHeader('X-Request-Id', request.id);
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
