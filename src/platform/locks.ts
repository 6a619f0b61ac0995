import type { EntityManager } from 'typeorm';

/**
 * Holds keyed hashes until the transaction ends, in one order everywhere, so that what concerns one address is done one
 * after the other. Two hashes that begin alike only wait for each other.
 */
export async function holdHashes(manager: EntityManager, hashes: readonly Buffer[]): Promise<void> {
  const keys = new Set(hashes.map((hash) => hash.readBigInt64BE(0)));
  for (const key of [...keys].sort((a, b) => (a < b ? -1 : 1))) {
    await manager.query('SELECT pg_advisory_xact_lock($1)', [key.toString()]);
  }
}
