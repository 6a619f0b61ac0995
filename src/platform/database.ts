import { type ClientConfig, Pool, type PoolConfig } from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { keyringMigrations } from '../../migrations/keyring/index.js';
import { mainMigrations } from '../../migrations/main/index.js';
import { poolOf, requireKnownPool } from './database-pool.js';
import { StartError } from './start-error.js';

export interface DatabaseAddress {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
}

const statementMilliseconds = 30_000;

/** Connections to the main database for everything but {@link reservedPool}. */
export const mainConnections = 12;
/** Enough for the batches of messages and receipts that may be under way, and what is looked up for them. */
const reservedConnections = 10;
const keyringConnections = 4;

/** Options of the main database; entities are added by the slices that own them. */
export function mainDatabaseOptions(address: DatabaseAddress | string): DataSourceOptions {
  return { ...shared(address), migrations: mainMigrations, extra: { ...pool, max: mainConnections } };
}

/** The keyring: a separate database, so that wrapped keys are never in the main database's backups. */
export function keyringDatabase(address: DatabaseAddress | string): DataSource {
  return new DataSource({
    ...shared(address),
    migrations: keyringMigrations,
    extra: { ...pool, max: keyringConnections },
  });
}

/** Connections for searches of the archive: so many are under way at once. */
export const searchConnections = 2;
/** Connections for searches end after so many seconds, and with them the plans that they keep. */
export const searchConnectionSeconds = 3_600;
/** A search asks many short statements; one that takes longer than this is given up. */
const searchStatementMilliseconds = 2_000;

/**
 * Reserved connections for the statements of every message, so that they do not wait for lists and searches.
 * @param source the main database, whose address they share
 */
export function reservedPool(source: DataSource): Pool {
  return new Pool({ ...addressOf(source), ...pool, max: reservedConnections });
}

/**
 * Connections for searches of the archive, which others do not wait behind. Its statements are written for the indexes of the
 * archive, so its planner does not weigh reading whole tables or compiling, and it
 * reads months in their order.
 */
export function searchPool(source: DataSource): Pool {
  return new Pool({
    ...addressOf(source),
    ...pool,
    max: searchConnections,
    maxLifetimeSeconds: searchConnectionSeconds,
    statement_timeout: searchStatementMilliseconds,
    options: '-c enable_seqscan=off -c jit=off -c max_parallel_workers_per_gather=0',
  });
}

function addressOf({ options }: DataSource): PoolConfig {
  const { url, host, port, username, password, database } = options as {
    url?: string;
    host?: string;
    port?: number;
    username?: string;
    password?: string;
    database?: string;
  };
  return url
    ? { connectionString: url }
    : { ...(host && { host }), ...(port && { port }), ...(username && { user: username }), password, database };
}

/**
 * Opens every connection of a pool. They are kept open: a new one costs a thread of libuv for its password (SCRAM), just
 * when there is much to do.
 * @throws StartError when the server has no room for them
 */
export async function openConnections(of: Pool | DataSource): Promise<void> {
  const opened = poolOf(of);
  const connecting = await Promise.allSettled(Array.from({ length: opened.options.max }, () => opened.connect()));
  requireKnownPool(opened);
  for (const each of connecting) if (each.status === 'fulfilled') each.value.release();
  if (connecting.some((each) => each.status === 'rejected' && (each.reason as { code?: unknown }).code === '53300')) {
    const all = mainConnections + reservedConnections + searchConnections + keyringConnections;
    throw new StartError(
      `PostgreSQL has no room for the ${all} connections that are kept open to it: raise its max_connections.`,
    );
  }
}

const pool = {
  connectionTimeoutMillis: 10_000,
  // Never closed for being idle.
  idleTimeoutMillis: 0,
  keepAlive: true,
  statement_timeout: statementMilliseconds,
  idle_in_transaction_session_timeout: statementMilliseconds,
  application_name: 'colloquio',
};

/** Options of a single connection, past TypeORM. */
export function clientOptions(address: DatabaseAddress | string): ClientConfig {
  return typeof address === 'string' ? { connectionString: address } : { ...address };
}

function shared(address: DatabaseAddress | string) {
  return {
    type: 'postgres' as const,
    ...(typeof address === 'string'
      ? { url: address }
      : {
          host: address.host,
          port: address.port,
          username: address.user,
          password: address.password,
          database: address.database,
        }),
    // Queries and their parameters stay out of the log.
    logging: false,
    migrationsTransactionMode: 'each' as const,
    installExtensions: false,
  };
}

/** Turns what `pg` says when it cannot connect into one line that names the variable and what to do. */
export function connectionProblem(variable: string, address: string, error: unknown): StartError {
  const { code, message } = error as { code?: string; message?: string };
  const { host, pathname } = URL.canParse(address) ? new URL(address) : { host: '?', pathname: '' };
  const database = decodeURIComponent(pathname.slice(1));
  const reasons: Record<string, string> = {
    ECONNREFUSED: `nothing listens at ${host}: start PostgreSQL there or correct the address`,
    ENOTFOUND: `the host ${host} is unknown: correct the address`,
    EAI_AGAIN: `the host ${host} cannot be looked up: correct the address or the name service`,
    ETIMEDOUT: `${host} does not answer: check the network and the firewall`,
    '28P01': 'the password is wrong: correct it in the address',
    '28000': 'this user may not connect: check pg_hba.conf and the user name',
    '3D000': `the database "${database}" does not exist: create it (CREATE DATABASE "${database}")`,
    '42501': 'the user may not create tables: make it the owner of the database',
    '53300': 'the server has no free connection: raise max_connections',
  };
  const words: [RegExp, string][] = [
    [/timeout/i, reasons['ETIMEDOUT']!],
    [
      /server does not support SSL/,
      `${host} does no TLS, which sslmode in the address asks for: switch it on there (ssl = on), or leave sslmode out`,
    ],
    [
      /certificate|altnames/i,
      `the certificate of ${host} is not trusted: name the one that signed it with sslrootcert=FILE in the address`,
    ],
  ];
  const reason = (code && reasons[code]) ?? words.find(([said]) => said.test(message ?? ''))?.[1];
  return new StartError(`${variable} cannot be used: ${reason ?? `the connection failed (${code ?? 'no code'})`}.`);
}
