import { createHmac, hkdfSync } from 'node:crypto';
import { NIL } from 'uuid';
import { DomainError } from '../problems/domain-error.js';
import { StartError } from '../start-error.js';
import { KeyGoneError, type KeyRef, type Keyring, keysDoNotMatch, type KeyScope } from './keyring.js';
import { open, seal, UnsealError } from './sealing.js';

/** The service's own key, from which the lookup hashes are derived. */
export const serviceKey: KeyRef = { scope: 'service', id: NIL };

const openedBeforePausing = 500;

/**
 * Encrypts what people write, and destroys keys. The context of a sealed value names what it belongs to, so that a value
 * moved to another row does not open.
 */
export class Vault {
  private constructor(
    private readonly keyring: Keyring,
    private readonly lookupKey: Buffer,
  ) {}

  /** @throws StartError when the epoch key does not open the keyring */
  static async open(keyring: Keyring): Promise<Vault> {
    await keyring.recover();
    await keyring.create([serviceKey]);
    try {
      return new Vault(keyring, derive(await keyring.key(serviceKey), 'lookup'));
    } catch (error) {
      if (error instanceof UnsealError) throw new StartError(keysDoNotMatch);
      throw error;
    }
  }

  /** Opens what is there beside a running service, which alone renews epochs and makes keys. */
  static async beside(keyring: Keyring): Promise<Vault> {
    return new Vault(keyring, derive(await keyring.key(serviceKey), 'lookup'));
  }

  /** Resolves when the keyring answers. */
  async ping(): Promise<void> {
    await this.keyring.isEmpty();
  }

  createKeys(...refs: KeyRef[]): Promise<void> {
    return this.keyring.create(refs);
  }

  async destroyKeys(...refs: KeyRef[]): Promise<void> {
    await this.keyring.destroy(refs);
  }

  /** The erasures in the ledger behind this one. */
  erasuresAfter(erasureId: string, limit: number): Promise<string[]> {
    return this.keyring.erasuresAfter(erasureId, limit);
  }

  /** The owners of keys that an erasure has destroyed, and when that was. */
  erasedBy(erasureId: string): Promise<(KeyRef & { erasedAt: Date })[]> {
    return this.keyring.erasedBy(erasureId);
  }

  /** Destroys keys for good, and notes them in the ledger of erasures. */
  async eraseKeys(erasureId: string, refs: readonly KeyRef[]): Promise<void> {
    await this.keyring.erase(refs, erasureId);
  }

  /**
   * Does work that new keys were made for, and destroys them when the domain refuses it. After any other error they stay:
   * a commit whose answer was lost may have been a commit, and a key without rows harms nobody.
   */
  async destroyingOnRefusal<Result>(refs: KeyRef[], work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof DomainError) await this.destroyKeys(...refs);
      throw error;
    }
  }

  /** @throws KeyGoneError */
  async seal(ref: KeyRef, plaintext: string, context: readonly string[]): Promise<Buffer> {
    return seal(await this.keyring.key(ref), plaintext, context);
  }

  /**
   * Seals many values of one scope, pausing between slices so that other work goes on.
   * @returns the sealed values in the order of the texts
   * @throws KeyGoneError
   */
  async sealMany(
    scope: KeyScope,
    values: readonly { id: string; text: string; context: readonly string[] }[],
  ): Promise<Buffer[]> {
    const sealed: Buffer[] = [];
    for (let start = 0; start < values.length; start += openedBeforePausing) {
      if (start > 0) await new Promise(setImmediate);
      const slice = values.slice(start, start + openedBeforePausing);
      const keys = await this.keyring.keys(scope, [...new Set(slice.map(({ id }) => id))]);
      for (const { id, text, context } of slice) {
        const key = keys.get(id);
        if (!key) throw new KeyGoneError(`the key of ${scope} ${id} is gone`);
        sealed.push(seal(key, text, context));
      }
    }
    return sealed;
  }

  /** @throws KeyGoneError, UnsealError */
  async open(ref: KeyRef, sealed: Buffer, context: readonly string[]): Promise<string> {
    return open(await this.keyring.key(ref), sealed, context).toString('utf8');
  }

  /**
   * Opens many values of one scope, pausing between slices so that other work goes on.
   * @returns the texts in the order of the values; undefined where the key is gone
   */
  async openMany(
    scope: KeyScope,
    values: readonly { id: string; sealed: Buffer; context: readonly string[] }[],
    options?: { keep: boolean },
  ): Promise<(string | undefined)[]> {
    const texts: (string | undefined)[] = [];
    for (let start = 0; start < values.length; start += openedBeforePausing) {
      if (start > 0) await new Promise(setImmediate);
      const slice = values.slice(start, start + openedBeforePausing);
      const keys = await this.keyring.keys(scope, [...new Set(slice.map(({ id }) => id))], options);
      for (const { id, sealed, context } of slice) {
        const key = keys.get(id);
        texts.push(key && open(key, sealed, context).toString('utf8'));
      }
    }
    return texts;
  }

  /** A keyed hash by which a username, address or code is found without being stored. `kind` keeps the uses apart. */
  lookupHash(kind: string, value: string): Buffer {
    return createHmac('sha256', this.lookupKey).update(`${kind}\0${value}`, 'utf8').digest();
  }

  /**
   * A function that turns words into index hashes, under the search key of this owner with this number. Like the owner's key,
   * request it again after a minute.
   * @throws KeyGoneError
   */
  async searchHash(ref: KeyRef, number = 0): Promise<(word: string) => Buffer> {
    const key = searchKeyOf(await this.keyring.key(ref), number);
    return (word) => createHmac('sha256', key).update(word, 'utf8').digest();
  }

  /** A keyed digest of a content, comparable under the same key only and meaningless once that is destroyed. */
  async digest(ref: KeyRef, content: string): Promise<Buffer> {
    return createHmac('sha256', derivedOnce(digestKeys, await this.keyring.key(ref), 'digest'))
      .update(content, 'utf8')
      .digest();
  }
}

/** Signs what a backup says of itself, under the service's own key: it outlasts every epoch key and master key. */
export function signBackup(key: Buffer, text: string): string {
  return createHmac('sha256', derive(key, 'backup')).update(text, 'utf8').digest('base64url');
}

/** Derived once for as long as the key itself is held. */
const digestKeys = new WeakMap<Buffer, Buffer>();
const searchKeys = new WeakMap<Buffer, Map<number, Buffer>>();

function searchKeyOf(own: Buffer, number: number): Buffer {
  const known = searchKeys.get(own) ?? new Map<number, Buffer>();
  searchKeys.set(own, known);
  const key = known.get(number) ?? derive(own, number === 0 ? 'search' : `search/${number}`);
  known.set(number, key);
  return key;
}

function derivedOnce(keys: WeakMap<Buffer, Buffer>, key: Buffer, purpose: string): Buffer {
  let derived = keys.get(key);
  if (!derived) keys.set(key, (derived = derive(key, purpose)));
  return derived;
}

function derive(key: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `colloquio/${purpose}`, 32));
}
