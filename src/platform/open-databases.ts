import { Client } from 'pg';
import type { Config } from './config.js';
import { connectionProblem, type DatabaseAddress } from './database.js';
import { type EmbeddedPostgres, ensureDatabase, startEmbeddedPostgres } from './embedded-postgres/embedded-postgres.js';
import { StartError } from './start-error.js';

const oldestMajor = 15;

/** Addresses of the two databases, with functions that revive and stop the embedded one. */
export interface Databases {
  main: DatabaseAddress | string;
  keyring: DatabaseAddress | string;
  /** The folder of the embedded cluster; undefined for a database that is not ours. */
  folder: string | undefined;
  /** Set if the embedded PostgreSQL was running already. */
  adopted: boolean;
  /** Starts an embedded PostgreSQL that is gone; does nothing for one that is not ours. */
  revive: () => Promise<void>;
  /** Stops the embedded PostgreSQL, within that time whatever hangs; does nothing for one that is not ours. */
  stop(milliseconds?: number): Promise<void>;
}

/** @throws StartError */
export async function openDatabases({ databaseUrl, keyringDatabaseUrl, dataDir }: Config): Promise<Databases> {
  if (databaseUrl && keyringDatabaseUrl) {
    const [main, keyring] = [unambiguous(databaseUrl), unambiguous(keyringDatabaseUrl)];
    await check('DATABASE_URL', main);
    await check('KEYRING_DATABASE_URL', keyring);
    const nothing = async () => {};
    return {
      main,
      keyring,
      folder: undefined,
      adopted: true,
      revive: nothing,
      stop: nothing,
    };
  }
  let postgres: EmbeddedPostgres = await startEmbeddedPostgres({ dataDir });
  const { connection } = postgres;
  await ensureDatabase(connection, 'colloquio');
  await ensureDatabase(connection, 'colloquio_keyring');
  return {
    main: { ...connection, database: 'colloquio' },
    keyring: { ...connection, database: 'colloquio_keyring' },
    folder: postgres.clusterDir,
    adopted: postgres.adopted,
    revive: async () => {
      postgres = await startEmbeddedPostgres({ dataDir });
    },
    stop: (milliseconds) => postgres.stop(milliseconds),
  };
}

async function check(variable: string, address: string): Promise<void> {
  const client = new Client({ connectionString: address, connectionTimeoutMillis: 10_000, query_timeout: 10_000 });
  try {
    await client.connect();
    const { rows } = await client.query<{ major: number; encoding: string; may_create: boolean | null }>(
      `SELECT current_setting('server_version_num')::integer / 10000 AS major,
              current_setting('server_encoding') AS encoding,
              has_schema_privilege(current_schema(), 'CREATE') AS may_create`,
    );
    const { major, encoding, may_create: mayCreate } = rows[0]!;
    if (major < oldestMajor) {
      throw new StartError(`${variable} names a PostgreSQL ${major}: at least ${oldestMajor} is needed.`);
    }
    if (encoding !== 'UTF8') {
      throw new StartError(
        `${variable} names a database in ${encoding}, which cannot hold every text: make one with ENCODING 'UTF8' TEMPLATE template0.`,
      );
    }
    if (!mayCreate) throw connectionProblem(variable, address, { code: '42501' });
  } catch (error) {
    throw error instanceof StartError ? error : connectionProblem(variable, address, error);
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * The driver treats these modes as `verify-full`, with a long warning that a later version will not. Naming `verify-full` means
 * the same without the warning.
 */
function unambiguous(address: string): string {
  const url = new URL(address);
  if (url.searchParams.has('uselibpqcompat')) return address;
  const mode = url.searchParams.get('sslmode');
  if (!mode || !['prefer', 'require', 'verify-ca'].includes(mode)) return address;
  url.searchParams.set('sslmode', 'verify-full');
  return url.href;
}
