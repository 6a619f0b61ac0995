import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BoundedCache } from '../platform/bounded-cache.js';
import { StartError } from '../platform/start-error.js';
import { syncFolder } from '../platform/vault/key-files.js';

/** Objects are made in the order of their names, so a folder holds those of 2^24 ms (4.7 hours). */
const folderLetters = 6;
const unfinished = '.part';
/** Names of objects. Other files, such as those of a file browser, are left alone. */
const objectName = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9a-f]{64}$/;
const foldersRemembered = 64;

/**
 * The files of all backups in a folder. An object is written once and never changes, so one that is there is not copied again;
 * its name says which bytes it has.
 */
export class ObjectPool {
  /** Names by id, of the folders that were looked into last. */
  private readonly folders = new BoundedCache<string, Map<string, string>>(foldersRemembered);

  constructor(private readonly root: string) {}

  /** Tells if the folder of files was copied along; a backup makes it in any case. */
  async isThere(): Promise<boolean> {
    return stat(this.root).then(
      () => true,
      () => false,
    );
  }

  /** The name of an object's file; undefined when there is none. */
  async find(id: string): Promise<string | undefined> {
    return (await this.folder(id.slice(0, folderLetters))).get(id);
  }

  async write(id: string, source: AsyncIterable<Buffer>): Promise<void> {
    const letters = id.slice(0, folderLetters);
    const folder = join(this.root, letters);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const part = join(folder, id + unfinished);
    const hash = createHash('sha256');
    const handle = await open(part, 'w', 0o600);
    try {
      for await (const piece of source) {
        hash.update(piece);
        await handle.writeFile(piece);
      }
      await handle.sync();
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
    const name = `${id}.${hash.digest('hex')}`;
    await rename(part, join(folder, name));
    await syncFolder(join(folder, name));
    this.folders.get(letters)?.set(id, name);
  }

  /**
   * The bytes of an object, compared with its name when they have been read.
   * @throws StartError when they are others
   */
  async *read(name: string): AsyncGenerator<Buffer, void, undefined> {
    const path = this.pathOf(name);
    const hash = createHash('sha256');
    for await (const piece of createReadStream(path, { highWaterMark: readAtOnce })) {
      hash.update(piece as Buffer);
      yield piece as Buffer;
    }
    if (name.slice(name.indexOf('.') + 1) === hash.digest('hex')) return;
    throw new StartError(
      `${path} is damaged: its bytes are not those that were backed up. Replace it from another copy of the folder, or remove it to restore without it.`,
    );
  }

  /** The ids of all objects, a folder at a time. */
  async *all(): AsyncGenerator<string[], void, undefined> {
    for (const letters of (await list(this.root)).sort()) yield [...(await this.folder(letters)).keys()];
  }

  async remove(id: string): Promise<void> {
    const name = await this.find(id);
    if (name !== undefined) await rm(this.pathOf(name), { force: true });
    const letters = id.slice(0, folderLetters);
    this.folders.get(letters)?.delete(id);
    // The last one of its folder takes it along.
    await rmdir(join(this.root, letters)).catch(() => undefined);
  }

  /** Makes the folder, and removes what an interrupted backup has left half written. */
  async tidy(): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o700 });
    for (const letters of await list(this.root)) {
      const parts = (await list(join(this.root, letters))).filter((name) => name.endsWith(unfinished));
      for (const part of parts) await rm(join(this.root, letters, part), { force: true });
    }
  }

  private pathOf(name: string): string {
    return join(this.root, name.slice(0, folderLetters), name);
  }

  private async folder(letters: string): Promise<Map<string, string>> {
    let names = this.folders.get(letters);
    if (!names) {
      const files = (await list(join(this.root, letters))).filter((name) => objectName.test(name));
      names = new Map(files.map((name) => [name.slice(0, name.indexOf('.')), name]));
      this.folders.set(letters, names);
    }
    return names;
  }
}

const readAtOnce = 256 * 1024;

/** Names in a folder; none if it is not there. */
async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}
