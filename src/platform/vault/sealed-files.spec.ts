import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { chunkBytes, newFileKey, opening, sealedSize, sealing } from './sealed-files.js';
import { UnsealError } from './sealing.js';

const context = ['attachment', 'shop', 'object'];
const tag = 16;
const header = 2;

async function* inPieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const held: Buffer[] = [];
  for await (const piece of pieces) held.push(Buffer.from(piece));
  return Buffer.concat(held);
}

const sealed = (key: Buffer, clear: Buffer, { pieces = 10_000, of = context } = {}) =>
  all(sealing(key, inPieces(clear, pieces), of));

const file = (key: Buffer, bytes: Buffer, size: number, { of = context, pieces = 50_000 } = {}) => ({
  key,
  context: of,
  size,
  read: (start: number, end: number) => inPieces(bytes.subarray(start, end), pieces),
});

describe('a sealed file', () => {
  test.each([0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 3 * chunkBytes, 3 * chunkBytes + 777])(
    'of %i bytes opens to what was sealed, and has the size that was said',
    async (size) => {
      const [key, clear] = [newFileKey(), randomBytes(size)];
      for (const pieces of [1_000, chunkBytes, 10 * chunkBytes]) {
        const bytes = await sealed(key, clear, { pieces });
        expect(bytes.length).toBe(sealedSize(size));
        expect((await all(opening(file(key, bytes, size, { pieces })))).equals(clear)).toBe(true);
      }
    },
  );

  test('opens in any range, byte by byte like the original', async () => {
    const size = 4 * chunkBytes + 100;
    const [key, clear] = [newFileKey(), randomBytes(size)];
    const bytes = await sealed(key, clear);
    const edges = [0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 2 * chunkBytes, 4 * chunkBytes, size - 1, size];
    for (const start of edges) {
      for (const end of edges.filter((each) => each >= start)) {
        const range = await all(opening(file(key, bytes, size), start, end));
        expect(range.equals(clear.subarray(start, end))).toBe(true);
      }
    }
  });

  test('reveals nothing of its content', async () => {
    const clear = Buffer.from('the quick brown fox '.repeat(10_000));
    expect((await sealed(newFileKey(), clear)).includes('quick brown')).toBe(false);
  });

  const size = 3 * chunkBytes;
  const chunk = chunkBytes + tag;
  const changes: [string, (bytes: Buffer) => Buffer][] = [
    ['one bit is changed', (bytes) => (bytes.writeUInt8(bytes[header + 5]! ^ 1, header + 5), bytes)],
    ['its last chunk is gone', (bytes) => bytes.subarray(0, header + 2 * chunk)],
    ['its end is gone', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['something follows it', (bytes) => Buffer.concat([bytes, Buffer.alloc(100)])],
    [
      'two of its chunks changed places',
      (bytes) => {
        const [a, b] = [0, 1].map((n) => bytes.subarray(header + n * chunk, header + (n + 1) * chunk));
        return Buffer.concat([bytes.subarray(0, header), b!, a!, bytes.subarray(header + 2 * chunk)]);
      },
    ],
    ['its format is another', (bytes) => (bytes.writeUInt8(9, 0), bytes)],
  ];
  test.each(changes)('does not open when %s', async (_, change) => {
    const [key, clear] = [newFileKey(), randomBytes(size)];
    const bytes = await sealed(key, clear);
    expect((await all(opening(file(key, bytes, size)))).equals(clear)).toBe(true);
    const spoilt = change(bytes);
    // For a reader that takes the size from the bytes that are there; one that knows it reads nothing behind the end.
    const found = spoilt.length - header - Math.ceil((spoilt.length - header) / chunk) * tag;
    await expect(all(opening(file(key, spoilt, found)))).rejects.toThrow(UnsealError);
    if (found <= size) await expect(all(opening(file(key, spoilt, size)))).rejects.toThrow(UnsealError);
  });

  test('does not open with another key or in another place', async () => {
    const [key, clear] = [newFileKey(), randomBytes(100)];
    const bytes = await sealed(key, clear);
    await expect(all(opening(file(newFileKey(), bytes, 100)))).rejects.toThrow(UnsealError);
    const elsewhere = ['attachment', 'shop', 'other'];
    await expect(all(opening(file(key, bytes, 100, { of: elsewhere })))).rejects.toThrow(UnsealError);
  });
});
