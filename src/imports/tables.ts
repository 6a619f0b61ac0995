import {
  type Encoding,
  type ImportFormat,
  type Separator,
  separators,
  type UnreadableReason,
} from '../contract/imports.js';
import { limits } from '../contract/limits.js';
import { DomainError } from '../platform/problems/domain-error.js';
import { addressesIn } from './addresses.js';
import { fieldNamed } from './columns.js';
import { csvRows, type Row, UnreadableTable } from './csv.js';
import { decodedText } from './encodings.js';
import { type SheetName, Workbook } from './xlsx.js';

/** A file as a table with named columns. */
export interface Table {
  format: ImportFormat;
  /** Encoding of CSV, like the separator below. */
  encoding?: Encoding;
  separator?: Separator;
  columns: string[];
  /** The line that names the columns, or 0. */
  headerRow: number;
  /** Rows below the header, without blank lines. */
  rows: Row[];
  /** Rows that stand above the header, and are left out. */
  above: number;
  /** Bytes that did not belong to the encoding. */
  damaged: number;
  /** Words that do not read as words of any language. */
  garbled: number;
  /** Most of those with other letters than a to z are garbled, in an encoding that nobody has named. */
  gibberish: boolean;
  /** Another encoding makes as good words of the text. */
  doubtful: boolean;
  /** The sheet of a workbook that was read, and the names of all readable ones. */
  sheet?: string;
  sheets?: string[];
  uncomputed: number;
}

/** Settings for reading a file; detected if left out. */
export interface TableWishes {
  /** The line that names the columns, 0 when none does. */
  headerRow?: number | undefined;
  /** Encoding of a text file. */
  encoding?: Encoding | undefined;
  /** The name of a workbook's sheet. */
  sheet?: string | undefined;
}

/** `headerRow` names a line that the file does not have. */
export class NoSuchRow extends Error {
  override readonly name = 'NoSuchRow';
}

/** `sheet` names none of the workbook's sheets, or the file is no workbook. */
export class NoSuchSheet extends Error {
  override readonly name = 'NoSuchSheet';

  constructor(readonly sheets: readonly string[]) {
    super();
  }
}

const pieceMilliseconds = 10;
const pieceRows = 200;
/** Title rows and blank lines may stand above the header. */
const headerAmong = 20;

export const importTooLarge = `A file can have at most ${limits.importBytes / 1024 ** 2} MB and ${limits.importLines.toLocaleString('en')} lines. Split the file and send the parts one by one.`;

/**
 * Reads CSV (RFC 4180, with `,`, `;`, tab or `|`) or an Excel workbook, and lets other work go on meanwhile.
 * @throws UnreadableTable, NoSuchRow, NoSuchSheet, DomainError `too_large`
 */
export async function readTable(bytes: Buffer, wishes: TableWishes = {}): Promise<Table> {
  const foreign = foreignKind(bytes);
  if (foreign) throw new UnreadableTable(foreign.text, foreign.reason);
  return isZip(bytes) ? readSheet(bytes, wishes) : readText(bytes, wishes);
}

async function readSheet(bytes: Buffer, { headerRow, sheet: wanted }: TableWishes): Promise<Table> {
  const workbook = await Workbook.open(bytes);
  const { sheets } = workbook;
  const chosen = wanted === undefined ? await likeliestSheet(workbook) : sheets.find(({ name }) => name === wanted);
  const names = sheets.map(({ name }) => name);
  if (!chosen) throw new NoSuchSheet(names);
  const { rows, uncomputed } = await workbook.read(chosen);
  const all = await gathered(rows);
  if (all.length === 0) throw new UnreadableTable(emptySheet(names), 'empty');
  const sound = { damaged: 0, garbled: 0, gibberish: false, doubtful: false };
  return {
    format: 'xlsx',
    ...split(all, headerRow),
    ...sound,
    ...{ sheet: chosen.name, sheets: names, uncomputed: uncomputed() },
  };
}

