import type { Separator, UnreadableReason } from '../contract/imports.js';
import { limits } from '../contract/limits.js';

/** A row of a table. */
export interface Row {
  /** The line of the file in which it ends. */
  line: number;
  /** At most one more than a table may have columns. */
  values: string[];
}

/** The file is no table; the message says why, and quotes nothing of it. */
export class UnreadableTable extends Error {
  override readonly name = 'UnreadableTable';

  constructor(
    message: string,
    readonly reason: UnreadableReason,
    readonly line?: number,
  ) {
    super(message);
  }
}

const number = (value: number) => value.toLocaleString('en');

export const lineTooLong = (line: number): UnreadableTable =>
  new UnreadableTable(
    `Line ${number(line)} is too long: a line can have at most ${number(limits.importLineLength)} characters. Leave out columns that are not needed, and try again.`,
    'line_too_long',
    line,
  );

/**
 * The rows of CSV (RFC 4180); undefined for one in which nothing can be seen, so that its reader can pause there too. A quotation mark that is not closed before a separator or a
 * line break is taken as it stands, because names such as `"Bar Sport" di Rossi` have them.
 * @throws UnreadableTable for a line that is too long
 */
export function* csvRows(text: string, separator: Separator): Generator<Row | undefined, void, undefined> {
  const plain = new RegExp(`[^${separator}\\r\\n]*`, 'y');
  const blanks = separator === '\t' ? / */y : /[ \t]*/y;
  let [position, line] = [0, 1];
  while (position < text.length) {
    const start = position;
    const values: string[] = [];
    let visible = false;
    for (;;) {
      const quoted = quotedCell(text, skipped(text, position, blanks), separator, blanks);
      let value: string;
      if (quoted) {
        value = quoted.value;
        line += quoted.lineBreaks;
        position = quoted.end;
      } else {
        plain.lastIndex = position;
        value = unquoted(plain.exec(text)![0].trim());
        position = plain.lastIndex;
      }
      visible ||= value !== '';
      if (values.length < limits.importColumns) values.push(value);
      // Beyond the last column it matters only that there is something.
      else if (values.length === limits.importColumns && value !== '') values.push(value);
      if (position - start > limits.importLineLength) throw lineTooLong(line);
      if (text[position] !== separator) break;
      position++;
    }
    yield visible ? { line, values } : undefined;
    position += text[position] === '\r' && text[position + 1] === '\n' ? 2 : 1;
    line++;
  }
}

function skipped(text: string, position: number, blanks: RegExp): number {
  blanks.lastIndex = position;
  blanks.test(text);
  return blanks.lastIndex;
}

function quotedCell(
  text: string,
  start: number,
  separator: Separator,
  blanks: RegExp,
): { value: string; end: number; lineBreaks: number } | undefined {
  if (text[start] !== '"') return undefined;
  let close = start;
  do {
    close = text.indexOf('"', close + 1);
    if (close < 0 || close - start > limits.importCellLength + 1) return undefined;
    if (text[close + 1] !== '"') break;
    close++;
  } while (close < text.length);
  const end = skipped(text, close + 1, blanks);
  const next = text[end];
  if (next !== undefined && next !== separator && next !== '\r' && next !== '\n') return undefined;
  const raw = text.slice(start + 1, close);
  return {
    value: raw.replaceAll('""', '"').trim(),
    end,
    lineBreaks: raw.match(/\r\n|\r|\n/g)?.length ?? 0,
  };
}

/** Takes quotation marks off a whole cell in which others were not doubled: `"Bar "Sport" srl"`, but not `"Bar" e "Caffè"`. */
function unquoted(value: string): string {
  return /^"[^"]*[^"\p{L}\p{N}]"[\p{L}\p{N}].*"$/su.test(value) ? value.slice(1, -1) : value;
}
