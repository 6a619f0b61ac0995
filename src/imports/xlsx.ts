import { posix } from 'node:path';
import { SaxesParser, type SaxesTagPlain } from 'saxes';
import { type Entry, fromBuffer, type ZipFile } from 'yauzl';
import { limits } from '../contract/limits.js';
import { lineTooLong, type Row, UnreadableTable } from './csv.js';
import { type NumberFormats, readFormats, shownNumber, shownTime } from './xlsx-numbers.js';

/** A sheet that can be read. */
export interface SheetName {
  name: string;
  /** Its part in the archive. */
  path: string;
}

export interface Sheet {
  /** In their order; undefined for a blank one. */
  rows: AsyncGenerator<Row | undefined, void, undefined>;
  /** Cells with a formula whose value the program that wrote the file had not computed, of those read so far. */
  uncomputed: () => number;
}

const broken =
  'This Excel file is damaged. Open it in Excel, save it again as "Excel Workbook (.xlsx)", and send that.';
const tooMuch = `This Excel file unpacks to more than ${limits.importUnpackedBytes / 1024 ** 2} MB. Copy the list alone into a new workbook, and send that.`;
/** Sheets, styles, pictures and the like; more is no address list. */
const mostParts = 1_000;
/** Texts that cells share; more than the cells of any list that an import takes. */
const mostSharedTexts = 1_000_000;
const tooManyTexts = `This Excel file has more than ${mostSharedTexts.toLocaleString('en')} texts. Copy the list alone into a new workbook, and send that.`;

const noSheet =
  'This Excel file has no sheet with visible cells. Show the sheet that holds the list, save the file, and send that.';

/**
 * An Excel workbook (ISO/IEC 29500). Formulas count as their stored values, and numbers keep the leading zeros that their
 * format shows.
 */
export class Workbook {
  /** The visible ones that have cells: charts have none. */
  sheets: SheetName[] = [];
  private unpacked = 0;
  private from1904 = false;
  private shared: { texts: string[]; formats: NumberFormats } | undefined;

  private constructor(
    private readonly zip: ZipFile,
    private readonly parts: ReadonlyMap<string, Entry>,
  ) {}

  /** @throws UnreadableTable */
  static async open(bytes: Buffer): Promise<Workbook> {
    const workbook = await readable(async () => {
      const zip = await new Promise<ZipFile>((resolve, reject) => {
        fromBuffer(bytes, { lazyEntries: true }, (error, opened) => (error ? reject(error) : resolve(opened)));
      });
      return new Workbook(zip, await partsOf(zip));
    });
    await workbook.list();
    return workbook;
  }

  /** @throws UnreadableTable, also while the rows are read */
  async read({ path }: SheetName): Promise<Sheet> {
    this.shared ??= { texts: await this.sharedTexts(), formats: await this.formats() };
    const counted = { uncomputed: 0 };
    return { rows: this.rows(path, this.shared, counted), uncomputed: () => counted.uncomputed };
  }

  private async list(): Promise<void> {
    const listed: { name: string; rel: string }[] = [];
    await this.parse('xl/workbook.xml', ({ name, attributes }) => {
      if (name === 'workbookPr') this.from1904 = /^(1|true)$/.test(attributes['date1904'] ?? '');
      const rel = attributes['r:id'] ?? attributes['id'];
      if (name === 'sheet' && rel && !attributes['state']?.toLowerCase().includes('hidden')) {
        listed.push({ name: attributes['name'] ?? '', rel });
      }
    });
    const targets = new Map<string, { target: string; cells: boolean }>();
    await this.parse('xl/_rels/workbook.xml.rels', ({ name, attributes }) => {
      const { Id: id = '', Target: target = '', Type: type = '' } = attributes;
      // Beside worksheets there are sheets that hold a chart, a dialogue or macros.
      if (name === 'Relationship') targets.set(id, { target, cells: !/\/(?!work)[a-z]+sheet$/i.test(type) });
    });
    if (listed.some(({ rel }) => !targets.has(rel))) throw new UnreadableTable(broken, 'damaged');
    this.sheets = listed.flatMap(({ name, rel }) => {
      const { target, cells } = targets.get(rel)!;
      return cells ? { name, path: pathOf(target) } : [];
    });
    if (this.sheets.length === 0) throw new UnreadableTable(noSheet, 'no_sheet');
  }

  private async sharedTexts(): Promise<string[]> {
    const texts: string[] = [];
    let text: string | undefined;
    let within = false;
    let phonetic = 0;
    await this.parse(
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
          if (texts.length >= mostSharedTexts) throw new UnreadableTable(tooManyTexts, 'too_large_unpacked');
          texts.push(unescaped(text!));
          text = undefined;
        },
      },
    );
    return texts;
  }

  private async formats(): Promise<NumberFormats> {
    const reader = readFormats(this.from1904);
    await this.parse('xl/styles.xml', reader.opened, { optional: true, closed: reader.closed });
    return reader.formats;
  }

  private async *rows(
    path: string,
    { texts, formats }: { texts: readonly string[]; formats: NumberFormats },
    counted: { uncomputed: number },
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
      if (cell.value.length > limits.importCellLength) throw lineTooLong(line);
    };
    const closed = (name: string) => {
      within = false;
      if (name === 'c' && cell && row) {
        if (cell.formula && cell.value === '' && cell.type !== 'str') counted.uncomputed++;
        const value = this.valueOf(cell, texts, formats).trim();
        length += value.length;
        if (length > limits.importLineLength) throw lineTooLong(line);
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
    { type, style, value }: { type: string; style: number; value: string },
    texts: readonly string[],
    formats: NumberFormats,
  ): string {
    if (value === '') return '';
    if (type === 's') return texts[Number(value)] ?? '';
    if (type === 'b') return value === '1' ? 'TRUE' : 'FALSE';
    if (type === 'd') return shownTime(value);
    return type === 'n' ? shownNumber(value, style, formats) : unescaped(value);
  }

  private async parse(
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
    if (!part) throw new UnreadableTable(broken, 'damaged');
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
        if (this.unpacked > limits.importUnpackedBytes) throw new UnreadableTable(tooMuch, 'too_large_unpacked');
        parser.write(decoder.decode(piece, { stream: true }));
        yield;
      }
      parser.write(decoder.decode());
      parser.close();
    } catch (error) {
      throw error instanceof UnreadableTable ? error : new UnreadableTable(broken, 'damaged');
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
      if (parts.size >= mostParts) return reject(new UnreadableTable(tooMuch, 'too_large_unpacked'));
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
    throw error instanceof UnreadableTable ? error : new UnreadableTable(broken, 'damaged');
  }
}

function fail(): never {
  throw new UnreadableTable(broken, 'damaged');
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
