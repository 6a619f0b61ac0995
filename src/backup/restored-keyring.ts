import type { DataSource } from 'typeorm';
import { NIL } from 'uuid';
import type { Config } from '../platform/config.js';
import { StartError } from '../platform/start-error.js';
import { EpochKeys } from '../platform/vault/epoch-keys.js';
import { shredFile } from '../platform/vault/key-files.js';
import { Keyring, type KeyScope } from '../platform/vault/keyring.js';
import { epochFileOf } from '../platform/vault/open-vault.js';
import { pushKeyFile } from '../platform/vault/push-key.js';
import { signingKeyFile } from '../platform/vault/signing-key.js';
import { serviceKey } from '../platform/vault/vault.js';
import type { KeyringCopy, OpenedKey } from './keyring-copy.js';
import type { KeyringMode } from './target.js';

const walkedAtOnce = 1_000;

/** The tables that the ids of keys are in, by the scope of the key. Others belong to no row, and are always needed. */
const owners: Partial<Record<KeyScope, string>> = {
  contact:
    'SELECT id FROM contact WHERE id = ANY ($1::uuid[]) UNION SELECT id FROM invitation WHERE id = ANY ($1::uuid[])',
  interlocutor: 'SELECT id FROM interlocutor WHERE id = ANY ($1::uuid[])',
  subscriber: 'SELECT subscriber_id AS id FROM subscriber WHERE subscriber_id = ANY ($1::uuid[])',
};
/** Erasures note every key of these in the ledger; the others (of invitations, of proofs) are destroyed without a note. */
const noted: Partial<Record<KeyScope, string>> = {
  ...owners,
  contact: 'SELECT id FROM contact WHERE id = ANY ($1::uuid[])',
};

/** The keyring of an installation that a backup is restored to. */
export class RestoredKeyring {
  private constructor(
    private readonly database: DataSource,
    private readonly keyring: Keyring,
    private readonly mode: KeyringMode,
    private readonly copy: KeyringCopy,
  ) {}

  /**
   * Decides what to do with the existing keyring. One of the same installation may know of erasures that the backup does not,
   * so it stays; one without anybody's keys is replaced.
   * @throws StartError when it holds keys of another installation that may not be replaced
   */
  static async modeFor(
    database: DataSource,
    epochFile: string,
    { masterKey, copy, replace }: { masterKey: Buffer; copy: KeyringCopy; replace: boolean },
  ): Promise<KeyringMode> {
    const [{ used }] = await database.query<[{ used: boolean }]>(
      `SELECT EXISTS (SELECT FROM wrapped_key WHERE scope <> 'service') AS used`,
    );
    if (!used) return 'anew';
    if (await isOf(copy, database, epochFile, masterKey)) return 'added';
    if (replace) return 'anew';
    throw new StartError(
      'The keyring database holds keys of another installation, or its epoch key is missing: name an empty one, or add --replace to have them deleted.',
    );
  }

  /** Opens the keyring, after clearing it if it is to be made anew, and adds the ledger of erasures to its own. */
  static async open(
    database: DataSource,
    config: Config,
    { masterKey, copy, mode }: { masterKey: Buffer; copy: KeyringCopy; mode: KeyringMode },
  ): Promise<RestoredKeyring> {
    const epochFile = epochFileOf(config);
    if (mode === 'anew') {
      await Keyring.clear(database);
      await shredFile(epochFile);
    }
    // New certificates must be signed with the same key as earlier ones.
    const kept = [
      [signingKeyFile, copy.signingKey],
      // Devices have subscribed with this key.
      [pushKeyFile, copy.pushKey],
    ] as const;
    for (const [file, copied] of kept) {
      const own = mode === 'anew' ? undefined : await file.sealed(config);
      if (own === undefined && copied !== null) await file.restore(config, copied);
    }
    // Numbers of epochs go on: erasures that are not finished wait for a later one than theirs.
    const keyring = new Keyring(database, await EpochKeys.load(epochFile, masterKey, copy.epoch + 1));
    await keyring.recover();
    await keyring.adopt([{ ...serviceKey, key: copy.serviceKey }]);
    await keyring.note(copy.ledger);
    return new RestoredKeyring(database, keyring, mode, copy);
  }

  /** Takes the keys of what the main database now holds from the backup, except those of the ledger. */
  async take(main: DataSource): Promise<void> {
    for await (const keys of this.copy.keys()) {
      const needed = await this.neededOf(main, keys);
      if (needed.length > 0) await this.keyring.adopt(needed);
    }
    if (this.mode === 'added') await this.removeOrphans(main);
  }

  /** The ids among these whose key is there. */
  async present(scope: KeyScope, ids: readonly string[]): Promise<Set<string>> {
    return idsOf(this.database, 'SELECT id FROM wrapped_key WHERE scope = $2 AND id = ANY ($1::uuid[])', ids, scope);
  }

  private async neededOf(main: DataSource, keys: OpenedKey[]): Promise<OpenedKey[]> {
    const statements = this.mode === 'anew' ? owners : noted;
    const needed: OpenedKey[] = [];
    for (const [scope, of] of Map.groupBy(keys, (key) => key.scope)) {
      const statement = statements[scope];
      if (!statement) {
        if (this.mode === 'anew') needed.push(...of);
        continue;
      }
      const ids = await idsOf(
        main,
        statement,
        of.map(({ id }) => id),
      );
      needed.push(...of.filter(({ id }) => ids.has(id)));
    }
    return needed;
  }

  /** Keys of what is younger than the backup, and so is gone. */
  private async removeOrphans(main: DataSource): Promise<void> {
    for (const [scope, statement] of Object.entries(owners) as [KeyScope, string][]) {
      for await (const ids of this.walk(scope)) {
        const there = await idsOf(main, statement, ids);
        await this.keyring.destroy(ids.filter((id) => !there.has(id)).map((id) => ({ scope, id })));
      }
    }
  }

  private async *walk(scope: KeyScope): AsyncGenerator<string[], void, undefined> {
    let last: string = NIL;
    for (;;) {
      const rows = await this.database.query<{ id: string }[]>(
        'SELECT id FROM wrapped_key WHERE scope = $1 AND id > $2 ORDER BY id LIMIT $3',
        [scope, last, walkedAtOnce],
      );
      if (rows.length > 0) yield rows.map(({ id }) => id);
      if (rows.length < walkedAtOnce) return;
      last = rows.at(-1)!.id;
    }
  }
}

/** Tells if a keyring is that of the installation which the backup is of. */
async function isOf(copy: KeyringCopy, database: DataSource, epochFile: string, masterKey: Buffer): Promise<boolean> {
  if (!(await EpochKeys.exist(epochFile))) return false;
  try {
    const keyring = new Keyring(database, await EpochKeys.load(epochFile, masterKey));
    return (await keyring.key(serviceKey)).equals(copy.serviceKey);
  } catch {
    return false;
  }
}

async function idsOf(
  database: DataSource,
  statement: string,
  ids: readonly string[],
  ...more: unknown[]
): Promise<Set<string>> {
  const rows = await database.query<{ id: string }[]>(statement, [ids, ...more]);
  return new Set(rows.map(({ id }) => id));
}
