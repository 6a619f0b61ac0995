import { crc32, deflateRawSync, deflateSync } from 'node:zlib';

/** Writers of just enough of each format, so that no file of another's making has to stand in the repository. */

export const ascii = (text: string) => Buffer.from(text, 'latin1');

const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
const uint16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value & 0xffff);
  return bytes;
};

/** A box of MP4, HEIC and AVIF. */
export function box(type: string, ...content: (Buffer | string)[]): Buffer {
  const bytes = Buffer.concat(content.map((part) => (typeof part === 'string' ? ascii(part) : part)));
  return Buffer.concat([uint32(8 + bytes.length), ascii(type), bytes]);
}

export interface TrackOf {
  kind?: string;
  /** Thousandths of a second. */
  duration?: number;
  width?: number;
  height?: number;
  /** Turned by a quarter, as telephones write what they film upright. */
  turned?: boolean;
  /** Boxes of the track beside its header and media. */
  more?: Buffer[];
  /** Place of one sample, and its length. */
  sample?: { offset: number; length: number };
}

function track(
  id: number,
  { kind = 'vide', duration = 0, width = 0, height = 0, turned, more = [], sample }: TrackOf,
): Buffer {
  const straight = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];
  const quarter = [0, 0x10000, 0, 0xffff0000, 0, 0, 0, 0, 0x40000000];
  const header = box(
    'tkhd',
    uint32(3),
    ...[0, 0, id, 0, duration, 0, 0, 0, 0].map(uint32),
    ...(turned ? quarter : straight).map(uint32),
    uint32(width << 16),
    uint32(height << 16),
  );
  const table = box(
    'stbl',
    box('stsd', ...[0, 0].map(uint32)),
    box('stts', ...[0, 0].map(uint32)),
    ...(sample
      ? [
          box('stsz', ...[0, sample.length, 1].map(uint32)),
          box('stsc', ...[0, 1, 1, 1, 1].map(uint32)),
          box('stco', ...[0, 1, sample.offset].map(uint32)),
        ]
      : []),
  );
  const media = box(
    'mdia',
    box('mdhd', ...[0, 0, 0, 1000, duration, 0].map(uint32)),
    box('hdlr', ...[0, 0].map(uint32), kind, Buffer.alloc(13)),
    box('minf', table),
  );
  return box('trak', header, media, ...more);
}

export interface MovieOf {
  brand?: string;
  duration?: number;
  tracks: TrackOf[];
  /** Boxes of the movie beside its header and tracks. */
  more?: Buffer[];
  data?: Buffer;
  /** Boxes of the file after all others. */
  after?: Buffer[];
}

/** A movie without samples that anybody could see, but with everything that tells about them. */
export function movie({
  brand = 'isom',
  duration = 0,
  tracks,
  more = [],
  data = Buffer.alloc(16),
  after = [],
}: MovieOf) {
  return Buffer.concat([
    box('ftyp', brand, uint32(0), brand),
    box('mdat', data),
    box(
      'moov',
      box('mvhd', ...[0, 0, 0, 1000, duration].map(uint32), Buffer.alloc(80)),
      ...tracks.map((one, index) => track(index + 1, one)),
      ...more,
    ),
    ...after,
  ]);
}

/** Bytes of a movie's data before its first sample. */
export const movieDataAt = (brand = 'isom') => 8 + 2 * brand.length + 4 + 8;

/** A recording in fragments, as browsers make it: its header says nothing of a duration. */
export function fragmentedMovie({ kind = 'soun', fragments = 3, samples = 50, each = 20 } = {}): Buffer {
  const pieces = Array.from({ length: fragments }, (_, index) => [
    box(
      'moof',
      box('mfhd', ...[0, index + 1].map(uint32)),
      box(
        'traf',
        box('tfhd', ...[0x20008, 1, each].map(uint32)),
        box('tfdt', ...[0, index * samples * each].map(uint32)),
        box('trun', ...[0, samples].map(uint32)),
      ),
    ),
    box('mdat', Buffer.alloc(64)),
  ]);
  return Buffer.concat([
    box('ftyp', 'iso5', uint32(0), 'iso5'),
    box(
      'moov',
      box('mvhd', ...[0, 0, 0, 1000, 0].map(uint32), Buffer.alloc(80)),
      track(1, { kind }),
      box('mvex', box('trex', ...[0, 1, 1, 0, 0, 0].map(uint32))),
    ),
    ...pieces.flat(),
  ]);
}

