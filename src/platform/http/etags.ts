import { createHash } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';

/** The same for everybody, so a browser may keep it and ask again before it uses it. */
const impersonal = /^\/api\/(policies\/current|merchant-categories|countries)\/?(?!.*contactId)(\?|$)/i;

/**
 * Express middleware: answers to GET in JSON get an ETag, and 304 without a body to whom has them already (RFC 9110,
 * section 13.1.2). Personal ones stay `no-store`: names and previews that a browser kept on its disk would outlast the
 * logout. A client that holds them itself sends If-None-Match itself.
 */
export function tagAnswers(request: Request, response: Response, next: NextFunction): void {
  if (request.method !== 'GET') return next();
  const json = response.json.bind(response);
  response.json = (body: unknown) => {
    if (response.statusCode !== 200) return json(body);
    if (impersonal.test(request.originalUrl)) response.setHeader('Cache-Control', 'private, no-cache');
    const text = JSON.stringify(body);
    return sendTagged(response.type('json'), text, isTimed(body) ? JSON.stringify({ ...body, syncedAt: null }) : text);
  };
  next();
}

/**
 * Sends content with its ETag, or 304 to whom has it. Express's own check is no use here: it takes the `Cache-Control:
 * no-cache` that browsers add to an If-None-Match of a script for a wish to have all of it.
 */
export function sendTagged(response: Response, content: string | Buffer, tagged = content): Response {
  // Weak, because the same content can be sent compressed or not.
  const etag = `"${createHash('sha256').update(tagged).digest('base64url').slice(0, 22)}"`;
  response.setHeader('ETag', `W/${etag}`);
  const held = response.req.headers['if-none-match']?.split(',').map((each) => each.trim().replace(/^W\//, ''));
  if (!held?.includes(etag)) return response.send(content);
  response.removeHeader('Content-Type');
  return response.status(304).end();
}

/** The time at which a list was read says nothing about what is in it. */
function isTimed(body: unknown): body is { syncedAt: unknown } {
  return typeof body === 'object' && body !== null && 'syncedAt' in body;
}
