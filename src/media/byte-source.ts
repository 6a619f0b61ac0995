import { Readable } from 'node:stream';

/** Clear bytes out of the vault, which are read in pieces: a file of 100 MB is never in memory as a whole. */
export interface ByteSource {
  /** Bytes. */
  size: number;
  /** The bytes from `start` up to `end`, which is not included; fewer where the file ends before it. */
  read(start: number, end: number): Promise<Buffer>;
  /** All bytes, from the first to the last. */
  stream(): Readable;
  /** Account whose file it is: the files of accounts are drawn in turns. */
  asker?: string;
}

/** A source over bytes in memory. */
export function sourceOf(bytes: Buffer): ByteSource {
  return {
    size: bytes.length,
    read: async (start, end) => bytes.subarray(start, end),
    stream: () => Readable.from([bytes], { objectMode: false }),
  };
}
