import { randomBytes } from 'node:crypto';
import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { clientOptions, type DatabaseAddress } from './database.js';
import { cutClient } from './database-connections.js';
import { type DatabaseTrouble, databaseTrouble } from './database-failures.js';
import { within } from './deadline.js';
import type { Databases } from './open-databases.js';

/** Less than the two seconds in which readiness is to be known. */
const lookMilliseconds = 1_800;
const answerMilliseconds = 1_500;
/** A disk that is full takes small writes now and then, so after a failure it counts as full for a while. */
const fullMilliseconds = 5_000;
/** PostgreSQL stops by itself when its log of changes cannot have another segment of 16 MB. */
const leastFreeBytes = 16 * 1024 * 1024;
/** Troubles that the databases may be in although they answer. */
const hidden = ['disk_full', 'out_of_memory', 'no_connections', 'read_only'] as const satisfies DatabaseTrouble[];

/** Knows if messages can be stored and read, over connections of its own, so that nothing it is asked can hang. */
export class DatabaseWatch {
  private readonly probes: Record<'main' | 'keyring', Probe>;
  private readonly seen = new Map<DatabaseTrouble, number>();
  private looking: Promise<DatabaseTrouble | undefined> | undefined;

  constructor(
    private readonly databases: Pick<Databases, 'main' | 'keyring' | 'folder'>,
    private readonly dataDir: string,
  ) {
    this.probes = { main: new Probe(databases.main), keyring: new Probe(databases.keyring) };
  }

  /**
   * Reason why the databases cannot be read or written; undefined if they can. Answers within two seconds in any case;
   * concurrent callers share one answer.
   */
  trouble(): Promise<DatabaseTrouble | undefined> {
    this.looking ??= within(lookMilliseconds, this.look(), 'the databases')
      .catch((error: unknown) => databaseTrouble(error) ?? ('silent' as const))
      .finally(() => (this.looking = undefined));
    return this.looking;
  }

  /** Tells if the database answers at all, within two seconds. */
  async answers(database: 'main' | 'keyring'): Promise<boolean> {
    return (await this.probes[database].trouble()) === undefined;
  }

  /** Takes note of a trouble that something else met, so that it is looked into. */
  note(trouble: DatabaseTrouble): void {
    if ((hidden as readonly DatabaseTrouble[]).includes(trouble)) this.seen.set(trouble, performance.now());
  }

  close(): void {
    for (const probe of Object.values(this.probes)) probe.close();
  }

  private async look(): Promise<DatabaseTrouble | undefined> {
    const { main, keyring } = this.probes;
    const [one, other, free] = await Promise.all([main.trouble(), keyring.trouble(), this.freeBytes()]);
    const trouble = one ?? other ?? (free < leastFreeBytes ? 'disk_full' : undefined);
    return trouble ?? (this.seen.size > 0 ? this.verify() : undefined);
  }

  /** A trouble that was met lasts until a new connection can write. */
  private async verify(): Promise<DatabaseTrouble | undefined> {
    const full = this.seen.get('disk_full');
    if (full !== undefined && performance.now() - full < fullMilliseconds) return 'disk_full';
    const before = new Map(this.seen);
    const { main, keyring } = this.probes;
    const [one, other, files] = await Promise.all([
      main.writeTrouble(),
      keyring.writeTrouble(),
      full === undefined ? undefined : this.fileTrouble(),
    ]);
    const trouble = one ?? other ?? files;
    if (trouble) return trouble;
    for (const [each, at] of before) if (this.seen.get(each) === at) this.seen.delete(each);
    return undefined;
  }

  /** On the disk of the embedded PostgreSQL; of another one it is not known. */
  private async freeBytes(): Promise<number> {
    const { folder } = this.databases;
    if (folder === undefined) return Infinity;
    try {
      const { bavail, bsize } = await within(answerMilliseconds, statfs(folder), 'the disk');
      return bavail * bsize;
    } catch {
      return Infinity;
    }
  }

  private async fileTrouble(): Promise<DatabaseTrouble | undefined> {
    const path = join(this.dataDir, `.write-${process.pid}`);
    try {
      await within(answerMilliseconds, writeFile(path, randomBytes(64 * 1024)), 'a file');
      return undefined;
    } catch (error) {
      return databaseTrouble(error);
    } finally {
      await rm(path, { force: true }).catch(() => {});
    }
  }
}

/** One database, asked over a connection that nothing else uses. */
class Probe {
  private client: Client | undefined;
  private asking: Promise<DatabaseTrouble | undefined> | undefined;

  constructor(private readonly address: DatabaseAddress | string) {}

  /** One question at a time, which those who ask meanwhile share. */
  trouble(): Promise<DatabaseTrouble | undefined> {
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return this.asking;
  }

  /** Over a new connection, because what keeps one from coming in or from writing may not concern the old one. */
  async writeTrouble(): Promise<DatabaseTrouble | undefined> {
    const client = this.make();
    try {
      await within(answerMilliseconds, write(client), 'a database');
      return undefined;
    } catch (error) {
      return databaseTrouble(error) ?? 'silent';
    } finally {
      cutClient(client);
    }
  }

  close(): void {
    if (this.client) cutClient(this.client);
    this.client = undefined;
  }

  private async ask(): Promise<DatabaseTrouble | undefined> {
    try {
      const [row] = (await within(answerMilliseconds, this.query(), 'a database')).rows;
      return row!.read_only ? 'read_only' : undefined;
    } catch (error) {
      this.close();
      return databaseTrouble(error) ?? 'silent';
    }
  }

  private async query() {
    if (!this.client) {
      const client = (this.client = this.make());
      await client.connect();
    }
    return this.client.query<{ read_only: boolean }>(
      `SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS read_only`,
    );
  }

  private make(): Client {
    const client = new Client({
      ...clientOptions(this.address),
      application_name: 'colloquio-probe',
      connectionTimeoutMillis: answerMilliseconds,
      statement_timeout: answerMilliseconds,
    });
    // A connection that breaks fails what is asked next.
    client.on('error', () => this.client === client && (this.client = undefined));
    return client;
  }
}

/** Writes half a megabyte into new pages of a table that is rolled back, because free space in old pages says nothing of the disk. */
async function write(client: Client): Promise<void> {
  await client.connect();
  await client.query('BEGIN');
  await client.query('CREATE UNLOGGED TABLE colloquio_write_probe (filling text)');
  // Longer ones would be compressed.
  await client.query(`INSERT INTO colloquio_write_probe SELECT repeat('x', 1900) FROM generate_series(1, 256)`);
  await client.query('ROLLBACK');
}
