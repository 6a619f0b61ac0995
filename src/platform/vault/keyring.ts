import { randomBytes } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { BoundedCache } from '../bounded-cache.js';
import { StartError } from '../start-error.js';
import type { EpochKeys } from './epoch-keys.js';
import { open, seal } from './sealing.js';

/** Owner of a key. A personal invitation's key is the key of the contact it becomes: both have the same id. */
export type KeyScope = 'contact' | 'interlocutor' | 'subscriber' | 'service' | 'proof' | 'export' | 'mail';

export interface KeyRef {
  scope: KeyScope;
  id: string;
}

/** An entry of the ledger of erasures. */
export interface LedgerRow extends KeyRef {
  erasureId: string;
  /** As PostgreSQL writes it. */
  erasedAt: string;
}

/** The key was destroyed, or there never was one: what it sealed is gone. */
export class KeyGoneError extends Error {
  override readonly name = 'KeyGoneError';
}

export interface WrappedKey {
  scope: KeyScope;
  id: string;
  epoch: number;
  wrapped: Buffer;
}

export const keysDoNotMatch =
  'The epoch key file (keys/epoch.key) and the keyring database do not belong together: restore both from the same moment.';

const cacheSeconds = 60;
const cachedKeys = 50_000;
/** A slice takes a few milliseconds to wrap, for which sends have to wait. */
const renewalSlice = 500;
const lockedMilliseconds = 20;
/** A statement destroys this many keys at most, which takes it about a second. */
const destroyedAtOnce = 100_000;
const epochAttempts = 3;

/** The wrapped keys in the database of their own, and a cache of open ones (at most 60 s). */
export class Keyring {
  private readonly cache = new BoundedCache<string, Buffer>(cachedKeys, { ttl: cacheSeconds * 1000 });
  private destructions = 0;
  private renewal: Promise<void> | undefined;
  private readonly loading = new Map<string, Promise<Buffer | undefined>>();

  constructor(
    private readonly database: DataSource,
    private readonly epochs: EpochKeys,
  ) {}

  /**
   * Checks that the database and the epoch file belong together, and finishes an interrupted rotation.
   * @throws StartError
   */
  async recover(): Promise<void> {
    await this.database.query('INSERT INTO epoch (number) VALUES ($1) ON CONFLICT DO NOTHING', [
      this.epochs.current.number,
    ]);
    const [stray] = await this.database.query<{ epoch: number }[]>(
      'SELECT epoch FROM (SELECT number AS epoch FROM epoch UNION SELECT DISTINCT epoch FROM wrapped_key) AS used WHERE epoch <> ALL ($1)',
      [this.epochs.known],
    );
    if (stray) {
      throw new StartError(keysDoNotMatch);
    }
    await this.epochs.shredRemains();
    if (this.epochs.renewing) await this.finishRenewal();
  }

  async isEmpty(): Promise<boolean> {
    const [row] = await this.database.query<{ empty: boolean }[]>(
      'SELECT NOT EXISTS (SELECT FROM wrapped_key) AS empty',
    );
    return row!.empty;
  }

  /**
   * Makes a random key for each; a key that is there already stays, and one that an erasure destroyed is not made again.
   * @throws Error when the database keeps another epoch than the file
   */
  create(refs: KeyRef[]): Promise<void> {
    return this.adopt(refs.map((ref) => ({ ...ref, key: randomBytes(32) })));
  }

  /** Takes keys that are known, such as those of a backup, with the same exceptions. */
  async adopt(keys: readonly (KeyRef & { key: Buffer })[]): Promise<void> {
    for (let attempt = 0; attempt < epochAttempts; attempt++) {
      const { number, key: epochKey } = this.epochs.current;
      // The shared lock on the epoch row makes a renewal wait for keys that are being wrapped with the old epoch.
      const inserted = await this.database.query<{ current: boolean }[]>(
        `WITH current AS (SELECT number FROM epoch WHERE number = $1 FOR SHARE),
              made AS (INSERT INTO wrapped_key (scope, id, epoch, wrapped)
                       SELECT scope, id, current.number, wrapped
                       FROM current, unnest($2::text[], $3::uuid[], $4::bytea[]) AS new (scope, id, wrapped)
                       WHERE NOT EXISTS (SELECT FROM erased WHERE erased.scope = new.scope AND erased.id = new.id)
                       ON CONFLICT DO NOTHING)
         SELECT true AS current FROM current`,
        [number, ...columnsOf(keys), keys.map((each) => seal(epochKey, each.key, wrapping(each)))],
      );
      if (inserted.length > 0) return;
      // The database does not know the newest epoch yet: its renewal has just begun, or was cut short and is ended here.
      if (this.epochs.renewing) await this.renewEpoch();
    }
    throw new Error(keysDoNotMatch);
  }

