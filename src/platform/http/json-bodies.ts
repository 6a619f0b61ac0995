import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { limits } from '../../contract/limits.js';
import { DomainError } from '../problems/domain-error.js';
import { Turns } from '../turns.js';
import { requirePlainShape } from '../validation/shape.js';
import { networkOf } from './networks.js';

/** A body of this many bytes is parsed in so short a time that it need not wait for its turn. */
const quickBytes = 4 * 1024;
/** Honest clients do not send a body in pieces of a few bytes, each of which costs as much as a full one. */
const piecesLookedAt = 64;
const leastBytesOfPiece = 32;

/**
 * Express middleware: reads JSON bodies of at most `limits.jsonBytes`. Large ones are parsed one at a time, with a turn of the
 * event loop before each, and networks take turns: what one network sends at once delays the others by one body. The bytes
 * of bodies that have not come whole are bounded, for a network and for all.
 */
export function readJsonBodies(): RequestHandler {
  const bodies = new JsonBodies();
  return (request: Request, response: Response, next: NextFunction) => {
    if (!request.is('application/json')) return next();
    bodies.read(request).then(
      (body) => {
        request.body = body;
        next();
      },
      (error: unknown) => {
        // The rest of the body is not waited for.
        if (!request.complete && !response.headersSent) response.setHeader('Connection', 'close');
        next(error);
      },
    );
  };
}

class JsonBodies {
  private readonly parsing = new Turns({
    concurrency: 1,
    concurrencyPerAsker: 1,
    waiting: limits.bodiesWaiting,
    waitingPerAsker: limits.bodiesWaitingPerNetwork,
    of: 'requests',
  });
  /** Bytes that were received of unfinished bodies, by network. */
  private readonly reserved = new Map<string, number>();
  private reservedByAll = 0;

  /** @throws DomainError `malformed_request`, `too_large`, `media_type_refused`, `rate_limited`, `overloaded` */
  async read(request: Request): Promise<unknown> {
    requireReadable(request);
    const network = networkOf(request.ip);
    const bytes = await this.receive(request, network);
    if (bytes.length <= quickBytes) return parse(bytes);
    return this.parsing.run(network, async () => {
      await new Promise(setImmediate);
      return parse(bytes);
    });
  }

  private receive(request: Request, network: string): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let length = 0;
    return new Promise<Buffer>((resolve, reject) => {
      const fail = (error: Error) => {
        request.off('data', take).pause();
        reject(error);
      };
      const take = (piece: Buffer) => {
        pieces.push(piece);
        length += piece.length;
        this.reserve(network, piece.length);
        if (length > limits.jsonBytes) fail(tooLarge());
        else if (pieces.length > piecesLookedAt && length < pieces.length * leastBytesOfPiece) fail(inPieces());
        else if (this.exceedsLimit(network)) fail(tooManyBytes());
      };
      request.on('data', take);
      request.once('end', () => resolve(Buffer.concat(pieces)));
      request.once('error', reject);
      request.once('close', () => reject(new DomainError('malformed_request')));
    }).finally(() => this.reserve(network, -length));
  }

  private reserve(network: string, bytes: number): void {
    this.reservedByAll += bytes;
    const reserved = (this.reserved.get(network) ?? 0) + bytes;
    if (reserved > 0) this.reserved.set(network, reserved);
    else this.reserved.delete(network);
  }

  private exceedsLimit(network: string): boolean {
    return this.reserved.get(network)! > limits.bodyBytesOfNetwork || this.reservedByAll > limits.bodyBytesOfAll;
  }
}

function requireReadable(request: Request): void {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new DomainError('media_type_refused', { detail: 'Send the body without compression.' });
  }
  const charset = /charset\s*=\s*"?([^\s";]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new DomainError('media_type_refused', { detail: 'Send JSON in UTF-8.' });
  }
  if (Number(request.headers['content-length']) > limits.jsonBytes) throw tooLarge();
}

function parse(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new DomainError('malformed_request', { detail: 'The body is not valid JSON in UTF-8.' });
  }
  if (typeof body !== 'object' || body === null) {
    throw new DomainError('malformed_request', { detail: 'The body must be a JSON object.' });
  }
  requirePlainShape(body);
  return body;
}

const tooLarge = () =>
  new DomainError('too_large', {
    detail: `A JSON body can have at most ${limits.jsonBytes.toLocaleString('en')} bytes.`,
  });

const inPieces = () =>
  new DomainError('malformed_request', {
    detail: 'The body arrives in too many small pieces. Send it in larger ones.',
  });

const tooManyBytes = () =>
  new DomainError('overloaded', {
    detail: 'The service is receiving too many request bodies. Try again in a moment.',
    retryAfter: 5,
  });
