import { Client } from 'pg';
import type { Config } from './config.js';
import { connectionProblem, type DatabaseAddress } from './database.js';
import { type EmbeddedPostgres, ensureDatabase, startEmbeddedPostgres } from './embedded-postgres/embedded-postgres.js';
import { StartError } from './start-error.js';

const oldestMajor = 15;

/** Where the two databases are, and how the embedded one is brought back and stopped. */
export interface Databases {
  main: DatabaseAddress | string;
  keyring: DatabaseAddress | string;
  /** The folder of the embedded cluster; undefined for a database that is not ours. */
  folder: string | undefined;
  /** Whether it ran already, for somebody else perhaps. */
  adopted: boolean;
  /** Starts an embedded PostgreSQL that is gone; does nothing for one that is not ours. */
  revive: () => Promise<void>;
  /** Stops the embedded PostgreSQL; does nothing for one that is not ours. */
  stop(): Promise<void>;
}

/** @throws StartError */
export async function openDatabases({ databaseUrl, keyringDatabaseUrl, dataDir }: Config): Promise<Databases> {
  if (databaseUrl && keyringDatabaseUrl) {
    await check('DATABASE_URL', databaseUrl);
    await check('KEYRING_DATABASE_URL', keyringDatabaseUrl);
    const nothing = async () => {};
    return {
      main: databaseUrl,
      keyring: keyringDatabaseUrl,
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
    stop: () => postgres.stop(),
  };
}

async function check(variable: string, address: string): Promise<void> {
  const client = new Client({ connectionString: address, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
    const { rows } = await client.query<{ major: number; may_create: boolean | null }>(
      `SELECT current_setting('server_version_num')::integer / 10000 AS major,
              has_schema_privilege(current_schema(), 'CREATE') AS may_create`,
    );
    const { major, may_create: mayCreate } = rows[0]!;
    if (major < oldestMajor) {
      throw new StartError(`${variable} names a PostgreSQL ${major}: at least ${oldestMajor} is needed.`);
    }
    if (!mayCreate) throw connectionProblem(variable, address, { code: '42501' });
  } catch (error) {
    throw error instanceof StartError ? error : connectionProblem(variable, address, error);
  } finally {
    await client.end().catch(() => {});
  }
}
