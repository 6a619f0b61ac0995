import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import type { Config } from '../config.js';
import { parseMasterKey } from '../settings/readers.js';
import { StartError } from '../start-error.js';
import { EpochKeys } from './epoch-keys.js';
import { Keyring } from './keyring.js';
import { readIfThere, shredFile } from './key-files.js';
import { loadMasterKey, type MasterKey, nextMasterKeyFile } from './master-key.js';
import { Vault } from './vault.js';

export interface OpenedVault {
  vault: Vault;
  keyring: Keyring;
  masterKey: MasterKey;
}

/**
 * Opens the vault to read, for a command beside a running service: nothing is made and nothing is renewed.
 * @throws StartError when a key is missing
 */
export async function openVaultToRead(config: Config, database: DataSource): Promise<Vault> {
  return Vault.beside(await openKeyringToRead(config, database));
}

/** @throws StartError when a key is missing */
export async function openKeyringToRead(config: Config, database: DataSource): Promise<Keyring> {
  const { key } = await loadMasterKey(config, false);
  const epochFile = epochFileOf(config);
  if (!(await EpochKeys.exist(epochFile))) throw epochMissing(epochFile);
  return new Keyring(database, await loadEpochs(config, key));
}

/**
 * Opens the vault over a keyring database; creates the keys only at the very first start.
 * @param main content of the main database: nothing, tables without accounts, or accounts
 * @throws StartError when keys are missing or do not belong to the data
 */
export async function openVault(
  config: Config,
  database: DataSource,
  main: 'nothing' | 'tables' | 'accounts',
): Promise<OpenedVault> {
  const epochFile = epochFileOf(config);
  const [{ empty, used, people }] = await database.query<[{ empty: boolean; used: boolean; people: boolean }]>(
    `SELECT NOT EXISTS (SELECT FROM wrapped_key) AS empty,
            EXISTS (SELECT FROM wrapped_key WHERE scope <> 'service') AS used,
            EXISTS (SELECT FROM wrapped_key WHERE scope IN ('contact', 'interlocutor')) AS people`,
  );
  const epochThere = await EpochKeys.exist(epochFile);
  // A registration that failed may leave a subscriber's key behind, but only where there are tables.
  if ((main === 'nothing' && used) || (main === 'tables' && people)) {
    throw new StartError(
      'The main database is empty but the keyring is not: correct DATABASE_URL if it names another database than before, or restore the main database from its backup.',
    );
  }
  if (empty && main === 'accounts') {
    throw new StartError(
      'The keyring database is empty but the main database is not: restore the keyring from its backup.',
    );
  }
  if (!empty && !epochThere) throw epochMissing(epochFile);
  const masterKey = await loadMasterKey(config, empty && !epochThere);
  const keyring = new Keyring(database, await loadEpochs(config, masterKey.key));
  await endRotation(config, masterKey.key);
  return { vault: await Vault.open(keyring), keyring, masterKey };
}

export const epochFileOf = ({ dataDir }: Config) => join(dataDir, 'keys', 'epoch.key');

/** @throws StartError */
async function loadEpochs(config: Config, masterKey: Buffer): Promise<EpochKeys> {
  try {
    return await EpochKeys.load(epochFileOf(config), masterKey);
  } catch (error) {
    if ((await readIfThere(nextMasterKeyFile(config))) === undefined) throw error;
    throw new StartError('A rotation of the master key was interrupted: run npm run rotate-master-key again.');
  }
}

/** A rotation that was killed at its very end has left the key that is in use now: the next one would take it for a new one. */
async function endRotation(config: Config, inUse: Buffer): Promise<void> {
  const path = nextMasterKeyFile(config);
  const text = config.masterKey ? undefined : await readIfThere(path);
  if (text !== undefined && parseMasterKey(text)?.equals(inUse)) await shredFile(path);
}

function epochMissing(epochFile: string): StartError {
  return new StartError(`The epoch key is missing: put ${epochFile} back from the backup that belongs to the keyring.`);
}
