import { expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { keyringDatabase, mainDatabaseOptions } from '../src/platform/database.js';
import { migratedDatabases } from './support/world.js';

/** Everything that migrations make, by its definition. */
const definitions = `
  SELECT 'table' AS kind, relname || '.' || attname AS name,
         format_type(atttypid, atttypmod) || ' ' || attnotnull || ' ' || coalesce(pg_get_expr(adbin, adrelid), '') AS text
  FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
  UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
  UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
  UNION ALL SELECT 'function', proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT 'type', typname, typtype::text FROM pg_type
            WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
  UNION ALL SELECT 'sequence', sequencename, '' FROM pg_sequences WHERE schemaname = 'public'
  ORDER BY 1, 2, 3`;

test.each([
  ['main database', 'DATABASE_URL', (url: string) => new DataSource(mainDatabaseOptions(url))],
  ['keyring', 'KEYRING_DATABASE_URL', keyringDatabase],
] as const)(
  'the migrations of the %s can all be undone, and made again as they were',
  async (_, variable, sourceOf) => {
    const databases = await migratedDatabases();
    const source = await sourceOf(databases.environment[variable]!).initialize();
    try {
      const schema = () => source.query<{ name: string }[]>(definitions);
      const before = await schema();
      expect(before.length).toBeGreaterThan(5);
      const { length } = await source.query<unknown[]>('SELECT FROM migrations');
      for (let undone = 0; undone < length; undone++) await source.undoLastMigration();
      // TypeORM's own table of what has run stays.
      expect((await schema()).filter(({ name }) => !/^migrations|^pk_|^PK_/i.test(name))).toEqual([]);
      await source.runMigrations();
      expect(await schema()).toEqual(before);
    } finally {
      await source.destroy();
      await databases.drop();
    }
  },
);
