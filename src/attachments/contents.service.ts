import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import type { ByteSource } from '../media/byte-source.js';
import { Storage } from '../platform/storage/storage.js';
import type { KeyRef } from '../platform/vault/keyring.js';
import { newFileKey, opening, sealing } from '../platform/vault/sealed-files.js';
import { Vault } from '../platform/vault/vault.js';
import type { AttachmentRow, ObjectRow } from './attachments.queries.js';

/** An attachment as far as sealing needs to know it. */
export type Sealable = Pick<AttachmentRow, 'subscriber_id' | 'id' | 'contact_id'>;

/** Bytes that were sealed and stored. Only the holder of this object has their key. */
export interface SealedObject {
  id: string;
  /** Clear bytes. */
  size: number;
  key: Buffer;
}

/** Clear bytes of stored objects, of which any range can be read. */
export interface OpenedBytes extends ByteSource {
  /** The bytes from `start` up to `end`, which is not included; all of them without. */
  range(start?: number, end?: number): AsyncGenerator<Buffer, void, undefined>;
}

/** Seals bytes on their way into the storage, and opens them on their way out. */
@Injectable()
export class Contents {
  constructor(
    private readonly storage: Storage,
    private readonly vault: Vault,
  ) {}

  /**
   * Seals a stream into a new object. When it rejects nothing of it is left.
   * @throws StorageFailure; whatever the source throws
   */
  async seal(source: AsyncIterable<Buffer>): Promise<SealedObject> {
    const [id, key] = [uuid(), newFileKey()];
    let size = 0;
    const counted = async function* () {
      for await (const piece of source) {
        size += piece.length;
        yield piece;
      }
    };
    await this.storage.write(id, sealing(key, counted(), contextOf(id)));
    return { id, size, key };
  }

  /** The key of an object, sealed for its row. */
  sealKey(attachment: Sealable, { id, key }: Pick<SealedObject, 'id' | 'key'>): Promise<Buffer> {
    return this.vault.seal(keyOf(attachment), key.toString('base64'), keyContext(attachment, id));
  }

  /** @throws KeyGoneError */
  async openKeys(attachment: Sealable, objects: readonly ObjectRow[]): Promise<SealedObject[]> {
    return Promise.all(
      objects.map(async ({ id, size, key }) => {
        const text = await this.vault.open(keyOf(attachment), key, keyContext(attachment, id));
        return { id, size, key: Buffer.from(text, 'base64') };
      }),
    );
  }

  /** The bytes of objects that follow each other. Reading them may throw ObjectMissing, StorageFailure and UnsealError. */
  open(objects: readonly SealedObject[]): OpenedBytes {
    let size = 0;
    const files = objects.map(({ id, key, size: own }) => {
      const start = size;
      size += own;
      const read = (from: number, to: number) => this.storage.read(id, from, to);
      return { start, end: size, sealed: { size: own, key, context: contextOf(id), read } };
    });
    const range = async function* (start: number, end: number): AsyncGenerator<Buffer, void, undefined> {
      for (const file of files) {
        if (file.end <= start || file.start >= end) continue;
        yield* opening(file.sealed, Math.max(0, start - file.start), Math.min(file.end, end) - file.start);
      }
    };
    return {
      size,
      read: async (start, end) => {
        const pieces: Buffer[] = [];
        for await (const piece of range(start, Math.min(end, size))) pieces.push(piece);
        return Buffer.concat(pieces);
      },
      range: (start = 0, end = size) => range(start, Math.min(end, size)),
      stream: () => Readable.from(range(0, size), { objectMode: false }),
    };
  }

  /** Removes objects that no row names. */
  async discard(objects: readonly Pick<SealedObject, 'id'>[]): Promise<void> {
    for (const { id } of objects) await this.storage.remove(id);
  }
}

/** A file of a conversation is sealed with the contact's key, a broadcast's with the subscriber's. */
export const keyOf = ({ subscriber_id: subscriberId, contact_id: contactId }: Sealable): KeyRef =>
  contactId === null ? { scope: 'subscriber', id: subscriberId } : { scope: 'contact', id: contactId };

const contextOf = (objectId: string) => ['attachment', objectId];

const keyContext = ({ subscriber_id: subscriberId, id }: Sealable, objectId: string) => [
  'attachment',
  subscriberId,
  id,
  objectId,
  'key',
];
