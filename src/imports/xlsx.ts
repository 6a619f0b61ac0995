import { posix } from 'node:path';
import { SaxesParser, type SaxesTagPlain } from 'saxes';
import { type Entry, fromBuffer, type ZipFile } from 'yauzl';
import { limits } from '../contract/limits.js';
import { lineTooLong, type Row, UnreadableTable } from './csv.js';
import { type NumberFormats, readFormats, shownNumber } from './xlsx-numbers.js';

export interface Sheet {
  /** In their order; undefined for a blank one. */
  rows: AsyncGenerator<Row | undefined, void, undefined>;
  /** Names of the workbook's other visible sheets, which are not read. */
  otherSheets: number;
  /** Cells with a formula whose value the program that wrote the file had not computed. */
  uncomputed: () => number;
}

const broken = 'This Excel file is damaged. Open it in Excel, save it anew as "Excel Workbook (.xlsx)", and send that.';
const tooMuch = `This Excel file unpacks to more than ${limits.importUnpackedBytes / 1024 ** 2} MB. Copy the list alone into a new workbook, and send that.`;
/** Sheets, styles, pictures and the like; more is no address list. */
const mostParts = 1_000;
/** Texts that cells share; more than the cells of any list that an import takes. */
const mostSharedTexts = 1_000_000;
const tooManyTexts = `This Excel file has more than ${mostSharedTexts.toLocaleString('en')} texts. Copy the list alone into a new workbook, and send that.`;

/**
 * The first visible sheet of an Excel workbook (ISO/IEC 29500). Formulas count as their stored values, and numbers keep
 * the leading zeros that their format shows.
 * @throws UnreadableTable, also while the rows are read
 */
export async function readWorkbook(bytes: Buffer): Promise<Sheet> {
  const workbook = await Workbook.open(bytes);
  return workbook.firstSheet();
}

class Workbook {
  private unpacked = 0;
  private uncomputed = 0;

  private constructor(
    private readonly zip: ZipFile,
    private readonly parts: ReadonlyMap<string, Entry>,
  ) {}

  static async open(bytes: Buffer): Promise<Workbook> {
    return readable(async () => {
      const zip = await new Promise<ZipFile>((resolve, reject) => {
        fromBuffer(bytes, { lazyEntries: true }, (error, opened) => (error ? reject(error) : resolve(opened)));
      });
      return new Workbook(zip, await partsOf(zip));
    });
  }

  async firstSheet(): Promise<Sheet> {
    const sheets: { name: string; rel: string }[] = [];
    let from1904 = false;
    await this.read('xl/workbook.xml', ({ name, attributes }) => {
      if (name === 'workbookPr') from1904 = /^(1|true)$/.test(attributes['date1904'] ?? '');
      const rel = attributes['r:id'] ?? attributes['id'];
      if (name === 'sheet' && rel && !attributes['state']?.toLowerCase().includes('hidden')) {
        sheets.push({ name: attributes['name'] ?? '', rel });
      }
    });
    const targets = new Map<string, string>();
    await this.read('xl/_rels/workbook.xml.rels', ({ name, attributes }) => {
      if (name === 'Relationship') targets.set(attributes['Id'] ?? '', attributes['Target'] ?? '');
    });
    const target = targets.get(sheets[0]?.rel ?? '');
    if (target === undefined) throw new UnreadableTable(broken);
    const texts = await this.sharedTexts();
    const formats = await this.formats(from1904);
    return {
      rows: this.rows(pathOf(target), texts, formats),
      otherSheets: sheets.length - 1,
      uncomputed: () => this.uncomputed,
    };
  }

  private async sharedTexts(): Promise<string[]> {
    const texts: string[] = [];
    let text: string | undefined;
    let within = false;
    let phonetic = 0;
    await this.read(
      'xl/sharedStrings.xml',
      ({ name }) => {
        if (name === 'si') text = '';
        if (name === 'rPh') phonetic++;
        within = name === 't' && phonetic === 0;
      },
      {
        optional: true,
        text: (piece) => {
          if (within && text !== undefined) text += piece;
        },
        closed: (name) => {
          within = false;
          if (name === 'rPh') phonetic--;
          if (name !== 'si') return;
          if (texts.length >= mostSharedTexts) throw new UnreadableTable(tooManyTexts);
          texts.push(unescaped(text!));
          text = undefined;
        },
      },
    );
    return texts;
  }

  private async formats(from1904: boolean): Promise<NumberFormats> {
    const reader = readFormats(from1904);
    await this.read('xl/styles.xml', reader.opened, { optional: true, closed: reader.closed });
    return reader.formats;
  }

