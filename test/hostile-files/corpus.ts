import sharp from 'sharp';
import {
  ascii,
  box,
  chunk,
  fragmentedMovie,
  gif,
  movie,
  movieDataAt,
  officeDocument,
  pdf,
  plainPng,
  riff,
  subBlocks,
  wav,
  webm,
  withChunks,
  withSegments,
  zip,
} from './containers.js';

/** Words that stand in what has to be stripped: nobody but the sender may get them. */
export const place = 'Via Segreta 12, Modena';
/** Latitude of the same, as Exif writes it. */
export const latitude = Buffer.from('0000002d00000001000000270000000100000c1d00000064', 'hex');

/** The end that a file comes to. */
export interface Expected {
  type: string;
  family: 'image' | 'audio' | 'video' | 'pdf' | 'document' | 'text' | 'archive' | 'other';
  inline: boolean;
  thumbnail: boolean;
  note?: string;
  width?: number;
  height?: number;
  /** Milliseconds. */
  duration?: number;
  pages?: number;
}

export interface HostileFile {
  /** Names the one thing that is wrong with it. */
  title: string;
  name: string;
  make: () => Buffer | Promise<Buffer>;
  expected: Expected;
  /** Status by which its upload is refused. */
  refused?: number;
  /** It holds the words or the latitude of a place, which must be gone. */
  secret?: true;
  /** A picture that decodes to the same pixels after it has been stripped. */
  pixels?: true;
}

const scene = (width = 64, height = 48) =>
  sharp({ create: { width, height, channels: 3, background: { r: 180, g: 90, b: 40 } } }).composite([
    {
      input: Buffer.from(`<svg width="${width}" height="${height}"><circle cx="20" cy="20" r="15" fill="teal"/></svg>`),
    },
  ]);
