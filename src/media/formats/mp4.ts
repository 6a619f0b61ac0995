import { BudgetSpent, type Reader } from '../reader.js';
import { allBoxes, type Box, boxes, freed } from './boxes.js';
import { type Findings, zeros } from './findings.js';
import { Fields } from './heif.js';

export interface Mp4Findings extends Findings {
  video: boolean;
  audio: boolean;
}

const removed = new Set(['udta', 'meta', 'uuid']);
const keptBoxes = new Set('ftyp styp moov moof mdat mfra sidx ssix free skip wide pdin prft emsg pnot imda'.split(' '));
/** Tracks that are seen, heard or read; those of others hold positions, speeds and the like, second by second. */
const keptTracks = new Set(['vide', 'soun', 'auxv', 'subt', 'sbtl', 'text', 'clcp', 'hint', 'tmcd']);
const mostSamples = 1_000_000;
const largestTable = 8 * 1024 ** 2;
/** Longer ones are lies, or of no use to anybody. */
const longestMs = 7 * 24 * 60 * 60 * 1000;

interface Track {
  kind: string;
  timescale: number;
  samples: number;
}

/**
 * Reads MP4, MOV, M4A and 3GP. Texts, places and other descriptions become free space, as do tracks of measurements with
 * their samples; what is seen and heard stays where it is.
 */
export async function readMp4(reader: Reader): Promise<Mp4Findings> {
  const found: Mp4Findings = { patches: [], video: false, audio: false };
  const tracks = new Map<number, Track>();
  let longest = 0;
  let end = 0;
  for await (const box of boxes(reader, 0, reader.size)) {
    end = box.end;
    if (!keptBoxes.has(box.type)) found.patches.push(...freed(box));
    else if (box.type === 'free' || box.type === 'skip') found.patches.push(zeros(box.content, box.end - box.content));
    else if (box.type === 'moov') longest = Math.max(longest, await readMovie(reader, box, found, tracks));
    else if (box.type === 'moof') longest = Math.max(longest, await readFragment(reader, box, found, tracks));
  }
  // A recording that was cut off ends in the middle of its last box.
  if (end < reader.size) found.damaged = true;
  if (longest > 0 && longest <= longestMs) found.durationMs = Math.round(longest);
  return found;
}

/** @returns the duration in milliseconds */
async function readMovie(reader: Reader, movie: Box, found: Mp4Findings, tracks: Map<number, Track>): Promise<number> {
  let longest = 0;
  for (const box of await allBoxes(reader, movie.content, movie.end)) {
    if (removed.has(box.type)) found.patches.push(...freed(box));
    else if (box.type === 'trak') longest = Math.max(longest, await readTrack(reader, box, found, tracks));
    else if (box.type === 'mvhd') longest = Math.max(longest, durationOf(await reader.bytes(box.content, 32)).ms);
    else if (box.type === 'mvex') {
      for (const extend of await allBoxes(reader, box.content, box.end)) {
        if (extend.type !== 'trex') continue;
        const fields = new Fields(await reader.bytes(extend.content, 24));
        fields.skip(4);
        const track = tracks.get(fields.take(4));
        fields.skip(4);
        if (track) track.samples = fields.take(4);
      }
    }
  }
  return longest;
}

/** @returns the duration in milliseconds */
async function readTrack(reader: Reader, box: Box, found: Mp4Findings, tracks: Map<number, Track>): Promise<number> {
  const children = await allBoxes(reader, box.content, box.end);
  for (const child of children) if (removed.has(child.type)) found.patches.push(...freed(child));
  const header = children.find(({ type }) => type === 'tkhd');
  const media = children.find(({ type }) => type === 'mdia');
  if (!header || !media) return 0;
  const parts = await allBoxes(reader, media.content, media.end);
  for (const part of parts) if (removed.has(part.type)) found.patches.push(...freed(part));
  const [mediaHeader, handler, information] = ['mdhd', 'hdlr', 'minf'].map((type) =>
    parts.find((part) => part.type === type),
  );
  const kind = handler ? (await reader.bytes(handler.content + 8, 4)).toString('latin1') : '';
  if (!keptTracks.has(kind)) {
    if (information) await blankSamples(reader, information, found);
    found.patches.push(...freed(box));
    return 0;
  }
  const fields = await reader.bytes(header.content, 96);
  const wide = fields[0] === 1 ? 12 : 0;
  const timing = durationOf(mediaHeader ? await reader.bytes(mediaHeader.content, 32) : Buffer.alloc(0));
  if (fields.length >= 84 + wide) {
    const id = fields.readUInt32BE(wide ? 20 : 12);
    tracks.set(id, { kind, timescale: timing.timescale, samples: 0 });
    if (kind === 'vide' && !found.video) {
      const turned = fields.readInt32BE(40 + wide) === 0 && fields.readInt32BE(44 + wide) !== 0;
      const [width, height] = [fields.readUInt16BE(76 + wide), fields.readUInt16BE(80 + wide)];
      if (width > 0 && height > 0) Object.assign(found, turned ? { width: height, height: width } : { width, height });
    }
  }
  if (kind === 'vide') found.video = true;
  if (kind === 'soun') found.audio = true;
  return timing.ms;
}

