import type { Socket } from 'node:net';
import { type Client, Pool } from 'pg';
import { DataSource } from 'typeorm';

/**
 * Internals of TypeORM and of the driver, beyond their types. Only this file uses them: the versions are fixed in
 * package.json, and {@link requireKnownPool} checks them at the start.
 */
interface InnerClient {
  connection: { stream: Socket };
  _activeQuery: unknown;
}

/** The pool of a database that is open. */
export function poolOf(database: DataSource | Pool): Pool {
  return database instanceof DataSource ? (database.driver as unknown as { master: Pool }).master : database;
}

/** Every connection of a pool, in use or not. */
export function clientsOf(pool: Pool): Client[] {
  return [...(pool as unknown as { _clients: Client[] })._clients];
}

export function streamOf(client: Client): Socket {
  return (client as unknown as InnerClient).connection.stream;
}

/** The query whose answer a connection waits for; null when there is none. */
export function activeQueryOf(client: Client): unknown {
  return (client as unknown as InnerClient)._activeQuery;
}

/** @throws Error when TypeORM or the driver has changed inside, so that a silent connection would never be cut */
export function requireKnownPool(pool: Pool): void {
  const known = pool instanceof Pool && clientsOf(pool).every((client) => streamOf(client) && '_activeQuery' in client);
  if (!known) throw new Error('pg or typeorm has changed: its connections are not found where they were.');
}
