import { v7 as uuid } from 'uuid';
import type { Shop, World } from './world.js';

/** Contacts in the database alone: who has no key has no name, and gets what is written to all. */
export async function crowd(world: World, shop: Shop, size: number): Promise<string[]> {
  const ids = Array.from({ length: size }, () => uuid());
  await world.rows(
    `INSERT INTO contact (subscriber_id, id, interlocutor_id, identity, promotions, privacy_version, joined_at, updated_at)
     SELECT $1, id, gen_random_uuid(), '\\x00', true, 1, now() - interval '1 hour', now() FROM unnest($2::uuid[]) AS id`,
    [shop.id, ids],
  );
  await world.rows(
    `INSERT INTO conversation (subscriber_id, id, changed_at) SELECT $1, id, now() FROM unnest($2::uuid[]) AS id`,
    [shop.id, ids],
  );
  return ids;
}

/** Takes them away again, with what they got. Without keys and watermarks they would be gaps in the lists of conversations. */
export async function disperse(world: World, ids: string[]): Promise<void> {
  for (const [table, column] of [
    ['message', 'conversation_id'],
    ['broadcast_recipient', 'contact_id'],
    ['conversation', 'id'],
    ['contact', 'id'],
  ]) {
    await world.rows(`DELETE FROM ${table} WHERE ${column} = ANY ($1::uuid[])`, [ids]);
  }
}
