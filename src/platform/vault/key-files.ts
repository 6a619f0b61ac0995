import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, type FileHandle, link, mkdir, open as openFile, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StartError } from '../start-error.js';

/** Writes a file that only its owner may read, unless it exists: then it is left alone and false is returned. */
export async function createPrivateFile(path: string, content: string): Promise<boolean> {
  const draft = await writeDraft(path, content);
  try {
    await link(draft, path);
    await syncFolder(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * Puts a new content in the place of a private file, then overwrites the bytes of the old one. After a crash at any
 * point the path holds either content whole, and {@link shredRemains} finds the other. (What a journal or a flash drive
 * keeps of old blocks is beyond a file API; SECURITY.md says so.)
 */
export async function replacePrivateFile(path: string, content: Content): Promise<void> {
  const draft = await writeDraft(path, content);
  // The old bytes keep a name until they are overwritten; where a file has one name only, such as on a USB stick, a handle.
  const old = draftOf(path);
  const handle = await link(path, old).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' && !withoutLinks.includes(error.code ?? '')) throw error;
      return openFile(path, constants.O_RDWR).catch(ifMissing(undefined));
    },
  );
  try {
    await rename(draft, path);
    await syncFolder(path);
    if (handle) await overwrite(handle);
  } finally {
    await handle?.close();
  }
  await shred(old).catch(ifMissing(undefined));
  await syncFolder(path);
}

/** Codes by which file systems say that a file cannot have a second name. */
const withoutLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

type Content = string | AsyncIterable<string | Buffer>;

/** Overwrites and removes what a crash has left beside a private file. Only for who alone writes that file. */
export async function shredRemains(path: string): Promise<void> {
  const folder = dirname(path);
  const remains = await readdir(folder).catch(ifMissing([]));
  for (const name of remains) if (isDraft(name, basename(path))) await shred(join(folder, name));
  await syncFolder(path).catch(ifMissing(undefined));
}

/** Overwrites and removes a private file, if it is there. */
export async function shredFile(path: string): Promise<void> {
  await shred(path).catch(ifMissing(undefined));
  await syncFolder(path).catch(ifMissing(undefined));
}

/**
 * The text of a file, or undefined when there is none.
 * @throws StartError when it is there and cannot be read
 */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8').catch(ifMissing(undefined));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(`${path} cannot be read (${code}): let the user of the service read it.`);
  }
}

async function shred(path: string): Promise<void> {
  const file = await openFile(path, constants.O_RDWR);
  try {
    // With another name it is the file itself, on its way there or back.
    if ((await file.stat()).nlink === 1) await overwrite(file);
  } finally {
    await file.close();
  }
  await rm(path);
}

const overwrittenAtOnce = 1024 * 1024;

async function overwrite(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  for (let at = 0; at < size; at += overwrittenAtOnce) {
    const length = Math.min(overwrittenAtOnce, size - at);
    await file.write(randomBytes(length), 0, length, at);
  }
  await file.sync();
}

const draftOf = (path: string) => `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
const isDraft = (name: string, of: string) =>
  name.startsWith(`${of}.`) && /^\d+\.[0-9a-f]{8}$/.test(name.slice(of.length + 1));

async function writeDraft(path: string, content: Content): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = draftOf(path);
  const file = await openFile(draft, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await chmod(draft, 0o600);
  return draft;
}

/** A rename is durable only when the folder of the path is (Windows has no such call and needs none). */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await openFile(dirname(path), constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** For `.catch`: a missing file has this value, any other failure stays one. */
function ifMissing<Value>(value: Value) {
  return (error: NodeJS.ErrnoException): Value => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}
