import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, open as openFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { NIL } from 'uuid';
import { loadConfig } from '../src/platform/config.js';
import { keyringDatabase } from '../src/platform/database.js';
import { StartError } from '../src/platform/start-error.js';
import { EpochKeys } from '../src/platform/vault/epoch-keys.js';
import { KeyGoneError, type KeyRef, Keyring } from '../src/platform/vault/keyring.js';
import { openVault } from '../src/platform/vault/open-vault.js';
import { UnsealError } from '../src/platform/vault/sealing.js';
import { serverAddress, unique } from './support/world.js';

/** Promise 6, at its root: a key that was destroyed is gone, at once and from whatever is left behind. */

let database: DataSource;
let folder: string;
const masterKey = randomBytes(32);

beforeAll(async () => {
  const name = `vault_${unique()}`;
  await onServer(`CREATE DATABASE "${name}" TEMPLATE template_keyring`);
  database = await keyringDatabase({ ...serverAddress(), database: name }).initialize();
});
afterAll(async () => {
  const name = String(database.driver.database);
  await database.destroy();
  await onServer(`DROP DATABASE "${name}"`);
});
beforeEach(async () => {
  await database.query('TRUNCATE epoch, wrapped_key, erased');
  folder = await mkdtemp(join(tmpdir(), 'colloquio-vault-'));
});
afterEach(() => rm(folder, { recursive: true }));

const epochFile = () => join(folder, 'epoch.key');
const contact = (): KeyRef => ({ scope: 'contact', id: randomUUID() });

/** A keyring as a start opens it, over the file and the database that are there. */
async function start({ over = database } = {}): Promise<{ keyring: Keyring; epochs: EpochKeys }> {
  const epochs = await EpochKeys.load(epochFile(), masterKey);
  const keyring = new Keyring(over, epochs);
  await keyring.recover();
  return { keyring, epochs };
}

async function contactsWithKeys(keyring: Keyring, count: number): Promise<KeyRef[]> {
  const refs = Array.from({ length: count }, contact);
  await keyring.create(refs);
  return refs;
}

/** The keys of these contacts; fails unless all are there. */
async function keysOf(keyring: Keyring, refs: KeyRef[]): Promise<string[]> {
  const ids = refs.map(({ id }) => id);
  const keys = await keyring.keys('contact', ids);
  return ids.map((id) => keys.get(id)!.toString('hex'));
}

