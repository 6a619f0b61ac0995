import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesAtOnce } from '../vault/sealed-files.js';
import { ObjectMissing, Storage, StorageFailure } from './storage.js';

/** Bytes that are gathered before they are written. */
const writtenAtOnce = 512 * 1024;
/** Folders hold the objects of 2^24 ms (4.7 hours) each, by the beginnings of their names. */
const folderLetters = 6;
const unfinished = '.part';
/** With less room than this, uploads and the database are about to fail. */
const leastFreeBytes = 64 * 1024 * 1024;

/** Objects as files under DATA_DIR/files, which only the service's own user can read. */
export class DiskStorage extends Storage {
  /** Numbers of files that are being made in folders, each of which must stay until its file is there. */
  private readonly filling = new Map<string, number>();
  /** Folders that are being taken away, if they are empty. */
  private readonly emptying = new Map<string, Promise<void>>();

  constructor(private readonly root: string) {
    super();
  }

  /** Makes the folder, and removes what a crash has left half written. Only one service uses it at a time. */
  static async open(root: string): Promise<DiskStorage> {
    await mkdir(root, { recursive: true, mode: 0o700 });
    for (const folder of await readdir(root)) {
      for (const name of await readdir(join(root, folder))) {
        if (name.endsWith(unfinished)) await rm(join(root, folder, name), { force: true });
      }
    }
    return new DiskStorage(root);
  }

  async write(name: string, source: AsyncIterable<Buffer>): Promise<void> {
    const folder = join(this.root, name.slice(0, folderLetters));
    const path = join(folder, name);
    const part = path + unfinished;
    try {
      const handle = await this.make(folder, part);
      try {
        await writeAll(handle, source);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(part, path);
      await syncFolder(folder);
    } catch (error) {
      await rm(part, { force: true }).catch(() => undefined);
      await rm(path, { force: true }).catch(() => undefined);
      throw asFailure(error);
    }
  }

  async *read(name: string, start: number, end: number): AsyncGenerator<Buffer, void, undefined> {
    const handle = await open(this.pathOf(name), constants.O_RDONLY).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new ObjectMissing(name);
      throw asFailure(error);
    });
    try {
      for (let at = start; at < end;) {
        const wanted = Math.min(bytesAtOnce, end - at);
        const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
        if (bytesRead === 0) return;
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }

  async remove(name: string): Promise<void> {
    try {
      await rm(this.pathOf(name), { force: true });
    } catch (error) {
      throw asFailure(error);
    }
    await this.removeEmpty(join(this.root, name.slice(0, folderLetters)));
  }

  async *list(after: string, before: string): AsyncGenerator<string, void, undefined> {
    const [first, last] = [after, before].map((name) => name.slice(0, folderLetters));
    for (const folder of (await readdir(this.root)).sort()) {
      if (folder < first! || folder > last!) continue;
      for (const file of await readdir(join(this.root, folder)).catch(() => [])) {
        if (!file.endsWith(unfinished) && file > after && file < before) yield file;
      }
    }
  }

  async check(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs(this.root);
      if (bavail * bsize < leastFreeBytes) throw new StorageFailure('full', undefined);
    } catch (error) {
      throw asFailure(error);
    }
  }

  private pathOf(name: string): string {
    return join(this.root, name.slice(0, folderLetters), name);
  }

  private async make(folder: string, path: string): Promise<FileHandle> {
    while (this.emptying.has(folder)) await this.emptying.get(folder);
    this.filling.set(folder, (this.filling.get(folder) ?? 0) + 1);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return await open(path, 'wx', 0o600);
    } finally {
      const left = this.filling.get(folder)! - 1;
      if (left === 0) this.filling.delete(folder);
      else this.filling.set(folder, left);
    }
  }

  /** The last object of a folder takes it along. */
  private async removeEmpty(folder: string): Promise<void> {
    while (this.emptying.has(folder)) await this.emptying.get(folder);
    if (this.filling.has(folder)) return;
    const removed = rmdir(folder).catch(() => undefined);
    this.emptying.set(folder, removed);
    await removed;
    this.emptying.delete(folder);
  }
}

/** Writes what was gathered while the next bytes come in. */
async function writeAll(handle: FileHandle, source: AsyncIterable<Buffer>): Promise<void> {
  let held: Buffer[] = [];
  let length = 0;
  let writing: Promise<void> = Promise.resolve();
  const flush = async () => {
    const pieces = held;
    [held, length] = [[], 0];
    await writing;
    writing = writePieces(handle, pieces);
    writing.catch(() => undefined);
  };
  try {
    for await (const piece of source) {
      held.push(piece);
      length += piece.length;
      if (length >= writtenAtOnce) await flush();
    }
    await flush();
  } finally {
    await writing;
  }
}

async function writePieces(handle: FileHandle, pieces: Buffer[]): Promise<void> {
  for (let left = pieces; left.length > 0;) {
    const { bytesWritten } = await handle.writev(left);
    left = behind(left, bytesWritten);
  }
}

/** A write may take less than it was given. */
function behind(pieces: Buffer[], written: number): Buffer[] {
  let left = written;
  for (const [index, piece] of pieces.entries()) {
    if (left < piece.length) return [piece.subarray(left), ...pieces.slice(index + 1)];
    left -= piece.length;
  }
  return [];
}

/** A rename lasts once its folder does. Windows cannot open folders, and needs no such thing. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const full = ['ENOSPC', 'EDQUOT', 'EFBIG'];
const away = ['EIO', 'EROFS', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENOENT', 'ENOTDIR', 'ESTALE', 'EBUSY', 'EEXIST'];

function asFailure(error: unknown): unknown {
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  if (full.includes(code)) return new StorageFailure('full', error);
  return away.includes(code) ? new StorageFailure('away', error) : error;
}
