import { join } from 'node:path';
import type { Config } from '../config.js';
import { DiskStorage } from './disk-storage.js';
import type { Storage } from './storage.js';

/** Opens the storage of the settings. */
export function openStorage({ dataDir }: Config): Promise<Storage> {
  return DiskStorage.open(join(dataDir, 'files'));
}
