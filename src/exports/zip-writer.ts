import { Readable } from 'node:stream';
import { ZipFile } from 'yazl';

/** A zip under way, to which entries are added one after the other. */
export interface ZipWriter {
  /** True once its reader is gone. */
  readonly closed: boolean;
  /**
   * Adds an entry and resolves when its last byte is taken, so that one source is open at a time.
   * @param options.stored leaves the bytes as they are, for files that are compressed already
   */
  add(path: string, pieces: AsyncIterable<string | Buffer>, options?: { stored?: boolean }): Promise<void>;
}

/**
 * Makes a zip while its bytes are taken. Memory holds a piece of one entry, and some bytes for each entry before.
 * @param fill adds the entries; whatever it throws, the reader is thrown
 */
export async function* zipped(
  mtime: Date,
  fill: (zip: ZipWriter) => Promise<void>,
): AsyncGenerator<Buffer, void, undefined> {
  const zip = new ZipFile();
  const output = zip.outputStream as Readable;
  const failed = (error: unknown) => void output.destroy(error as Error);
  zip.on('error', failed);
  const writer: ZipWriter = {
    get closed() {
      return output.destroyed;
    },
    add: (path, pieces, { stored = false } = {}) => added(zip, pieces, path, { mtime, compress: !stored }),
  };
  const filled = fill(writer).then(() => zip.end(), failed);
  try {
    for await (const piece of output) yield piece as Buffer;
  } finally {
    output.destroy();
    await filled;
  }
}

async function added(
  zip: ZipFile,
  pieces: AsyncIterable<string | Buffer>,
  path: string,
  options: { mtime: Date; compress: boolean },
): Promise<void> {
  // Nobody reads what would come after, so its file is closed.
  if ((zip.outputStream as Readable).destroyed) return;
  const stream = Readable.from(asBytes(pieces), { objectMode: false });
  const stop = () => void stream.destroy();
  zip.outputStream.once('close', stop);
  await new Promise<void>((resolve, reject) => {
    stream.on('error', reject);
    stream.on('close', () => {
      zip.outputStream.off('close', stop);
      resolve();
    });
    zip.addReadStream(stream, path, options);
  });
}

async function* asBytes(pieces: AsyncIterable<string | Buffer>): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of pieces) yield typeof piece === 'string' ? Buffer.from(piece) : piece;
}
