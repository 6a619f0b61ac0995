import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { UnsealError } from './sealing.js';

const format = 1;
const keyVersion = 1;
const headerBytes = 2;
const tagBytes = 16;
const nonceBytes = 12;

/** Clear bytes of a chunk; only the last one has fewer. */
export const chunkBytes = 64 * 1024;
const sealedChunkBytes = chunkBytes + tagBytes;

/** Chunks that are read and opened in one go. */
const chunksAtOnce = 4;

/** A key for one file, never to be used for another: its nonces count from zero. */
export const newFileKey = (): Buffer => randomBytes(32);

/** Bytes of a sealed file of so many clear ones. An empty file has one empty chunk. */
export function sealedSize(size: number): number {
  return headerBytes + size + Math.max(1, Math.ceil(size / chunkBytes)) * tagBytes;
}

/**
 * Seals a stream in chunks with AES-256-GCM, in the STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár, 2015): the
 * nonce of a chunk is its number and a flag for the last one. So no chunk can be moved, left out or appended, a file that was
 * cut short does not open, and any range of it opens without the rest. Memory holds one chunk.
 * @param context what the file belongs to; it is authenticated, not stored
 * @returns format (1 byte), key version (1), then each chunk as ciphertext and tag (16)
 */
export async function* sealing(
  key: Buffer,
  source: AsyncIterable<Buffer>,
  context: readonly string[],
): AsyncGenerator<Buffer, void, undefined> {
  yield Buffer.of(format, keyVersion);
  const aad = associatedData(context);
  const chunk = Buffer.allocUnsafe(chunkBytes);
  let [filled, number] = [0, 0];
  for await (const piece of source) {
    for (let at = 0; at < piece.length;) {
      // A full chunk waits for the next byte: only then it is known not to be the last.
      if (filled === chunkBytes) {
        yield sealChunk(key, chunk, nonceOf(number++, false), aad);
        filled = 0;
      }
      const copied = piece.copy(chunk, filled, at, at + chunkBytes - filled);
      filled += copied;
      at += copied;
    }
  }
  yield sealChunk(key, chunk.subarray(0, filled), nonceOf(number, true), aad);
}

export interface SealedFile {
  key: Buffer;
  context: readonly string[];
  /** Clear bytes of the whole file. */
  size: number;
  /** Sealed bytes from `start` up to `end`, which is not included. */
  read: (start: number, end: number) => AsyncIterable<Buffer>;
}

/**
 * Opens a range of a sealed file, from `start` up to `end`, which is not included.
 * @throws UnsealError when it was changed, moved, cut short, or sealed with another key
 */
export async function* opening(
  { key, context, size, read }: SealedFile,
  start = 0,
  end = size,
): AsyncGenerator<Buffer, void, undefined> {
  const aad = associatedData(context);
  const last = Math.max(0, Math.ceil(size / chunkBytes) - 1);
  const first = Math.min(last, Math.floor(start / chunkBytes));
  const through = Math.min(last, Math.max(first, Math.ceil(end / chunkBytes) - 1));
  if (first === 0) await requireFormat(read);
  const from = headerBytes + first * sealedChunkBytes;
  const to = through === last ? sealedSize(size) : headerBytes + (through + 1) * sealedChunkBytes;
  let number = first;
  for await (const sealed of inChunks(read(from, to))) {
    const isLast = number === last;
    const clear = openChunk(key, sealed, nonceOf(number, isLast), aad);
    const begin = number * chunkBytes;
    if (isLast && begin + clear.length !== size) throw cutShort();
    const part = clear.subarray(Math.max(0, start - begin), Math.max(0, end - begin));
    if (part.length > 0) yield part;
    number++;
  }
  if (number !== through + 1) throw cutShort();
}

async function requireFormat(read: SealedFile['read']): Promise<void> {
  const header: Buffer[] = [];
  for await (const piece of read(0, headerBytes)) header.push(piece);
  const [found, version] = Buffer.concat(header);
  if (found !== format || version !== keyVersion) throw new UnsealError('unknown format of a sealed file');
}

/** Pieces of any size as sealed chunks; the last one may be shorter. */
async function* inChunks(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let held: Buffer[] = [];
  let length = 0;
  for await (const piece of pieces) {
    held.push(piece);
    length += piece.length;
    if (length < sealedChunkBytes) continue;
    const all = held.length === 1 ? held[0]! : Buffer.concat(held, length);
    let at = 0;
    for (; at + sealedChunkBytes <= length; at += sealedChunkBytes) yield all.subarray(at, at + sealedChunkBytes);
    held = at < length ? [all.subarray(at)] : [];
    length -= at;
  }
  if (length > 0) yield Buffer.concat(held, length);
}

/** Sealed bytes that a storage had better read at once. */
export const bytesAtOnce = sealedChunkBytes * chunksAtOnce;

function sealChunk(key: Buffer, clear: Buffer, nonce: Buffer, aad: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(clear), cipher.final(), cipher.getAuthTag()]);
}

function openChunk(key: Buffer, sealed: Buffer, nonce: Buffer, aad: Buffer): Buffer {
  if (sealed.length < tagBytes) throw cutShort();
  const decipher = createDecipheriv('aes-256-gcm', key, nonce);
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  try {
    const clear = decipher.update(sealed.subarray(0, -tagBytes));
    decipher.final();
    return clear;
  } catch {
    throw new UnsealError('a chunk of a sealed file does not open');
  }
}

function nonceOf(number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(nonceBytes);
  nonce.writeUIntBE(number, nonceBytes - 7, 6);
  nonce[nonceBytes - 1] = last ? 1 : 0;
  return nonce;
}

function associatedData(context: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(['file', format, keyVersion, ...context]), 'utf8');
}

const cutShort = () => new UnsealError('a sealed file was cut short');
