import type { EntityManager } from 'typeorm';

/**
 * Locks keyed hashes until the transaction ends, in one order everywhere, so that transactions about one address run one
 * after the other. Two hashes that begin alike only wait for each other.
 */
export async function lockHashes(manager: EntityManager, hashes: readonly Buffer[]): Promise<void> {
  const keys = new Set(hashes.map((hash) => hash.readBigInt64BE(0)));
  for (const key of [...keys].sort((a, b) => (a < b ? -1 : 1))) {
    await manager.query('SELECT pg_advisory_xact_lock($1)', [key.toString()]);
  }
}
