import { access, chmod, constants, mkdir, realpath, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { findBinaries } from './binaries.js';
import type { Settings } from './cluster.js';
import { type PostgresConnection, clientOf } from './connection.js';
import { openCluster } from './open-cluster.js';
import { asPostgresStartError } from './postgres-start-error.js';
import { stopPostmaster } from './postmaster.js';
import { adoptServer, launchServer } from './server.js';
import { whileLocked } from './start-lock.js';
import { asRoot } from './system.js';

export type { PostgresConnection } from './connection.js';
export { PostgresStartError } from './postgres-start-error.js';

export interface EmbeddedPostgres {
  connection: PostgresConnection;
  /** True when a PostgreSQL that was running already (a survivor, or another process's) was taken over. */
  adopted: boolean;
  pid: number;
  /** Actual folder of the database: `<dataDir>/pg`, or below /var/lib/colloquio when root's dataDir is closed to others. */
  clusterDir: string;
  /**
   * Ends it in good order (fast shutdown) and returns when it is gone; harmless when it is gone already. One that takes
   * longer than that, a minute by default, is ended at once, and recovers at its next start.
   */
  stop(milliseconds?: number): Promise<void>;
}

/**
 * Starts the PostgreSQL that comes with the service in `<dataDir>/pg`, or takes over the one that runs there. The first
 * start makes the cluster and its password (`<dataDir>/keys/postgres.password`, mode 0600). Several processes may call
 * this at once: all get the same server.
 *
 * `settings` go on top of the service's own (a running server that is adopted keeps its own). It rejects with
 * {@link PostgresStartError}.
 */
export async function startEmbeddedPostgres(options: {
  dataDir: string;
  settings?: Settings;
}): Promise<EmbeddedPostgres> {
  const { settings = {} } = options;
  const wantedDir = resolve(options.dataDir);
  try {
    const dataDir = await openDataDir(wantedDir);
    const binaries = await findBinaries();
    const lock = join(dataDir, 'pg.lock');
    return await whileLocked(lock, async () => {
      const cluster = await openCluster(dataDir, binaries, settings);
      const adopted = await adoptServer(cluster);
      const { pid, connection } = adopted ?? (await launchServer(cluster, settings));
      let stopped: Promise<void> | undefined;
      const stop = async (milliseconds?: number) => {
        await stopPostmaster(pid, cluster, milliseconds);
        // It may lie in /tmp, where nothing should be left; unless somebody is just starting PostgreSQL again.
        await whileLocked(lock, () => rmdir(cluster.socketDir), 0).catch(() => undefined);
      };
      return {
        connection,
        adopted: adopted !== undefined,
        pid,
        clusterDir: cluster.dir,
        stop: (milliseconds) => (stopped ??= stop(milliseconds)),
      };
    });
  } catch (error) {
    throw asPostgresStartError(error, wantedDir);
  }
}

/** Creates the database `name` unless it is there: UTF-8, from template0. Two callers at once both succeed. */
export async function ensureDatabase(connection: PostgresConnection, name: string): Promise<void> {
  const client = clientOf(connection);
  await client.connect();
  try {
    // Until the connection ends.
    await client.query(`SELECT pg_advisory_lock(hashtext('ensureDatabase'))`);
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (rowCount) return;
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)} TEMPLATE template0 ENCODING 'UTF8'`);
  } finally {
    await client.end();
  }
}

async function openDataDir(dataDir: string): Promise<string> {
  const made = await mkdir(dataDir, { recursive: true });
  // As root, PostgreSQL's own user must be able to pass through it; what lies in it has permissions of its own.
  if (made) await chmod(dataDir, asRoot ? 0o711 : 0o700);
  await access(dataDir, constants.W_OK);
  return realpath(dataDir);
}
