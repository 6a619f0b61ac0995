// One PostgreSQL for the whole run, with migrated templates from which every world gets its databases.
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PgBoss } from 'pg-boss';
import { DataSource } from 'typeorm';
import { keyringDatabase, mainDatabaseOptions } from '../../dist/src/platform/database.js';
import { ensureDatabase, startEmbeddedPostgres } from '../../dist/src/platform/embedded-postgres/embedded-postgres.js';

const memory = '/dev/shm';
/** A run takes less than half a gigabyte. Where there is much more, nobody misses it. */
const roomBytes = 8 * 2 ** 30;
const prefix = 'colloquio-postgres-';

export default async function startPostgres() {
  const dataDir = mkdtempSync(join(placeForData(), prefix));
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

/** In memory where there is plenty: a hundred databases of several hundred files each are made and dropped in a run. */
function placeForData() {
  try {
    removeLeftovers();
    const { bavail, bsize } = statfsSync(memory);
    if (Math.min(bavail * bsize, process.availableMemory()) >= roomBytes) return memory;
  } catch {
    // There is no such place here, or it may not be looked at.
  }
  return tmpdir();
}

/** Removes what killed runs have left: in memory it takes more than room. */
function removeLeftovers() {
  for (const name of readdirSync(memory).filter((each) => each.startsWith(prefix))) {
    const folder = join(memory, name);
    // A younger one may be about to start.
    const isOld = statSync(folder).mtimeMs < Date.now() - 60 * 60 * 1000;
    if (isOld && !isRunning(folder)) rmSync(folder, { recursive: true, force: true });
  }
}

function isRunning(folder) {
  try {
    const [pid] = readFileSync(join(folder, 'pg/postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), 0);
    return true;
  } catch ({ code }) {
    return code === 'EPERM';
  }
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
