import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { join } from 'node:path';
import type { Config } from '../config.js';
import { StartError } from '../start-error.js';
import { createPrivateFile, readIfThere, replacePrivateFile } from './key-files.js';
import { open, seal } from './sealing.js';

interface SigningFile {
  format: 1;
  sealed: string;
}

const context = ['signing key', 'ed25519'];

/** The file of the signing key beside the others, sealed with the master key. */
export const signingFileOf = ({ dataDir }: Pick<Config, 'dataDir'>) => join(dataDir, 'keys', 'signing.key');

/** The sealed key as it stands in its file, for a backup; undefined before the first start. */
export async function sealedSigningKey(config: Pick<Config, 'dataDir'>): Promise<string | undefined> {
  return readIfThere(signingFileOf(config));
}

/** Puts the sealed key of a backup in the place of the one that is there. */
export async function restoreSigningKey(config: Pick<Config, 'dataDir'>, sealed: string): Promise<void> {
  await replacePrivateFile(signingFileOf(config), sealed);
}

/** Seals the key with another master key, unless that was done before. */
export async function resealSigningKey(config: Pick<Config, 'dataDir'>, old: Buffer, next: Buffer): Promise<void> {
  const path = signingFileOf(config);
  const text = await readIfThere(path);
  if (text === undefined) return;
  const sealed = Buffer.from((JSON.parse(text) as SigningFile).sealed, 'base64');
  try {
    open(next, sealed, context);
  } catch {
    const file: SigningFile = { format: 1, sealed: seal(next, open(old, sealed, context), context).toString('base64') };
    await replacePrivateFile(path, `${JSON.stringify(file)}\n`);
  }
}

/** The installation's Ed25519 key, with which it signs certificates. */
export class SigningKey {
  private constructor(private readonly key: KeyObject) {}

  /**
   * Reads the key; makes one at the first start.
   * @throws StartError when the file is damaged, or when the master key does not open it
   */
  static async load(config: Config, masterKey: Buffer): Promise<SigningKey> {
    const path = signingFileOf(config);
    if ((await readIfThere(path)) === undefined) {
      const { privateKey } = generateKeyPairSync('ed25519');
      const sealed = seal(masterKey, privateKey.export({ format: 'der', type: 'pkcs8' }), context);
      const file: SigningFile = { format: 1, sealed: sealed.toString('base64') };
      await createPrivateFile(path, `${JSON.stringify(file)}\n`);
    }
    try {
      const { sealed } = JSON.parse((await readIfThere(path))!) as SigningFile;
      const key = open(masterKey, Buffer.from(sealed, 'base64'), context);
      return new SigningKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
    } catch (error) {
      if (error instanceof StartError) throw error;
      throw new StartError(
        `The master key does not open ${path}: put back the file that belongs to it, or move the file away to have a new key made (certificates signed with the old one can still be verified with its public key).`,
      );
    }
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
