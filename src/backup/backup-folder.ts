import { mkdir, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { StartError } from '../platform/start-error.js';
import { createPrivateFile, isRemainOf, shredRemains, syncFolder } from '../platform/vault/key-files.js';
import { folderFailure } from './failures.js';
import type { SignedManifest } from './manifest.js';

const markerName = 'colloquio-backups.json';
const manifestName = 'manifest.json';
/** Entries that a disk may have at its root, and that hide nothing of anybody's. */
const harmless = ['lost+found', '.DS_Store', 'System Volume Information', '.snapshot'];
/** Names of backups of the main database. Folders of other names are somebody else's, and left alone. */
const backupName = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d$/;
const nameOf = (time: number) => new Date(time).toISOString().slice(0, 19).replaceAll(':', '-');
/** Start of the second that a name tells. */
const secondOf = (name: string) => Date.parse(`${name.slice(0, 11)}${name.slice(11).replaceAll('-', ':')}Z`);

interface Marker {
  format: 1;
  about: string;
  /** Recognises the installation, and says nothing else of it. */
  installation: string;
}

const about =
  'Backups of Colloquio. npm run restore -- FOLDER restores one. The master key is not in here, and without it nobody can read them. See docs/operations.md.';

/**
 * A folder that holds backups of one installation: any number of the main database, the latest state of the keyring, and the
 * files of all of them.
 *
 *     colloquio-backups.json        says that it is one
 *     databases/<time>/             the main database: a file for each table, and manifest.json, written last
 *     keyring.copy                  wrapped keys, the sealed epoch key and the ledger of erasures
 *     files/<xxxxxx>/<id>.<sha256>  sealed objects
 */
export class BackupFolder {
  private constructor(
    readonly path: string,
    private readonly marker: Marker | undefined,
  ) {}

  /**
   * Opens a folder to back up into; it is made if it is not there.
   * @throws StartError when it is inside of the data directory, or holds something else
   */
  static async toWrite(path: string, dataDir: string): Promise<BackupFolder> {
    const folder = await realpathOfNew(resolve(path));
    if (isWithin(folder, await realpathOfNew(dataDir))) {
      throw new StartError(
        `${folder} is inside of the data directory: what happens to the one happens to the other. Name a folder elsewhere, best on another disk.`,
      );
    }
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const marker = await readMarker(folder);
      const others = (await readdir(folder)).filter(
        (name) => !harmless.includes(name) && !isRemainOf(markerName, name),
      );
      if (!marker && others.length > 0) {
        throw new StartError(`${folder} holds something else than backups of Colloquio: name a new or empty folder.`);
      }
      return new BackupFolder(folder, marker);
    } catch (error) {
      throw folderFailure(folder, error, 'written');
    }
  }

  /** @throws StartError when there are no backups in it */
  static async toRead(path: string): Promise<BackupFolder> {
    const folder = resolve(path);
    try {
      const marker = await readMarker(folder);
      if (!marker) throw new StartError(`There are no backups of Colloquio in ${folder}: correct the path.`);
      return new BackupFolder(folder, marker);
    } catch (error) {
      throw folderFailure(folder, error, 'read');
    }
  }

  get keyringFile(): string {
    return join(this.path, 'keyring.copy');
  }

  get filesFolder(): string {
    return join(this.path, 'files');
  }

  databaseFolder(name: string): string {
    return join(this.path, 'databases', name);
  }

  /**
   * Keeps the backups of two installations apart, and removes the remains of an interrupted backup.
   * @throws StartError when it holds the backups of another installation
   */
  async prepare(installation: string): Promise<void> {
    let { marker } = this;
    if (!marker) {
      await shredRemains(join(this.path, markerName));
      marker = { format: 1, about, installation };
      const made = await createPrivateFile(join(this.path, markerName), `${JSON.stringify(marker, null, 2)}\n`);
      // Another installation was faster.
      if (!made) marker = await readMarker(this.path);
    }
    if (marker?.installation !== installation) {
      throw new StartError(
        `${this.path} holds the backups of another installation, whose keyring would be lost: name another folder.`,
      );
    }
    await shredRemains(this.keyringFile);
    for (const name of await this.halves()) await this.remove(name);
  }

  /**
   * Makes the folder of a new backup of the main database, which is half a one until it has its manifest. Its name comes behind
   * all others, also when the clock was set back: the latest backup is told by it, and the oldest ones, which go.
   */
  async begin(takenAt: Date): Promise<string> {
    const latest = (await this.entries()).at(-1);
    const name = nameOf(Math.max(takenAt.getTime(), latest === undefined ? 0 : secondOf(latest) + 1_000));
    await mkdir(this.databaseFolder(name), { recursive: true, mode: 0o700 });
    return name;
  }

  /** Makes a backup a whole one. */
  async complete(manifest: SignedManifest): Promise<void> {
    const folder = this.databaseFolder(manifest.name);
    await syncFolder(join(folder, manifestName));
    await syncFolder(folder);
    await createPrivateFile(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
  }

  /** Whole backups of the main database, the oldest first. */
  async names(): Promise<string[]> {
    return this.select(async (name) => (await readdir(this.databaseFolder(name))).includes(manifestName));
  }

  /**
   * The description of a backup; the latest one without a name.
   * @throws StartError when there is none, or only half a one
   */
  async manifest(name?: string): Promise<SignedManifest> {
    const names = await this.names();
    if (name !== undefined && !names.includes(name)) {
      const half = (await this.halves()).includes(name);
      throw new StartError(
        half
          ? `${name} is half a backup: it was interrupted, or is still being made. ${offered(names)}`
          : `There is no backup ${name} in ${this.path}. ${offered(names)}`,
      );
    }
    const wanted = name ?? names.at(-1);
    if (wanted === undefined) throw new StartError(`There is no whole backup in ${this.path}.`);
    const path = join(this.databaseFolder(wanted), manifestName);
    try {
      const manifest = JSON.parse(await readFile(path, 'utf8')) as SignedManifest;
      if (manifest.format === 1 && manifest.name === wanted) return manifest;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    throw new StartError(
      `${path} is damaged: restore another backup. ${offered(names.filter((each) => each !== wanted))}`,
    );
  }

  /** Removes all but the latest backups of the main database. */
  async keepLatest(count: number): Promise<number> {
    const old = (await this.names()).slice(0, -count);
    for (const name of old) await this.remove(name);
    return old.length;
  }

  /** The manifest goes first, so that what an interruption leaves is half a backup. */
  async remove(name: string): Promise<void> {
    await rm(join(this.databaseFolder(name), manifestName), { force: true });
    await rm(this.databaseFolder(name), { recursive: true, force: true });
  }

  private halves(): Promise<string[]> {
    return this.select(async (name) => !(await readdir(this.databaseFolder(name))).includes(manifestName));
  }

  private async select(which: (name: string) => Promise<boolean>): Promise<string[]> {
    const selected: string[] = [];
    for (const name of await this.entries()) if (await which(name)) selected.push(name);
    return selected;
  }

  private async entries(): Promise<string[]> {
    const entries = await readdir(join(this.path, 'databases'), { withFileTypes: true }).catch(ifMissing([]));
    return entries
      .filter((entry) => entry.isDirectory() && backupName.test(entry.name))
      .map(({ name }) => name)
      .sort();
  }
}

function offered(names: string[]): string {
  return names.length > 0 ? `There are: ${names.join(', ')}.` : 'There is no other one.';
}

async function readMarker(folder: string): Promise<Marker | undefined> {
  const text = await readFile(join(folder, markerName), 'utf8').catch(ifMissing(undefined));
  if (text === undefined) return undefined;
  try {
    const marker = JSON.parse(text) as Marker;
    if (marker.format === 1) return marker;
  } catch {
    // Falls through: it is no marker.
  }
  throw new StartError(
    `${join(folder, markerName)} is damaged, or of a newer release of Colloquio: update, or take another copy of the folder.`,
  );
}

/** The real path of a folder that need not be there yet. */
async function realpathOfNew(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path)
      throw folderFailure(path, error, 'read');
    return join(await realpathOfNew(dirname(path)), relative(dirname(path), path));
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder + sep);
}

function ifMissing<Value>(value: Value) {
  return (error: NodeJS.ErrnoException): Value => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}