async function readText(bytes: Buffer, { headerRow, encoding: wanted, sheet }: TableWishes): Promise<Table> {
  if (sheet !== undefined) throw new NoSuchSheet([]);
  const { encoding, text, damaged, garbled, gibberish, doubtful } = decodedText(bytes, wanted);
  const stated = /^sep=(.)\r?(?:\n|\r|$)/i.exec(text)?.[1];
  const separator = separators.find((each) => each === stated) ?? separatorOf(text);
  const all = await gathered(csvRows(text, separator));
  // Excel's own first line names the separator.
  if (stated !== undefined && all[0]?.line === 1) all.shift();
  const judged = { damaged, garbled, gibberish: gibberish && wanted === undefined, doubtful };
  return { format: 'csv', encoding, separator, ...split(all, headerRow), ...judged, uncomputed: 0 };
}

const emptySheet = (names: readonly string[]) =>
  names.length < 2
    ? 'The file is empty.'
    : 'The sheet is empty. Send "sheet" with the name of the one that holds the list.';

/** So many sheets are looked at, and so many rows of each. */
const [sheetsLooked, rowsLooked] = [50, 200];

/** The first sheet that is most like a list of people: known columns and addresses, or one of both. */
async function likeliestSheet(workbook: Workbook): Promise<SheetName | undefined> {
  const { sheets } = workbook;
  let best: { sheet: SheetName; likeness: number } | undefined;
  for (const sheet of sheets.length < 2 ? [] : sheets.slice(0, sheetsLooked)) {
    const rows: Row[] = [];
    const { rows: all } = await workbook.read(sheet);
    for await (const row of all) {
      if (row) rows.push(row);
      if (rows.length === rowsLooked) break;
    }
    const likeness = likenessOf(rows);
    if (!best || likeness > best.likeness) best = { sheet, likeness };
  }
  return best?.sheet ?? sheets[0];
}

function likenessOf(rows: readonly Row[]): number {
  const names = rows.slice(0, headerAmong).map(knownNames);
  const header = names.indexOf(Math.max(0, ...names));
  const columns = names[header] ?? 0;
  const below = rows.slice(columns > 0 ? header + 1 : 0);
  const addresses = below.filter(({ values }) => values.some((value) => addressesIn(value).length > 0)).length;
  if (columns > 0 && addresses > 0) return 5;
  if (addresses > 1) return 4;
  if (columns > 1 && below.length > 0) return 3;
  if (columns > 0 && below.length > 0) return 2;
  return rows.length > 0 ? 1 : 0;
}

/** Gathers rows, pausing when it has taken a while, so that everything else goes on. */
async function gathered(rows: Iterable<Row | undefined> | AsyncIterable<Row | undefined>): Promise<Row[]> {
  const all: Row[] = [];
  let since = performance.now();
  let read = 0;
  for await (const row of paused(rows)) {
    if (row) all.push(row);
    if (all.length > limits.importLines + headerAmong) throw new DomainError('too_large', { detail: importTooLarge });
  }
  return all;

  async function* paused(source: typeof rows): AsyncGenerator<Row | undefined, void, undefined> {
    if (Symbol.asyncIterator in source) {
      yield* source;
      return;
    }
    for (const row of source) {
      if (row) yield row;
      if (++read % pieceRows !== 0 && performance.now() - since < pieceMilliseconds) continue;
      await new Promise(setImmediate);
      since = performance.now();
    }
  }
}

function split(all: Row[], wantedHeader: number | undefined): Pick<Table, 'columns' | 'headerRow' | 'rows' | 'above'> {
  if (all.length === 0) throw new UnreadableTable('The file is empty.', 'empty');
  if (wantedHeader === 0) {
    const width = Math.min(Math.max(...all.map(({ values }) => values.length)), limits.importColumns);
    const columns = Array.from({ length: width }, (_, index) => columnLetters(index));
    return { columns, headerRow: 0, rows: checked(all), above: 0 };
  }
  const index = wantedHeader === undefined ? headerIndex(all) : all.findIndex(({ line }) => line === wantedHeader);
  if (index < 0) throw new NoSuchRow();
  const { line, values } = all[index]!;
  const columns = [...values];
  while (columns.at(-1) === '') columns.pop();
  if (columns.length > limits.importColumns) {
    throw new UnreadableTable(
      `The file has more than ${limits.importColumns} columns. Leave out those that are not needed, and try again.`,
      'too_many_columns',
    );
  }
  if (wantedHeader === undefined && columns.some((column) => addressesIn(column).length > 0)) {
    throw new UnreadableTable(
      'The first line must contain the column names, such as Nome;Cognome;Email. Add that line, or send "headerRow" with the number of the line that contains them (0 if none does).',
      'no_header',
    );
  }
  return { columns, headerRow: line, rows: checked(all.slice(index + 1)), above: index };
}

