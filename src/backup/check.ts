import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { mainMigrations } from '../../migrations/main/index.js';
import { StartError } from '../platform/start-error.js';
import type { BackupFolder } from './backup-folder.js';
import { folderFailure } from './failures.js';
import { KeyringCopy } from './keyring-copy.js';
import { isGenuine, type Manifest } from './manifest.js';
import { ObjectPool } from './object-pool.js';
import type { Progress } from './progress.js';
import { fileOf } from './snapshot.js';
import { isOfFunctions, nameOf } from './target.js';

export interface CheckedBackup {
  manifest: Manifest;
  keyring: KeyringCopy;
  pool: ObjectPool;
}

/**
 * Reads a backup from end to end, before anything is touched that it is to be restored to.
 * @param name the latest one without it
 * @throws StartError when it is half a one, damaged, of a newer release, or not opened by this master key
 */
export async function checkBackup(
  folder: BackupFolder,
  { name, masterKey, progress }: { name: string | undefined; masterKey: Buffer; progress: Progress },
): Promise<CheckedBackup> {
  try {
    const manifest = await folder.manifest(name);
    requireKnownSchema(manifest);
    const keyring = await KeyringCopy.open(folder.keyringFile, masterKey);
    if (!isGenuine(manifest, keyring.serviceKey)) {
      throw new StartError(
        `${folder.databaseFolder(manifest.name)} was changed, or belongs to another keyring than ${folder.keyringFile}: restore another backup.`,
      );
    }
    await checkTables(folder, manifest, (share) => progress('check', share));
    const pool = new ObjectPool(folder.filesFolder);
    await checkFiles(folder, manifest, pool, progress);
    return { manifest, keyring, pool };
  } catch (error) {
    throw folderFailure(folder.path, error, 'read');
  }
}

function requireKnownSchema({ migrations, version, name }: Manifest): void {
  const known = new Set(mainMigrations.map(nameOf));
  if (migrations.every((each) => known.has(each) || isOfFunctions(each))) return;
  throw new StartError(
    `${name} was made by a newer release of Colloquio (${version}): update to that one, and restore then.`,
  );
}

async function checkTables(
  folder: BackupFolder,
  { name, tables }: Manifest,
  show: (share: number) => void,
): Promise<void> {
  const all = tables.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  for (const table of tables) {
    const path = join(folder.databaseFolder(name), fileOf(table.name));
    const damaged = new StartError(
      `${path} is damaged or missing: restore another backup, or take another copy of the folder.`,
    );
    const { size } = await stat(path).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? damaged : error;
    });
    if (size !== table.bytes) throw damaged;
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), async function (pieces: AsyncIterable<Buffer>) {
      for await (const piece of pieces) {
        hash.update(piece);
        show((done += piece.length) / (all || 1));
      }
    });
    if (hash.digest('hex') !== table.sha256) throw damaged;
  }
}

async function checkFiles(
  folder: BackupFolder,
  { objects }: Manifest,
  pool: ObjectPool,
  progress: Progress,
): Promise<void> {
  if (objects > 0 && !(await pool.isThere())) {
    throw new StartError(
      `${folder.filesFolder} is missing, though there are ${objects} stored files in the backup: copy it here too. To restore without any file, make an empty folder of that name.`,
    );
  }
  let checked = 0;
  for await (const ids of pool.all()) {
    for (const id of ids) {
      const name = await pool.find(id);
      if (name === undefined) continue;
      for await (const _ of pool.read(name));
      progress('checkFiles', Math.min(1, ++checked / (objects || 1)));
    }
  }
  if (objects > 0) progress('checkFiles', 1);
}
