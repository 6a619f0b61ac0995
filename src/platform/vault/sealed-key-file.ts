import { createPrivateKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from '../config.js';
import { StartError } from '../start-error.js';
import { createPrivateFile, readIfThere, replacePrivateFile, shredRemains } from './key-files.js';
import { open, seal } from './sealing.js';

interface Content {
  format: 1;
  sealed: string;
}

/** The file of a private key of the installation, beside the other keys and sealed with the master key. */
export class SealedKeyFile {
  /** @param afterMoving what it means to have a new key made, for the person who may do so */
  constructor(
    private readonly name: string,
    private readonly context: readonly string[],
    private readonly afterMoving: string,
  ) {}

  pathIn({ dataDir }: Pick<Config, 'dataDir'>): string {
    return join(dataDir, 'keys', this.name);
  }

  /** The sealed key as it stands in its file, for a backup; undefined before the first start. */
  async sealed(config: Pick<Config, 'dataDir'>): Promise<string | undefined> {
    return readIfThere(this.pathIn(config));
  }

  /** Puts the sealed key of a backup in the place of the one that is there. */
  async restore(config: Pick<Config, 'dataDir'>, sealed: string): Promise<void> {
    await replacePrivateFile(this.pathIn(config), sealed);
  }

  /** Seals the key with another master key, unless that was done before. */
  async reseal(config: Pick<Config, 'dataDir'>, old: Buffer, next: Buffer): Promise<void> {
    const path = this.pathIn(config);
    await shredRemains(path);
    const text = await readIfThere(path);
    if (text === undefined) return;
    const sealed = Buffer.from((JSON.parse(text) as Content).sealed, 'base64');
    try {
      open(next, sealed, this.context);
    } catch {
      await replacePrivateFile(path, this.written(next, open(old, sealed, this.context)));
    }
  }

  /**
   * Reads the key; makes one at the first start.
   * @param make a private key as PKCS #8
   * @throws StartError when the file is damaged, or when the master key does not open it
   */
  async load(config: Config, masterKey: Buffer, make: () => Buffer): Promise<KeyObject> {
    const path = this.pathIn(config);
    if ((await readIfThere(path)) === undefined) await createPrivateFile(path, this.written(masterKey, make()));
    try {
      const { sealed } = JSON.parse((await readIfThere(path))!) as Content;
      const key = open(masterKey, Buffer.from(sealed, 'base64'), this.context);
      return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
    } catch (error) {
      if (error instanceof StartError) throw error;
      throw new StartError(
        `The master key does not open ${path}: put back the file that belongs to it, or move the file away to have a new key made (${this.afterMoving}).`,
      );
    }
  }

  private written(masterKey: Buffer, key: Buffer): string {
    const content: Content = { format: 1, sealed: seal(masterKey, key, this.context).toString('base64') };
    return `${JSON.stringify(content)}\n`;
  }
}
