import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { DataSource } from 'typeorm';
import { isMember, type Principal } from '../auth/principal.js';
import { limits } from '../contract/limits.js';
import { DomainError, NotFound } from '../platform/problems/domain-error.js';
import { read } from '../platform/validation/validation.js';
import { NewAttachment } from './attachments.dto.js';
import { UploadOffsetWrong } from './attachments.errors.js';
import { type AttachmentRow, uploadQuery } from './attachments.queries.js';
import { Attachments } from './attachments.service.js';
import type { SealedObject } from './contents.service.js';
import { safeName } from './file-names.js';
import { Uploads } from './uploads.service.js';

/** A resumable upload, as far as it has come. */
export interface Upload {
  id: string;
  name: string;
  offset: number;
  size: number;
  expiresAt: Date;
}

type UploadRow = AttachmentRow & { offset: number };

/** Maximum size of a stored piece, so that a crash loses no more of an upload than this. */
const pieceBytes = 16 * 1024 * 1024;

const nothing = () => undefined;

/** Bytes that come in for an upload, of which one request at a time takes care. */
interface Coming {
  cut: () => void;
  over: Promise<void>;
}

/**
 * Uploads that go on where they were interrupted. Each stretch of bytes that has come in is a sealed object of its own with a row,
 * so nothing is ever appended to an object, and an offset that was told lasts.
 */
@Injectable()
export class ResumableUploads {
  /** By the ids of uploads: bytes are coming in, or the last ones are dealt with. */
  private readonly coming = new Map<string, Coming>();

  constructor(
    private readonly attachments: Attachments,
    private readonly database: DataSource,
    private readonly uploads: Uploads,
  ) {}

  /**
   * Starts an upload of this many bytes.
   * @param metadata by name, as the client's `Upload-Metadata` says them
   * @throws NotFound, ConsentRequired, ConversationRestricted, ValidationFailed, FileEmpty, FileTooLarge, QuotaExceeded,
   *   TooManyUnsentFiles
   */
  async begin(principal: Principal, size: number, metadata: ReadonlyMap<string, string>): Promise<Upload> {
    const { filename = '', name = filename, filetype: _, type: __, ...fields } = Object.fromEntries(metadata);
    const { conversationId, broadcast, duration, waveform } = read(NewAttachment, fields);
    const destination = await this.uploads.destination(principal, { conversationId, broadcast });
    await this.uploads.begin(destination, size, { name: safeName(name), duration, waveform });
    return this.find(principal, destination.id);
  }

  /**
   * An upload and how far it has come. A connection over which its bytes were still coming in is given up, because the client
   * that asks has lost it.
   * @throws NotFound
   */
  async find(principal: Principal, id: string): Promise<Upload> {
    return this.alone(id, nothing, async () => {
      const row = await this.row(principal, id);
      if (row.state !== 'uploading') return this.upload(row, row.size);
      if (row.offset === row.size) await this.finish(row);
      return this.upload(row, row.offset);
    });
  }

  /**
   * Stores the bytes from an offset on. If the connection breaks, the bytes that have arrived are kept.
   * @throws NotFound, UploadOffsetWrong, DomainError `too_large`, `malformed_request`; StorageFailure
   */
  async append(principal: Principal, id: string, offset: number, request: Request): Promise<Upload> {
    return this.alone(
      id,
      () => void (request.complete || request.destroy()),
      async () => {
        const row = await this.row(principal, id);
        if (row.state !== 'uploading') {
          if (offset !== row.size) throw new UploadOffsetWrong(row.size);
          return this.upload(row, row.size);
        }
        if (offset !== row.offset) throw new UploadOffsetWrong(row.offset);
        const reached = await this.receive(row, request);
        if (reached === row.size) await this.finish(row);
        return this.upload(row, reached);
      },
    );
  }

  /**
   * Gives an upload up.
   * @throws NotFound for one that is not there, and for a file that is sent
   */
  async remove(principal: Principal, id: string): Promise<void> {
    await this.alone(id, nothing, async () => {
      const { subscriber_id: subscriberId, account_id: accountId } = await this.row(principal, id);
      if (!(await this.attachments.eraseUnsent(subscriberId, id, accountId))) throw new NotFound();
    });
  }

