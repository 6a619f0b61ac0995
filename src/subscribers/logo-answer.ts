import type { Response } from 'express';
import { sendTagged } from '../platform/http/etags.js';
import type { SubscriberLogo } from './subscriber.entity.js';

/** Sends a logo so that a browser shows it and nothing else, and asks again before it shows it again. */
export function sendLogo(response: Response, { mediaType, bytes, updatedAt }: SubscriberLogo): void {
  response
    .type(mediaType)
    .setHeader('Cache-Control', 'private, no-cache')
    .setHeader('Last-Modified', updatedAt.toUTCString())
    .setHeader('Content-Disposition', 'inline');
  sendTagged(response, bytes);
}
