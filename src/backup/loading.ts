import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { Client, escapeIdentifier } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { clientOptions, type DatabaseAddress } from '../platform/database.js';
import type { CopiedTable, Manifest } from './manifest.js';
import { fileOf, passing } from './snapshot.js';

const referencesQuery = `
  SELECT DISTINCT source.relname AS source, target.relname AS target
  FROM pg_constraint
  JOIN pg_class AS source ON source.oid = conrelid JOIN pg_class AS target ON target.oid = confrelid
  WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND conrelid <> confrelid`;

/** Fills an empty schema with the rows of a backup. */
export async function loadTables(
  address: DatabaseAddress | string,
  folder: string,
  { tables, sequences }: Manifest,
  show: (share: number) => void,
): Promise<void> {
  const client = new Client({ ...clientOptions(address), application_name: 'colloquio-restore' });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0');
    const { rows } = await client.query<{ source: string; target: string }>(referencesQuery);
    const all = tables.reduce((sum, { bytes }) => sum + bytes, 0);
    let done = 0;
    for (const table of inOrder(tables, rows)) {
      await loadTable(client, folder, table, (bytes) => show((done += bytes) / (all || 1)));
    }
    for (const { name, value, called } of sequences) {
      await client.query('SELECT setval($1::regclass, $2::bigint, $3)', [escapeIdentifier(name), value, called]);
    }
    await client.query('ANALYZE');
  } finally {
    await client.end().catch(() => {});
  }
}

/** Each table behind those that it refers to. */
function inOrder(tables: readonly CopiedTable[], references: { source: string; target: string }[]): CopiedTable[] {
  const ordered = new Set<CopiedTable>();
  const visit = (table: CopiedTable) => {
    if (ordered.has(table)) return;
    const targets = references.filter(({ source }) => source === table.name).map(({ target }) => target);
    for (const each of tables) if (targets.includes(each.name)) visit(each);
    ordered.add(table);
  };
  tables.forEach(visit);
  return [...ordered];
}

async function loadTable(
  client: Client,
  folder: string,
  { name, columns, rows }: CopiedTable,
  progress: (bytes: number) => void,
): Promise<void> {
  const table = escapeIdentifier(name);
  await client.query('BEGIN');
  // What the triggers once did is in the backup.
  await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
  const stream = client.query(
    copyFrom(`COPY ${table} (${columns.map((each) => escapeIdentifier(each)).join(', ')}) FROM STDIN (FORMAT binary)`),
  );
  await pipeline(
    createReadStream(join(folder, fileOf(name))),
    passing((piece) => progress(piece.length)),
    createZstdDecompress(),
    stream,
  );
  if (stream.rowCount !== rows) throw new Error(`${name} has ${stream.rowCount} rows instead of ${rows}`);
  await client.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
  await client.query('COMMIT');
}
