import { type DBSchema, type IDBPDatabase, openDB, deleteDB } from 'idb';
import type { Store } from '../../client/index.js';
import { MemoryStore } from '../../client/memory.js';

/** Values of a device by their names, sealed. Names hold random ids only. */
interface Kept extends DBSchema {
  values: { key: string; value: { iv: Uint8Array<ArrayBuffer>; sealed: ArrayBuffer } };
}
interface Keys extends DBSchema {
  keys: { key: string; value: CryptoKey };
}

const keyName = 'device';

/**
 * The store of a device, encrypted with AES-256-GCM under a key that no script can read out. The key stands in a database of
 * its own: once that one record is gone nothing here can be read any more, whatever the browser does with the rest. That
 * makes logging out certain. It protects from nobody who holds the unlocked device, for the key lies beside the data.
 */
export class DeviceVault implements Store {
  private constructor(
    private readonly name: string,
    private readonly data: IDBPDatabase<Kept>,
    private readonly key: CryptoKey,
  ) {}

  /** Opens the store of an app, and makes it at first. Without IndexedDB (private windows of old browsers) it is in memory. */
  static async open(name: string): Promise<Store> {
    try {
      const keys = await openKeys(name);
      const key = await keyIn(keys);
      keys.close();
      const data = await openDB<Kept>(`${name}-data`, 1, {
        upgrade: (database) => void database.createObjectStore('values'),
        // Another tab erases everything: this one must not hold it up.
        blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
      });
      return new DeviceVault(name, data, key);
    } catch (error) {
      console.warn('This browser keeps nothing for this page.', error);
      return new MemoryStore();
    }
  }

  /** Erases everything that an app has kept on this device, the key first. */
  static async erase(name: string): Promise<void> {
    try {
      const keys = await openKeys(name);
      await keys.clear('keys');
      keys.close();
    } finally {
      await Promise.allSettled([deleteDB(`${name}-data`), deleteDB(`${name}-key`)]);
    }
  }

  async get(key: string): Promise<unknown> {
    const record = await this.data.get('values', key);
    return record && this.unseal(key, record);
  }

  async entries(prefix: string): Promise<[string, unknown][]> {
    const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
    const transaction = this.data.transaction('values');
    const [keys, records] = await Promise.all([
      transaction.store.getAllKeys(range),
      transaction.store.getAll(range),
      transaction.done,
    ]);
    const values = await Promise.all(keys.map((key, index) => this.unseal(key, records[index]!)));
    return keys.map((key, index): [string, unknown] => [key, values[index]]).filter(([, value]) => value !== undefined);
  }

  async put(entries: readonly (readonly [key: string, value: unknown])[]): Promise<void> {
    // Sealed before the transaction begins: it would end while this waits.
    const sealed = await Promise.all(
      entries.map(
        async ([key, value]) => [key, value === undefined ? undefined : await this.seal(key, value)] as const,
      ),
    );
    const transaction = this.data.transaction('values', 'readwrite', { durability: 'strict' });
    for (const [key, record] of sealed) {
      void (record ? transaction.store.put(record, key) : transaction.store.delete(key));
    }
    await transaction.done;
  }

  private async seal(key: string, value: unknown): Promise<Kept['values']['value']> {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const sealed = await crypto.subtle.encrypt({ ...this.way(key), iv }, this.key, await toBytes(value));
    return { iv, sealed };
  }

  /** Undefined when it is not of this key: left over from before a log-out. */
  private async unseal(key: string, { iv, sealed }: Kept['values']['value']): Promise<unknown> {
    try {
      return fromBytes(new Uint8Array(await crypto.subtle.decrypt({ ...this.way(key), iv }, this.key, sealed)));
    } catch {
      return undefined;
    }
  }

  /** A value that is moved to another name does not open there. */
  private way(key: string) {
    return { name: 'AES-GCM', additionalData: new TextEncoder().encode(`${this.name}/${key}`) };
  }
}

const openKeys = (name: string) =>
  openDB<Keys>(`${name}-key`, 1, {
    upgrade: (database) => void database.createObjectStore('keys'),
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });

/** Two tabs that open at once end up with one key. */
async function keyIn(keys: IDBPDatabase<Keys>): Promise<CryptoKey> {
  const there = await keys.get('keys', keyName);
  if (there) return there;
  const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
  const transaction = keys.transaction('keys', 'readwrite');
  const first = await transaction.store.get(keyName);
  if (!first) await transaction.store.put(made, keyName);
  await transaction.done;
  return first ?? made;
}

const asJson = 0;
const asFile = 1;

/** A plain value as JSON; a file as its bytes behind its name and type. */
async function toBytes(value: unknown): Promise<Uint8Array<ArrayBuffer>> {
  if (!(value instanceof Blob)) return joined(asJson, new TextEncoder().encode(JSON.stringify(value)));
  const about = new TextEncoder().encode(
    JSON.stringify({ type: value.type, name: value instanceof File ? value.name : undefined }),
  );
  const length = new Uint8Array(new Uint32Array([about.length]).buffer);
  return joined(asFile, length, about, new Uint8Array(await value.arrayBuffer()));
}

function fromBytes(bytes: Uint8Array<ArrayBuffer>): unknown {
  if (bytes[0] === asJson) return JSON.parse(new TextDecoder().decode(bytes.subarray(1)));
  const [length = 0] = new Uint32Array(bytes.slice(1, 5).buffer);
  const { type, name } = JSON.parse(new TextDecoder().decode(bytes.subarray(5, 5 + length))) as {
    type: string;
    name?: string;
  };
  const content = bytes.subarray(5 + length);
  return name === undefined ? new Blob([content], { type }) : new File([content], name, { type });
}

function joined(kind: number, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(1 + parts.reduce((sum, { length }) => sum + length, 0));
  whole[0] = kind;
  let at = 1;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
