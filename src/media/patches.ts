import { Transform, type TransformCallback } from 'node:stream';

/**
 * A piece of a file that is overwritten in its place before anybody but the sender gets it. The file keeps its size, so
 * that ranges of it stay what they were.
 */
export interface Patch {
  offset: number;
  bytes: Buffer;
}

/** Writes what patches say over a piece of a file that begins at `start`. */
export function patched(piece: Buffer, start: number, patches: readonly Patch[]): Buffer {
  let copy: Buffer | undefined;
  for (const { offset, bytes } of patches) {
    const from = Math.max(offset, start);
    const to = Math.min(offset + bytes.length, start + piece.length);
    if (from >= to) continue;
    copy ??= Buffer.from(piece);
    bytes.copy(copy, from - start, from - offset, to - offset);
  }
  return copy ?? piece;
}

/** A stream that writes patches over the bytes that pass, the first of which stands at `start` in the file. */
export function patching(patches: readonly Patch[], start = 0): Transform {
  let at = start;
  return new Transform({
    transform(piece: Buffer, _encoding, done: TransformCallback) {
      const from = at;
      at += piece.length;
      done(null, patched(piece, from, patches));
    },
  });
}
