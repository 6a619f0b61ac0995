import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Config } from '../config.js';
import { SealedKeyFile } from './sealed-key-file.js';

/** The file of the push key beside the others. */
export const pushKeyFile = new SealedKeyFile(
  'push.key',
  ['push key', 'p-256'],
  'each device then gets notifications again once its app has been opened',
);

/** The installation's P-256 key, by which push services recognise it (VAPID, RFC 8292). */
export class PushKey {
  private constructor(private readonly key: KeyObject) {}

  /**
   * Reads the key; makes one at the first start.
   * @throws StartError when the file is damaged, or when the master key does not open it
   */
  static async load(config: Config, masterKey: Buffer): Promise<PushKey> {
    const key = await pushKeyFile.load(config, masterKey, () =>
      generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ format: 'der', type: 'pkcs8' }),
    );
    return new PushKey(key);
  }

  /** The public key as browsers take it: an uncompressed point of 65 bytes, in base64url. */
  get publicKey(): string {
    const { x, y } = this.key.export({ format: 'jwk' });
    const point = [Buffer.of(4), Buffer.from(x!, 'base64url'), Buffer.from(y!, 'base64url')];
    return Buffer.concat(point).toString('base64url');
  }

  /** The private key as `web-push` takes it: 32 bytes, in base64url. */
  get privateKey(): string {
    return this.key.export({ format: 'jwk' }).d!;
  }
}