describe('a key', () => {
  test('is random, created once, and the same after a restart', async () => {
    const { keyring } = await start();
    const refs = await contactsWithKeys(keyring, 20);
    const keys = await keysOf(keyring, refs);
    expect(new Set(keys).size).toBe(20);
    await keyring.create(refs);
    expect(await keysOf(keyring, refs)).toEqual(keys);
    const { keyring: later } = await start();
    expect(await keysOf(later, refs)).toEqual(keys);
    expect([...(await later.keys('contact', [...refs.map(({ id }) => id), randomUUID()])).keys()].sort()).toEqual(
      refs.map(({ id }) => id).sort(),
    );
  });

  test('is in the database only wrapped', async () => {
    const { keyring } = await start();
    const refs = await contactsWithKeys(keyring, 5);
    const rows = await database.query<{ wrapped: Buffer }[]>('SELECT wrapped FROM wrapped_key');
    for (const key of await keysOf(keyring, refs)) {
      for (const { wrapped } of rows) expect(wrapped.includes(Buffer.from(key, 'hex'))).toBe(false);
    }
  });

  test('of one row does not open in another row', async () => {
    const { keyring } = await start();
    const [one, other] = (await contactsWithKeys(keyring, 2)) as [KeyRef, KeyRef];
    await database.query(
      'UPDATE wrapped_key SET wrapped = (SELECT wrapped FROM wrapped_key WHERE id = $1) WHERE id = $2',
      [one.id, other.id],
    );
    await expect(keyring.key(other)).rejects.toThrow(UnsealError);
    await database.query(`UPDATE wrapped_key SET scope = 'subscriber' WHERE id = $1`, [one.id]);
    await expect(keyring.key({ scope: 'subscriber', id: one.id })).rejects.toThrow(UnsealError);
  });

  test('that was destroyed is gone at once, from the cache too', async () => {
    const { keyring } = await start();
    const [gone, kept] = (await contactsWithKeys(keyring, 2)) as [KeyRef, KeyRef];
    await keysOf(keyring, [gone, kept]);
    await keyring.destroy([gone]);
    await expect(keyring.key(gone)).rejects.toThrow(KeyGoneError);
    expect([...(await keyring.keys('contact', [gone.id, kept.id])).keys()]).toEqual([kept.id]);
    await keyring.destroy([gone]);
  });

  test('that an erasure destroyed is gone at once, is in the ledger, and is never created again', async () => {
    const { keyring } = await start();
    const [gone, kept] = (await contactsWithKeys(keyring, 2)) as [KeyRef, KeyRef];
    await keysOf(keyring, [gone, kept]);
    const erasureId = randomUUID();
    await keyring.erase([gone, gone], erasureId);
    await keyring.erase([gone], randomUUID());
    await expect(keyring.key(gone)).rejects.toThrow(KeyGoneError);
    await keyring.create([gone, kept]);
    await expect(keyring.key(gone)).rejects.toThrow(KeyGoneError);
    expect(await keyring.key(kept)).toHaveLength(32);
    expect(await keyring.erasedBy(erasureId)).toEqual([{ ...gone, erasedAt: expect.any(Date) }]);
    expect(await keyring.erasuresAfter(NIL, 10)).toEqual([erasureId]);
    expect(await keyring.erasuresAfter(erasureId, 10)).toEqual([]);
  });

  test('of each of a hundred thousand contacts is destroyed in one call', async () => {
    const { keyring } = await start();
    await database.query(
      `INSERT INTO wrapped_key SELECT 'contact', gen_random_uuid(), 1, '' FROM generate_series(1, 100000)`,
    );
    const gone = await database.query<KeyRef[]>('SELECT scope, id FROM wrapped_key');
    const [kept] = (await contactsWithKeys(keyring, 1)) as [KeyRef];
    await keyring.erase(gone, randomUUID());
    expect([...(await wrappedKeys()).keys()]).toEqual([kept.id]);
    expect(await database.query('SELECT count(*)::integer AS noted FROM erased')).toEqual([{ noted: 100_000 }]);
  });

  test('is not created, with an error, while the database has another epoch than the file', async () => {
    const { keyring } = await start();
    await database.query('UPDATE epoch SET number = 7');
    await expect(keyring.create([contact()])).rejects.toThrow(/do not belong together/);
    expect(await wrappedKeys()).toHaveProperty('size', 0);
  });

  test('that is destroyed while it is being read is not cached', async () => {
    const slow = slowly(database, 'SELECT scope, id, epoch, wrapped FROM wrapped_key WHERE scope');
    const { keyring } = await start({ over: slow.database });
    const [ref] = (await contactsWithKeys(keyring, 1)) as [KeyRef];
    slow.hold();
    const read = keyring.key(ref);
    await slow.held();
    await keyring.destroy([ref]);
    slow.letGo();
    await read.catch(() => {});
    await expect(keyring.key(ref)).rejects.toThrow(KeyGoneError);
  });
});

