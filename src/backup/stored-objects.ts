import type { DataSource } from 'typeorm';
import { NIL } from 'uuid';
import { BoundedCache } from '../platform/bounded-cache.js';
import type { Storage } from '../platform/storage/storage.js';

const rowsAtOnce = 1_000;
const groupsRemembered = 64;
const groupLetters = 6;

const walkQuery = `
  SELECT subscriber_id AS "subscriberId", id FROM attachment_object
  WHERE (subscriber_id, id) > ($1, $2) ORDER BY subscriber_id, id LIMIT $3`;

/** The ids of the objects that rows name, in slices. */
export async function* namedObjects(database: DataSource): AsyncGenerator<string[], void, undefined> {
  let last = { subscriberId: NIL, id: NIL };
  for (;;) {
    const rows = await database.query<(typeof last)[]>(walkQuery, [last.subscriberId, last.id, rowsAtOnce]);
    if (rows.length > 0) yield rows.map(({ id }) => id);
    if (rows.length < rowsAtOnce) return;
    last = rows.at(-1)!;
  }
}

/** The ids among some that a row names. */
export async function namedAmong(database: DataSource, ids: readonly string[]): Promise<Set<string>> {
  const named = new Set<string>();
  for (let start = 0; start < ids.length; start += rowsAtOnce) {
    const rows = await database.query<{ id: string }[]>(
      'SELECT id FROM attachment_object WHERE id = ANY ($1::uuid[])',
      [ids.slice(start, start + rowsAtOnce)],
    );
    for (const { id } of rows) named.add(id);
  }
  return named;
}

export async function countObjects(database: DataSource): Promise<number> {
  const [row] = await database.query<[{ count: number }]>('SELECT count(*)::float8 AS count FROM attachment_object');
  return row.count;
}

/** Finds out which objects a storage has, by listing them in the order of their times. */
export class StoredNames {
  private readonly groups = new BoundedCache<string, Set<string>>(groupsRemembered);

  constructor(private readonly storage: Storage) {}

  async has(id: string): Promise<boolean> {
    const letters = id.slice(0, groupLetters);
    let names = this.groups.get(letters);
    if (!names) {
      names = new Set();
      for await (const name of this.storage.list(letters, `${letters}~`)) names.add(name);
      this.groups.set(letters, names);
    }
    return names.has(id);
  }
}
