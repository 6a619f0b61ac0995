import { randomBytes } from 'node:crypto';
import { StartError } from '../start-error.js';
import { createPrivateFile, readIfThere, replacePrivateFile, shredRemains } from './key-files.js';
import { open, seal } from './sealing.js';

export interface EpochKey {
  number: number;
  key: Buffer;
  madeAt: Date;
}

/**
 * The epoch keys in their sealed file: one, or two while a renewal is under way. The file is never a row of PostgreSQL,
 * so that wrapped keys left in dead rows and logs open no more once the old epoch is overwritten.
 */
export class EpochKeys {
  private constructor(
    private readonly path: string,
    private masterKey: Buffer,
    private epochs: EpochKey[],
  ) {}

  /** Tells if there is an epoch file, which means that values may be sealed already. */
  static async exist(path: string): Promise<boolean> {
    return (await readIfThere(path)) !== undefined;
  }

  /**
   * Loads the epoch file; makes it if it is not there, with this number for its first epoch.
   * @throws StartError when the file is damaged, or when the master key does not open it
   */
  static async load(path: string, masterKey: Buffer, number = 1): Promise<EpochKeys> {
    if (!(await EpochKeys.exist(path))) {
      const first: EpochKey = { number, key: randomBytes(32), madeAt: new Date() };
      await createPrivateFile(path, encode([first], masterKey));
    }
    return new EpochKeys(path, masterKey, decode(path, await EpochKeys.sealed(path), masterKey));
  }

  /** Opens a backup's copy of an epoch file, for reading. */
  static opened(path: string, sealed: SealedEpoch[], masterKey: Buffer): EpochKeys {
    return new EpochKeys(path, masterKey, decode(path, sealed, masterKey));
  }

  /** The epochs of the file as they stand in it, sealed. */
  static async sealed(path: string): Promise<SealedEpoch[]> {
    return parse(path, (await readIfThere(path)) ?? '').epochs;
  }

  get current(): EpochKey {
    return this.epochs.at(-1)!;
  }

  get oldest(): EpochKey {
    return this.epochs[0]!;
  }

  /** The numbers of the epochs that still open. */
  get known(): number[] {
    return this.epochs.map(({ number }) => number);
  }

  get renewing(): boolean {
    return this.epochs.length > 1;
  }

  /** @throws Error for an epoch that was renewed away */
  key(number: number): Buffer {
    const epoch = this.epochs.find((each) => each.number === number);
    if (!epoch) throw new Error(`epoch ${number} is gone`);
    return epoch.key;
  }

  /** Destroys the epochs that a renewal which was killed has left beside the file. Not while another process may renew. */
  shredRemains(): Promise<void> {
    return shredRemains(this.path);
  }

  /** Adds the next epoch; from here on both open and the newest wraps. */
  async beginRotation(): Promise<void> {
    const next: EpochKey = { number: this.current.number + 1, key: randomBytes(32), madeAt: new Date() };
    await this.replace([...this.epochs, next]);
  }

  /** Forgets all epochs but the newest, on disk and in memory. */
  async finishRotation(): Promise<void> {
    const old = this.epochs.slice(0, -1);
    await this.replace([this.current]);
    for (const { key } of old) key.fill(0);
  }

  /** Seals the epochs with another master key. After a crash the file is sealed with either. */
  async reseal(masterKey: Buffer): Promise<void> {
    this.masterKey = masterKey;
    await this.replace(this.epochs);
  }

  private async replace(epochs: EpochKey[]): Promise<void> {
    await replacePrivateFile(this.path, encode(epochs, this.masterKey));
    this.epochs = epochs;
  }
}

/** An epoch key as it stands in the file: sealed with the master key. */
export interface SealedEpoch {
  number: number;
  madeAt: string;
  sealed: string;
}

interface EpochFile {
  format: 1;
  epochs: SealedEpoch[];
}

function encode(epochs: EpochKey[], masterKey: Buffer): string {
  const file: EpochFile = {
    format: 1,
    epochs: epochs.map(({ number, key, madeAt }) => ({
      number,
      madeAt: madeAt.toISOString(),
      sealed: seal(masterKey, key, ['epoch', String(number)]).toString('base64'),
    })),
  };
  return `${JSON.stringify(file)}\n`;
}

function decode(path: string, sealedEpochs: SealedEpoch[], masterKey: Buffer): EpochKey[] {
  try {
    return sealedEpochs.map(({ number, madeAt, sealed }) => ({
      number,
      madeAt: new Date(madeAt),
      key: open(masterKey, Buffer.from(sealed, 'base64'), ['epoch', String(number)]),
    }));
  } catch {
    throw new StartError(
      `The master key does not open ${path}: it is not the one this data was sealed with. Put the right key back.`,
    );
  }
}

function parse(path: string, text: string): EpochFile {
  try {
    const file = JSON.parse(text) as EpochFile;
    if (file.format === 1 && file.epochs.length > 0) return file;
  } catch {
    // Falls through: what cannot be parsed is no epoch file.
  }
  throw new StartError(`${path} holds no epoch key: put it back from the backup that belongs to the keyring.`);
}
