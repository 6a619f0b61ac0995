import type { SaxesTagPlain } from 'saxes';

/** Number formats of the cells of a workbook. */
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

/** Built-in formats (ISO/IEC 29500-1, 18.8.30) that change the reading of a number: dates. */
function builtIn(id: number): string {
  if (id === 22) return 'yyyy-mm-dd hh:mm';
  if (id === 46) return '[h]:mm';
  if ((id >= 14 && id <= 17) || (id >= 27 && id <= 36) || (id >= 50 && id <= 58)) return 'yyyy-mm-dd';
  return (id >= 18 && id <= 21) || (id >= 45 && id <= 47) ? 'hh:mm' : 'General';
}

/**
 * A number as its cell shows it: a date as 2026-01-31, a time as 09:30, both as 2026-01-31 09:30, leading zeros as "00184",
 * anything else as it is.
 */
export function shownNumber(raw: string, style: number, { from1904, codes }: NumberFormats): string {
  const value = Number(raw);
  if (raw.trim() === '' || !Number.isFinite(value)) return raw;
  const code = (codes[style] ?? 'General').split(';')[0]!;
  const plain = code.replace(/"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]/gi, '').replace(/am\/pm|a\/p/gi, '');
  if (plain !== 'General') {
    // An m alone is a month, beside hours or seconds minutes.
    const time = /[hs]/i.test(plain);
    const date = /[dy]/i.test(plain) || (!time && /m/i.test(plain));
    if (date || time) return dateText(value, from1904, { date, time, elapsed: /\[[hms]/i.test(plain) });
  }
  if (Number.isInteger(value) && value >= 0 && value < 1e15) return withZeros(value, code) ?? String(value);
  return String(Number(value.toPrecision(15)));
}

const dayMilliseconds = 86_400_000;
const dayMinutes = 24 * 60;

function dateText(days: number, from1904: boolean, shown: { date: boolean; time: boolean; elapsed: boolean }): string {
  const minutes = Math.round(days * dayMinutes);
  if (shown.elapsed) return clock(minutes);
  // Excel counts a 29 February 1900 that there never was.
  const start = from1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, days < 60 ? 31 : 30);
  const moment = new Date(start + (shown.time ? minutes * (dayMilliseconds / dayMinutes) : days * dayMilliseconds));
  if (Number.isNaN(moment.getTime())) return String(days);
  const [date, time] = [moment.toISOString().slice(0, 10), clock(((minutes % dayMinutes) + dayMinutes) % dayMinutes)];
  if (!shown.time) return date;
  // What is less than a day has no date.
  return shown.date && minutes >= dayMinutes ? `${date} ${time}` : time;
}

function clock(minutes: number): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${minutes < 0 ? '-' : ''}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`;
}

/** A date and time as ISO 8601 has it, in the same form; at midnight the date alone. */
export function shownTime(text: string): string {
  const [, date, time] = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)\S*)?$/.exec(text.trim()) ?? [];
  if (date === undefined) return text;
  return time === undefined || time === '00:00' ? date : `${date} ${time}`;
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
