import type { ByteSource } from './byte-source.js';

const windowBytes = 128 * 1024;

/** A file asks for more work than any honest one of its size does. */
export class BudgetSpent extends Error {
  override readonly name = 'BudgetSpent';
}

/** A failure of the source itself, as opposed to one that the content brings about. */
export class SourceFailed extends Error {
  override readonly name = 'SourceFailed';
}

/** Reads a file here and there, over a window, and gives up once a file has been asked for too much. */
export class Reader {
  private window: Buffer = Buffer.alloc(0);
  private windowAt = 0;
  private bytesLeft: number;
  private readsLeft: number;

  constructor(
    private readonly source: ByteSource,
    { bytes = 2 * source.size + 16 * 1024 ** 2, reads = 2_000_000 } = {},
  ) {
    this.bytesLeft = bytes;
    this.readsLeft = reads;
  }

  get size(): number {
    return this.source.size;
  }

  /**
   * Reads bytes from a place on; fewer, or none, where the file ends before.
   * @throws BudgetSpent
   */
  async bytes(at: number, length: number): Promise<Buffer> {
    if (--this.readsLeft < 0) throw new BudgetSpent();
    const start = Math.min(Math.max(0, at), this.size);
    const end = Math.min(start + Math.max(0, length), this.size);
    if (start < this.windowAt || end > this.windowAt + this.window.length) await this.fill(start, end);
    return this.window.subarray(start - this.windowAt, end - this.windowAt);
  }

  /** The same of exactly so many bytes; undefined where the file ends before. */
  async exactly(at: number, length: number): Promise<Buffer | undefined> {
    const bytes = await this.bytes(at, length);
    return bytes.length === length ? bytes : undefined;
  }

  /** A file for libraries that read files of browsers: they ask for slices. */
  asBlob(): Blob {
    const blob = {
      size: this.size,
      type: '',
      slice: (start = 0, end = this.size) => ({
        // A copy, because libraries take the whole ArrayBuffer for what they asked for.
        arrayBuffer: async () => new Uint8Array(await this.bytes(start, end - start)).buffer,
      }),
    };
    return blob as unknown as Blob;
  }

  private async fill(start: number, end: number): Promise<void> {
    const to = Math.min(Math.max(end, start + windowBytes), this.size);
    this.bytesLeft -= to - start;
    if (this.bytesLeft < 0) throw new BudgetSpent();
    try {
      this.window = await this.source.read(start, to);
    } catch (cause) {
      throw new SourceFailed('', { cause });
    }
    this.windowAt = start;
  }
}
