// One PostgreSQL for the whole run, with migrated templates from which every world gets its databases.
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PgBoss } from 'pg-boss';
import { DataSource } from 'typeorm';
import { keyringDatabase, mainDatabaseOptions } from '../../dist/src/platform/database.js';
import { ensureDatabase, startEmbeddedPostgres } from '../../dist/src/platform/embedded-postgres/embedded-postgres.js';

export default async function startPostgres() {
  const dataDir = mkdtempSync(join(tmpdir(), 'colloquio-postgres-'));
  // As root PostgreSQL runs as another user, who has to get in.
  chmodSync(dataDir, 0o711);
  // Tests that kill PostgreSQL start their own; here durability would only cost time.
  const settings = {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    // It would visit a hundred databases that live for a minute.
    autovacuum: 'off',
    max_connections: '400',
  };
  const postgres = await startEmbeddedPostgres({ dataDir, settings });
  await migrate(postgres.connection, 'template_main', (address) => new DataSource(mainDatabaseOptions(address)));
  await migrate(postgres.connection, 'template_keyring', keyringDatabase);
  await makeJobs({ ...postgres.connection, database: 'template_main' });
  process.env['TEST_POSTGRES'] = JSON.stringify({ ...postgres.connection, dataDir, clusterDir: postgres.clusterDir });
  globalThis.testPostgres = { postgres, dataDir };
}

async function migrate(connection, database, sourceOf) {
  await ensureDatabase(connection, database);
  const source = await sourceOf({ ...connection, database }).initialize();
  await source.runMigrations();
  await source.destroy();
}

/** pg-boss makes its own schema at its first start, which would be in every world. */
async function makeJobs(connection) {
  const boss = new PgBoss({ ...connection, schema: 'jobs', persistWarnings: false });
  await boss.start();
  await boss.stop({ graceful: false });
}
