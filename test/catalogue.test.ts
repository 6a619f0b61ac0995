import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { functions } from '../migrations/main/functions.js';
import { World } from './support/world.js';

/** Promises 1 and 5: what the schema says about sharding, isolation and texts in clear, read from the catalogue. */

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world.close());

/** They belong to no subscriber: accounts and interlocutors reach across, the others are the host's. */
const global = [
  'account',
  'account_event',
  'account_token',
  'carry_code',
  'export',
  'export_download',
  'feed_consumer',
  'interlocutor',
  'known_device',
  'mail',
  'mail_stop',
  'migrations',
  'notification_setting',
  'policy',
  'policy_publication',
  'push_subscription',
  'registration_code',
  'session',
  'unread_mail',
];

const keys = `
  SELECT relation.relname AS name, own.contype AS kind, target.relname AS target,
         ARRAY(SELECT attname::text FROM unnest(own.conkey) WITH ORDINALITY AS key (number, place)
               JOIN pg_attribute ON attrelid = own.conrelid AND attnum = key.number ORDER BY place) AS columns,
         ARRAY(SELECT attname::text FROM unnest(own.confkey) WITH ORDINALITY AS key (number, place)
               JOIN pg_attribute ON attrelid = own.confrelid AND attnum = key.number ORDER BY place) AS "targetColumns"
  FROM pg_constraint AS own
  JOIN pg_class AS relation ON relation.oid = own.conrelid
  LEFT JOIN pg_class AS target ON target.oid = own.confrelid
  WHERE own.connamespace = 'public'::regnamespace AND own.contype IN ('p', 'f', 'u') AND NOT relation.relispartition`;

interface Key {
  name: string;
  kind: 'p' | 'f' | 'u';
  columns: string[];
  target: string | null;
  targetColumns: string[];
}