describe('rotating the epoch key', () => {
  test('changes no key, and rewraps every one', async () => {
    const { keyring, epochs } = await start();
    const refs = await contactsWithKeys(keyring, 2_500);
    const keys = await keysOf(keyring, refs);
    const before = await wrappedKeys();
    await keyring.renewEpoch();
    const after = await wrappedKeys();
    expect(after.size).toBe(2_500);
    for (const [id, { epoch, wrapped }] of after) {
      expect(epoch).toBe(2);
      expect(wrapped.equals(before.get(id)!.wrapped)).toBe(false);
    }
    expect(epochs).toMatchObject({ known: [2], renewing: false });
    const { keyring: later } = await start();
    expect(await keysOf(later, refs)).toEqual(keys);
  });

  test('makes wrapped keys in dead rows and backups useless, even with everything on the disk', async () => {
    const { keyring } = await start();
    const [gone, kept] = (await contactsWithKeys(keyring, 2)) as [KeyRef, KeyRef];
    const saved = await database.query<unknown[]>('SELECT * FROM wrapped_key');
    const oldFile = await readFile(epochFile());
    const oldBytes = await openFile(epochFile());
    await keyring.destroy([gone]);
    await keyring.renewEpoch();
    expect(await keyring.key(kept)).toHaveLength(32);

    // As if the old rows were dug out again, beside the epoch file as it stands now.
    await database.query('DELETE FROM wrapped_key');
    await database.query(`INSERT INTO wrapped_key SELECT * FROM json_populate_recordset(NULL::wrapped_key, $1)`, [
      JSON.stringify(saved.map((row) => ({ ...(row as object), wrapped: hexOf(row) }))),
    ]);
    await expect(keyring.key(gone)).rejects.toThrow('epoch 1 is gone');
    await expect(start()).rejects.toThrow(StartError);
    await database.query('UPDATE wrapped_key SET epoch = 2');
    const { keyring: forced } = await start();
    for (const ref of [gone, kept]) await expect(forced.key(ref)).rejects.toThrow(UnsealError);

    // Nor do the blocks on which the epoch file stood.
    const { size } = await oldBytes.stat();
    const { buffer } = await oldBytes.read(Buffer.alloc(size), 0, size, 0);
    await oldBytes.close();
    expect(buffer.equals(oldFile.subarray(0, size))).toBe(false);
    await writeFile(epochFile(), buffer);
    await expect(EpochKeys.load(epochFile(), masterKey)).rejects.toThrow(StartError);
  });

  test('repeatedly loses no key that is created meanwhile, and keeps none that is destroyed', async () => {
    const { keyring, epochs } = await start();
    const made: KeyRef[] = [];
    const destroyed: KeyRef[] = [];
    let making = 3;
    const makers = Array.from({ length: making }, async () => {
      for (let round = 0; round < 40; round++) {
        const [first, ...rest] = (await contactsWithKeys(keyring, 5)) as [KeyRef, ...KeyRef[]];
        await keyring.destroy([first]);
        destroyed.push(first);
        made.push(...rest);
        const ids = rest.map(({ id }) => id);
        expect(await keyring.keys('contact', ids, { keep: false })).toHaveProperty('size', 4);
      }
      making--;
    });
    while (making > 0) await keyring.renewEpoch();
    await Promise.all(makers);
    expect(epochs.current.number).toBeGreaterThan(3);
    expect(epochs.renewing).toBe(false);
    const keys = await keysOf(keyring, made);
    expect(new Set(keys).size).toBe(480);
    const { keyring: later } = await start();
    expect(await keysOf(later, made)).toEqual(keys);
    const gone = destroyed.map(({ id }) => id);
    expect(await later.keys('contact', gone)).toHaveProperty('size', 0);
  });

  test('concurrently is one rotation', async () => {
    const { keyring, epochs } = await start();
    await contactsWithKeys(keyring, 10);
    await Promise.all([keyring.renewEpoch(), keyring.renewEpoch(), keyring.renewEpoch()]);
    expect(epochs.known).toEqual([2]);
  });

  test('does not disturb concurrent readers of keys', async () => {
    const slow = slowly(database, 'SELECT scope, id, epoch, wrapped FROM wrapped_key WHERE scope');
    const { keyring } = await start({ over: slow.database });
    const [ref] = (await contactsWithKeys(keyring, 1)) as [KeyRef];
    slow.hold();
    const read = keyring.key(ref);
    await slow.held();
    await keyring.renewEpoch();
    slow.letGo();
    expect(await read).toHaveLength(32);
    expect(await read).toEqual(await (await start()).keyring.key(ref));
  });
});

