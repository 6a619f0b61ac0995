import { randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { Config } from '../config.js';
import { parseMasterKey } from '../settings/readers.js';
import { StartError } from '../start-error.js';
import { EpochKeys } from './epoch-keys.js';
import { createPrivateFile, readIfThere, replacePrivateFile, shredFile, shredRemains } from './key-files.js';
import { Keyring } from './keyring.js';
import { loadMasterKey, nextMasterKeyFile } from './master-key.js';
import { epochFileOf } from './open-vault.js';
import { pushKeyFile } from './push-key.js';
import { signingKeyFile } from './signing-key.js';

/** The file with the new master key, and whether the service finds it there. */
export interface Rotation {
  path: string;
  inPlace: boolean;
}

/**
 * Seals the epoch key, the signing key and the push key with a new master key, and begins a new epoch, so that neither an old copy of the epoch file nor the old
 * master key opens what is wrapped from now on. No service may run meanwhile.
 *
 * The new key is on the disk before anything is sealed with it, and the old one goes last: after a crash at any point one of
 * the two opens the epoch file, and running this again ends it.
 * @param wanted a file for the new key, made if it is not there; without one the file of the settings gets it
 * @throws StartError
 */
export async function rotateMasterKey(config: Config, database: DataSource, wanted?: string): Promise<Rotation> {
  const inPlace = wanted === undefined;
  if (inPlace && config.masterKey) {
    throw new StartError(
      'MASTER_KEY is set, which this command cannot change: name a file for the new key (npm run rotate-master-key -- FILE).',
    );
  }
  const { key: old } = await loadMasterKey(config, false);
  const path = wanted ?? nextMasterKeyFile(config);
  if (inPlace) await shredRemains(config.masterKeyFile);
  const next = await makeKey(path);
  if (!inPlace && next.equals(old)) {
    throw new StartError(`${path} holds the master key that is in use: name another file for the new one.`);
  }
  const epochs = await openWithEither(epochFileOf(config), old, next);
  await epochs.reseal(next);
  await signingKeyFile.reseal(config, old, next);
  await pushKeyFile.reseal(config, old, next);
  if (inPlace) {
    await replacePrivateFile(config.masterKeyFile, `${next.toString('base64')}\n`);
    await shredFile(path);
  }
  const keyring = new Keyring(database, epochs);
  await keyring.recover();
  await keyring.renewEpoch();
  return { path: inPlace ? config.masterKeyFile : path, inPlace };
}

/** Makes a key in a file, unless an earlier run or somebody else has. */
async function makeKey(path: string): Promise<Buffer> {
  try {
    await createPrivateFile(path, `${randomBytes(32).toString('base64')}\n`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(
      `The new key cannot be written to ${path} (${code}): name a file in another folder (npm run rotate-master-key -- FILE).`,
    );
  }
  const key = parseMasterKey((await readIfThere(path)) ?? '');
  if (!key)
    throw new StartError(`${path} holds no key (32 bytes as base64 or hexadecimal): remove it, or name another.`);
  return key;
}

async function openWithEither(epochFile: string, old: Buffer, next: Buffer): Promise<EpochKeys> {
  try {
    return await EpochKeys.load(epochFile, old);
  } catch (error) {
    // An earlier run came as far as sealing it anew.
    return EpochKeys.load(epochFile, next).catch(() => {
      throw error;
    });
  }
}
