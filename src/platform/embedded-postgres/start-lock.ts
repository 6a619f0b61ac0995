import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { PostgresStartError } from './postgres-start-error.js';

/** Longer than the slowest start, which may recover from a crash. */
const defaultPatience = 660_000;
const sqliteBusy = 5;

/**
 * Does the work while no other process does it. Node has no file locks, but SQLite, which it contains, locks with those
 * of the system (fcntl, LockFileEx): they end with the process, even when it is killed, so none is ever left behind.
 */
export async function whileLocked<T>(path: string, work: () => Promise<T>, patience = defaultPatience): Promise<T> {
  const deadline = Date.now() + patience;
  let lock: DatabaseSync | undefined;
  try {
    while (!lock?.isTransaction) {
      try {
        lock ??= new DatabaseSync(path, { timeout: 0 });
        lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      } catch (cause) {
        const { errcode, message } = cause as { errcode?: number; message: string };
        if (errcode !== sqliteBusy) {
          throw new PostgresStartError(`${path} cannot be locked (${message}): remove it and start again.`, { cause });
        }
        if (Date.now() >= deadline) {
          throw new PostgresStartError(`Another start has held ${path} for minutes: end that process and start again.`);
        }
        await sleep(50);
      }
    }
    return await work();
  } finally {
    lock?.close();
  }
}