describe('an interrupted rotation', () => {
  test('right after its beginning is finished at the next start', async () => {
    const { keyring, epochs } = await start();
    const refs = await contactsWithKeys(keyring, 10);
    const keys = await keysOf(keyring, refs);
    await epochs.beginRotation();
    const { keyring: later, epochs: now } = await start();
    expect(now).toMatchObject({ known: [2], renewing: false });
    expect(new Set([...(await wrappedKeys()).values()].map(({ epoch }) => epoch))).toEqual(new Set([2]));
    expect(await keysOf(later, refs)).toEqual(keys);
  });

  test('killed while writing its file leaves nothing beside that file after the next start', async () => {
    await start();
    const draft = `${epochFile()}.4711.0a1b2c3d`;
    await writeFile(draft, await readFile(epochFile()));
    await start();
    expect(await readdir(folder)).toEqual(['epoch.key']);
  });

  test('halfway through the keys is finished at the next start', async () => {
    let slices = 0;
    const failing = intercepting(database, async (sql, ask) => {
      if (sql === 'transaction' && ++slices > 1) throw new Error('the service was killed');
      return ask();
    });
    const { keyring } = await start({ over: failing });
    const refs = await contactsWithKeys(keyring, 1_500);
    const keys = await keysOf(keyring, refs);
    await expect(keyring.renewEpoch()).rejects.toThrow('the service was killed');
    const epochsInUse = async () => new Set([...(await wrappedKeys()).values()].map(({ epoch }) => epoch));
    expect(await epochsInUse()).toEqual(new Set([1, 2]));
    const { keyring: later, epochs } = await start();
    expect(epochs.known).toEqual([2]);
    expect(await epochsInUse()).toEqual(new Set([2]));
    expect(await keysOf(later, refs)).toEqual(keys);
  });

  test('by a lost database is finished as soon as a key is created, and counts as due until then', async () => {
    let broken = true;
    const failing = intercepting(database, async (sql, ask) => {
      if (broken && sql.startsWith('UPDATE epoch')) throw new Error('the database went away');
      return ask();
    });
    const { keyring, epochs } = await start({ over: failing });
    const { madeAt } = epochs.current;
    await contactsWithKeys(keyring, 3);
    await expect(keyring.renewEpoch()).rejects.toThrow('the database went away');
    expect(epochs.known).toEqual([1, 2]);
    expect(keyring.epochMadeAt).toEqual(madeAt);
    await expect(contactsWithKeys(keyring, 1)).rejects.toThrow('the database went away');
    broken = false;
    const refs = await contactsWithKeys(keyring, 3);
    expect(epochs.known).toEqual([2]);
    expect(await keysOf((await start()).keyring, refs)).toHaveLength(3);
  });
});

