import { RetentionRuns } from '../../src/retention/retention-runs.service.js';
import type { World } from './world.js';

/** Deletes what a business has of messages from before a time, as a run of its retention would in the night of a later year. */
export async function expireBefore(world: World, subscriberId: string, cutoff: Date): Promise<void> {
  await world.rows(
    `UPDATE subscriber SET retention_months = 1, retention_from = now() - interval '1 day' WHERE subscriber_id = $1`,
    [subscriberId],
  );
  await world.rows(
    `INSERT INTO retention_run (subscriber_id, id, months, cutoff, started_at)
     VALUES ($1, gen_random_uuid(), 1, $2, now())`,
    [subscriberId, cutoff],
  );
  await proceedWithRetention(world, subscriberId);
  await world.rows('UPDATE subscriber SET retention_months = NULL, retention_from = NULL WHERE subscriber_id = $1', [
    subscriberId,
  ]);
}

/** Takes a run that has begun to its end. */
export async function proceedWithRetention(world: World, subscriberId: string): Promise<void> {
  const isUnderWay = async () => {
    const query = 'SELECT FROM retention_run WHERE subscriber_id = $1 AND finished_at IS NULL';
    return (await world.rows(query, [subscriberId])).length > 0;
  };
  const runs = world.service.app.get(RetentionRuns);
  while (await isUnderWay()) await runs.proceed();
}
