import { randomBytes } from 'node:crypto';
import type { Config } from '../config.js';
import { parseMasterKey } from '../settings/readers.js';
import { StartError } from '../start-error.js';
import { createPrivateFile, readIfThere } from './key-files.js';

export interface MasterKey {
  key: Buffer;
  /** Set when this start made the key: the person must be told to keep a copy. */
  madeAt?: string;
}

/**
 * The master key from MASTER_KEY or MASTER_KEY_FILE; a new one only when `mayMake`, which is when nothing is sealed yet.
 * @throws StartError
 */
export async function loadMasterKey(config: Config, mayMake: boolean): Promise<MasterKey> {
  if (config.masterKey) return { key: parseMasterKey(config.masterKey)! };
  const path = config.masterKeyFile;
  const text = await readIfThere(path);
  if (text !== undefined) return { key: parseKeyFile(path, text) };
  if (!mayMake) {
    throw new StartError(
      `The master key is missing: put the copy you keep elsewhere back to ${path}, or set MASTER_KEY.`,
    );
  }
  await createPrivateFile(path, `${randomBytes(32).toString('base64')}\n`).catch((error: NodeJS.ErrnoException) => {
    throw new StartError(
      `The master key cannot be written to ${path} (${error.code}): make the folder writable or set MASTER_KEY.`,
    );
  });
  return { key: parseKeyFile(path, (await readIfThere(path))!), madeAt: path };
}

/** The file of the next master key while one takes the place of the other. */
export const nextMasterKeyFile = ({ masterKeyFile }: Pick<Config, 'masterKeyFile'>): string => `${masterKeyFile}.next`;

function parseKeyFile(path: string, text: string): Buffer {
  const key = parseMasterKey(text);
  if (!key)
    throw new StartError(`${path} holds no master key (32 bytes as base64 or hexadecimal): put your copy back.`);
  return key;
}

/** Injection token of the master key. */
export const MASTER_KEY = Symbol('MasterKey');