/** An element of WebM and Matroska; without a size, as browsers write what they have not recorded to its end. */
export function element(id: string, content: Buffer | Buffer[], { unknown = false, sizeBytes = 8 } = {}): Buffer {
  const bytes = Array.isArray(content) ? Buffer.concat(content) : content;
  const size = Buffer.alloc(sizeBytes, 0xff);
  if (!unknown) {
    size.fill(0);
    size.writeUIntBE(bytes.length, Math.max(0, sizeBytes - 6), Math.min(6, sizeBytes));
  }
  size[0]! &= 0xff >> sizeBytes;
  size[0]! |= 0x80 >> (sizeBytes - 1);
  return Buffer.concat([Buffer.from(id, 'hex'), size, bytes]);
}

const double = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
};

export interface WebmOf {
  video?: { width: number; height: number };
  duration?: number;
  tags?: string;
  /** Times of its blocks, in thousandths of a second. */
  blocks?: number[];
}

export function webm({ video, duration, tags, blocks = [0, 20, 40] }: WebmOf = {}): Buffer {
  const open = { unknown: duration === undefined };
  const videoTrack = video && element('e0', [element('b0', uint16(video.width)), element('ba', uint16(video.height))]);
  return Buffer.concat([
    element('1a45dfa3', [element('4282', ascii('webm'))], { sizeBytes: 1 }),
    element(
      '18538067',
      [
        element('1549a966', [
          element('2ad7b1', Buffer.from('0f4240', 'hex')),
          ...(duration === undefined ? [] : [element('4489', double(duration))]),
        ]),
        element('1654ae6b', [
          element('ae', [element('83', Buffer.from([video ? 1 : 2])), ...(videoTrack ? [videoTrack] : [])]),
        ]),
        ...(tags === undefined ? [] : [element('1254c367', element('7373', element('67c8', ascii(tags))))]),
        element(
          '1f43b675',
          [
            element('e7', Buffer.from([0])),
            ...blocks.map((time) => element('a3', Buffer.concat([Buffer.from([0x81]), uint16(time), Buffer.alloc(8)]))),
          ],
          open,
        ),
      ],
      open,
    ),
  ]);
}

/** Chunks of a PNG. */
export function chunk(type: string, content: Buffer): Buffer {
  const bytes = Buffer.concat([ascii(type), content]);
  return Buffer.concat([uint32(content.length), bytes, uint32(crc32(bytes))]);
}

export const pngSignature = Buffer.from('89504e470d0a1a0a', 'hex');

/** A PNG of one colour, of which only as many lines are there as are asked for. */
export function plainPng(width: number, height: number, { lines = height, chunks = [] as Buffer[] } = {}): Buffer {
  const header = Buffer.concat([uint32(width), uint32(height), Buffer.from([1, 0, 0, 0, 0])]);
  const data = deflateSync(Buffer.alloc((1 + Math.ceil(width / 8)) * lines));
  return Buffer.concat([
    pngSignature,
    chunk('IHDR', header),
    ...chunks,
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Puts chunks behind the header of a PNG. */
export const withChunks = (png: Buffer, ...chunks: Buffer[]) =>
  Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);

/** Puts segments behind the first marker of a JPEG. */
export function withSegments(jpeg: Buffer, ...segments: [marker: number, content: Buffer][]): Buffer {
  const written = segments.map(([marker, content]) =>
    Buffer.concat([Buffer.from([0xff, marker]), uint16(content.length + 2), content]),
  );
  return Buffer.concat([jpeg.subarray(0, 2), ...written, jpeg.subarray(2)]);
}

/** A GIF of one pixel a frame, with blocks before its frames. */
export function gif({ frames = 1, width = 1, height = 1, blocks = [] as Buffer[], end = true } = {}): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt16LE(width, 0);
  size.writeUInt16LE(height, 2);
  const frame = Buffer.from('21f90400010000002c0000000001000100000202440100', 'hex');
  return Buffer.concat([
    ascii('GIF89a'),
    size,
    Buffer.from('800000ffffff000000', 'hex'),
    ...blocks,
    ...Array.from({ length: frames }, () => frame),
    ...(end ? [Buffer.from([0x3b])] : []),
  ]);
}

/** Sub-blocks of a GIF, with the empty one at their end. */
export function subBlocks(content: Buffer): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at < content.length; at += 255) {
    const block = content.subarray(at, at + 255);
    blocks.push(Buffer.from([block.length]), block);
  }
  return Buffer.concat([...blocks, Buffer.from([0])]);
}

