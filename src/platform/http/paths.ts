import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { v7 as uuid } from 'uuid';
import { DomainError, NotFound } from '../problems/domain-error.js';
import { sendProblem, toProblem } from '../problems/problems.js';

/** Placeholder for every target that is not a path. */
const noPath = '/*';

/**
 * Listens to the HTTP server, before Express does: a whole address (`GET http://… HTTP/1.1`) is for proxies, and Express would
 * take it apart before any middleware could refuse it.
 */
export function keepPathsOnly(request: IncomingMessage): void {
  if (!request.url?.startsWith('/')) request.url = noPath;
}

/** Express middleware: refuses what {@link keepPathsOnly} has not kept, and a request that names no host (RFC 9112, 3.2). */
export function requirePath(request: Request, response: Response, next: NextFunction): void {
  if (request.url === noPath) return next(malformed('The target of a request is a path that begins with a slash.'));
  if (request.headers.host !== undefined || request.httpVersion !== '1.1') return next();
  response.setHeader('Connection', 'close');
  next(malformed('Say with the header Host which server is meant.'));
}

const malformed = (detail: string) => new DomainError('malformed_request', { detail });

/** The last middleware: answers for what no route has taken. */
export function answerUnrouted(request: Request, response: Response): void {
  if (request.path === '/' && (request.method === 'GET' || request.method === 'HEAD')) {
    response.type('text/plain').send('This is Colloquio. Its API is described at /api/docs.\n');
  } else sendProblem(response, toProblem(new NotFound(), request.id ?? uuid()));
}