function checked(rows: Row[]): Row[] {
  if (rows.length > limits.importLines) throw new DomainError('too_large', { detail: importTooLarge });
  return rows;
}

/** The first of the rows at the top with the most names that are known; else the first that is no title. */
function headerIndex(all: readonly Row[]): number {
  const top = all.slice(0, headerAmong);
  const counts = top.map(knownNames);
  const most = Math.max(...counts);
  if (most > 0) return counts.indexOf(most);
  const width = Math.max(...top.map(cellsIn));
  return width < 2
    ? 0
    : Math.max(
        0,
        top.findIndex((row) => cellsIn(row) > 1),
      );
}

const knownNames = ({ values }: Row) => values.filter((value) => value.length <= 60 && fieldNamed(value)).length;
const cellsIn = ({ values }: Row) => values.filter((value) => value !== '').length;

const sampledCharacters = 64 * 1024;

/** The one that makes the best table of the beginning: most known names in a row, then most rows of one width. */
function separatorOf(text: string): Separator {
  const beginning = text.slice(0, sampledCharacters);
  let best: { separator: Separator; names: number; even: number } | undefined;
  for (const separator of separators) {
    const rows: Row[] = [];
    for (const row of csvRows(beginning, separator)) {
      if (row) rows.push(row);
      if (rows.length === headerAmong) break;
    }
    const names = Math.max(0, ...rows.map(knownNames));
    const widths = new Map<number, number>();
    for (const { values } of rows)
      if (values.length > 1) widths.set(values.length, (widths.get(values.length) ?? 0) + 1);
    const even = Math.max(0, ...widths.values());
    if (!best || names > best.names || (names === best.names && even > best.even)) best = { separator, names, even };
  }
  return best!.separator;
}

function columnLetters(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : columnLetters(Math.floor(index / 26) - 1) + last;
}

const isZip = (bytes: Buffer) => bytes.subarray(0, 4).equals(Buffer.from('PK\x03\x04', 'latin1'));

/** Says what to do with a file that is no table of ours. */
function foreignKind(bytes: Buffer): { text: string; reason: UnreadableReason } | undefined {
  const start = bytes.toString('latin1', 0, 200);
  if (start.startsWith('\xD0\xCF\x11\xE0')) {
    return {
      reason: 'old_excel',
      text: 'This is an old Excel file (.xls), or one with a password. Open it in Excel, choose "Save As" and "Excel Workbook (.xlsx)" without a password, and send that.',
    };
  }
  if (start.startsWith('PK\x03\x04')) {
    const names = bytes.toString('latin1');
    if (start.includes('application/vnd.oasis.opendocument')) {
      return {
        reason: 'open_document',
        text: 'This is an OpenDocument file (.ods). Open it, choose "Save As" and "Text CSV (.csv)" with the character set UTF-8, and send that.',
      };
    }
    if (names.includes('Index/Document.iwa') || names.includes('Index.zip')) {
      return {
        reason: 'numbers',
        text: 'This is a Numbers file. Open it in Numbers, choose File > Export To > CSV (or Excel), and send that.',
      };
    }
    if (!names.includes('xl/workbook.xml')) {
      return {
        reason: 'archive',
        text: 'This archive is not an Excel workbook. Send the list itself: as CSV, or as an Excel workbook (.xlsx).',
      };
    }
    return undefined;
  }
  if (start.startsWith('%PDF')) {
    return {
      reason: 'pdf',
      text: 'This is a PDF. Send the list it was made from: as CSV, or as an Excel workbook (.xlsx).',
    };
  }
  if (/^(?:\xEF\xBB\xBF)?BEGIN:VCARD/i.test(start)) {
    return {
      reason: 'contact_cards',
      text: 'These are contact cards (vCard). Export the contacts as CSV instead, and send that.',
    };
  }
  return /^\s*(?:<!doctype|<html|<\?xml|\{\\rtf)/i.test(start)
    ? {
        reason: 'document',
        text: 'This is a formatted document, not a table. Open it in a spreadsheet, save it as CSV or as an Excel workbook (.xlsx), and send that.',
      }
    : undefined;
}
