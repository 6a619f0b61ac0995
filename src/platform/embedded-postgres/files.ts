import { createHash } from 'node:crypto';
import { type FileHandle, chmod, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type User, onWindows } from './system.js';

/** Folder of the machine, not of a data folder: root puts files there that another user must be able to reach. */
export const systemFolder = '/var/lib/colloquio';

export async function makeSystemFolder(path = systemFolder): Promise<void> {
  for (const folder of new Set([systemFolder, path])) {
    if (await mkdir(folder, { recursive: true })) await chmod(folder, 0o755);
  }
}

/** An empty file, surely a new one and no link, which the user of a folder could have put there for root to follow. */
export async function createFile(path: string, user?: User): Promise<FileHandle> {
  await rm(path, { force: true });
  const file = await open(path, 'wx', 0o600);
  if (user) await file.chown(user.uid, user.gid);
  return file;
}

/** After a crash at any point the path holds either content whole. */
export async function replaceFile(path: string, content: string, user?: User): Promise<void> {
  const draft = await createFile(`${path}.new`, user);
  try {
    await draft.writeFile(content);
    await draft.sync();
  } finally {
    await draft.close();
  }
  await rename(`${path}.new`, path);
  await syncFolder(dirname(path));
}

/** A rename or a new name survives a power cut only when its folder is written too. */
export async function syncFolder(path: string): Promise<void> {
  if (onWindows) return;
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

export function shortHash(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 16);
}

/** Name that the processes of a cluster show in their titles. */
export function clusterName(dir: string): string {
  return `colloquio-${shortHash(dir)}`;
}

/** For `.catch`: a missing file has this value, any other failure stays one. */
export function ifMissing<T>(value: T) {
  return (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}
