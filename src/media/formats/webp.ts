import type { Reader } from '../reader.js';
import { exifMark, onlyOrientation, orientationOf, upright } from './exif.js';
import { type Findings, replaced, zeros } from './findings.js';

const kept = new Set(['VP8X', 'VP8 ', 'VP8L', 'ALPH', 'ANIM', 'ANMF', 'ICCP']);
const largestExif = 64 * 1024;

/** Walks a WebP (RFC 9649) from chunk to chunk. Exif but for the orientation, XMP and unknown chunks are blanked. */
export async function readWebp(reader: Reader): Promise<Findings> {
  const found: Findings = { patches: [], frames: 0 };
  let orientation = 1;
  let size: { width: number; height: number } | undefined;
  const riff = await reader.exactly(0, 12);
  const announced = riff ? 8 + riff.readUInt32LE(4) : 0;
  const end = Math.min(announced, reader.size);
  if (announced > reader.size || !riff) found.damaged = true;
  let at = 12;
  while (at + 8 <= end) {
    const header = await reader.bytes(at, 8);
    const type = header.toString('latin1', 0, 4);
    const length = header.readUInt32LE(4);
    const content = at + 8;
    if (content + length > end) {
      found.damaged = true;
      break;
    }
    const start = await reader.bytes(content, Math.min(length, 16));
    if (type === 'VP8X' && length >= 10)
      size = { width: 1 + start.readUIntLE(4, 3), height: 1 + start.readUIntLE(7, 3) };
    else if (type === 'VP8 ' && length >= 10)
      size ??= { width: start.readUInt16LE(6) & 0x3fff, height: start.readUInt16LE(8) & 0x3fff };
    else if (type === 'VP8L' && length >= 5) {
      const bits = start.readUInt32LE(1);
      size ??= { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
    } else if (type === 'ANMF') found.frames!++;
    else if (type === 'EXIF') {
      const bytes = await reader.bytes(content, Math.min(length, largestExif));
      const marked = bytes.indexOf(exifMark) === 0;
      if (orientation === 1) orientation = orientationOf(marked ? bytes.subarray(exifMark.length) : bytes);
      found.patches.push(replaced(content, length, onlyOrientation(orientation)));
    }
    if (!kept.has(type) && type !== 'EXIF' && length > 0) found.patches.push(zeros(content, length));
    at = content + length + (length % 2);
  }
  if (announced < reader.size && announced > 0) found.patches.push(zeros(announced, reader.size - announced));
  found.frames = Math.max(1, found.frames!);
  return { ...found, ...(size && upright(size, orientation)) };
}