  /** @returns the offset that was reached */
  private async receive(row: UploadRow, request: Request): Promise<number> {
    const left = row.size - row.offset;
    if (Number(request.headers['content-length']) > left) throw tooMuch(row.size);
    const pieces = new Stretches(request);
    let [reached, count] = [row.offset, 0];
    // A piece is synced and gets its row while the next one comes in.
    let keeping: Promise<void> = Promise.resolve();
    try {
      for (;;) {
        const stretch = await pieces.next(Math.min(pieceBytes, row.size - reached));
        if (!stretch) break;
        if (reached === row.size) throw tooMuch(row.size);
        if (count++ >= limits.uploadPieces) throw tooManyPieces();
        const { bytes, read } = counted(stretch);
        const [before, object] = [keeping, this.uploads.take(bytes)];
        keeping = this.keep(row, reached, { before, object });
        keeping.catch(() => undefined);
        // It resolves once the piece has come in, and the other only rejects before that.
        await Promise.race([read, object]);
        reached += await read;
        await before;
      }
    } finally {
      pieces.end();
      await keeping;
    }
    return reached;
  }

  /** Writes the row of a piece after that of the piece before; without that one, nothing of it is left. */
  private async keep(
    row: UploadRow,
    start: number,
    { before, object }: { before: Promise<void>; object: Promise<SealedObject> },
  ): Promise<void> {
    try {
      await before;
      await this.uploads.addPiece(row, start, await object);
    } catch (error) {
      await object.then(
        (sealed) => this.uploads.discard([sealed]),
        () => undefined,
      );
      throw error;
    }
  }

  private async finish(row: UploadRow): Promise<void> {
    const [view] = await this.attachments.views([row]);
    if (!view) throw new NotFound();
    await this.uploads.finish(row, view.name);
  }

  private async upload(row: UploadRow, offset: number): Promise<Upload> {
    const [view] = await this.attachments.views([row]);
    if (!view) throw new NotFound();
    const expiresAt = new Date(row.created_at.getTime() + limits.unsentFileHours * 60 * 60 * 1000);
    return { id: row.id, name: view.name, offset, size: row.size, expiresAt };
  }

  private async row(principal: Principal, id: string): Promise<UploadRow> {
    const party = isMember(principal) ? principal.subscriberId : principal.interlocutorId;
    const [row] = await this.database.query<UploadRow[]>(uploadQuery, [id, principal.accountId, party]);
    if (!row) throw new NotFound();
    return row;
  }

  /**
   * Does something that no other request may do for the same upload meanwhile. What an earlier one has under way is given up:
   * a client that asks again has lost it.
   */
  private async alone<Result>(id: string, cut: () => void, work: () => Promise<Result>): Promise<Result> {
    for (let before = this.coming.get(id); before; before = this.coming.get(id)) {
      before.cut();
      await before.over;
    }
    const { promise: over, resolve } = Promise.withResolvers<void>();
    this.coming.set(id, { cut, over });
    try {
      return await work();
    } finally {
      this.coming.delete(id);
      resolve();
    }
  }
}

/** The bytes of a stretch, and how many they were, once they have been read. */
function counted(stretch: AsyncIterable<Buffer>): { bytes: AsyncIterable<Buffer>; read: Promise<number> } {
  const { promise: read, resolve } = Promise.withResolvers<number>();
  async function* bytes() {
    let size = 0;
    for await (const piece of stretch) {
      size += piece.length;
      yield piece;
    }
    resolve(size);
  }
  return { bytes: bytes(), read };
}

/** The bytes of a request in stretches of some length each; a connection that breaks ends them. */
class Stretches {
  private readonly pieces: AsyncIterator<Buffer>;
  private rest: Buffer | undefined;

  constructor(request: Request) {
    this.pieces = (request as Readable).iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  }

  /** Lets the request go: its rest can be read by others. */
  end(): void {
    this.pieces.return?.().catch(() => undefined);
  }

  /** At most so many bytes; undefined when there are no more. The stretch before has to have been read. */
  async next(most: number): Promise<AsyncIterable<Buffer> | undefined> {
    this.rest ??= await this.piece();
    return this.rest && this.stretch(most);
  }

  private async *stretch(most: number): AsyncGenerator<Buffer, void, undefined> {
    for (let left = most; left > 0;) {
      const piece = this.rest ?? (await this.piece());
      this.rest = undefined;
      if (!piece) return;
      if (piece.length > left) this.rest = piece.subarray(left);
      yield piece.subarray(0, left);
      left -= Math.min(left, piece.length);
    }
  }

  private async piece(): Promise<Buffer | undefined> {
    try {
      const next = await this.pieces.next();
      return next.done ? undefined : next.value;
    } catch {
      return undefined;
    }
  }
}

const tooMuch = (size: number) =>
  new DomainError('too_large', { detail: `The upload was begun with ${size} bytes, and more than that are coming.` });

const tooManyPieces = () =>
  new DomainError('malformed_request', {
    detail: `An upload can come in at most ${limits.uploadPieces} pieces. Begin it again with larger ones.`,
  });
