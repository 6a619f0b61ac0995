import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { v7 as uuid } from 'uuid';
import { DomainError, NotFound } from '../problems/domain-error.js';
import { sendProblem, toProblem } from '../problems/problems.js';

/** Stands for every target that is no path. */
const noPath = '/*';

/**
 * Listens to the HTTP server, before Express does: a whole address (`GET http://… HTTP/1.1`) is for proxies, and Express would
 * take it apart before any middleware could refuse it.
 */
export function keepPathsOnly(request: IncomingMessage): void {
  if (!request.url?.startsWith('/')) request.url = noPath;
}

/** Express middleware: refuses what {@link keepPathsOnly} has not kept. */
export function requirePath(request: Request, _response: Response, next: NextFunction): void {
  const detail = 'The target of a request is a path that begins with a slash.';
  next(request.url === noPath ? new DomainError('malformed_request', { detail }) : undefined);
}

/** The last middleware: answers for what no route has taken. */
export function answerUnrouted(request: Request, response: Response): void {
  if (request.path === '/' && (request.method === 'GET' || request.method === 'HEAD')) {
    response.type('text/plain').send('This is Colloquio. Its API is described at /api/docs.\n');
  } else sendProblem(response, toProblem(new NotFound(), request.id ?? uuid()));
}
