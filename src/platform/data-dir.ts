import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from './config.js';
import { StartError } from './start-error.js';

/**
 * Keeps a command that only looks from making a new installation in a folder that was mistyped.
 * @throws StartError when no service has run with this DATA_DIR
 */
export async function requireData({ dataDir }: Pick<Config, 'dataDir'>): Promise<void> {
  try {
    // Every service has it, also one with a PostgreSQL and a master key that are kept elsewhere.
    await access(join(dataDir, 'keys', 'epoch.key'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') {
      throw new StartError(`The data directory ${dataDir} cannot be read: run this as the user of the service.`);
    }
    throw new StartError(
      `There is no Colloquio data in ${dataDir}: set DATA_DIR as for the service, or start the service once.`,
    );
  }
}
