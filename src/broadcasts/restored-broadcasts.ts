import type { EntityManager } from 'typeorm';

/**
 * Has the broadcasts of a restored backup held when they are due: since the backup was made they may have been sent, edited or
 * cancelled, so the business decides.
 * @returns how many that concerns
 */
export async function holdRestored(manager: EntityManager): Promise<number> {
  const [, count] = await manager.query<[unknown, number]>(
    `UPDATE broadcast SET not_after = now() WHERE state IN ('scheduled', 'running')`,
  );
  return count;
}
