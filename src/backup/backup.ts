import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import type { Config } from '../platform/config.js';
import { clientOptions, keyringDatabase, mainDatabaseOptions } from '../platform/database.js';
import type { Databases } from '../platform/open-databases.js';
import { StartError } from '../platform/start-error.js';
import { openStorageToRead } from '../platform/storage/open-storage.js';
import { ObjectMissing, type Storage } from '../platform/storage/storage.js';
import { openKeyringToRead } from '../platform/vault/open-vault.js';
import { serviceKey, signBackup } from '../platform/vault/vault.js';
import type { BackupFolder } from './backup-folder.js';
import { folderFailure, sourceFailure } from './failures.js';
import { copyKeyring } from './keyring-copy.js';
import { releaseVersion, signed } from './manifest.js';
import { ObjectPool } from './object-pool.js';
import type { Progress } from './progress.js';
import { Snapshot } from './snapshot.js';
import { countObjects, namedAmong, namedObjects } from './stored-objects.js';

export interface BackupRequest {
  config: Config;
  databases: Databases;
  folder: BackupFolder;
  /** Number of backups of the main database that the folder keeps. */
  keep: number;
  progress: Progress;
}

export interface MadeBackup {
  name: string;
  rows: number;
  bytes: number;
  files: FilesCopied;
  /** Backups that were removed because there are newer ones. */
  dropped: number;
}

interface FilesCopied {
  copied: number;
  unchanged: number;
  removed: number;
  /** Objects that rows name and the storage does not have. */
  lost: number;
}

/** Any number that nothing else locks in the keyring database. */
const lockNumber = 0x0c011a;
const readAttempts = 10;
const readPause = 100;
const farAway = Number.MAX_SAFE_INTEGER;

/**
 * Backs an installation up, beside a running service or without one. The main database comes first and the keyring second, so
 * that the keyring has the keys of everything in it; the manifest comes last, and makes the backup a whole one.
 * @throws StartError
 */
export async function makeBackup(request: BackupRequest): Promise<MadeBackup> {
  const { config, databases, folder } = request;
  const keyring = keyringDatabase(databases.keyring);
  const main = new DataSource(mainDatabaseOptions(databases.main));
  let storage: Storage | undefined;
  try {
    await keyring.initialize();
    const key = await readServiceKey(config, keyring);
    return await alone(request, async () => {
      await folder.prepare(signBackup(key, 'installation'));
      await main.initialize();
      storage = await openStorageToRead(config);
      return await backUp(request, { key, main, storage });
    });
  } catch (error) {
    throw sourceFailure(folderFailure(folder.path, error, 'written'));
  } finally {
    storage?.close();
    if (main.isInitialized) await main.destroy();
    if (keyring.isInitialized) await keyring.destroy();
  }
}

/** The service may be renewing the epoch: what was read before that is read again. */
async function readServiceKey(config: Config, keyring: DataSource): Promise<Buffer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await (await openKeyringToRead(config, keyring)).key(serviceKey);
    } catch (error) {
      if (error instanceof StartError || attempt === readAttempts) throw error;
      await pause(readPause);
    }
  }
}

/** One backup of an installation at a time: the keyring has one latest state. The lock ends with this process. */
async function alone<Result>({ databases }: BackupRequest, work: () => Promise<Result>): Promise<Result> {
  const client = new Client({ ...clientOptions(databases.keyring), application_name: 'colloquio-backup' });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [lockNumber]);
    if (!rows[0]!.taken) {
      throw new StartError('Another backup of this installation is under way: let it end, and run this again.');
    }
    return await work();
  } finally {
    await client.end().catch(() => {});
  }
}

async function backUp(
  { config, databases, folder, keep, progress }: BackupRequest,
  { key, main, storage }: { key: Buffer; main: DataSource; storage: Storage },
): Promise<MadeBackup> {
  const snapshot = await Snapshot.take(databases.main);
  let name: string | undefined;
  try {
    name = await folder.begin(snapshot.takenAt);
    const tables = await snapshot.copy(folder.databaseFolder(name), (share) => progress('database', share));
    const sequences = await snapshot.sequences();
    const objects = await snapshot.objects();
    await snapshot.end();
    progress('keyring', 0);
    await copyKeyring(databases.keyring, config, { to: folder.keyringFile, key });
    progress('keyring', 1);
    const files = await copyFiles(main, { storage, pool: new ObjectPool(folder.filesFolder), progress });
    const { takenAt, migrations } = snapshot;
    const version = await releaseVersion();
    const manifest = { name, takenAt: takenAt.toISOString(), version, migrations, tables, sequences, objects };
    await folder.complete(signed({ format: 1, ...manifest }, key));
    const dropped = await folder.keepLatest(keep);
    const sum = (of: 'rows' | 'bytes') => tables.reduce((total, table) => total + table[of], 0);
    return { name, rows: sum('rows'), bytes: sum('bytes'), files, dropped };
  } catch (error) {
    // What was written may be what fills the disk.
    if (name !== undefined) await folder.remove(name).catch(() => {});
    throw error;
  } finally {
    await snapshot.end();
  }
}

/**
 * Copies what the pool does not have yet, and removes what no row names any more. An object that a row names stays in the
 * pool even if the storage has lost it.
 */
async function copyFiles(
  main: DataSource,
  { storage, pool, progress }: { storage: Storage; pool: ObjectPool; progress: Progress },
): Promise<FilesCopied> {
  const files = { copied: 0, unchanged: 0, removed: 0, lost: 0 };
  await pool.tidy();
  const all = await countObjects(main);
  let done = 0;
  for await (const ids of namedObjects(main)) {
    for (const id of ids) {
      progress('files', Math.min(1, done++ / (all || 1)));
      if ((await pool.find(id)) !== undefined) files.unchanged++;
      else if (await copyFile(id, storage, pool)) files.copied++;
      else if ((await namedAmong(main, [id])).has(id)) files.lost++;
    }
  }
  for await (const ids of pool.all()) {
    const named = await namedAmong(main, ids);
    for (const id of ids) {
      if (named.has(id)) continue;
      await pool.remove(id);
      files.removed++;
    }
  }
  progress('files', 1);
  return files;
}

async function copyFile(id: string, storage: Storage, pool: ObjectPool): Promise<boolean> {
  try {
    await pool.write(id, storage.read(id, 0, farAway));
    return true;
  } catch (error) {
    if (error instanceof ObjectMissing) return false;
    throw error;
  }
}
