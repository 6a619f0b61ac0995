import type { EntityManager } from 'typeorm';

/**
 * Keeps the mails of a restored backup from being sent, because most of them have been since it was made. The host sends
 * those that are still wanted with `npm run outbox -- --retry`.
 * @returns how many there are
 */
export async function holdRestored(manager: EntityManager): Promise<number> {
  const [, count] = await manager.query<[unknown, number]>(
    `UPDATE mail SET failure = 'restored', failed_at = now() WHERE failed_at IS NULL AND not_after > now()`,
  );
  return count;
}
