import { join } from 'node:path';
import type { Config } from '../config.js';
import { DiskStorage } from './disk-storage.js';
import type { Storage } from './storage.js';

/** Opens the storage of the settings. The SDK of S3 is loaded only where it is used. */
export async function openStorage({ dataDir, s3 }: Pick<Config, 'dataDir' | 's3'>): Promise<Storage> {
  if (!s3) return DiskStorage.open(join(dataDir, 'files'));
  const { S3Storage } = await import('./s3-storage.js');
  return new S3Storage(s3);
}
