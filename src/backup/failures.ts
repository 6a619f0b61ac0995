import { resolve, sep } from 'node:path';
import { databaseTrouble, databaseTroubles } from '../platform/database-failures.js';
import { StartError } from '../platform/start-error.js';
import { StorageFailure } from '../platform/storage/storage.js';

const reasons: Record<string, string> = {
  ENOSPC: 'its disk is full: free some space on it',
  EDQUOT: 'the quota of its disk is used up: free some space',
  EFBIG: 'its file system takes no file of this size: use another one',
  EROFS: 'it is on a read-only file system: mount it for writing, or name another folder',
  EACCES: 'this user may not: run the command as the user of the service, and let that user write there',
  EPERM: 'this user may not: run the command as the user of the service, and let that user write there',
  ENOTDIR: 'a part of its path is a file: name another folder',
  EIO: 'its disk fails: name a folder on another one',
};

/** Words for the failure of a backup folder, or the error itself if it tells of something else. */
export function folderFailure(folder: string, error: unknown, what: 'read' | 'written'): unknown {
  const reason = reasonWithin(folder, error);
  return reason ? new StartError(`The backup folder ${folder} cannot be ${what}: ${reason}.`) : error;
}

/** Words for the failure of the data directory, likewise. */
export function dataFailure(dataDir: string, error: unknown): unknown {
  const reason = reasonWithin(dataDir, error);
  return reason ? new StartError(`The data directory ${dataDir} cannot be used: ${reason}.`) : error;
}

function reasonWithin(folder: string, error: unknown): string | undefined {
  const { code, syscall, path = folder } = error as NodeJS.ErrnoException;
  const [where, there] = [resolve(path) + sep, resolve(folder) + sep];
  if (typeof syscall !== 'string' || !(where.startsWith(there) || there.startsWith(where))) return undefined;
  return code === undefined ? undefined : reasons[code];
}

/** Words for the failure of a database or of the storage of files, or the error itself if it tells of something else. */
export function sourceFailure(error: unknown): unknown {
  if (error instanceof StorageFailure) {
    return new StartError(
      error.code === 'full'
        ? 'The storage of files is full: make room in it, and run this again.'
        : 'The storage of files cannot be used: let this user read and write DATA_DIR/files, or correct the settings S3_….',
    );
  }
  const trouble = error instanceof StartError ? undefined : databaseTrouble(error);
  return trouble ? new StartError(`${databaseTroubles[trouble].log} Run this again after that.`) : error;
}
