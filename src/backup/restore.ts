import { DataSource } from 'typeorm';
import { NIL } from 'uuid';
import { holdRestored as holdBroadcasts } from '../broadcasts/restored-broadcasts.js';
import { revokeWithoutKeys } from '../invitations/restored-invitations.js';
import type { Config } from '../platform/config.js';
import { keyringDatabase, mainDatabaseOptions } from '../platform/database.js';
import type { Log } from '../platform/log.js';
import { holdRestored as holdMails } from '../platform/mail/restored-mails.js';
import { NodeLock } from '../platform/node-lock.js';
import type { Databases } from '../platform/open-databases.js';
import { openStorage } from '../platform/storage/open-storage.js';
import type { Storage } from '../platform/storage/storage.js';
import { epochFileOf } from '../platform/vault/open-vault.js';
import type { BackupFolder } from './backup-folder.js';
import type { CheckedBackup } from './check.js';
import { dataFailure, folderFailure, sourceFailure } from './failures.js';
import { loadTables } from './loading.js';
import type { ObjectPool } from './object-pool.js';
import type { Progress } from './progress.js';
import { RestoredKeyring } from './restored-keyring.js';
import { countObjects, namedAmong, namedObjects, StoredNames } from './stored-objects.js';
import {
  clearMain,
  isOfFunctions,
  type KeyringMode,
  mainState,
  migrate,
  requireEmptyTarget,
  restoreMarker,
} from './target.js';

export interface RestoreRequest {
  config: Config;
  databases: Databases;
  masterKey: Buffer;
  folder: BackupFolder;
  backup: CheckedBackup;
  /** Deletes what is there. */
  replace: boolean;
  progress: Progress;
  log: Log;
}

export interface RestoredBackup {
  rows: number;
  files: { copied: number; there: number; lost: number };
  broadcasts: number;
  mails: number;
  invitations: number;
  /** Contacts whose key an erasure has destroyed since the backup, and those whose key is missing for another reason. */
  erased: number;
  keyless: number;
}

const rowsAtOnce = 1_000;

/**
 * Restores a backup that was checked. Killed at any point, it is to be run again: until it has ended no service starts on the
 * data.
 * @throws StartError
 */
export async function restoreBackup(request: RestoreRequest): Promise<RestoredBackup> {
  const { databases, folder, log } = request;
  const lock = await NodeLock.acquire(databases.keyring, databases.revive, log);
  const main = new DataSource(mainDatabaseOptions(databases.main));
  const keyring = keyringDatabase(databases.keyring);
  let storage: Storage | undefined;
  try {
    await main.initialize();
    await keyring.initialize();
    storage = await openStorage(request.config);
    const mode = await prepare(request, main, keyring);
    return await restore(request, { main, keyring, storage, mode });
  } catch (error) {
    throw sourceFailure(folderFailure(folder.path, dataFailure(request.config.dataDir, error), 'read'));
  } finally {
    storage?.close();
    if (main.isInitialized) await main.destroy();
    if (keyring.isInitialized) await keyring.destroy();
    await lock.release();
  }
}

/** Sees to it that there is room for the backup, and clears the main database. */
async function prepare(request: RestoreRequest, main: DataSource, keyring: DataSource): Promise<KeyringMode> {
  const { config, masterKey, backup, replace } = request;
  const state = await mainState(main);
  requireEmptyTarget(state, { replace });
  await keyring.runMigrations();
  const mode =
    state.holds === 'interrupted'
      ? state.keyring
      : await RestoredKeyring.modeFor(keyring, epochFileOf(config), { masterKey, copy: backup.keyring, replace });
  await clearMain(main, mode);
  return mode;
}

async function restore(
  { config, databases, masterKey, folder, backup, progress }: RestoreRequest,
  { main, keyring, storage, mode }: { main: DataSource; keyring: DataSource; storage: Storage; mode: KeyringMode },
): Promise<RestoredBackup> {
  const { manifest, pool } = backup;
  // First of all the ledger, so that no key of an erased person is there for a moment.
  const keys = await RestoredKeyring.open(keyring, config, { masterKey, copy: backup.keyring, mode });
  await migrate(databases.main, (name) => manifest.migrations.includes(name) && !isOfFunctions(name));
  const tables = folder.databaseFolder(manifest.name);
  await loadTables(databases.main, tables, manifest, (share) => progress('database', share));
  progress('keyring', 0);
  await keys.take(main);
  progress('keyring', 1);
  await migrate(databases.main);
  const files = await restoreFiles(main, { storage, pool, progress });
  const kept = await finish(main, keys);
  return {
    rows: manifest.tables.reduce((sum, { rows }) => sum + rows, 0),
    files,
    ...kept,
    ...(await contactsWithoutKey(main, keyring, keys)),
  };
}

/** Copies the files that rows name, and removes what is in the storage without a row. */
async function restoreFiles(
  main: DataSource,
  { storage, pool, progress }: { storage: Storage; pool: ObjectPool; progress: Progress },
): Promise<RestoredBackup['files']> {
  const files = { copied: 0, there: 0, lost: 0 };
  const stored = new StoredNames(storage);
  const all = await countObjects(main);
  let done = 0;
  for await (const ids of namedObjects(main)) {
    for (const id of ids) {
      progress('files', Math.min(1, done++ / (all || 1)));
      const name = await pool.find(id);
      if (await stored.has(id)) files.there++;
      else if (name === undefined) files.lost++;
      else {
        await storage.write(id, pool.read(name));
        files.copied++;
      }
    }
  }
  let names: string[] = [];
  const removeStray = async () => {
    const named = await namedAmong(main, names);
    for (const name of names) if (!named.has(name)) await storage.remove(name);
    names = [];
  };
  for await (const name of storage.list('', '~')) if (names.push(name) === rowsAtOnce) await removeStray();
  await removeStray();
  progress('files', 1);
  return files;
}

/** Keeps what was under way when the backup was made from being done a second time, and lets services start again. */
function finish(
  main: DataSource,
  keys: RestoredKeyring,
): Promise<Pick<RestoredBackup, 'broadcasts' | 'mails' | 'invitations'>> {
  return main.transaction(async (manager) => {
    await manager.query('SET LOCAL statement_timeout = 0');
    const broadcasts = await holdBroadcasts(manager);
    const mails = await holdMails(manager);
    const invitations = await revokeWithoutKeys(manager, (ids) => keys.present('contact', ids));
    await manager.query(`DROP TABLE ${restoreMarker}`);
    return { broadcasts, mails, invitations };
  });
}

async function contactsWithoutKey(
  main: DataSource,
  keyring: DataSource,
  keys: RestoredKeyring,
): Promise<Pick<RestoredBackup, 'erased' | 'keyless'>> {
  let last: string = NIL;
  let [erased, keyless] = [0, 0];
  for (;;) {
    const rows = await main.query<{ id: string }[]>('SELECT id FROM contact WHERE id > $1 ORDER BY id LIMIT $2', [
      last,
      rowsAtOnce,
    ]);
    const there = await keys.present(
      'contact',
      rows.map(({ id }) => id),
    );
    const gone = rows.filter(({ id }) => !there.has(id)).map(({ id }) => id);
    const [{ named }] = await keyring.query<[{ named: number }]>(
      `SELECT count(*)::integer AS named FROM erased WHERE scope = 'contact' AND id = ANY ($1::uuid[])`,
      [gone],
    );
    erased += named;
    keyless += gone.length - named;
    if (rows.length < rowsAtOnce) return { erased, keyless };
    last = rows.at(-1)!.id;
  }
}
