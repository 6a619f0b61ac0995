import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { dayMilliseconds } from '../platform/durations.js';

const lifetimeDays = 14;

/**
 * A registration code for REGISTRATION=invited: random, dated and signed under the master key, so that the host can
 * make one without the database. It is valid once, and for 14 days.
 */
export function makeRegistrationCode(masterKey: Buffer, now = new Date()): { code: string; expiresAt: Date } {
  const expiryDay = Math.floor(now.getTime() / dayMilliseconds) + lifetimeDays;
  const head = Buffer.concat([randomBytes(9), Buffer.of(expiryDay >> 16, (expiryDay >> 8) & 255, expiryDay & 255)]);
  const code = Buffer.concat([head, signatureOf(head, masterKey)]).toString('base64url');
  return { code, expiresAt: new Date((expiryDay + 1) * dayMilliseconds) };
}

/** The hash under which a used code is remembered; undefined when the code is forged or out of date. */
export function checkRegistrationCode(masterKey: Buffer, code: string, now = new Date()): Buffer | undefined {
  const bytes = Buffer.from(code.trim(), 'base64url');
  if (bytes.length !== 24) return undefined;
  const head = bytes.subarray(0, 12);
  if (!timingSafeEqual(bytes.subarray(12), signatureOf(head, masterKey))) return undefined;
  const expiryDay = (head[9]! << 16) | (head[10]! << 8) | head[11]!;
  if (Math.floor(now.getTime() / dayMilliseconds) > expiryDay) return undefined;
  return createHash('sha256').update(bytes).digest();
}

function signatureOf(head: Buffer, masterKey: Buffer): Buffer {
  return createHmac('sha256', masterKey).update('colloquio/registration-code').update(head).digest().subarray(0, 12);
}