  /** @throws KeyGoneError */
  async key(ref: KeyRef): Promise<Buffer> {
    const key = this.cache.get(name(ref)) ?? (await this.loadOnce(ref));
    if (!key) throw new KeyGoneError(`the key of ${ref.scope} ${ref.id} is gone`);
    return key;
  }

  /** The keys that exist, by id. With `keep: false` they bypass the cache: a whole address book would flush it. */
  async keys(scope: KeyScope, ids: readonly string[], { keep = true } = {}): Promise<Map<string, Buffer>> {
    const found = new Map<string, Buffer>();
    const missing: string[] = [];
    for (const id of ids) {
      const key = this.cache.get(name({ scope, id }));
      if (key) found.set(id, key);
      else missing.push(id);
    }
    if (missing.length > 0) {
      for (const [id, key] of await this.load(scope, missing, keep)) found.set(id, key);
    }
    return found;
  }

  /** Deletes the keys and forgets them at once. What is left in dead rows stops opening with the next epoch. */
  async destroy(refs: readonly KeyRef[]): Promise<void> {
    for (const slice of slicesOf(refs)) {
      await this.database.query(
        `DELETE FROM wrapped_key USING unnest($1::text[], $2::uuid[]) AS gone (scope, id)
         WHERE wrapped_key.scope = gone.scope AND wrapped_key.id = gone.id`,
        columnsOf(slice),
      );
      this.forget(slice);
    }
  }

  /**
   * Destroys the keys of an erasure, and writes each of them down in the ledger in the same statement, whether it was still
   * there or not. A key of the ledger is never made again.
   */
  async erase(refs: readonly KeyRef[], erasureId: string): Promise<void> {
    for (const slice of slicesOf(refs)) {
      await this.database.query(
        `WITH subject AS (SELECT DISTINCT scope, id FROM unnest($1::text[], $2::uuid[]) AS subject (scope, id)),
              noted AS (INSERT INTO erased (scope, id, erasure_id) SELECT scope, id, $3 FROM subject
                        ORDER BY scope, id ON CONFLICT DO NOTHING)
         DELETE FROM wrapped_key USING subject
         WHERE wrapped_key.scope = subject.scope AND wrapped_key.id = subject.id`,
        [...columnsOf(slice), erasureId],
      );
      this.forget(slice);
    }
  }

  /** Adds what another ledger knows to this one, and destroys the keys that are named there. For a restore. */
  async note(ledger: readonly LedgerRow[]): Promise<void> {
    for (const slice of slicesOf(ledger)) {
      await this.database.query(
        `WITH noted AS (INSERT INTO erased (scope, id, erasure_id, erased_at)
                        SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::timestamptz[]) ON CONFLICT DO NOTHING)
         DELETE FROM wrapped_key USING unnest($1::text[], $2::uuid[]) AS named (scope, id)
         WHERE wrapped_key.scope = named.scope AND wrapped_key.id = named.id`,
        [...columnsOf(slice), slice.map(({ erasureId }) => erasureId), slice.map(({ erasedAt }) => erasedAt)],
      );
      this.forget(slice);
    }
  }

  /** Deletes every key, but not the ledger. For a restore. */
  static async clear(database: DataSource): Promise<void> {
    await database.query('DELETE FROM wrapped_key');
    await database.query('DELETE FROM epoch');
  }

  /** The erasures of the ledger behind this one, in the order of their ids, each once. */
  async erasuresAfter(erasureId: string, limit: number): Promise<string[]> {
    const rows = await this.database.query<{ id: string }[]>(
      'SELECT DISTINCT erasure_id AS id FROM erased WHERE erasure_id > $1 ORDER BY erasure_id LIMIT $2',
      [erasureId, limit],
    );
    return rows.map(({ id }) => id);
  }

  /** The owners of the keys that an erasure has destroyed, and when that was. */
  erasedBy(erasureId: string): Promise<(KeyRef & { erasedAt: Date })[]> {
    return this.database.query<(KeyRef & { erasedAt: Date })[]>(
      'SELECT scope, id, erased_at AS "erasedAt" FROM erased WHERE erasure_id = $1 ORDER BY scope, id',
      [erasureId],
    );
  }

  private forget(refs: readonly KeyRef[]): void {
    this.destructions++;
    for (const ref of refs) {
      this.cache.delete(name(ref));
      this.loading.delete(name(ref));
    }
  }

  /** The number of the epoch that wraps now. */
  get currentEpoch(): number {
    return this.epochs.current.number;
  }

  /** The number of the oldest epoch that still opens. */
  get oldestEpoch(): number {
    return this.epochs.oldest.number;
  }

