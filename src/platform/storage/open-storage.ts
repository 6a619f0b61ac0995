import { join } from 'node:path';
import type { Config } from '../config.js';
import { DiskStorage } from './disk-storage.js';
import type { Storage } from './storage.js';

/** Opens the storage of the settings, for the one service that uses it. The SDK of S3 is loaded only where it is used. */
export async function openStorage(config: Pick<Config, 'dataDir' | 's3'>): Promise<Storage> {
  return config.s3 ? openStorageToRead(config) : DiskStorage.open(join(config.dataDir, 'files'));
}

/** Opens the storage beside a running service, whose half-written objects are left alone. */
export async function openStorageToRead({ dataDir, s3 }: Pick<Config, 'dataDir' | 's3'>): Promise<Storage> {
  if (!s3) return new DiskStorage(join(dataDir, 'files'));
  const { S3Storage } = await import('./s3-storage.js');
  return new S3Storage(s3);
}
