import { fileTypeFromBlob } from 'file-type';
import type { FileFamily } from '../contract/attachments.js';
import { BudgetSpent, type Reader, SourceFailed } from './reader.js';
import { textKind } from './texts.js';

/** The kind of a file, before its structure is looked at. */
export interface Kind {
  mediaType: string;
  family: FileFamily;
  inline: boolean;
  /** It can run something when it is opened. */
  active?: true;
}

const octets = 'application/octet-stream';

/** Types that browsers show in their place. */
const inlineTypes: Partial<Record<string, FileFamily>> = {
  'image/jpeg': 'image',
  'image/png': 'image',
  'image/gif': 'image',
  'image/webp': 'image',
  'image/avif': 'image',
  'audio/mpeg': 'audio',
  'audio/mp4': 'audio',
  'audio/aac': 'audio',
  'audio/wav': 'audio',
  'audio/ogg': 'audio',
  'audio/flac': 'audio',
  'audio/webm': 'audio',
  'video/mp4': 'video',
  'video/webm': 'video',
  'video/quicktime': 'video',
  'application/pdf': 'pdf',
};

/** Names that `file-type` has for the same thing. */
const synonyms: Partial<Record<string, string>> = {
  'image/apng': 'image/png',
  'audio/x-m4a': 'audio/mp4',
  'video/x-m4v': 'video/mp4',
  'video/3gpp2': 'video/3gpp',
  'video/matroska': 'video/x-matroska',
  'video/vnd.avi': 'video/x-msvideo',
  'audio/ogg; codecs=opus': 'audio/ogg',
  'image/heif': 'image/heic',
  'image/heic-sequence': 'image/heic',
  'image/heif-sequence': 'image/heic',
  'image/avif-sequence': 'image/avif',
};

/** Types of the allow-list that are downloaded. */
const downloads: Partial<Record<string, FileFamily>> = {
  'image/heic': 'image',
  'audio/amr': 'audio',
  'audio/aiff': 'audio',
  'audio/x-caf': 'audio',
  'audio/midi': 'audio',
  'audio/ape': 'audio',
  'audio/wavpack': 'audio',
  'audio/x-ms-asf': 'audio',
  'application/ogg': 'audio',
  'video/3gpp': 'video',
  'video/x-matroska': 'video',
  'video/x-msvideo': 'video',
  'video/ogg': 'video',
  'video/mpeg': 'video',
  'video/mp2t': 'video',
  'video/x-ms-asf': 'video',
  'video/x-flv': 'video',
  'application/rtf': 'document',
  'application/epub+zip': 'document',
  'application/msword': 'document',
  'application/vnd.ms-excel': 'document',
  'application/vnd.ms-powerpoint': 'document',
  'application/vnd.ms-outlook': 'document',
  'application/vnd.visio': 'document',
  'text/calendar': 'text',
  'text/vcard': 'text',
  'application/zip': 'archive',
  'application/x-tar': 'archive',
  'application/vnd.rar': 'archive',
  'application/x-rar-compressed': 'archive',
  'application/gzip': 'archive',
  'application/x-bzip2': 'archive',
  'application/x-7z-compressed': 'archive',
  'application/x-xz': 'archive',
  'application/zstd': 'archive',
};

const office =
  /^application\/vnd\.(openxmlformats-officedocument|oasis\.opendocument|ms-(word|excel|powerpoint)|apple)\./;
const withMacros = /macroenabled/i;

/** Programs, and archives of them. */
const programs = new Set([
  'application/x-elf',
  'application/x-mach-binary',
  'application/x-msdownload',
  'application/x-msi',
  'application/x-ms-shortcut',
  'application/x-ft-apple.alias',
  'application/x-apple-diskimage',
  'application/x-iso9660-image',
  'application/java-archive',
  'application/java-vm',
  'application/vnd.android.package-archive',
  'application/x-google-chrome-extension',
  'application/x-xpinstall',
  'application/x-deb',
  'application/x-rpm',
  'application/x-unix-archive',
  'application/x-asar',
  'application/wasm',
  'application/x-shockwave-flash',
  'application/x-ms-regedit',
  'application/vnd.ms-htmlhelp',
  'application/postscript',
  'application/eps',
]);

