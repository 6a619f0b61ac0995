import type { SaxesTagPlain } from 'saxes';

/** How the cells of a workbook show numbers. */
export interface NumberFormats {
  /** Days since 1904 instead of 1900. */
  from1904: boolean;
  /** The format of each cell style. */
  codes: string[];
}

/** Most styles of cells, and longest format of one (Excel's specifications and limits: 65,490 and 255). */
const [mostFormats, mostCodeCharacters] = [65_536, 255];

/** A format as it is read at every number: a longer one than Excel takes counts as none. */
const codeOf = (code: string) => (code.length > mostCodeCharacters ? 'General' : code);

/** Listeners that gather the number formats of a workbook from its styles. */
export function readFormats(from1904: boolean) {
  const formats: NumberFormats = { from1904, codes: [] };
  const own = new Map<string, string>();
  let inCells = false;
  return {
    formats,
    opened: ({ name, attributes }: SaxesTagPlain) => {
      if (name === 'numFmt') own.set(attributes['numFmtId'] ?? '', codeOf(attributes['formatCode'] ?? ''));
      if (name === 'cellXfs') inCells = true;
      if (name !== 'xf' || !inCells || formats.codes.length >= mostFormats) return;
      const id = attributes['numFmtId'] ?? '0';
      formats.codes.push(own.get(id) ?? builtIn(Number(id)));
    },
    closed: (name: string) => {
      if (name === 'cellXfs') inCells = false;
    },
  };
}

/** Of the formats that every workbook has (ISO/IEC 29500-1, 18.8.30) those that change how a number reads: dates. */
function builtIn(id: number): string {
  if ((id >= 14 && id <= 17) || id === 22 || (id >= 27 && id <= 36) || (id >= 50 && id <= 58)) return 'yyyy-mm-dd';
  return (id >= 18 && id <= 21) || (id >= 45 && id <= 47) ? 'hh:mm' : 'General';
}

/** A number as its cell shows it: a date as 2026-01-31, leading zeros as "00184", anything else as it is. */
export function shownNumber(raw: string, style: number, { from1904, codes }: NumberFormats): string {
  const value = Number(raw);
  if (raw.trim() === '' || !Number.isFinite(value)) return raw;
  const code = (codes[style] ?? 'General').split(';')[0]!;
  const plain = code.replace(/"[^"]*"|\\.|_.|\*.|\[[^\]]*\]/g, '');
  if (/[dy]/i.test(plain) && plain !== 'General') return dateOf(value, from1904);
  if (Number.isInteger(value) && value >= 0 && value < 1e15) return withZeros(value, code) ?? String(value);
  return String(Number(value.toPrecision(15)));
}

const dayMilliseconds = 86_400_000;

function dateOf(days: number, from1904: boolean): string {
  // Excel counts a 29 February 1900 that there never was.
  const start = from1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, days < 60 ? 31 : 30);
  const date = new Date(start + Math.round(days * dayMilliseconds));
  return Number.isNaN(date.getTime()) ? String(days) : date.toISOString().slice(0, 10);
}

/** Fills a format of zeros and signs between them, such as `00000` or `000" "0000000`, from the right. */
function withZeros(value: number, code: string): string | undefined {
  const signs = code
    .replace(/\[[^\]]*\]/g, '')
    .replace(/"([^"]*)"|\\(.)/g, (_, text?: string, sign?: string) => text ?? sign!);
  if (!/^\+?[0 ()\-/]+$/.test(signs) || !/00/.test(signs)) return undefined;
  let digits = String(value);
  let shown = '';
  const places = signs.split('0').length - 1;
  let left = places;
  for (const sign of [...signs].reverse()) {
    if (sign !== '0') {
      shown = sign + shown;
      continue;
    }
    left--;
    shown = (left === 0 ? digits || '0' : (digits.at(-1) ?? '0')) + shown;
    digits = left === 0 ? '' : digits.slice(0, -1);
  }
  return shown;
}