/** Chunks of RIFF: WebP and WAV. */
export function riff(
  form: string,
  chunks: [type: string, content: Buffer][],
  { announced }: { announced?: number } = {},
) {
  const body = Buffer.concat(
    chunks.map(([type, content]) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(content.length);
      return Buffer.concat([ascii(type), length, content, Buffer.alloc(content.length % 2)]);
    }),
  );
  const size = Buffer.alloc(4);
  size.writeUInt32LE(announced ?? body.length + 4);
  return Buffer.concat([ascii('RIFF'), size, ascii(form), body]);
}

/** A tone of so many seconds, 8,000 samples of one byte in each. */
export function wav(seconds: number, more: [type: string, content: Buffer][] = []): Buffer {
  const format = Buffer.alloc(16);
  format.writeUInt16LE(1, 0);
  format.writeUInt16LE(1, 2);
  format.writeUInt32LE(8000, 4);
  format.writeUInt32LE(8000, 8);
  format.writeUInt16LE(1, 12);
  format.writeUInt16LE(8, 14);
  const tone = Buffer.from(Array.from({ length: 8000 * seconds }, (_, at) => 128 + Math.round(60 * Math.sin(at / 3))));
  return riff('WAVE', [['fmt ', format], ...more, ['data', tone]]);
}

/** A zip of files that are stored, or deflated. */
export function zip(files: Record<string, Buffer | string>, { deflated = false } = {}): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const data = deflated ? deflateRawSync(bytes) : bytes;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(deflated ? 8 : 0, 4);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    local.push(ascii('PK\x03\x04'), common, Buffer.from(name), data);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    central.push(ascii('PK\x01\x02\x14\x00'), common, place, Buffer.from(name));
    offset += 30 + Buffer.byteLength(name) + data.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(Object.keys(files).length, 4);
  end.writeUInt16LE(Object.keys(files).length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...local, directory, ascii('PK\x05\x06'), end]);
}

const contentTypes = (main: string) =>
  `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/x.xml" ContentType="${main}"/></Types>`;

/** A document of Office, as far as it tells its kind. */
export const officeDocument = (main: string, more: Record<string, string> = {}) =>
  zip({ '[Content_Types].xml': contentTypes(main), ...more });

export interface PdfOf {
  pages?: number;
  /** Entries of the catalogue beside its pages. */
  catalogue?: string;
  /** Entries of the trailer beside the root. */
  trailer?: string;
  text?: string;
  /** Pages that the tree claims to have. */
  claimed?: number;
  brokenXref?: boolean;
}

/** A PDF of pages with a line of text on each. */
export function pdf({
  pages = 1,
  catalogue = '',
  trailer = '',
  text = 'Buongiorno',
  claimed,
  brokenXref,
}: PdfOf = {}): Buffer {
  const drawn = `BT /F1 24 Tf 40 100 Td (${text}) Tj ET`;
  const kids = Array.from({ length: pages }, (_, index) => `${5 + index} 0 R`).join(' ');
  const objects = [
    `<< /Type /Catalog /Pages 2 0 R ${catalogue} >>`,
    `<< /Type /Pages /Kids [${kids}] /Count ${claimed ?? pages} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    `<< /Length ${drawn.length} >>\nstream\n${drawn}\nendstream`,
    ...Array.from(
      { length: pages },
      () =>
        '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Resources << /Font << /F1 3 0 R >> >> >>',
    ),
  ];
  let written = '%PDF-1.7\n%\xe2\xe3\xcf\xd3\n';
  const offsets = objects.map((object, index) => {
    const offset = written.length;
    written += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const table = brokenXref ? 7 : written.length;
  const entries = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  written += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${entries}`;
  written += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${trailer} >>\nstartxref\n${table}\n%%EOF\n`;
  return ascii(written);
}
