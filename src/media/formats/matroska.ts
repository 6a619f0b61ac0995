import { BudgetSpent, type Reader } from '../reader.js';
import { Fields } from './heif.js';
import type { Mp4Findings } from './mp4.js';

const ids = {
  segment: 0x18538067,
  cluster: 0x1f43b675,
  info: 0x1549a966,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  video: 0xe0,
  tags: 0x1254c367,
  attachments: 0x1941a469,
  timestampScale: 0x2ad7b1,
  duration: 0x4489,
  title: 0x7ba9,
  date: 0x4461,
  trackType: 0x83,
  width: 0xb0,
  height: 0xba,
  timestamp: 0xe7,
  simpleBlock: 0xa3,
  blockGroup: 0xa0,
  block: 0xa1,
};
const masters = new Set([ids.segment, ids.cluster, ids.info, ids.tracks, ids.trackEntry, ids.video, ids.blockGroup]);
const removed = new Set([ids.tags, ids.attachments, ids.title, ids.date]);
const mostElements = 500_000;
const longestMs = 7 * 24 * 60 * 60 * 1000;

/**
 * Reads WebM and Matroska (RFC 9559). Tags, attachments, title and date become void. Browsers record without a duration
 * and without sizes, so then the last block tells how long it is.
 */
export async function readMatroska(reader: Reader): Promise<Mp4Findings> {
  const found: Mp4Findings = { patches: [], video: false, audio: false };
  let scale = 1_000_000;
  let duration: number | undefined;
  let cluster = 0;
  let last = 0;
  let elements = 0;
  let at = 0;
  while (at < reader.size) {
    if (++elements > mostElements) throw new BudgetSpent();
    const header = await reader.bytes(at, 12);
    const idLength = vintLength(header[0]);
    const sizeLength = vintLength(header[idLength]);
    if (idLength === 0 || idLength > 4 || sizeLength === 0 || header.length < idLength + sizeLength) {
      found.damaged = true;
      break;
    }
    const id = new Fields(header).take(idLength);
    const content = at + idLength + sizeLength;
    const size = vint(header.subarray(idLength, idLength + sizeLength));
    if (size === undefined || masters.has(id)) {
      if (size === undefined && id !== ids.segment && id !== ids.cluster) {
        found.damaged = true;
        break;
      }
      // Clusters are looked into only for want of a duration.
      at = id === ids.cluster && size !== undefined && duration !== undefined ? content + size : content;
      continue;
    }
    if (content + size > reader.size) {
      found.damaged = true;
      break;
    }
    if (removed.has(id))
      found.patches.push({ offset: at, length: content + size - at, start: voidHeader(content - at, size) });
    else {
      const value = await reader.bytes(content, Math.min(size, 8));
      if (id === ids.timestampScale) scale = number(value) || scale;
      else if (id === ids.duration && size === 4) duration = value.readFloatBE();
      else if (id === ids.duration && size === 8) duration = value.readDoubleBE();
      else if (id === ids.trackType && number(value) === 1) found.video = true;
      else if (id === ids.trackType && number(value) === 2) found.audio = true;
      else if (id === ids.width) found.width ??= number(value);
      else if (id === ids.height) found.height ??= number(value);
      else if (id === ids.timestamp) cluster = number(value);
      else if (id === ids.simpleBlock || id === ids.block) {
        const track = vintLength(value[0]);
        if (value.length >= track + 2) last = Math.max(last, cluster + value.readInt16BE(track));
      }
    }
    at = content + size;
  }
  const ms = ((duration ?? last) * scale) / 1_000_000;
  if (ms > 0 && ms <= longestMs) found.durationMs = Math.round(ms);
  return found;
}

const number = (bytes: Buffer) => new Fields(bytes).take(bytes.length);

/** Bytes of a number of variable length, by its first byte; 0 where there can be none. */
function vintLength(first: number | undefined): number {
  return first ? Math.clz32(first) - 23 : 0;
}

/** A size of variable length; undefined when it says that it is not known. */
function vint(bytes: Buffer): number | undefined {
  const first = bytes[0]! & (0xff >> bytes.length);
  const rest = bytes.subarray(1);
  if (first === 0xff >> bytes.length && rest.every((byte) => byte === 0xff)) return undefined;
  return first * 256 ** rest.length + number(rest);
}

/** Headers of void elements that take as many bytes as the header they overwrite, for a content of so many bytes. */
function voidHeader(length: number, size: number): Buffer {
  const sizeLength = Math.min(8, length - 1);
  const before = length - 1 - sizeLength;
  const header = Buffer.alloc(length);
  // A void element of its own for the bytes that no size can take.
  if (before >= 2) header.set([0xec, 0x80 + before - 2]);
  header[before] = 0xec;
  header.writeUIntBE(size, Math.max(before + 1, length - 6), Math.min(6, sizeLength));
  header[before + 1]! |= 0x80 >> (sizeLength - 1);
  return header;
}
