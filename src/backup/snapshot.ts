import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { Client, escapeIdentifier } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { clientOptions, type DatabaseAddress } from '../platform/database.js';
import { StartError } from '../platform/start-error.js';
import type { CopiedSequence, CopiedTable } from './manifest.js';

/** Tables of the main database that are left out of a backup, with the reason. */
export const leftOut: Record<string, string> = {
  migrations: 'the release that restores makes the schema',
  session: 'everybody signs in again: no device that was signed out comes back, and each loads everything afresh',
  carry_code: 'it lives for fifteen minutes, and ends with its session',
  export: 'an export lives for 48 hours, and is asked for again',
  export_download: 'an export lives for 48 hours, and is asked for again',
  search_entry: 'the index of the archive is derived from the messages',
  feed_consumer: 'progress of what is derived from the messages',
  feed_progress: 'progress of what is derived from the messages',
  feed_broadcast: 'progress of what is derived from the messages',
  push_subscription: 'it ends with its session',
  push_wait: 'a notification comes within a day, or not at all',
  push_notice: 'a notification comes within a day, or not at all',
  push_broadcast: 'a notification comes within a day, or not at all',
};

interface Table {
  name: string;
  columns: string[];
  partitioned: boolean;
  /** On the disk, without indexes. */
  size: number;
}

const tablesQuery = `
  SELECT relname AS name, relkind = 'p' AS partitioned, pg_table_size(oid)::float8 AS size,
         ARRAY(SELECT attname::text FROM pg_attribute
               WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum) AS columns
  FROM pg_class
  WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
  ORDER BY relname`;

const sequencesQuery = `
  SELECT relname AS name FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'S' ORDER BY relname`;

/** The main database at one moment, whatever goes on in it meanwhile. */
export class Snapshot {
  private constructor(
    private readonly client: Client,
    readonly takenAt: Date,
    readonly migrations: string[],
    private readonly tables: Table[],
  ) {}

  /** @throws StartError when there is no data to back up */
  static async take(address: DatabaseAddress | string): Promise<Snapshot> {
    // Its name is not that of the service, whose oldest transaction says since when devices sync.
    const client = new Client({ ...clientOptions(address), application_name: 'colloquio-backup' });
    client.on('error', () => {});
    await client.connect();
    try {
      await client.query('SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0');
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const { rows: moments } = await client.query<{ now: Date; there: boolean; restoring: boolean }>(
        `SELECT now(), to_regclass('migrations') IS NOT NULL AND to_regclass('account') IS NOT NULL AS there,
                to_regclass('restore_under_way') IS NOT NULL AS restoring`,
      );
      const [{ now, there, restoring }] = moments as [(typeof moments)[0]];
      if (restoring) throw new StartError('A restore into this data was interrupted: run it again before a backup.');
      if (!there) throw new StartError('There is no Colloquio data in this database: start the service once.');
      const { rows: migrations } = await client.query<{ name: string }>('SELECT name FROM migrations ORDER BY id');
      const { rows } = await client.query<Table>(tablesQuery);
      const tables = rows.filter(({ name }) => !(name in leftOut));
      const names = tables.map(({ name }) => escapeIdentifier(name)).join(', ');
      // No migration may change what was just looked at.
      await client.query(`LOCK TABLE ${names} IN ACCESS SHARE MODE`);
      return new Snapshot(
        client,
        now,
        migrations.map(({ name }) => name),
        tables,
      );
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
  }

  /**
   * Writes every table into a file of this folder.
   * @param show hears the share that is done
   */
  async copy(folder: string, show: (share: number) => void): Promise<CopiedTable[]> {
    const copied: CopiedTable[] = [];
    const all = this.tables.reduce((sum, { size }) => sum + size, 0);
    let done = 0;
    for (const table of this.tables) {
      const begun = done;
      // A row takes about as many bytes as on the disk.
      const progress = (bytes: number) => show(Math.min(1, (begun + Math.min(bytes, table.size)) / (all || 1)));
      copied.push(await this.copyTable(folder, table, progress));
      done += table.size;
    }
    return copied;
  }

  async sequences(): Promise<CopiedSequence[]> {
    const { rows } = await this.client.query<{ name: string }>(sequencesQuery);
    const sequences: CopiedSequence[] = [];
    for (const { name } of rows) {
      const { rows: states } = await this.client.query<Omit<CopiedSequence, 'name'>>(
        `SELECT last_value::text AS value, is_called AS called FROM ${escapeIdentifier(name)}`,
      );
      sequences.push({ name, ...states[0]! });
    }
    return sequences;
  }

  async objects(): Promise<number> {
    const { rows } = await this.client.query<{ count: number }>(
      'SELECT count(*)::float8 AS count FROM attachment_object',
    );
    return rows[0]!.count;
  }

  async end(): Promise<void> {
    await this.client.end().catch(() => {});
  }

  private async copyTable(folder: string, table: Table, progress: (bytes: number) => void): Promise<CopiedTable> {
    const { name, columns, partitioned } = table;
    const list = columns.map((each) => escapeIdentifier(each)).join(', ');
    const source = partitioned
      ? `(SELECT ${list} FROM ${escapeIdentifier(name)})`
      : `${escapeIdentifier(name)} (${list})`;
    const stream = this.client.query(copyTo(`COPY ${source} TO STDOUT (FORMAT binary)`));
    const hash = createHash('sha256');
    let [text, bytes] = [0, 0];
    await pipeline(
      stream,
      passing((piece) => progress((text += piece.length))),
      createZstdCompress({
        params: { [constants.ZSTD_c_compressionLevel]: compressionLevel },
        chunkSize: writtenAtOnce,
      }),
      passing((piece) => {
        bytes += piece.length;
        hash.update(piece);
      }),
      createWriteStream(join(folder, fileOf(name)), { flags: 'wx', mode: 0o600, flush: true }),
    );
    return { name, columns, rows: stream.rowCount ?? 0, bytes, sha256: hash.digest('hex') };
  }
}

const writtenAtOnce = 256 * 1024;
/** Below 1 it is faster and does less. Most bytes are sealed, so there is little to win but between them. */
const compressionLevel = -1;

export const fileOf = (table: string) => `${table}.copy.zst`;

/** Lets bytes through, and tells of them. */
export function passing(hear: (piece: Buffer) => void): Transform {
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      hear(piece);
      done(null, piece);
    },
  });
}