  private async *rows(
    path: string,
    texts: readonly string[],
    formats: NumberFormats,
  ): AsyncGenerator<Row | undefined, void, undefined> {
    const ready: (Row | undefined)[] = [];
    let line = 0;
    let column = -1;
    let row: Row | undefined;
    let length = 0;
    let cell: { type: string; style: number; value: string; formula: boolean } | undefined;
    let within = false;
    const opened = ({ name, attributes }: SaxesTagPlain) => {
      within = false;
      if (name === 'row') {
        line = Number(attributes['r']) || line + 1;
        [column, length, row] = [-1, 0, { line, values: [] }];
      } else if (name === 'c') {
        column = columnOf(attributes['r']) ?? column + 1;
        cell = { type: attributes['t'] ?? 'n', style: Number(attributes['s']) || 0, value: '', formula: false };
      } else if (name === 'f' && cell) cell.formula = true;
      else within = (name === 'v' || name === 't') && cell !== undefined;
    };
    const text = (piece: string) => {
      if (!within || !cell) return;
      cell.value += piece;
      if (cell.value.length > limits.importCellLength) throw new UnreadableTable(lineTooLong(line));
    };
    const closed = (name: string) => {
      within = false;
      if (name === 'c' && cell && row) {
        const value = this.valueOf(cell, texts, formats).trim();
        length += value.length;
        if (length > limits.importLineLength) throw new UnreadableTable(lineTooLong(line));
        const place = Math.min(column, limits.importColumns);
        if (value !== '') {
          while (row.values.length < place) row.values.push('');
          row.values[place] = value;
        }
        cell = undefined;
      } else if (name === 'row' && row) {
        ready.push(row.values.length > 0 ? row : undefined);
        row = undefined;
      }
    };
    for await (const _ of this.parsed(path, opened, { text, closed })) yield* ready.splice(0);
    yield* ready;
  }

  private valueOf(
    { type, style, value, formula }: { type: string; style: number; value: string; formula: boolean },
    texts: readonly string[],
    formats: NumberFormats,
  ): string {
    if (formula && value === '' && type !== 'str') this.uncomputed++;
    if (type === 's') return texts[Number(value)] ?? '';
    if (type === 'b') return value === '1' ? 'TRUE' : 'FALSE';
    if (type === 'e' || value === '') return '';
    return type === 'n' ? shownNumber(value, style, formats) : unescaped(value);
  }

  private async read(
    path: string,
    opened: (tag: SaxesTagPlain) => void,
    further: Further & { optional?: boolean } = {},
  ): Promise<void> {
    if (further.optional && !this.parts.has(path)) return;
    for await (const _ of this.parsed(path, opened, further));
  }

  /** Parses a part, and pauses after each piece of it. */
  private async *parsed(
    path: string,
    opened: (tag: SaxesTagPlain) => void,
    { text, closed }: Further,
  ): AsyncGenerator<void, void, undefined> {
    const part = this.parts.get(path);
    if (!part) throw new UnreadableTable(broken);
    const parser = new SaxesParser();
    // Entities of its own make a small file a large one (XML, 4.1); Excel writes none.
    parser.on('doctype', () => fail());
    parser.on('error', () => fail());
    parser.on('opentag', (tag) => opened({ ...tag, name: localName(tag.name) }));
    parser.on('closetag', (tag) => closed?.(localName(tag.name)));
    if (text) parser.on('text', text);
    const decoder = new TextDecoder();
    const pieces = await readable(() => this.stream(part));
    try {
      for await (const piece of pieces as AsyncIterable<Buffer>) {
        this.unpacked += piece.length;
        if (this.unpacked > limits.importUnpackedBytes) throw new UnreadableTable(tooMuch);
        parser.write(decoder.decode(piece, { stream: true }));
        yield;
      }
      parser.write(decoder.decode());
      parser.close();
    } catch (error) {
      throw error instanceof UnreadableTable ? error : new UnreadableTable(broken);
    } finally {
      pieces.destroy();
    }
  }

  private stream(part: Entry): Promise<NodeJS.ReadableStream & { destroy(): void }> {
    return new Promise((resolve, reject) => {
      this.zip.openReadStream(part, (error, stream) => (error ? reject(error) : resolve(stream)));
    });
  }
}

interface Further {
  text?: (piece: string) => void;
  closed?: (name: string) => void;
}

async function partsOf(zip: ZipFile): Promise<Map<string, Entry>> {
  const parts = new Map<string, Entry>();
  await new Promise<void>((resolve, reject) => {
    zip.on('error', reject);
    zip.on('end', resolve);
    zip.on('entry', (entry: Entry) => {
      if (parts.size >= mostParts) return reject(new UnreadableTable(tooMuch));
      parts.set(entry.fileName, entry);
      zip.readEntry();
    });
    zip.readEntry();
  });
  return parts;
}

async function readable<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof UnreadableTable ? error : new UnreadableTable(broken);
  }
}

function fail(): never {
  throw new UnreadableTable(broken);
}

const localName = (name: string) => name.slice(name.indexOf(':') + 1);
/** The part that a relationship of the workbook names (ISO/IEC 29500-2, 6.3). */
const pathOf = (target: string) => posix.resolve('/xl', target).slice(1);

/** A text without the escapes of its characters, such as `_x000D_`, and `_x005F_` for `_` itself (ISO/IEC 29500-1, 22.9.2.19). */
const unescaped = (text: string) =>
  text.replace(/_x([0-9a-f]{4})_/gi, (_, unit: string) => String.fromCharCode(parseInt(unit, 16)));

/** The index of the column that a reference such as "AB12" names. */
function columnOf(reference: string | undefined): number | undefined {
  const letters = /^[A-Z]{1,3}/.exec(reference ?? '')?.[0];
  if (!letters) return undefined;
  return [...letters].reduce((all, letter) => all * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}
