import type { Patch } from '../patches.js';
import { BudgetSpent, type Reader } from '../reader.js';

/** A box of the ISO base media file format (ISO/IEC 14496-12), which MP4, MOV, M4A, 3GP, HEIC and AVIF are made of. */
export interface Box {
  type: string;
  at: number;
  /** Place of its first byte after the header. */
  content: number;
  end: number;
}

const mostBoxes = 50_000;
const free = Buffer.from('free', 'latin1');

/** The boxes of a part of a file, in order; it ends early where they are damaged. */
export async function* boxes(reader: Reader, from: number, to: number): AsyncGenerator<Box, void, undefined> {
  let seen = 0;
  for (let at = from; at + 8 <= to;) {
    if (++seen > mostBoxes) throw new BudgetSpent();
    const header = await reader.exactly(at, 8);
    if (!header) return;
    let length = header.readUInt32BE(0);
    const type = header.toString('latin1', 4, 8);
    let content = at + 8;
    if (length === 1) {
      const long = await reader.exactly(at + 8, 8);
      if (!long) return;
      length = Number(long.readBigUInt64BE());
      content += 8;
    } else if (length === 0) length = to - at;
    const end = at + length;
    if (length < content - at || end > to) return;
    yield { type, at, content, end };
    at = end;
  }
}

/** All boxes of a part of a file, for those that are few. */
export async function allBoxes(reader: Reader, from: number, to: number): Promise<Box[]> {
  const found: Box[] = [];
  for await (const box of boxes(reader, from, to)) found.push(box);
  return found;
}

/** Makes free space of a box. */
export const freed = ({ at, content, end }: Box): Patch[] => [
  { offset: at + 4, length: 4, start: free },
  { offset: content, length: end - content, start: Buffer.alloc(0) },
];
