import { constants } from 'node:zlib';
import compression from 'compression';
import type { Request, RequestHandler, Response } from 'express';

/**
 * Answers that hold a token or a code of ours beside what other people chose are never compressed: the length of such an
 * answer would tell about the secret (BREACH, 2013). Tokens come in answers to POST; codes and links under these paths.
 */
const secretPaths = /^\/api\/(invitations|members|imports\/[^/]+\/letters)(\/|$)/i;
/** Ranges of files are counted in the bytes as they are, and pictures and sound are compressed already. */
const files = /^\/api\/attachments\/(?!usage)/i;
/** Asks, but changes nothing: the text that is searched for stays out of the URL. */
const search = /^\/api\/contacts\/search\/?$/i;

/** Shorter answers are not worth it. */
const fromBytes = 1024;
/**
 * Compressing runs on the four threads that passwords and pictures need too, so few answers are compressed at once. There
 * is no queue: the others are sent as they are.
 */
const concurrency = 2;

/** Express middleware that compresses answers for clients that take it, quickly rather than tightly. */
export function compressAnswers(): RequestHandler {
  let underWay = 0;
  const admit = (request: Request, response: Response): boolean => {
    if (!mayCompress(request) || !isWorthIt(request, response) || underWay >= concurrency) return false;
    underWay++;
    response.once('close', () => underWay--);
    return true;
  };
  return compression({
    threshold: fromBytes,
    level: constants.Z_BEST_SPEED,
    brotli: { params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_LGWIN]: 18 } },
    filter: admit,
  });
}

/** Tells if an answer may be compressed, so that its length depends on its content; judged by the requested path. */
export function mayCompress({ method, originalUrl }: Pick<Request, 'method' | 'originalUrl'>): boolean {
  const [path = ''] = originalUrl.split('?');
  if (method === 'POST') return search.test(path);
  return method === 'GET' && !secretPaths.test(path) && !files.test(path);
}

function isWorthIt(request: Request, response: Response): boolean {
  if (!/\b(br|gzip)\b/.test(String(request.headers['accept-encoding'] ?? ''))) return false;
  const length = response.getHeader('Content-Length');
  return (length === undefined || Number(length) >= fromBytes) && compression.filter(request, response);
}
