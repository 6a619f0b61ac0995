import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const format = 1;
const keyVersion = 1;
const headerBytes = 2;
const nonceBytes = 12;
const tagBytes = 16;

/** A sealed value does not open: it was changed, moved elsewhere, or sealed with another key. */
export class UnsealError extends Error {
  override readonly name = 'UnsealError';
}

/**
 * Seals bytes with AES-256-GCM (NIST SP 800-38D) under a 32-byte key.
 * @param context what the value belongs to; it is authenticated, not stored, and must be given again to open
 * @returns format (1 byte), key version (1), nonce (12), ciphertext, tag (16)
 */
export function seal(key: Buffer, plaintext: string | Buffer, context: readonly string[]): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(associatedData(context));
  const begun = typeof plaintext === 'string' ? cipher.update(plaintext, 'utf8') : cipher.update(plaintext);
  return Buffer.concat([Buffer.of(format, keyVersion), nonce, begun, cipher.final(), cipher.getAuthTag()]);
}

/** @throws UnsealError */
export function open(key: Buffer, sealed: Buffer, context: readonly string[]): Buffer {
  if (sealed.length < headerBytes + nonceBytes + tagBytes || sealed[0] !== format || sealed[1] !== keyVersion) {
    throw new UnsealError('unknown format of a sealed value');
  }
  const body = headerBytes + nonceBytes;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(headerBytes, body));
  decipher.setAAD(associatedData(context));
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(body, -tagBytes)), decipher.final()]);
  } catch {
    throw new UnsealError('a sealed value does not open');
  }
}

function associatedData(context: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify([format, keyVersion, ...context]), 'utf8');
}
