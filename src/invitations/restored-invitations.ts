import type { EntityManager } from 'typeorm';
import { NIL } from 'uuid';

const walkedAtOnce = 1_000;

/**
 * Revokes the invitations of a restored backup whose keys are gone: since it was made they were revoked or declined, or they
 * ran out.
 * @param present gives the ids among some that have a key
 * @returns how many that were
 */
export async function revokeWithoutKeys(
  manager: EntityManager,
  present: (ids: string[]) => Promise<Set<string>>,
): Promise<number> {
  let last: string = NIL;
  let revoked = 0;
  for (;;) {
    const rows = await manager.query<{ id: string }[]>(
      `SELECT id FROM invitation WHERE id > $1 AND kind = 'personal' AND uses = 0 AND revoked_at IS NULL AND stopped_at IS NULL
       ORDER BY id LIMIT $2`,
      [last, walkedAtOnce],
    );
    const there = await present(rows.map(({ id }) => id));
    const gone = rows.filter(({ id }) => !there.has(id)).map(({ id }) => id);
    await manager.query(
      `UPDATE invitation SET revoked_at = now(), email = NULL, email_hash = NULL, line_hash = NULL, suggestion = NULL
       WHERE id = ANY ($1::uuid[])`,
      [gone],
    );
    revoked += gone.length;
    if (rows.length < walkedAtOnce) return revoked;
    last = rows.at(-1)!.id;
  }
}
