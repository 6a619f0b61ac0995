import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { findBinaries } from '../../src/platform/embedded-postgres/binaries.js';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/platform/embedded-postgres/embedded-postgres.js';

/** A folder of its own and the PostgreSQL in it, which everybody who is measured shares, with the service's settings. */
export class Stage {
  readonly dir: string;
  readonly postgres: EmbeddedPostgres;
  /** Address over TCP, at the port of its connection: ejabberd knows no Unix sockets. */
  readonly address: string;

  private constructor(dir: string, postgres: EmbeddedPostgres, address: string) {
    this.dir = dir;
    this.postgres = postgres;
    this.address = address;
  }

  static async open(): Promise<Stage> {
    const dir = await mkdtemp(join(tmpdir(), 'colloquio-bench-'));
    // As root the database runs as another user, who has to pass through.
    await chmod(dir, 0o711);
    const address = await freeAddress();
    // The only settings that differ: both messaging servers are connected at once, one of them over TCP.
    const first = await startEmbeddedPostgres({ dataDir: dir });
    const client = new pg.Client({ ...first.connection, database: 'postgres' });
    await client.connect();
    await client.query(`ALTER SYSTEM SET listen_addresses = '${address}'`);
    await client.query('ALTER SYSTEM SET max_connections = 100');
    // So that a figure can say how long flushes took.
    await client.query('ALTER SYSTEM SET track_wal_io_timing = on');
    await client.end();
    await first.stop();
    return new Stage(dir, await startEmbeddedPostgres({ dataDir: dir }), address);
  }

  url(database: string): string {
    const { host, port, user, password } = this.postgres.connection;
    const query = new URLSearchParams({ host });
    return `postgres://${user}:${encodeURIComponent(password)}@localhost:${port}/${database}?${query}`;
  }

  async connect(database: string): Promise<pg.Client> {
    const client = new pg.Client({ ...this.postgres.connection, database });
    await client.connect();
    return client;
  }

  /** The rows of the last statement. */
  async query<Row extends pg.QueryResultRow>(database: string, text: string, values?: unknown[]): Promise<Row[]> {
    const client = await this.connect(database);
    try {
      const result: pg.QueryResult<Row> | pg.QueryResult<Row>[] = await client.query<Row>(text, values);
      return (Array.isArray(result) ? result.at(-1)! : result).rows;
    } finally {
      await client.end();
    }
  }

  async createDatabase(name: string, template = 'template0'): Promise<void> {
    await this.query('postgres', `CREATE DATABASE "${name}" TEMPLATE "${template}"`);
  }

  async dropDatabase(name: string): Promise<void> {
    await this.query('postgres', `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
  }

  /** So that what was written before is not paid for by what is measured next. */
  async settle(database: string): Promise<void> {
    await this.query(database, 'VACUUM ANALYZE');
    await this.query(database, 'CHECKPOINT');
  }

  async close(): Promise<void> {
    await this.postgres.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** Version of the PostgreSQL that comes with the service. */
export async function postgresVersion(): Promise<string> {
  return (await findBinaries()).version.split('-')[0]!;
}

/** An address of the loopback at which nobody listens on PostgreSQL's port; connections to all of them come from 127.0.0.1. */
async function freeAddress(): Promise<string> {
  for (let last = 1; last < 255; last++) {
    const address = `127.0.0.${last}`;
    const server = createServer().listen(5432, address);
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return address;
  }
  throw new Error('No address of the loopback has its port 5432 free.');
}
