import type { Patch } from '../patches.js';
import { BudgetSpent, type Reader } from '../reader.js';
import { type Findings, zeros } from './findings.js';

const extension = 0x21;
const image = 0x2c;
const trailer = 0x3b;
const commentLabel = 0xfe;
const applicationLabel = 0xff;
/** Extensions that say how often an animation repeats, and its colours. */
const keptApplications = new Set(['NETSCAPE2.0', 'ANIMEXTS1.0', 'ICCRGBG1012']);
/** Metadata of a GIF are rewritten in pieces of 255 bytes, so they are not described but written out. */
const mostBlanked = 2 * 1024 ** 2;

/** Walks a GIF89a from block to block. Comments, XMP and what follows the picture are blanked. */
export async function readGif(reader: Reader): Promise<Findings> {
  const found: Findings = { patches: [], frames: 0 };
  const screen = await reader.exactly(6, 7);
  if (!screen) return { ...found, damaged: true };
  found.width = screen.readUInt16LE(0);
  found.height = screen.readUInt16LE(2);
  let blanked = 0;
  let at = 13 + colours(screen[4]!);
  for (;;) {
    const [introducer, label] = await reader.bytes(at, 2);
    if (introducer === trailer) {
      if (at + 1 < reader.size) found.patches.push(zeros(at + 1, reader.size - at - 1));
      return found;
    }
    let data: number;
    let metadata = false;
    if (introducer === image) {
      const descriptor = await reader.exactly(at + 1, 9);
      if (!descriptor) break;
      found.frames!++;
      data = at + 10 + colours(descriptor[8]!) + 1;
    } else if (introducer === extension) {
      data = at + 2;
      if (label === applicationLabel) {
        const [length] = await reader.bytes(data, 1);
        const name = (await reader.bytes(data + 1, length ?? 0)).toString('latin1');
        metadata = !keptApplications.has(name);
        data += 1 + (length ?? 0);
      } else metadata = label === commentLabel;
    } else break;
    const end = await endOfBlocks(reader, data);
    if (end === undefined) break;
    if (metadata) {
      blanked += end - data;
      if (blanked > mostBlanked) throw new BudgetSpent();
      found.patches.push(emptyBlocks(data, end - data - 1));
    }
    at = end;
  }
  return { ...found, damaged: true };
}

/** Bytes of a table of colours, by the flags that announce it. */
const colours = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 0x07) + 1) : 0);

/** The place after the empty block that ends a row of blocks. */
async function endOfBlocks(reader: Reader, from: number): Promise<number | undefined> {
  for (let at = from; ;) {
    const [length] = await reader.bytes(at, 1);
    if (length === undefined) return undefined;
    at += 1 + length;
    if (length === 0) return at;
  }
}

/** Blocks of zeros that take as many bytes as those they overwrite. */
function emptyBlocks(offset: number, length: number): Patch {
  const start = Buffer.alloc(length);
  for (let at = 0; at < length;) {
    let block = Math.min(255, length - at - 1);
    // One byte alone could only be the end, which comes one byte later.
    if (length - at - 1 - block === 1) block--;
    start[at] = block;
    at += 1 + block;
  }
  return { offset, length, start };
}