const tables = () =>
  world.rows<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`,
  );

describe('every table', () => {
  test('belongs to a subscriber, by the first column of its primary key, or is listed as global', async () => {
    const primary = (await world.rows<Key>(keys)).filter(({ kind }) => kind === 'p');
    const owned = primary.filter(({ columns }) => columns[0] === 'subscriber_id').map(({ name }) => name);
    const all = (await tables()).map(({ name }) => name).sort();
    expect(all.length).toBeGreaterThan(15);
    expect([...owned, ...global].sort()).toEqual(all);
  });

  test('that belongs to a subscriber refers to others of its kind by composite keys alone', async () => {
    const foreign = (await world.rows<Key>(keys)).filter(({ kind, name }) => kind === 'f' && !global.includes(name));
    expect(foreign.length).toBeGreaterThan(10);
    for (const { name, columns, target, targetColumns } of foreign) {
      expect({
        name,
        target,
        global: global.includes(target!),
        first: columns[0],
        targetFirst: targetColumns[0],
      }).toEqual({
        name,
        target,
        global: false,
        first: 'subscriber_id',
        targetFirst: 'subscriber_id',
      });
    }
  });

  test('that is global refers to global ones alone', async () => {
    const foreign = (await world.rows<Key>(keys)).filter(({ kind, name }) => kind === 'f' && global.includes(name));
    expect(foreign.every(({ target }) => global.includes(target!))).toBe(true);
  });

  test('that belongs to a subscriber has unique keys within it, so that it can be sharded', async () => {
    const unique = (await world.rows<Key>(keys)).filter(({ kind, name }) => kind === 'u' && !global.includes(name));
    expect(unique.length).toBeGreaterThan(3);
    expect(unique.filter(({ columns }) => columns[0] !== 'subscriber_id')).toEqual([]);
  });
});

test('the functions of the database have the text in the source, even after it has changed', async () => {
  const { DataSource } = await import('typeorm');
  const source = world.service.app.get(DataSource);
  const bodies = () =>
    world.rows<{ name: string; body: string }>(
      'SELECT proname AS name, prosrc AS body FROM pg_proc WHERE proname = ANY ($1) ORDER BY proname',
      [Object.keys(functions)],
    );
  const inSource = Object.entries(functions).map(([name, text]) => ({ name, body: text.split('$$')[1] }));
  expect(await bodies()).toEqual(inSource);

  // As an earlier release left it.
  await world.rows(`UPDATE migrations SET name = 'Functionsearlier_9999999999999' WHERE name LIKE 'Functions%'`);
  await world.rows('DROP FUNCTION append_messages');
  await world.rows(`CREATE FUNCTION append_messages(uuid[]) RETURNS integer LANGUAGE sql AS 'SELECT 1'`);
  expect((await source.runMigrations()).map(({ name }) => name)).toEqual([expect.stringMatching(/^Functions/)]);
  expect(await bodies()).toEqual(inSource);
  expect(await source.runMigrations()).toEqual([]);
});

test('no column of a name, an address, a text or a network address is in clear', async () => {
  const columns = await world.rows<{ place: string }>(
    `SELECT table_name || '.' || column_name AS place FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name NOT IN (SELECT relname FROM pg_class WHERE relispartition)
       AND data_type IN ('text', 'character varying', 'json', 'jsonb', 'inet', 'ARRAY')`,
  );
  expect(columns.map(({ place }) => place).sort()).toEqual(inClear.sort());
});

/** Every column that holds text as it is. A new one has to be thought about, and listed here. */
const inClear = [
  // The host's and the law's.
  ...['audience', 'purpose', 'locale', 'source'].map((each) => `policy.${each}`),
  ...['policy_publication.audience', 'policy_publication.purpose', 'policy_notice.purpose'],
  ...['shown_text.text', 'migrations.name'],
  ...['account.kind', 'account.locale', 'account.password_hash', 'account_token.purpose'],
  // Business data are shown to the subscriber's interlocutors.
  ...['business_name', 'email', 'street', 'street_number', 'postcode', 'city', 'province', 'country', 'category'].map(
    (each) => `subscriber.${each}`,
  ),
  ...[
    'subscriber.vat_number',
    'subscriber.tax_code',
    'subscriber.locale',
    'subscriber.time_zone',
    'subscriber_logo.media_type',
    'member.role',
  ],
  'notification_setting.time_zone',
  ...['action.kind', 'account_event.kind'],
  // What kind of broadcast it is, and what came of it.
  ...['kind', 'reason', 'locale', 'state', 'stop_reason'].map((each) => `broadcast.${each}`),
  'broadcast_recipient.skipped',
  ...[
    'import.encoding',
    'import.locale',
    'import_line.outcome',
    'import_line.field',
    'import_line.reason',
    'import_line.via',
    'invitation.locale',
  ],
  ...['invitation.kind', 'mail.key_scope', 'mail.template', 'mail.failure'],
  // What kind of file it is, and what came of it.
  ...['state', 'family', 'media_type', 'note'].map((each) => `attachment.${each}`),
  ...['attachment_object.part', 'attachment_object.media_type'],
  // Segments are made of them.
  ...['region', 'province', 'sector'].flatMap((each) => [`contact.${each}`, `interlocutor.${each}`]),
  ...['consent', 'consent_proof'].flatMap((table) =>
    ['purpose', 'basis', 'locale', 'how'].map((each) => `${table}.${each}`),
  ),
  // Numbers by kinds.
  ...['erasure.counts', 'erasure.origin'],
  // Numbers under the subscriber's search key, by which messages are found.
  'search_entry.tokens',
  // Names of consumers of changes.
  ...['feed_consumer.name', 'feed_progress.consumer', 'feed_broadcast.consumer'],
  // What kind of export or request it is, and what came of it; the object's name is made of a random id.
  ...['kind', 'locale', 'state', 'problem', 'object'].map((each) => `export.${each}`),
  ...['rights_request.kind', 'rights_request.state', 'rights_request.legal_reason'],
  // A token of ten.
  'label.color',
  // Chosen by the client's program, not by a person.
  ...['message.client_id', 'broadcast.client_id'],
];

test('the entities and the migrations agree on the columns', async () => {
  const { DataSource } = await import('typeorm');
  const source = world.service.app.get(DataSource);
  const columns = await world.rows<{ table: string; column: string }>(
    `SELECT table_name AS table, column_name AS column FROM information_schema.columns WHERE table_schema = 'public'`,
  );
  for (const { tableName, columns: mapped } of source.entityMetadatas) {
    const there = columns.filter(({ table }) => table === tableName).map(({ column }) => column);
    expect({ tableName, columns: mapped.map(({ databaseName }) => databaseName).sort() }).toEqual({
      tableName,
      columns: there.sort(),
    });
  }
});
