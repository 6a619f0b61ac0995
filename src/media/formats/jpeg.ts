import type { Reader } from '../reader.js';
import { exifMark, onlyOrientation, orientationOf, upright } from './exif.js';
import { type Findings, replaced, zeros } from './findings.js';

const startOfImage = 0xd8;
const endOfImage = 0xd9;
const startOfScan = 0xda;
const comment = 0xfe;
const adobe = Buffer.from('Adobe', 'latin1');
const adobeBytes = 12;
const colourProfile = Buffer.from('ICC_PROFILE\0', 'latin1');
const jfif = Buffer.from('JFIF\0', 'latin1');
/** Fields of JFIF before its thumbnail. */
const jfifBytes = 14;
const piece = 64 * 1024;

const isFrameHeader = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
const isRestart = (marker: number) => marker >= 0xd0 && marker <= 0xd7;

/**
 * Walks a JPEG (ITU-T T.81, annex B) from segment to segment. Of its metadata stay the colour profile, what decoders need
 * (JFIF, Adobe) and the orientation; thumbnails, Exif, XMP, IPTC, comments, the index of more pictures (MPF) and all that
 * follows the picture are blanked.
 */
export async function readJpeg(reader: Reader): Promise<Findings> {
  const found: Findings = { patches: [], scans: 0, frames: 1 };
  let orientation = 1;
  let size: { width: number; height: number } | undefined;
  const end = async (): Promise<Findings> => ({ ...found, ...(size && upright(size, orientation)) });

  let at = 2;
  for (;;) {
    const { marker, place } = await nextMarker(reader, at);
    // Bytes between segments, which decoders skip.
    if (place - at > 2 && found.scans === 0) found.patches.push(zeros(at, place - at));
    if (marker === undefined) {
      found.damaged = true;
      return end();
    }
    at = place + 2;
    if (marker === endOfImage) break;
    if (marker === startOfImage || marker === 0x01) continue;
    const header = await reader.exactly(at, 2);
    const length = header?.readUInt16BE() ?? 0;
    if (length < 2 || at + length > reader.size) {
      found.damaged = true;
      return end();
    }
    const content = at + 2;
    const bytes = length - 2;
    if (marker === startOfScan) found.scans!++;
    else if (isFrameHeader(marker)) {
      const frame = await reader.exactly(content, 5);
      if (frame && bytes >= 6) size ??= { height: frame.readUInt16BE(1), width: frame.readUInt16BE(3) };
    } else if (marker === comment) found.patches.push(zeros(content, bytes));
    else if (marker >= 0xe0 && marker <= 0xef) {
      const start = await reader.bytes(content, Math.min(bytes, colourProfile.length));
      const begins = (mark: Buffer) => start.subarray(0, mark.length).equals(mark);
      if (marker === 0xe0 && begins(jfif)) {
        // Without the sizes of a thumbnail, since it has none any more.
        if (bytes > jfifBytes) found.patches.push(zeros(content + jfifBytes - 2, bytes - jfifBytes + 2));
      } else if (marker === 0xe1 && begins(exifMark)) {
        const tiff = await reader.bytes(content + exifMark.length, bytes - exifMark.length);
        if (orientation === 1) orientation = orientationOf(tiff);
        const kept = Buffer.concat([exifMark, onlyOrientation(orientation)]);
        found.patches.push(replaced(content, bytes, kept));
      } else if (marker === 0xee && begins(adobe)) {
        if (bytes > adobeBytes) found.patches.push(zeros(content + adobeBytes, bytes - adobeBytes));
      } else if (marker !== 0xe2 || !begins(colourProfile)) found.patches.push(zeros(content, bytes));
    }
    at += length;
  }
  if (at < reader.size) found.patches.push(zeros(at, reader.size - at));
  return end();
}

/** Finds the next marker that is none of a scan's own; without one, the place is the end of the file. */
async function nextMarker(reader: Reader, from: number): Promise<{ marker?: number; place: number }> {
  for (let at = from; at < reader.size;) {
    const bytes = await reader.bytes(at, piece);
    for (
      let found = bytes.indexOf(0xff);
      found >= 0 && found + 1 < bytes.length;
      found = bytes.indexOf(0xff, found + 1)
    ) {
      const marker = bytes[found + 1]!;
      if (marker !== 0 && marker !== 0xff && !isRestart(marker)) return { marker, place: at + found };
    }
    // The last byte may be the first of a marker.
    at += Math.max(1, bytes.length - 1);
  }
  return { place: reader.size };
}
