import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { NIL } from 'uuid';
import type { Config } from '../platform/config.js';
import { clientOptions, type DatabaseAddress } from '../platform/database.js';
import { StartError } from '../platform/start-error.js';
import { EpochKeys, type SealedEpoch } from '../platform/vault/epoch-keys.js';
import { replacePrivateFile } from '../platform/vault/key-files.js';
import { type KeyRef, type KeyScope, keysDoNotMatch, type LedgerRow, unwrapKey } from '../platform/vault/keyring.js';
import { epochFileOf } from '../platform/vault/open-vault.js';
import { pushKeyFile } from '../platform/vault/push-key.js';
import { signingKeyFile } from '../platform/vault/signing-key.js';
import { serviceKey, signBackup } from '../platform/vault/vault.js';

/**
 * The keyring in a backup folder, as lines: what it is in JSON; the wrapped keys and the ledger of erasures as PostgreSQL
 * copies them; counts and signature in JSON. It is one file, so that the next state replaces it at once and as a whole.
 */
interface Head {
  format: 1;
  takenAt: string;
  /** The epochs that wrap its keys, sealed with the master key. */
  epochs: SealedEpoch[];
  /** The key that signs certificates, sealed with the master key. */
  signingKey: string | null;
  /** The key that identifies the installation to push services, likewise; copies of earlier releases have none. */
  pushKey?: string | null;
}

interface Foot {
  keys: number;
  erased: number;
  signature: string;
}

export interface OpenedKey extends KeyRef {
  key: Buffer;
}

const keysStatement = `COPY (SELECT 'key', scope, id, epoch, encode(wrapped, 'hex') FROM wrapped_key WHERE scope <> 'export') TO STDOUT`;
const ledgerStatement = `COPY (SELECT 'erased', scope, id, erasure_id, erased_at FROM erased) TO STDOUT`;
const epochAttempts = 5;
const epochPause = 200;
const batchSize = 1_000;

