import { DataSource, type MigrationInterface } from 'typeorm';
import { mainMigrations } from '../../migrations/main/index.js';
import { mainDatabaseOptions, type DatabaseAddress } from '../platform/database.js';
import { StartError } from '../platform/start-error.js';

/** A table that stands in the main database while a restore is under way, so that no service starts on half the data. */
export const restoreMarker = 'restore_under_way';

/** A restore replaces the keyring with that of the backup, or adds to the existing one. */
export type KeyringMode = 'anew' | 'added';

export type MainState =
  { holds: 'nothing' | 'tables' | 'accounts' | 'others' } | { holds: 'interrupted'; keyring: KeyringMode };

/** Examines the content of the main database. */
export async function mainState(main: DataSource): Promise<MainState> {
  const [there] = await main.query<[{ marker: boolean; ours: boolean; any: boolean }]>(
    `SELECT to_regclass($1) IS NOT NULL AS marker,
            to_regclass('migrations') IS NOT NULL AND to_regclass('account') IS NOT NULL AS ours,
            EXISTS (SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')) AS any`,
    [restoreMarker],
  );
  if (there.marker) {
    const [row] = await main.query<[{ keyring: KeyringMode }?]>(`SELECT keyring FROM ${restoreMarker}`);
    return { holds: 'interrupted', keyring: row?.keyring ?? 'anew' };
  }
  if (!there.ours) return { holds: there.any ? 'others' : 'nothing' };
  const [{ any }] = await main.query<[{ any: boolean }]>('SELECT EXISTS (SELECT FROM account) AS any');
  return { holds: any ? 'accounts' : 'tables' };
}

/** Everything of the service's in the main database, but nothing of an extension. */
const clearing = `
  DO $$ DECLARE each record; BEGIN
    FOR each IN SELECT quote_ident(relname) AS name, relkind FROM pg_class
                WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'S') AND NOT relispartition
                  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
    LOOP
      EXECUTE format('DROP %s IF EXISTS %s CASCADE', CASE each.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, each.name);
    END LOOP;
    FOR each IN SELECT oid::regprocedure::text AS name FROM pg_proc
                WHERE pronamespace = current_schema()::regnamespace
                  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')
    LOOP
      EXECUTE format('DROP ROUTINE IF EXISTS %s CASCADE', each.name);
    END LOOP;
    FOR each IN SELECT quote_ident(typname) AS name FROM pg_type
                WHERE typnamespace = current_schema()::regnamespace AND typtype IN ('e', 'd')
                  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_type'::regclass AND objid = pg_type.oid AND deptype = 'e')
    LOOP
      EXECUTE format('DROP TYPE IF EXISTS %s CASCADE', each.name);
    END LOOP;
    DROP SCHEMA IF EXISTS jobs CASCADE;
  END $$`;

/** Clears the main database, and marks it as being restored, in one step. */
export async function clearMain(main: DataSource, keyring: KeyringMode): Promise<void> {
  await main.transaction(async (manager) => {
    await manager.query('SET LOCAL statement_timeout = 0');
    await manager.query(clearing);
    await manager.query(`CREATE TABLE ${restoreMarker} (keyring text NOT NULL)`);
    await manager.query(`INSERT INTO ${restoreMarker} (keyring) VALUES ($1)`, [keyring]);
  });
}

/** TypeORM's name of a migration. */
export const nameOf = (migration: new () => MigrationInterface): string => new migration().name ?? migration.name;

/** Functions are made anew by every release, and belong to no backup. */
export const isOfFunctions = (name: string): boolean => name.startsWith('Functions');

/** Runs the migrations that `wanted` names, or all of them. */
export async function migrate(
  address: DatabaseAddress | string,
  wanted: (name: string) => boolean = () => true,
): Promise<void> {
  const migrations = mainMigrations.filter((each) => wanted(nameOf(each)));
  const source = new DataSource({ ...mainDatabaseOptions(address), migrations });
  await source.initialize();
  try {
    await source.runMigrations();
  } finally {
    await source.destroy();
  }
}

/** @throws StartError when it holds data that may not be replaced */
export function requireEmptyTarget(state: MainState, { replace }: { replace: boolean }): void {
  if (state.holds === 'others') {
    throw new StartError('DATABASE_URL names a database that holds something else than Colloquio: name an empty one.');
  }
  if (state.holds === 'accounts' && !replace) {
    throw new StartError(
      'This installation holds data already. Restore into an empty one (another DATA_DIR, or empty databases), or add --replace to have everything in this one deleted and replaced by the backup.',
    );
  }
}
