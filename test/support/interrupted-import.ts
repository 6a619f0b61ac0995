import { expect } from '@jest/globals';
import { Imports } from '../../src/imports/imports.service.js';
import { expectStatus, until, World } from './world.js';

/** Imports so many lines, a multiple of ten, while the database cuts its connections and the service is stopped. */
export async function importWhileInterrupted(count: number): Promise<void> {
  let other = await World.open();
  try {
    const shop = await other.shop('bakery');
    const lines = Array.from({ length: count }, (_, i) =>
      i % 10 === 9 ? `Socio;${i};;M${i}` : `Socio;${i};socio${i}@mail.example;M${i}`,
    );
    const form = new FormData();
    form.set('file', new Blob([`Nome;Cognome;Email;Matricola\n${lines.join('\n')}\n`]), 'soci.csv');
    const begun = await other.ask('POST', '/api/imports', { token: shop.owner.token, body: form });
    expectStatus(begun, 202);
    expect(begun.body.total).toBe(count);
    const path = `/api/imports/${begun.body.id}`;
    const progress = async () => {
      const { body } = await other.ask('GET', path, { token: shop.owner.token });
      return body.done as number;
    };
    await until(async () => (await progress()) > 500, 'it has begun');
    await other.rows(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'colloquio'`,
    );
    other = await other.restart();
    expect(await progress()).toBeLessThan(count);
    const imports = other.service.app.get(Imports);
    // Two workers at once, as two nodes are.
    while ((await progress()) < count) await Promise.all([imports.proceed(), imports.proceed()]);
    const { body } = await other.ask('GET', path, { token: shop.owner.token });
    expect(body).toMatchObject({ state: 'finished', counts: { invited: count, invalid: 0 } });
    const rows = await other.rows<{ lines: number; invitations: number; addresses: number }>(
      `SELECT (SELECT count(*)::int FROM import_line) AS lines, (SELECT count(*)::int FROM invitation) AS invitations,
              (SELECT count(DISTINCT email_hash)::int FROM invitation) AS addresses`,
    );
    expect(rows).toEqual([{ lines: count, invitations: count, addresses: count * 0.9 }]);
    const [keys] = await other.rows<{ count: number }>(
      `SELECT count(*)::int FROM wrapped_key WHERE scope = 'contact'`,
      [],
      'keyring',
    );
    expect(keys!.count).toBeGreaterThanOrEqual(count);
  } finally {
    await other.close();
  }
}
