import { Transform, type TransformCallback } from 'node:stream';

/**
 * A part of a file that is overwritten in place before anybody but the sender gets it. The file keeps its size, so that byte
 * ranges stay valid.
 */
export interface Patch {
  offset: number;
  /** Bytes to overwrite. */
  length: number;
  /** Bytes to write first, at most `length`; zeros follow them. */
  start: Buffer;
}

/** Writes what patches say over a piece of a file that begins at `at`. */
export function patched(piece: Buffer, at: number, patches: readonly Patch[]): Buffer {
  let copy: Buffer | undefined;
  for (const { offset, length, start } of patches) {
    const from = Math.max(offset, at);
    const to = Math.min(offset + length, at + piece.length);
    if (from >= to) continue;
    copy ??= Buffer.from(piece);
    copy.fill(0, from - at, to - at);
    if (from < offset + start.length) start.copy(copy, from - at, from - offset, Math.min(to - offset, start.length));
  }
  return copy ?? piece;
}

/** A stream that applies patches to the bytes passing through; the first byte is at offset `at` of the file. */
export function patching(patches: readonly Patch[], at = 0): Transform {
  return new Transform({
    transform(piece: Buffer, _encoding, done: TransformCallback) {
      const from = at;
      at += piece.length;
      done(null, patched(piece, from, patches));
    },
  });
}

const entryBytes = 20;

/** Patches as bytes, for sealing and storing. */
export function packPatches(patches: readonly Patch[]): Buffer {
  return Buffer.concat(
    patches.flatMap(({ offset, length, start }) => {
      const entry = Buffer.alloc(entryBytes);
      entry.writeBigUInt64BE(BigInt(offset), 0);
      entry.writeBigUInt64BE(BigInt(length), 8);
      entry.writeUInt32BE(start.length, 16);
      return [entry, start];
    }),
  );
}

/** Patches from the bytes that {@link packPatches} made. */
export function unpackPatches(packed: Buffer): Patch[] {
  const patches: Patch[] = [];
  for (let at = 0; at < packed.length;) {
    const from = at + entryBytes;
    at = from + packed.readUInt32BE(from - 4);
    const offset = Number(packed.readBigUInt64BE(from - entryBytes));
    patches.push({ offset, length: Number(packed.readBigUInt64BE(from - 12)), start: packed.subarray(from, at) });
  }
  return patches;
}

/** Patches in the order of the file and none over another; what lies outside the file is cut off. */
export function inOrder(patches: readonly Patch[], size: number): Patch[] {
  let end = 0;
  return [...patches]
    .sort((a, b) => a.offset - b.offset)
    .flatMap(({ offset, length, start }) => {
      const from = Math.max(offset, end);
      const to = Math.min(offset + length, size);
      if (from >= to) return [];
      end = to;
      return [{ offset: from, length: to - from, start: start.subarray(from - offset, to - offset) }];
    });
}