/** Writes the present state of the keyring over the former one, whose bytes are overwritten. */
export async function copyKeyring(
  address: DatabaseAddress | string,
  config: Config,
  { to: path, key }: { to: string; key: Buffer },
): Promise<void> {
  const client = new Client({ ...clientOptions(address), application_name: 'colloquio-backup' });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0');
    const epochs = await snapshotWithEpochs(client, epochFileOf(config));
    const signingKey = (await signingKeyFile.sealed(config)) ?? null;
    const pushKey = (await pushKeyFile.sealed(config)) ?? null;
    const head: Head = { format: 1, takenAt: new Date().toISOString(), epochs, signingKey, pushKey };
    await replacePrivateFile(path, linesOf(client, head, key));
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * Begins a snapshot of the keyring, and gives the epochs that its keys are wrapped with. While an epoch is being renewed, the
 * file as it was before the snapshot and as it is after it have them all.
 * @throws StartError when file and database do not belong together
 */
async function snapshotWithEpochs(client: Client, epochFile: string): Promise<SealedEpoch[]> {
  for (let attempt = 1; attempt <= epochAttempts; attempt++) {
    const before = await EpochKeys.sealed(epochFile);
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { rows } = await client.query<{ epoch: number }>(
      'SELECT number AS epoch FROM epoch UNION SELECT DISTINCT epoch FROM wrapped_key ORDER BY epoch',
    );
    const known = new Map([...before, ...(await EpochKeys.sealed(epochFile))].map((each) => [each.number, each]));
    const epochs = rows.flatMap(({ epoch }) => known.get(epoch) ?? []);
    if (epochs.length === rows.length) return epochs;
    await client.query('ROLLBACK');
    await pause(epochPause);
  }
  throw new StartError(keysDoNotMatch);
}

async function* linesOf(client: Client, head: Head, key: Buffer): AsyncGenerator<Buffer, void, undefined> {
  const hash = createHash('sha256');
  const line = (content: object) => Buffer.from(`${JSON.stringify(content)}\n`);
  const hashed = (piece: Buffer) => {
    hash.update(piece);
    return piece;
  };
  yield hashed(line(head));
  const keys = client.query(copyTo(keysStatement));
  for await (const piece of keys) yield hashed(piece as Buffer);
  const erased = client.query(copyTo(ledgerStatement));
  for await (const piece of erased) yield hashed(piece as Buffer);
  const foot: Foot = {
    keys: keys.rowCount ?? 0,
    erased: erased.rowCount ?? 0,
    signature: signBackup(key, hash.digest('hex')),
  };
  yield line(foot);
}

/** A keyring in a backup folder, whose keys the master key opens. */
export class KeyringCopy {
  private constructor(
    private readonly path: string,
    readonly takenAt: string,
    private readonly epochs: EpochKeys,
    readonly signingKey: string | null,
    readonly pushKey: string | null,
    /** The service's own key, by which the installation is recognised. */
    readonly serviceKey: Buffer,
    readonly ledger: readonly LedgerRow[],
  ) {}

  /**
   * Reads it once from end to end.
   * @throws StartError when it is damaged, or when the master key does not open it
   */
  static async open(path: string, masterKey: Buffer): Promise<KeyringCopy> {
    const damaged = new StartError(`${path} is damaged: take another copy of the backup folder.`);
    const hash = createHash('sha256');
    const ledger: LedgerRow[] = [];
    let epochs: EpochKeys | undefined;
    let head: Head | undefined;
    let foot: Foot | undefined;
    let own: Buffer | undefined;
    let keys = 0;
    try {
      for await (const line of linesIn(path)) {
        if (foot) throw damaged;
        if (!head || !epochs) {
          head = JSON.parse(line) as Head;
          if (head.format !== 1)
            throw new StartError(`${path} is of a newer release of Colloquio: update, and restore then.`);
          epochs = EpochKeys.opened(path, head.epochs, masterKey);
        } else if (line.startsWith('{')) {
          foot = JSON.parse(line) as Foot;
          continue;
        } else if (line.startsWith('key\t')) {
          keys++;
          if (line.startsWith(`key\t${serviceKey.scope}\t${NIL}\t`)) own = keyIn(line, epochs).key;
        } else ledger.push(ledgerRowIn(line));
        addLine(hash, line);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        throw new StartError(`${path} is missing: without the keyring nothing in this folder can be read.`);
      }
      throw error instanceof StartError || 'syscall' in (error as Error) ? error : damaged;
    }
    const whole = head && epochs && own && foot && foot.keys === keys && foot.erased === ledger.length;
    if (!whole || foot!.signature !== signBackup(own!, hash.digest('hex'))) throw damaged;
    return new KeyringCopy(path, head!.takenAt, epochs!, head!.signingKey, head!.pushKey ?? null, own!, ledger);
  }

  /** The number of its latest epoch. */
  get epoch(): number {
    return this.epochs.current.number;
  }

  /** Every key, in slices. */
  async *keys(): AsyncGenerator<OpenedKey[], void, undefined> {
    let slice: OpenedKey[] = [];
    for await (const line of linesIn(this.path)) {
      if (!line.startsWith('key\t')) continue;
      slice.push(keyIn(line, this.epochs));
      if (slice.length < batchSize) continue;
      yield slice;
      slice = [];
    }
    if (slice.length > 0) yield slice;
  }
}

function linesIn(path: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(path), crlfDelay: Infinity });
}

function addLine(hash: Hash, line: string): void {
  hash.update(line).update('\n');
}

function keyIn(line: string, epochs: EpochKeys): OpenedKey {
  const [, scope, id, epoch, wrapped] = line.split('\t') as [string, KeyScope, string, string, string];
  const row = { scope, id, epoch: Number(epoch), wrapped: Buffer.from(wrapped, 'hex') };
  return { scope, id, key: unwrapKey(epochs, row) };
}

function ledgerRowIn(line: string): LedgerRow {
  const [, scope, id, erasureId, erasedAt] = line.split('\t') as [string, KeyScope, string, string, string];
  return { scope, id, erasureId, erasedAt };
}