/** File extensions for which a double click runs a text, or opens what it points to. */
const runByName =
  /\.(ac|action|app|appref-ms|bash|bat|cmd|com|command|cpl|csh|desktop|exe|hta|htm|html|inf|jar|jnlp|js|jse|ksh|lnk|mht|mhtml|mjs|msc|msi|ps1|ps1xml|psm1|py|pyw|rb|reg|scf|scr|sct|settingcontent-ms|sh|shtml|svg|tcsh|terminal|url|vb|vbe|vbs|webloc|website|workflow|ws|wsf|wsh|xhtml|xht|xsl|xslt|zsh)[. ]*$/i;

/**
 * Determines the kind of a file from its content: from its magic bytes, or as text. Its name can only restrict it further.
 * @throws BudgetSpent
 */
export async function kindOf(reader: Reader, name: string): Promise<Kind> {
  const head = await reader.bytes(0, 64);
  const early = ownMark(head);
  const type = early ?? (await knownType(reader));
  if (type) return ofType(type);
  const text = await textKind(reader);
  if (!text) return { mediaType: octets, family: 'other', inline: false };
  if (text.inline && runByName.test(name)) return { ...text, family: 'other', inline: false, active: true };
  return text;
}

function ofType(type: string): Kind {
  if (programs.has(type)) return { mediaType: type, family: 'other', inline: false, active: true };
  const shown = inlineTypes[type];
  if (shown) return { mediaType: type, family: shown, inline: true };
  const family = downloads[type] ?? (office.test(type) ? 'document' : undefined);
  if (family) return { mediaType: type, family, inline: false, ...(withMacros.test(type) && { active: true }) };
  return { mediaType: type, family: 'other', inline: false };
}

const startsWith = (head: Buffer, text: string, at = 0) => head.toString('latin1', at, at + text.length) === text;

/** Marks that are told apart here because `file-type` does not know them, or takes them for something else. */
function ownMark(head: Buffer): string | undefined {
  if (startsWith(head, 'MZ')) return 'application/x-msdownload';
  // Mach-O of every word length and byte order, and a fat one; a Java class begins like the latter.
  if (head.length >= 4 && [0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe].includes(head.readUInt32BE()))
    return 'application/x-mach-binary';
  return undefined;
}

async function knownType(reader: Reader): Promise<string | undefined> {
  let found: Awaited<ReturnType<typeof fileTypeFromBlob>>;
  try {
    found = await fileTypeFromBlob(reader.asBlob());
  } catch (error) {
    if (error instanceof BudgetSpent || error instanceof SourceFailed) throw error;
    // A file that is cut off before what would tell its kind.
    return undefined;
  }
  // The texts among them are judged as texts.
  if (!found || found.mime === 'application/xml') return undefined;
  if (found.mime === 'application/x-cfb') return compoundType(reader);
  return synonyms[found.mime] ?? found.mime;
}

/** Names of streams that tell what a compound file (MS-CFB) is. */
const compoundStreams: [string, string][] = [
  ['WordDocument', 'application/msword'],
  ['Workbook', 'application/vnd.ms-excel'],
  ['Book', 'application/vnd.ms-excel'],
  ['PowerPoint Document', 'application/vnd.ms-powerpoint'],
  ['VisioDocument', 'application/vnd.visio'],
  ['__properties_version1.0', 'application/vnd.ms-outlook'],
];
/** Name of the stream of an installer's tables, whose signs lie in a range of their own. */
const installerTables = /^[\u3800-\u4840]/;

async function compoundType(reader: Reader): Promise<string> {
  const header = await reader.exactly(0, 512);
  const shift = header?.readUInt16LE(30) ?? 0;
  if (!header || shift < 7 || shift > 12) return 'application/x-cfb';
  const sector = 2 ** shift;
  const directory = await reader.bytes((header.readUInt32LE(48) + 1) * sector, 4 * sector);
  const names: string[] = [];
  for (let at = 0; at + 128 <= directory.length; at += 128) {
    const length = Math.min(64, directory.readUInt16LE(at + 64));
    names.push(directory.toString('utf16le', at, at + Math.max(0, length - 2)));
  }
  const known = compoundStreams.find(([stream]) => names.includes(stream));
  if (known) return known[1];
  return names.some((name) => installerTables.test(name)) ? 'application/x-msi' : 'application/x-cfb';
}