  /** Date of the oldest epoch still in use; an interrupted rotation does not count. */
  get epochMadeAt(): Date {
    return this.epochs.oldest.madeAt;
  }

  /** Makes a new epoch key, wraps what lives with it, and overwrites the old one. One renewal at a time. */
  renewEpoch(): Promise<void> {
    this.renewal ??= (async () => {
      if (!this.epochs.renewing) await this.epochs.beginRotation();
      await this.finishRenewal();
    })().finally(() => (this.renewal = undefined));
    return this.renewal;
  }

  private async finishRenewal(): Promise<void> {
    const { number } = this.epochs.current;
    await this.database.query('UPDATE epoch SET number = $1, renewed_at = now()', [number]);
    while (await this.database.transaction((manager) => this.rewrapSlice(manager, number)));
    await this.epochs.finishRotation();
  }

  private async rewrapSlice(manager: EntityManager, number: number): Promise<boolean> {
    // A key that is being destroyed is passed over: it goes, or is found by a later slice.
    const rows = await manager.query<WrappedKey[]>(
      'SELECT scope, id, epoch, wrapped FROM wrapped_key WHERE epoch < $1 LIMIT $2 FOR UPDATE SKIP LOCKED',
      [number, renewalSlice],
    );
    if (rows.length === 0) return this.hasOlderThan(manager, number);
    const epochKey = this.epochs.key(number);
    await manager.query(
      `UPDATE wrapped_key AS old SET epoch = $1, wrapped = new.wrapped
       FROM unnest($2::text[], $3::uuid[], $4::bytea[]) AS new (scope, id, wrapped)
       WHERE old.scope = new.scope AND old.id = new.id`,
      [
        number,
        rows.map(({ scope }) => scope),
        rows.map(({ id }) => id),
        rows.map((row) => seal(epochKey, this.unwrap(row), wrapping(row))),
      ],
    );
    return true;
  }

  /** After a short rest, because those that are left are locked. */
  private async hasOlderThan(manager: EntityManager, number: number): Promise<boolean> {
    const older = 'SELECT EXISTS (SELECT FROM wrapped_key WHERE epoch < $1) AS any';
    const [{ any }] = await manager.query<[{ any: boolean }]>(older, [number]);
    if (any) await new Promise((resolve) => setTimeout(resolve, lockedMilliseconds));
    return any;
  }

  /** Loads a key once for all concurrent callers, who go on in the order in which they asked. */
  private loadOnce(ref: KeyRef): Promise<Buffer | undefined> {
    let load = this.loading.get(name(ref));
    if (!load) {
      load = this.load(ref.scope, [ref.id]).then((keys) => keys.get(ref.id));
      this.loading.set(name(ref), load);
      const ended = () => void (this.loading.get(name(ref)) === load && this.loading.delete(name(ref)));
      load.then(ended, ended);
    }
    return load;
  }

  private async load(scope: KeyScope, ids: readonly string[], keep = true): Promise<Map<string, Buffer>> {
    const { destructions } = this;
    const { oldest } = this.epochs;
    const rows = await this.database.query<WrappedKey[]>(
      'SELECT scope, id, epoch, wrapped FROM wrapped_key WHERE scope = $1 AND id = ANY ($2::uuid[])',
      [scope, ids],
    );
    // What was read before a renewal ended is wrapped with an epoch that is gone.
    if (this.epochs.oldest !== oldest && rows.some(({ epoch }) => epoch < this.epochs.oldest.number)) {
      return this.load(scope, ids, keep);
    }
    const keys = new Map(rows.map((row) => [row.id, this.unwrap(row)]));
    // A key destroyed while it was being read must not come back into the cache.
    if (keep && destructions === this.destructions)
      for (const [id, key] of keys) this.cache.set(name({ scope, id }), key);
    return keys;
  }

  private unwrap(row: WrappedKey): Buffer {
    return unwrapKey(this.epochs, row);
  }
}

/** @throws UnsealError when the row was changed, or wrapped with another epoch key */
export function unwrapKey(epochs: EpochKeys, row: WrappedKey): Buffer {
  return open(epochs.key(row.epoch), row.wrapped, wrapping(row));
}

const columnsOf = (refs: readonly KeyRef[]) => [refs.map(({ scope }) => scope), refs.map(({ id }) => id)];

function* slicesOf<Ref extends KeyRef>(refs: readonly Ref[]): Generator<readonly Ref[]> {
  for (let start = 0; start < refs.length; start += destroyedAtOnce) yield refs.slice(start, start + destroyedAtOnce);
}

const name = ({ scope, id }: KeyRef) => `${scope}:${id}`;
const wrapping = ({ scope, id }: KeyRef) => ['key', scope, id];