/** Duration of a movie or of a track's media, by the fields that their headers have in common. */
function durationOf(header: Buffer): { timescale: number; ms: number } {
  const wide = header[0] === 1;
  if (header.length < (wide ? 32 : 20)) return { timescale: 0, ms: 0 };
  const timescale = header.readUInt32BE(wide ? 20 : 12);
  const duration = wide ? Number(header.readBigUInt64BE(24)) : header.readUInt32BE(16);
  const unknown = duration === (wide ? 2 ** 64 : 0xffffffff);
  return { timescale, ms: timescale > 0 && !unknown ? (duration * 1000) / timescale : 0 };
}

/** Fragments tell when they begin and how long each of their samples lasts. */
async function readFragment(
  reader: Reader,
  fragment: Box,
  found: Mp4Findings,
  tracks: Map<number, Track>,
): Promise<number> {
  let longest = 0;
  for (const box of await allBoxes(reader, fragment.content, fragment.end)) {
    if (removed.has(box.type)) found.patches.push(...freed(box));
    if (box.type !== 'traf') continue;
    let track: Track | undefined;
    let each = 0;
    let time = 0;
    for (const part of await allBoxes(reader, box.content, box.end)) {
      const fields = new Fields(await reader.bytes(part.content, Math.min(part.end - part.content, largestTable)));
      const version = fields.take(1);
      const flags = fields.take(3);
      if (part.type === 'tfhd') {
        track = tracks.get(fields.take(4));
        fields.skip((flags & 1 ? 8 : 0) + (flags & 2 ? 4 : 0));
        each = flags & 8 ? fields.take(4) : (track?.samples ?? 0);
      } else if (part.type === 'tfdt') time = fields.take(version === 1 ? 8 : 4);
      else if (part.type === 'trun') {
        let samples = fields.take(4);
        fields.skip((flags & 1 ? 4 : 0) + (flags & 4 ? 4 : 0));
        if (!(flags & 0x100)) time += samples * each;
        else {
          const others = (flags & 0x200 ? 4 : 0) + (flags & 0x400 ? 4 : 0) + (flags & 0x800 ? 4 : 0);
          for (; samples > 0 && !fields.spent; samples--) {
            time += fields.take(4);
            fields.skip(others);
          }
        }
      }
    }
    if (track && track.timescale > 0) longest = Math.max(longest, (time * 1000) / track.timescale);
  }
  return longest;
}

/** Blanks the samples of a track, which stand in pieces between those of others. */
async function blankSamples(reader: Reader, information: Box, found: Findings): Promise<void> {
  const table = (await allBoxes(reader, information.content, information.end)).find(({ type }) => type === 'stbl');
  if (!table) return;
  const parts = await allBoxes(reader, table.content, table.end);
  const fieldsOf = async (...types: string[]) => {
    const part = parts.find(({ type }) => types.includes(type));
    if (!part) return undefined;
    const fields = new Fields(await reader.bytes(part.content, Math.min(part.end - part.content, largestTable)));
    fields.skip(4);
    return { fields, wide: part.type === 'co64' };
  };
  const [sizes, groups, places] = [await fieldsOf('stsz'), await fieldsOf('stsc'), await fieldsOf('stco', 'co64')];
  if (!sizes || !groups || !places) return;
  const each = sizes.fields.take(4);
  let samplesLeft = sizes.fields.take(4);
  if (samplesLeft > mostSamples) throw new BudgetSpent();
  let groupsLeft = groups.fields.take(4);
  const nextGroup = () => {
    if (groupsLeft-- <= 0 || groups.fields.spent) return undefined;
    const [first, samples] = [groups.fields.take(4), groups.fields.take(4)];
    groups.fields.skip(4);
    return { first, samples };
  };
  let group = nextGroup();
  let following = nextGroup();
  const chunks = places.fields.take(4);
  for (let chunk = 1; chunk <= chunks && samplesLeft > 0 && !places.fields.spent; chunk++) {
    while (following && chunk >= following.first) [group, following] = [following, nextGroup()];
    const offset = places.fields.take(places.wide ? 8 : 4);
    let length = 0;
    for (let sample = group?.samples ?? 0; sample > 0 && samplesLeft > 0; sample--, samplesLeft--)
      length += each || sizes.fields.take(4);
    if (length > 0) found.patches.push(zeros(offset, length));
  }
}