const jpeg = () => scene().jpeg().toBuffer();
const png = () => scene().png().toBuffer();
const exifWithPlace = {
  IFD0: { ImageDescription: place, Make: 'Fotocamera' },
  IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '45/1 39/1 3101/100', GPSAreaInformation: place },
};
const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:City="${place}"/></rdf:RDF></x:xmpmeta>`;

/** A TIFF structure with a description, an orientation and a place. */
function tiff(orientation: number): Buffer {
  const text = ascii(`${place}\0`);
  const bytes = Buffer.alloc(8 + 2 + 3 * 12 + 4 + text.length + (text.length % 2) + 2 + 12 + 4);
  bytes.write('MM\0*', 0, 'latin1');
  bytes.writeUInt32BE(8, 4);
  bytes.writeUInt16BE(3, 8);
  const textAt = 8 + 2 + 36 + 4;
  const gpsAt = textAt + text.length + (text.length % 2);
  const entry = (at: number, tag: number, type: number, count: number) => {
    bytes.writeUInt16BE(tag, at);
    bytes.writeUInt16BE(type, at + 2);
    bytes.writeUInt32BE(count, at + 4);
  };
  entry(10, 0x010e, 2, text.length);
  bytes.writeUInt32BE(textAt, 18);
  entry(22, 0x0112, 3, 1);
  bytes.writeUInt16BE(orientation, 30);
  entry(34, 0x8825, 4, 1);
  bytes.writeUInt32BE(gpsAt, 42);
  text.copy(bytes, textAt);
  bytes.writeUInt16BE(1, gpsAt);
  entry(gpsAt + 2, 0x0002, 5, 3);
  // The rationals stand where the file ends.
  bytes.writeUInt32BE(bytes.length, gpsAt + 10);
  return Buffer.concat([bytes, latitude]);
}

const exif = (orientation: number) => Buffer.concat([ascii('Exif\0\0'), tiff(orientation)]);
const eicar = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$', 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE', '!$H+H*'].join('');
const utf16 = (text: string, mark = true) => Buffer.from((mark ? '\ufeff' : '') + text, 'utf16le');
const swapped = (bytes: Buffer) => Buffer.from(bytes).swap16();
const html = '<!DOCTYPE html><html><body><script>alert(document.domain)</script></body></html>';
const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><circle r="9"/></svg>';
const elf = Buffer.concat([ascii('\x7fELF\x02\x01\x01'), Buffer.alloc(200, 1)]);
const program = Buffer.concat([
  ascii('MZ'),
  Buffer.alloc(58),
  Buffer.from('40000000', 'hex'),
  ascii('PE\0\0'),
  Buffer.alloc(200),
]);
const textPlain = (more: Partial<Expected> = {}): Expected => ({
  type: 'text/plain',
  family: 'text',
  inline: true,
  thumbnail: false,
  ...more,
});
const active = (type: string): Expected => ({
  type,
  family: 'other',
  inline: false,
  thumbnail: false,
  note: 'active_content',
});
const image = (type: string, more: Partial<Expected> = {}): Expected => ({
  type: `image/${type}`,
  family: 'image',
  inline: true,
  thumbnail: true,
  ...more,
});
const unknown: Expected = { type: 'application/octet-stream', family: 'other', inline: false, thumbnail: false };
const archive = (type = 'application/zip'): Expected => ({ type, family: 'archive', inline: false, thumbnail: false });
const video = (more: Partial<Expected> = {}): Expected => ({
  type: 'video/mp4',
  family: 'video',
  inline: true,
  thumbnail: false,
  ...more,
});
const sound = (type: string, more: Partial<Expected> = {}): Expected => ({
  type: `audio/${type}`,
  family: 'audio',
  inline: true,
  thumbnail: false,
  ...more,
});
const document = (type: string, more: Partial<Expected> = {}): Expected => ({
  type,
  family: 'document',
  inline: false,
  thumbnail: false,
  ...more,
});
const pdfEnd = (more: Partial<Expected> = {}): Expected => ({
  type: 'application/pdf',
  family: 'pdf',
  inline: true,
  thumbnail: true,
  ...more,
});

const nested = (depth: number): Buffer => {
  let inner = zip({ '0.bin': Buffer.alloc(4 * 1024 ** 2) }, { deflated: true });
  for (let level = 0; level < depth; level++) {
    inner = zip(Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`${level}-${at}.zip`, inner])), {
      deflated: true,
    });
  }
  return inner;
};

/** A JPEG whose picture is drawn anew over and over: 5,000 scans of the same few bytes. */
async function manyScans(): Promise<Buffer> {
  const bytes = await scene().jpeg({ progressive: true }).toBuffer();
  const first = bytes.lastIndexOf(Buffer.from([0xff, 0xda]));
  const scan = bytes.subarray(first, bytes.length - 2);
  return Buffer.concat([
    bytes.subarray(0, first),
    ...Array.from({ length: 5_000 }, () => scan),
    Buffer.from([0xff, 0xd9]),
  ]);
}

/** A picture whose colour profile is rubbish. */
const brokenProfile = async () => {
  const segment = Buffer.concat([ascii('ICC_PROFILE\0\x01\x01'), Buffer.alloc(300, 0x7a)]);
  return withSegments(await jpeg(), [0xe2, segment]);
};

const isoPlace = `+44.6471+010.9252/${place}`;
const quickTimePlace = box(
  'meta',
  box('hdlr', Buffer.alloc(8), 'mdta', Buffer.alloc(12)),
  box('keys', Buffer.alloc(8), box('mdta', 'com.apple.quicktime.location.ISO6709')),
  box('ilst', box('\0\0\0\x01', box('data', Buffer.alloc(8), isoPlace))),
);
const userData = box('udta', box('\xa9xyz', isoPlace), box('loci', Buffer.alloc(6), place));

export const hostileFiles: HostileFile[] = [
  // Places, in every format that tells them
  {
    title: 'JPEG with a place, turned',
    name: 'IMG_0001.JPG',
    make: async () =>
      withSegments(
        await jpeg(),
        [0xe1, exif(6)],
        [0xe1, ascii(`http://ns.adobe.com/xap/1.0/\0${xmp}`)],
        [0xed, ascii(`Photoshop 3.0\0${place}`)],
        [0xfe, ascii(place)],
      ),
    expected: image('jpeg', { width: 48, height: 64 }),
    secret: true,
    pixels: true,
  },
  {
    title: 'JPEG with a second picture and a movie behind it',
    name: 'MVIMG_20240101.jpg',
    make: async () =>
      Buffer.concat([
        withSegments(await jpeg(), [0xe2, ascii(`MPF\0MM\0*${place}`)]),
        withSegments(await jpeg(), [0xe1, exif(1)]),
        movie({ tracks: [{ width: 10, height: 10 }], more: [userData] }),
      ]),
    expected: image('jpeg', { width: 64, height: 48 }),
    secret: true,
    pixels: true,
  },
  {
    title: 'JPEG with a thumbnail of its own in JFIF and Exif',
    name: 'scan.jpeg',
    make: async () =>
      withSegments(await jpeg(), [0xe0, ascii(`JFXX\0\x10${place}`)], [0xe1, Buffer.concat([exif(1), await jpeg()])]),
    expected: image('jpeg'),
    secret: true,
    pixels: true,
  },
  {
    title: 'PNG with a place in every chunk that can tell it',
    name: 'screenshot.png',
    make: async () =>
      withChunks(
        await png(),
        chunk('eXIf', tiff(8)),
        chunk('tEXt', ascii(`Comment\0${place}`)),
        chunk('iTXt', ascii(`XML:com.adobe.xmp\0\0\0\0\0${xmp}`)),
        chunk('zTXt', ascii(`Place\0\0${place}`)),
        chunk('prVt', ascii(place)),
      ),
    expected: image('png', { width: 48, height: 64 }),
    secret: true,
    pixels: true,
  },
  {
    title: 'WebP with a place',
    name: 'foto.webp',
    make: () => scene().withExif(exifWithPlace).withXmp(xmp).webp().toBuffer(),
    expected: image('webp', { width: 64, height: 48 }),
    secret: true,
    pixels: true,
  },
  {
    title: 'AVIF with a place',
    name: 'foto.avif',
    make: () => scene().withExif(exifWithPlace).withXmp(xmp).avif({ effort: 0 }).toBuffer(),
    expected: image('avif', { width: 64, height: 48 }),
    secret: true,
    pixels: true,
  },
  {
    title: 'HEIC with a place and a movie behind it',
    name: 'IMG_0002.HEIC',
    make: async () => {
      const avif = await scene().withExif(exifWithPlace).withXmp(xmp).avif({ effort: 0 }).toBuffer();
      avif.write('heic', 8, 'latin1');
      return Buffer.concat([avif, box('mpvd', movie({ tracks: [{ width: 2, height: 2 }], more: [userData] }))]);
    },
    expected: image('heic', { inline: false, thumbnail: false, note: 'no_preview', width: 64, height: 48 }),
    secret: true,
  },
  {
    title: 'GIF with a place in a comment and in XMP',
    name: 'animazione.gif',
    make: () =>
      gif({
        frames: 3,
        blocks: [
          Buffer.concat([Buffer.from([0x21, 0xfe]), subBlocks(ascii(place.repeat(30)))]),
          Buffer.concat([Buffer.from([0x21, 0xff, 11]), ascii('XMP DataXMP'), subBlocks(ascii(xmp))]),
        ],
      }),
    expected: image('gif', { width: 1, height: 1 }),
    secret: true,
    pixels: true,
  },
  {
    title: 'MP4 with a place, turned',
    name: 'VID_0001.mp4',
    make: () =>
      movie({
        duration: 12_345,
        tracks: [
          { duration: 12_345, width: 1920, height: 1080, turned: true, more: [userData] },
          { kind: 'soun', duration: 12_000 },
        ],
        more: [userData],
        after: [box('uuid', Buffer.alloc(16), xmp)],
      }),
    expected: video({ width: 1080, height: 1920, duration: 12_345 }),
    secret: true,
  },
  {
    title: 'MOV with a place by its key',
    name: 'IMG_0003.MOV',
    make: () =>
      movie({
        brand: 'qt  ',
        duration: 1000,
        tracks: [{ duration: 1000, width: 640, height: 480 }],
        more: [quickTimePlace],
      }),
    expected: video({ type: 'video/quicktime', width: 640, height: 480, duration: 1000 }),
    secret: true,
  },
  {
    title: 'MP4 with a track of positions',
    name: 'GOPR0001.mp4',
    make: () =>
      movie({
        duration: 2000,
        tracks: [
          { duration: 2000, width: 320, height: 240 },
          { kind: 'meta', sample: { offset: movieDataAt(), length: place.length } },
        ],
        data: ascii(place),
      }),
    expected: video({ width: 320, height: 240, duration: 2000 }),
    secret: true,
  },
  {
    title: 'M4A named after the street where it was recorded',
    name: 'Nuova registrazione.m4a',
    make: () =>
      movie({
        brand: 'M4A ',
        duration: 3000,
        tracks: [{ kind: 'soun', duration: 3000 }],
        more: [
          box('udta', box('meta', Buffer.alloc(4), box('ilst', box('\xa9nam', box('data', Buffer.alloc(8), place))))),
        ],
      }),
    expected: sound('mp4', { duration: 3000 }),
    secret: true,
  },
  {
    title: 'WebM with a place in its tags',
    name: 'video.webm',
    make: () => webm({ video: { width: 640, height: 360 }, duration: 5000, tags: place }),
    expected: video({ type: 'video/webm', width: 640, height: 360, duration: 5000 }),
    secret: true,
  },
  {
    title: 'WAV with a place in its texts',
    name: 'nota.wav',
    make: () =>
      wav(2, [
        ['LIST', ascii(`INFOICMT${place}`)],
        ['bext', ascii(place)],
      ]),
    expected: sound('wav', { duration: 2000 }),
    secret: true,
  },
  // Voice notes as browsers record them
  {
    title: 'voice note of Chrome, without a duration and without sizes',
    name: 'blob',
    make: () => webm({ blocks: [0, 1000, 2500] }),
    expected: sound('webm', { duration: 2500 }),
  },
  {
    title: 'voice note of Safari, in fragments',
    name: 'voice.mp4',
    make: () => fragmentedMovie(),
    expected: sound('mp4', { duration: 3000 }),
  },
  // Polyglots
  {
    title: 'GIF with an archive behind it (GIFAR)',
    name: 'gifar.gif',
    make: () => Buffer.concat([gif(), zip({ 'META-INF/MANIFEST.MF': place })]),
    expected: image('gif'),
    secret: true,
    pixels: true,
  },
  {
    title: 'PNG with a zip behind it',
    name: 'png.zip',
    make: async () => Buffer.concat([await png(), zip({ 'a.txt': place })]),
    expected: image('png'),
    secret: true,
    pixels: true,
  },
  {
    title: 'JPEG that is a script as well',
    name: 'photo.jpg',
    make: async () => withSegments(await jpeg(), [0xfe, ascii(`*/=alert("${place}")/*`)]),
    expected: image('jpeg'),
    secret: true,
    pixels: true,
  },
  {
    title: 'GIF that is a script by its size',
    name: 'script.gif',
    make: () => Buffer.concat([ascii('GIF89a/*'), Buffer.alloc(9), ascii('*/=1;alert(1)')]),
    expected: image('gif', { note: 'damaged', thumbnail: false }),
  },
  {
    title: 'GIF that is nothing but HTML behind its mark',
    name: 'x.gif',
    make: () => ascii(`GIF89a${html}`),
    expected: image('gif', { note: 'damaged', thumbnail: false }),
  },
  {
    title: 'PDF behind HTML',
    name: 'fattura.pdf',
    make: () => Buffer.concat([ascii(html.replace('</html>', '')), pdf()]),
    expected: active('text/html'),
  },
  {
    title: 'PDF with HTML behind it',
    name: 'listino.pdf',
    make: () => Buffer.concat([pdf(), ascii(html)]),
    expected: pdfEnd({ pages: 1 }),
  },
  {
    title: 'zip behind a PDF',
    name: 'both.pdf',
    make: () => Buffer.concat([pdf(), zip({ a: 'b' })]),
    expected: pdfEnd({ pages: 1 }),
  },
  // Markup
  { title: 'SVG with a script', name: 'logo.svg', make: () => ascii(svg), expected: active('image/svg+xml') },
  {
    title: 'SVG without a script',
    name: 'logo.png',
    make: () => ascii('<?xml version="1.0"?>\n<!-- hello -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'),
    expected: active('image/svg+xml'),
  },
  { title: 'HTML named as a picture', name: 'gatto.jpg', make: () => ascii(html), expected: active('text/html') },
  {
    title: 'HTML behind a comment',
    name: 'a.txt',
    make: () => ascii(`<!-- x -->\n ${html}`),
    expected: active('text/html'),
  },
  {
    title: 'a bare script',
    name: 'a.txt',
    make: () => ascii('<script>alert(1)</script>'),
    expected: active('text/html'),
  },
  { title: 'HTML in UTF-16', name: 'a.html', make: () => utf16(html), expected: active('text/html') },
  {
    title: 'HTML in UTF-16 of the other order',
    name: 'a.txt',
    make: () => swapped(utf16(html)),
    expected: active('text/html'),
  },
  {
    title: 'HTML in UTF-16 without a mark',
    name: 'a.txt',
    make: () => utf16(html, false),
    expected: active('text/html'),
  },
  {
    title: 'XHTML',
    name: 'a.xml',
    make: () =>
      ascii('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>'),
    expected: active('application/xhtml+xml'),
  },
  {
    title: 'XML that a stylesheet makes HTML of',
    name: 'a.xml',
    make: () => ascii('<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#x"?><a/>'),
    expected: active('application/xml'),
  },
  {
    title: 'XML with entities within entities',
    name: 'laughs.xml',
    make: () => ascii('<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>'),
    expected: active('application/xml'),
  },
  {
    title: 'MHTML',
    name: 'page.mht',
    make: () =>
      ascii(
        `From: <saved>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n${html}`,
      ),
    expected: active('message/rfc822'),
  },
  {
    title: 'HTA',
    name: 'a.hta',
    make: () => ascii('<hta:application id="x"/><script language="VBScript">CreateObject("WScript.Shell")</script>'),
    expected: active('text/html'),
  },
  // Programs and what starts them
  { title: 'ELF', name: 'photo.jpg', make: () => elf, expected: active('application/x-elf') },
  {
    title: 'program of Windows with a double ending',
    name: 'foto.jpg.exe',
    make: () => program,
    expected: active('application/x-msdownload'),
  },
  {
    title: 'program of Windows named from right to left',
    name: 'foto\u202Egpj.exe',
    make: () => program,
    expected: active('application/x-msdownload'),
  },
  {
    title: 'Mach-O',
    name: 'app',
    make: () => Buffer.concat([Buffer.from('cffaedfe', 'hex'), Buffer.alloc(60)]),
    expected: active('application/x-mach-binary'),
  },
  {
    title: 'shell script',
    name: 'leggimi.txt',
    make: () => ascii('#!/bin/sh\nrm -rf ~\n'),
    expected: active('text/x-script'),
  },
  { title: 'batch file', name: 'a.bat', make: () => ascii('del /q *.*\r\n'), expected: { ...active('text/plain') } },
  {
    title: 'script of Windows with spaces behind its ending',
    name: 'a.vbs . ',
    make: () => ascii('MsgBox "x"\r\n'),
    expected: { ...active('text/plain') },
  },
  {
    title: 'shortcut of Windows',
    name: 'a.lnk',
    make: () => Buffer.concat([Buffer.from('4c0000000114020000000000c000000000000046', 'hex'), Buffer.alloc(60)]),
    expected: active('application/x-ms-shortcut'),
  },
  {
    title: 'shortcut to an address',
    name: 'a.url',
    make: () => ascii('[InternetShortcut]\r\nURL=file:///c:/x.exe\r\n'),
    expected: active('application/x-mswinurl'),
  },
  {
    title: 'starter of a Linux desktop',
    name: 'a.txt',
    make: () => ascii('[Desktop Entry]\nType=Application\nExec=sh -c x\n'),
    expected: active('application/x-mswinurl'),
  },
  {
    title: 'JAR',
    name: 'a.zip',
    make: () => zip({ 'META-INF/MANIFEST.MF': 'Main-Class: X' }),
    expected: active('application/java-archive'),
  },
  {
    title: 'APK',
    name: 'app.jpg',
    make: () => zip({ 'AndroidManifest.xml': 'x', 'classes.dex': 'y' }),
    expected: active('application/vnd.android.package-archive'),
  },
  {
    title: 'document with macros',
    name: 'a.docx',
    make: () => officeDocument('application/vnd.ms-word.document.macroEnabled.main+xml'),
    expected: document('application/vnd.ms-word.document.macroenabled.12', { note: 'active_content' }),
  },
  // Harmless files of other families
  {
    title: 'Word document',
    name: 'a.bin',
    make: () => officeDocument('application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml'),
    expected: document('application/vnd.openxmlformats-officedocument.wordprocessingml.document'),
  },
  {
    title: 'text of LibreOffice',
    name: 'a.zip',
    make: () => zip({ mimetype: 'application/vnd.oasis.opendocument.text' }),
    expected: document('application/vnd.oasis.opendocument.text'),
  },
  {
    title: 'text with a null byte in its name',
    name: 'a\0b.txt',
    make: () => ascii('ciao'),
    expected: textPlain(),
    refused: 400,
  },
  {
    title: 'text with a line break in its name',
    name: 'a\r\nSet-Cookie: x=1.txt',
    make: () => ascii('ciao'),
    expected: textPlain(),
  },
  {
    title: 'text about HTML',
    name: 'lezione.md',
    make: () => Buffer.from('Perché <script> è pericoloso'),
    expected: textPlain(),
  },
  {
    title: 'text of Windows with accents',
    name: 'a.txt',
    make: () => ascii('Perch\xe9 no? Cos\xec \xe8.'),
    expected: textPlain({ type: 'text/plain; charset=windows-1252' }),
  },
  {
    title: 'text in UTF-16',
    name: 'a.txt',
    make: () => utf16('Buongiorno a tutti'),
    expected: textPlain({ type: 'text/plain; charset=utf-16le' }),
  },
  {
    title: 'invoice in XML',
    name: 'IT01234567890_1.xml',
    make: () => ascii('<?xml version="1.0"?><p:FatturaElettronica versione="FPR12"/>'),
    expected: { type: 'application/xml', family: 'text', inline: false, thumbnail: false },
  },
  { title: 'EICAR', name: 'eicar.com', make: () => ascii(eicar), expected: active('text/plain') },
  { title: 'EICAR in a zip', name: 'eicar.zip', make: () => zip({ 'eicar.com': eicar }), expected: archive() },
  { title: 'EICAR with a harmless name', name: 'eicar.txt', make: () => ascii(eicar), expected: textPlain() },
  // Nothing, or next to nothing
  { title: 'an empty file', name: 'a.jpg', make: () => Buffer.alloc(0), expected: unknown, refused: 422 },
  { title: 'one byte', name: 'a.jpg', make: () => ascii('a'), expected: textPlain() },
  { title: 'one byte that is no text', name: 'a.jpg', make: () => Buffer.from([0]), expected: unknown },
  {
    title: 'noise',
    name: 'a.png',
    make: () => Buffer.from(Array.from({ length: 999 }, (_, at) => (at * at * 31 + 7 * at) & 0xff)),
    expected: unknown,
  },
  // Bombs
  { title: 'zips in zips in zips', name: '42.zip', make: () => nested(3), expected: archive() },
  {
    title: 'zip of many files',
    name: 'many.zip',
    make: () => zip(Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`${at}`, '']))),
    expected: archive(),
  },
  {
    title: 'PNG of a hundred million pixels a side',
    name: 'a.png',
    make: () => plainPng(100_000_000, 100_000_000, { lines: 0 }),
    expected: image('png', { thumbnail: false }),
  },
  {
    title: 'PNG of 900 million pixels in few bytes',
    name: 'a.png',
    make: () => plainPng(30_000, 30_000),
    expected: image('png', { width: 30_000, height: 30_000, thumbnail: false }),
  },
  {
    title: 'PNG of one row of 40 million pixels',
    name: 'row.png',
    make: () => plainPng(1, 40_000_000, { lines: 40_000 }),
    expected: image('png', { thumbnail: false }),
  },
  {
    title: 'JPEG of 5,000 scans',
    name: 'a.jpg',
    make: manyScans,
    expected: image('jpeg', { thumbnail: false, width: 64, height: 48 }),
  },
  {
    title: 'JPEG that claims 65,000 pixels a side',
    name: 'a.jpg',
    make: async () => {
      const bytes = await jpeg();
      const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
      bytes.writeUInt32BE(0xfde8fde8, frame + 5);
      return bytes;
    },
    expected: image('jpeg', { width: 65_000, height: 65_000, thumbnail: false }),
  },
  { title: 'GIF of 10,000 frames', name: 'a.gif', make: () => gif({ frames: 10_000 }), expected: image('gif') },
  {
    title: 'GIF whose screen is as large as can be',
    name: 'a.gif',
    make: () => gif({ width: 65_535, height: 65_535 }),
    expected: image('gif', { width: 65_535, height: 65_535, thumbnail: false }),
  },
  {
    title: 'PNG of chunks without end',
    name: 'a.png',
    make: async () => withChunks(await png(), ...Array.from({ length: 60_000 }, () => chunk('tEXt', ascii('a')))),
    expected: image('png'),
  },
  // Broken files
  {
    title: 'JPEG that is cut off',
    name: 'a.jpg',
    make: async () => (await scene(600, 400).jpeg().toBuffer()).subarray(0, 2000),
    expected: image('jpeg', { width: 600, height: 400, note: 'damaged', thumbnail: false }),
  },
  {
    title: 'JPEG that ends in its header',
    name: 'a.jpg',
    make: async () => (await jpeg()).subarray(0, 30),
    expected: image('jpeg', { note: 'damaged', thumbnail: false }),
  },
  {
    title: 'PNG that is cut off',
    name: 'a.png',
    make: async () => (await png()).subarray(0, 100),
    expected: image('png', { width: 64, height: 48, note: 'damaged', thumbnail: false }),
  },
  {
    title: 'WebP that is cut off',
    name: 'a.webp',
    make: async () => (await scene(300, 300).webp().toBuffer()).subarray(0, 200),
    expected: image('webp', { note: 'damaged', thumbnail: false }),
  },
  {
    title: 'AVIF that is cut off',
    name: 'a.avif',
    make: async () => {
      const bytes = await scene().avif({ effort: 0 }).toBuffer();
      return bytes.subarray(0, bytes.length - 60);
    },
    expected: image('avif', { note: 'damaged', thumbnail: false }),
  },
  {
    title: 'GIF that is cut off',
    name: 'a.gif',
    make: () => gif({ end: false }).subarray(0, 30),
    expected: image('gif', { note: 'damaged', thumbnail: false }),
  },
  {
    title: 'MP4 that is cut off',
    name: 'a.mp4',
    make: () => movie({ tracks: [{ width: 10, height: 10 }] }).subarray(0, 100),
    expected: video({ note: 'damaged' }),
  },
  {
    title: 'PDF that is cut off',
    name: 'a.pdf',
    make: () => pdf({ pages: 3 }).subarray(0, 60),
    expected: pdfEnd({ note: 'damaged', thumbnail: false }),
  },
  {
    title: 'PNG with wrong checksums',
    name: 'a.png',
    make: async () => {
      const bytes = await png();
      bytes[30]! ^= 0xff;
      return bytes;
    },
    expected: image('png', { thumbnail: true }),
  },
  {
    title: 'JPEG with a broken colour profile',
    name: 'a.jpg',
    make: brokenProfile,
    expected: image('jpeg', { width: 64, height: 48 }),
    pixels: true,
  },
  {
    title: 'JPEG in CMYK',
    name: 'stampa.jpg',
    make: () => scene().toColourspace('cmyk').jpeg().toBuffer(),
    expected: image('jpeg', { width: 64, height: 48 }),
    pixels: true,
  },
  {
    title: 'progressive JPEG',
    name: 'a.jpg',
    make: () => scene().jpeg({ progressive: true }).toBuffer(),
    expected: image('jpeg', { width: 64, height: 48 }),
    pixels: true,
  },
  {
    title: 'PNG of 16 bits, interlaced',
    name: 'a.png',
    make: () => scene().toColourspace('rgb16').png({ progressive: true }).toBuffer(),
    expected: image('png', { width: 64, height: 48 }),
    pixels: true,
  },
  {
    title: 'animated WebP',
    name: 'a.webp',
    make: () =>
      sharp(gif({ frames: 5, width: 20, height: 20 }), { animated: true })
        .webp()
        .toBuffer(),
    expected: image('webp', { width: 20, height: 20 }),
  },
  // Lies
  {
    title: 'WAV that lies about its size',
    name: 'a.wav',
    make: () => {
      const bytes = wav(1);
      bytes.writeUInt32LE(0xfffffff0, 40);
      return bytes;
    },
    expected: sound('wav', { duration: 1000, note: 'damaged' }),
  },
  {
    title: 'MP4 that lasts for a hundred years',
    name: 'a.mp4',
    make: () => movie({ duration: 0xfffffffe, tracks: [{ width: 16, height: 16, duration: 0xfffffffe }] }),
    expected: video({ width: 16, height: 16 }),
  },
  {
    title: 'MP4 with a box of no length',
    name: 'a.mp4',
    make: () =>
      Buffer.concat([
        box('ftyp', 'isom', Buffer.alloc(4), 'isom'),
        Buffer.from('00000004', 'hex'),
        ascii('moov'),
        Buffer.alloc(50),
      ]),
    expected: video({ note: 'damaged' }),
  },
  {
    title: 'MP4 with 100,000 boxes',
    name: 'a.mp4',
    make: () =>
      Buffer.concat([
        box('ftyp', 'isom', Buffer.alloc(4), 'isom'),
        ...Array.from({ length: 100_000 }, () => box('free')),
      ]),
    expected: { type: 'video/mp4', family: 'other', inline: false, thumbnail: false, note: 'too_complex' },
  },
  {
    title: 'WebP whose length lies',
    name: 'a.webp',
    make: () => riff('WEBP', [['VP8 ', Buffer.alloc(20)]], { announced: 0x7fffffff }),
    expected: image('webp', { note: 'damaged', thumbnail: false }),
  },
  {
    title: 'PDF with JavaScript',
    name: 'a.pdf',
    make: () => pdf({ catalogue: '/OpenAction << /S /JavaScript /JS (app.alert(1)) >>' }),
    expected: pdfEnd({ pages: 1, inline: false, note: 'active_content' }),
  },
  {
    title: 'PDF that launches a program',
    name: 'a.pdf',
    make: () => pdf({ catalogue: '/OpenAction << /S /Launch /F (cmd.exe) >>' }),
    expected: pdfEnd({ pages: 1, inline: false, note: 'active_content' }),
  },
  {
    title: 'PDF that is encrypted',
    name: 'a.pdf',
    make: () =>
      pdf({
        trailer: `/ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>] /Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <${'ab'.repeat(32)}> /U <${'cd'.repeat(32)}> >>`,
      }),
    expected: pdfEnd({ note: 'encrypted', thumbnail: false }),
  },
  {
    title: 'PDF that claims 100,000 pages',
    name: 'a.pdf',
    make: () => pdf({ pages: 2, claimed: 100_000 }),
    expected: pdfEnd({}),
  },
  {
    title: 'PDF of 10,000 pages',
    name: 'a.pdf',
    make: () => pdf({ pages: 10_000 }),
    expected: pdfEnd({ pages: 10_000 }),
  },
  {
    title: 'PDF with a broken table of its objects',
    name: 'a.pdf',
    make: () => pdf({ pages: 2, brokenXref: true }),
    expected: pdfEnd({ pages: 2 }),
  },
];
