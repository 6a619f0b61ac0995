import { readFile } from 'node:fs/promises';
import { signBackup } from '../platform/vault/vault.js';

/** The rows of a table, as one file of a backup. */
export interface CopiedTable {
  name: string;
  columns: string[];
  rows: number;
  /** Size of the file, compressed. */
  bytes: number;
  sha256: string;
}

export interface CopiedSequence {
  name: string;
  value: string;
  called: boolean;
}

/** A backup of the main database, described. It is written last: a backup without one is only half there. */
export interface Manifest {
  format: 1;
  name: string;
  /** Time of the snapshot, ISO 8601. */
  takenAt: string;
  /** Release of Colloquio that made it. */
  version: string;
  /** Names, in the order of execution. */
  migrations: string[];
  tables: CopiedTable[];
  sequences: CopiedSequence[];
  /** Number of stored objects that its rows name. */
  objects: number;
}

export type SignedManifest = Manifest & { signature: string };

export function signed(manifest: Manifest, serviceKey: Buffer): SignedManifest {
  return { ...manifest, signature: signBackup(serviceKey, JSON.stringify(manifest)) };
}

/** Tells if a manifest was written by this installation and is as it was written. */
export function isGenuine({ signature, ...manifest }: SignedManifest, serviceKey: Buffer): boolean {
  return signature === signBackup(serviceKey, JSON.stringify(manifest));
}

/** The release of this service, from its package.json. */
export async function releaseVersion(): Promise<string> {
  const text = await readFile(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
