import type { Client, Pool } from 'pg';
import type { DataSource } from 'typeorm';
import { silenceError } from './database-failures.js';
import { activeQueryOf, clientsOf, poolOf, streamOf } from './database-pool.js';

const lookMilliseconds = 10_000;
/** Longer than PostgreSQL lets a statement take: after that no answer will come over this connection. */
const silentMilliseconds = 45_000;

/**
 * Cuts connections of a pool that wait for an answer from a database that has fallen silent: a suspended process, or a machine
 * that disappeared. The caller gets an unknown outcome, as with any broken connection, and other callers need not queue behind
 * it.
 *
 * Never the driver's `query_timeout`: it lets a transaction go on over a connection on which a statement, or the rollback, is
 * still to be answered.
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
  // The pool reuses a connection in the same turn in which it is returned, and removes its own listener. An error in that turn,
  // such as the end of the server, would have no listener and stop the service.
  client.on('error', () => {});
  const stream = streamOf(client);
  let silentSince: number | undefined;
  // Restarts with every byte sent or received, and does not repeat.
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
