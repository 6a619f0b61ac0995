import { crc32 } from 'node:zlib';
import type { Reader } from '../reader.js';
import { exifMark, onlyOrientation, orientationOf, upright } from './exif.js';
import { type Findings, zeros } from './findings.js';

const signatureBytes = 8;
/** Chunks that say how a picture looks; all others tell of something else. */
const kept = new Set(
  'IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP sBIT bKGD pHYs hIST sPLT mDCV cLLI acTL fcTL fdAT'.split(' '),
);
/** A private chunk that may be ignored and copied, of which decoders know nothing. */
const blank = Buffer.from('zeRo', 'latin1');
const largestExif = 64 * 1024;

/** Walks a PNG (ISO/IEC 15948) from chunk to chunk. Texts, Exif but for the orientation, times and unknown chunks are blanked. */
export async function readPng(reader: Reader): Promise<Findings> {
  const found: Findings = { patches: [], frames: 1 };
  let orientation = 1;
  let size: { width: number; height: number } | undefined;
  let at = signatureBytes;
  let ended = false;
  while (!ended) {
    const header = await reader.exactly(at, 8);
    const length = header?.readUInt32BE() ?? 0;
    const type = header?.toString('latin1', 4) ?? '';
    if (!/^[A-Za-z]{4}$/.test(type) || at + 12 + length > reader.size) {
      found.damaged = true;
      break;
    }
    const content = at + 8;
    if (type === 'IHDR' && length >= 8) {
      const bytes = await reader.bytes(content, 8);
      size ??= { width: bytes.readUInt32BE(0), height: bytes.readUInt32BE(4) };
    } else if (type === 'acTL' && length >= 4) found.frames = (await reader.bytes(content, 4)).readUInt32BE();
    else if (type === 'eXIf') {
      const bytes = await reader.bytes(content, Math.min(length, largestExif));
      if (orientation === 1)
        orientation = orientationOf(bytes.indexOf(exifMark) === 0 ? bytes.subarray(exifMark.length) : bytes);
    }
    if (!kept.has(type)) {
      const turned = type === 'eXIf' && orientation > 1 ? onlyOrientation(orientation) : undefined;
      const start = turned && turned.length <= length ? Buffer.concat([Buffer.from(type), turned]) : blank;
      const check = Buffer.alloc(4);
      check.writeUInt32BE(checksum(start, 4 + length));
      found.patches.push(
        { offset: at + 4, length: 4 + length, start },
        { offset: content + length, length: 4, start: check },
      );
    }
    at += 12 + length;
    ended = type === 'IEND';
  }
  if (ended && at < reader.size) found.patches.push(zeros(at, reader.size - at));
  return { ...found, ...(size && upright(size, orientation)) };
}

const someZeros = Buffer.alloc(64 * 1024);

/** The CRC of bytes that zeros follow, up to a length. */
function checksum(start: Buffer, length: number): number {
  let value = crc32(start);
  for (let left = length - start.length; left > 0; left -= someZeros.length)
    value = crc32(someZeros.subarray(0, left), value);
  return value;
}
