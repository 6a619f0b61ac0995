import { Injectable } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { Storage } from '../platform/storage/storage.js';
import type { KeyRef } from '../platform/vault/keyring.js';
import { newFileKey, opening, sealing } from '../platform/vault/sealed-files.js';
import { Vault } from '../platform/vault/vault.js';
import type { ExportRow } from './exports.queries.js';

/**
 * Names of the objects of exports begin so, and those of attachments with a digit: nobody who looks for stray objects of the
 * one finds the other's. `.` comes right after `-`, so all names of exports lie between the two.
 */
const [beginning, end] = ['export-', 'export.'];

/** A file that was sealed and stored. */
export interface SealedExport {
  object: string;
  /** Sealed with the key of the export. */
  key: Buffer;
  /** Clear bytes. */
  size: number;
}

/** The zips of exports, sealed on their way into the storage: nothing of them touches the disk in clear. */
@Injectable()
export class ExportFiles {
  constructor(
    private readonly storage: Storage,
    private readonly vault: Vault,
  ) {}

  /** Makes the key of an export, unless it has one. */
  prepareKey(id: string): Promise<void> {
    return this.vault.createKeys(keyOf(id));
  }

  /** Destroys the keys of exports: their files open no more, nor do copies of them. */
  destroyKeys(ids: readonly string[]): Promise<void> {
    return this.vault.destroyKeys(...ids.map(keyOf));
  }

  /**
   * Seals a stream into a new object, with a key of its own. When it rejects nothing of it is left.
   * @throws StorageFailure; KeyGoneError when the export was removed meanwhile; whatever the source throws
   */
  async seal(id: string, source: AsyncIterable<Buffer>): Promise<SealedExport> {
    const [object, fileKey] = [beginning + uuid(), newFileKey()];
    let size = 0;
    const counted = async function* () {
      for await (const piece of source) {
        size += piece.length;
        yield piece;
      }
    };
    await this.storage.write(object, sealing(fileKey, counted(), fileContext(id, object)));
    try {
      const key = await this.vault.seal(keyOf(id), fileKey.toString('base64'), keyContext(id, object));
      return { object, key, size };
    } catch (error) {
      await this.storage.remove(object);
      throw error;
    }
  }

  /**
   * The bytes of a file from `start` up to `end`, which is not included.
   * @throws KeyGoneError, ObjectMissing, StorageFailure, UnsealError
   */
  async open(
    { id, object, key, size }: Pick<ExportRow, 'id' | 'object' | 'key' | 'size'>,
    start: number,
    end: number,
  ): Promise<AsyncGenerator<Buffer, void, undefined>> {
    const fileKey = await this.vault.open(keyOf(id), key!, keyContext(id, object!));
    const read = (from: number, to: number) => this.storage.read(object!, from, to);
    const sealed = { key: Buffer.from(fileKey, 'base64'), context: fileContext(id, object!), size: size!, read };
    return opening(sealed, start, end);
  }

  remove(object: string): Promise<void> {
    return this.storage.remove(object);
  }

  /** Names of the objects of all exports. */
  list(): AsyncIterable<string> {
    return this.storage.list(beginning, end);
  }
}

const keyOf = (id: string): KeyRef => ({ scope: 'export', id });
const keyContext = (id: string, object: string) => ['export', id, object, 'key'];
const fileContext = (id: string, object: string) => ['export', id, object];
