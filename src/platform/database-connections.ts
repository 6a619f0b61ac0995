import type { Client, Pool } from 'pg';
import type { DataSource } from 'typeorm';
import { silenceError } from './database-failures.js';
import { activeQueryOf, clientsOf, poolOf, streamOf } from './database-pool.js';

const lookMilliseconds = 10_000;
/** Longer than PostgreSQL lets a statement take: after that no answer will come over this connection. */
const silentMilliseconds = 45_000;

/**
 * Cuts connections of a pool on which an answer is waited for although the database says nothing any more: a process that
 * was stopped, a machine that is gone without a word. Whoever waits then hears that nobody knows what came of it, as with
 * any connection that breaks, and others need not queue behind it.
 *
 * Never the driver's `query_timeout`: it lets a transaction go on over a connection on which a statement, or the
 * rollback, is still to be answered.
 * @param answers whether the database answers over another connection
 */
export function cutWhenSilent(database: DataSource | Pool, answers: () => Promise<boolean>): void {
  const pool = poolOf(database);
  const watch = (client: Client) => watchSilence(client, answers);
  for (const client of clientsOf(pool)) watch(client);
  pool.on('connect', (client) => watch(client as unknown as Client));
}

/** Ends every connection of a pool at once, whatever is under way on it. */
export function cutConnections(database: DataSource | Pool): void {
  const pool = poolOf(database) as Pool | undefined;
  if (pool) for (const client of clientsOf(pool)) cutClient(client);
}

/** Ends one at once. */
export function cutClient(client: Client): void {
  streamOf(client).destroy();
}

function watchSilence(client: Client, answers: () => Promise<boolean>): void {
  // The pool hands a connection on in the very turn in which it is given back, and takes its own listener off. What the
  // server says in the same turn, such as that it ends, would be an error that nobody listens to, and end the service.
  client.on('error', () => {});
  const stream = streamOf(client);
  let silentSince: number | undefined;
  // Begins anew with every byte that comes or goes, and is not set again by itself.
  stream.setTimeout(lookMilliseconds, () => void look());
  stream.on('data', () => (silentSince = undefined));
  const look = async () => {
    const asked = activeQueryOf(client);
    if (!asked) return;
    const now = performance.now();
    silentSince ??= now - lookMilliseconds;
    const gone = now - silentSince > silentMilliseconds || !(await answers());
    if (activeQueryOf(client) !== asked) return;
    if (gone) stream.destroy(silenceError());
    else stream.setTimeout(lookMilliseconds);
  };
}
