import type { Socket } from 'node:net';
import type { NextFunction, Request, Response } from 'express';
import { limits } from '../../contract/limits.js';
import { DomainError } from '../problems/domain-error.js';
import { refuse } from './raw-answers.js';

/** Requests of a connection that have no answer yet; Infinity for one that had too many. */
const unanswered = new WeakMap<Socket, number>();

/**
 * Express middleware: bounds how many requests of one connection are without an answer. Node reads as many as are sent ahead
 * in one turn of the event loop, while everybody else waits. Browsers and proxies send none ahead.
 */
export function boundPipelines(request: Request, response: Response, next: NextFunction): void {
  const { socket } = request;
  const before = unanswered.get(socket) ?? 0;
  // The connection is closed after its last answer; what else comes over it is not looked at.
  if (before === Infinity) return;
  if (before >= limits.requestsPerConnection) {
    unanswered.set(socket, Infinity);
    const detail = `A connection can have at most ${limits.requestsPerConnection} requests that are not answered yet. Wait for answers before you send more.`;
    return refuse(request, response, new DomainError('rate_limited', { detail, retryAfter: 1 }));
  }
  unanswered.set(socket, before + 1);
  response.once('close', () => unanswered.set(socket, unanswered.get(socket)! - 1));
  next();
}
