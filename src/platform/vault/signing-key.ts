import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import type { Config } from '../config.js';
import { SealedKeyFile } from './sealed-key-file.js';

/** The file of the signing key beside the others. */
export const signingKeyFile = new SealedKeyFile(
  'signing.key',
  ['signing key', 'ed25519'],
  'certificates signed with the old one can still be verified with its public key',
);

/** The installation's Ed25519 key, with which it signs certificates. */
export class SigningKey {
  private constructor(private readonly key: KeyObject) {}

  /**
   * Reads the key; makes one at the first start.
   * @throws StartError when the file is damaged, or when the master key does not open it
   */
  static async load(config: Config, masterKey: Buffer): Promise<SigningKey> {
    const key = await signingKeyFile.load(config, masterKey, () =>
      generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }),
    );
    return new SigningKey(key);
  }

  /** The public key: 32 bytes (RFC 8032), as base64. */
  get publicKey(): string {
    const { x } = createPublicKey(this.key).export({ format: 'jwk' });
    return Buffer.from(x!, 'base64url').toString('base64');
  }

  /** @returns the signature as base64 */
  sign(text: string): string {
    return sign(null, Buffer.from(text, 'utf8'), this.key).toString('base64');
  }
}

/** Tells whether a signature of a text is that of a public key. */
export function isSignedBy(publicKey: string, text: string, signature: string): boolean {
  try {
    const x = Buffer.from(publicKey, 'base64').toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    return verify(null, Buffer.from(text, 'utf8'), key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

/** A short form of a public key that people can compare: 8 groups of 4 hexadecimal digits of its SHA-256. */
export function fingerprintOf(publicKey: string): string {
  const digest = createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex');
  return digest.slice(0, 32).match(/.{4}/g)!.join(' ');
}