describe('a vault does not open', () => {
  const config = (changes: Record<string, string> = {}) => loadConfig({ DATA_DIR: folder, ...changes });
  const keyFile = (name: string) => join(folder, 'keys', name);

  /** Opens it for the first time and puts a key in it. */
  async function filled(): Promise<KeyRef> {
    const { vault, masterKey: made } = await openVault(config(), database, 'nothing');
    expect(made.madeAt).toBe(keyFile('master.key'));
    const ref = contact();
    await vault.createKeys(ref);
    return ref;
  }

  async function refusal(
    main: 'nothing' | 'tables' | 'accounts' = 'accounts',
    changes: Record<string, string> = {},
  ): Promise<string> {
    const error = await openVault(config(changes), database, main).then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error).toBeInstanceOf(StartError);
    expect(error!.message).not.toContain('\n');
    return error!.message;
  }

  test('with another master key, but does with its own', async () => {
    const ref = await filled();
    const own = (await readFile(keyFile('master.key'), 'utf8')).trim();
    expect(await refusal('accounts', { MASTER_KEY: randomBytes(32).toString('hex') })).toContain(
      'The master key does not open',
    );
    await writeFile(keyFile('master.key'), randomBytes(32).toString('base64'));
    expect(await refusal()).toContain('The master key does not open');
    await rm(keyFile('master.key'));
    expect(await refusal()).toContain('The master key is missing');
    const { vault, masterKey: given } = await openVault(config({ MASTER_KEY: own }), database, 'accounts');
    expect(given.madeAt).toBeUndefined();
    expect(await vault.open(ref, await vault.seal(ref, 'ciao', ['row']), ['row'])).toBe('ciao');
  });

  test('without its epoch key, and never makes another in its place', async () => {
    await filled();
    await rm(keyFile('epoch.key'));
    expect(await refusal()).toContain('The epoch key is missing');
    expect(await EpochKeys.exist(keyFile('epoch.key'))).toBe(false);
  });

  test('over an empty keyring when the main database holds accounts', async () => {
    expect(await refusal()).toContain('The keyring database is empty but the main database is not');
    expect(await EpochKeys.exist(keyFile('epoch.key'))).toBe(false);
  });

  test('over a used keyring when the main database is empty, as after a mistyped name', async () => {
    const emptyMain = 'The main database is empty but the keyring is not: correct DATABASE_URL';
    const { vault } = await openVault(config(), database, 'nothing');
    // Nobody has registered yet: the service has its own key only.
    await (await openVault(config(), database, 'nothing')).vault.ping();
    // A registration that failed has left its key.
    await vault.createKeys({ scope: 'subscriber', id: randomUUID() });
    await (await openVault(config(), database, 'tables')).vault.ping();
    expect(await refusal('nothing')).toContain(emptyMain);
    await vault.createKeys(contact());
    expect(await refusal('tables')).toContain(emptyMain);
    await (await openVault(config(), database, 'accounts')).vault.ping();
  });

  test('over the keyring of other data, whatever its epoch', async () => {
    await filled();
    const other = await mkdtemp(join(folder, 'other-'));
    const rows = await database.query<unknown[]>('SELECT * FROM wrapped_key');
    await database.query('TRUNCATE epoch, wrapped_key, erased');
    const { keyring } = await openVault(config({ DATA_DIR: other }), database, 'nothing');
    const doNotMatch = 'do not belong together: restore both from the same moment';
    expect(await refusal()).toContain(doNotMatch);
    await keyring.renewEpoch();
    expect(await refusal()).toContain(doNotMatch);
    expect(rows).toHaveLength(2);
    const { vault } = await openVault(config({ DATA_DIR: other }), database, 'accounts');
    await vault.ping();
  });

  test('but a first start that was interrupted before anything was sealed continues', async () => {
    await EpochKeys.load(keyFile('epoch.key'), masterKey);
    expect(await refusal('nothing')).toContain('The master key is missing');
    const { vault } = await openVault(config({ MASTER_KEY: masterKey.toString('hex') }), database, 'nothing');
    await vault.ping();
  });
});

async function wrappedKeys(): Promise<Map<string, { epoch: number; wrapped: Buffer }>> {
  const rows = await database.query<{ id: string; epoch: number; wrapped: Buffer }[]>('SELECT * FROM wrapped_key');
  return new Map(rows.map((row) => [row.id, row]));
}

const hexOf = (row: unknown) => `\\x${(row as { wrapped: Buffer }).wrapped.toString('hex')}`;

/** The same database, except that something may happen to its queries and transactions. */
function intercepting(
  source: DataSource,
  intercept: (what: string, ask: () => Promise<unknown>) => Promise<unknown>,
): DataSource {
  return new Proxy(source, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (property === 'query' || property === 'transaction') {
        const ask = value as (...parameters: unknown[]) => Promise<unknown>;
        return (...parameters: unknown[]) =>
          intercept(property === 'query' ? String(parameters[0]) : property, () => ask.apply(target, parameters));
      }
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** The same database, except that answers to such queries can be held back on their way. */
function slowly(source: DataSource, beginning: string) {
  let holding = false;
  let arrived: () => void;
  let release: () => void;
  const arrival = new Promise<void>((resolve) => (arrived = resolve));
  const gate = new Promise<void>((resolve) => (release = resolve));
  return {
    database: intercepting(source, async (sql, ask) => {
      const answer = await ask();
      if (!holding || !sql.startsWith(beginning)) return answer;
      holding = false;
      arrived();
      await gate;
      return answer;
    }),
    hold: () => void (holding = true),
    held: () => arrival,
    letGo: () => release(),
  };
}

async function onServer(statement: string): Promise<void> {
  const { host, port, user, password } = serverAddress();
  const client = new Client({ host, port, user, password, database: 'postgres' });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
