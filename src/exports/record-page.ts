import type { Locale } from '../contract/common.js';
import { fieldNames, italianValues } from './field-names.js';
import { addressOf, escaped, languageOf, pageBegin, pageEnd, type PageHead } from './page-parts.js';

/** A record of an export: what the API gives, and the places of its files in the zip. */
export type ExportedRecord = Record<string, unknown>;

const words = {
  it: { yes: 'sì', no: 'no', none: 'Niente.' },
  en: { yes: 'yes', no: 'no', none: 'Nothing.' },
} as const;

const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;

/** Fields whose values are fixed words of the API; in other fields a person may have written the same word. */
const fixed = [
  'basis',
  'by',
  'how',
  'kind',
  'lastKind',
  'lastSender',
  'outcome',
  'purpose',
  'reason',
  'role',
  'sender',
  'state',
];
/** Fields whose values are paths in the zip, as seen from the page. */
const paths = ['file', 'page'];

/** A page of records, in pieces: one after the other, with every field that is not empty. */
export async function* recordPage(
  pages: AsyncIterable<readonly ExportedRecord[]>,
  head: PageHead & { timeZone?: string | undefined },
): AsyncGenerator<string, void, undefined> {
  const { locale, timeZone } = head;
  const time = new Intl.DateTimeFormat(languageOf(locale), { dateStyle: 'long', timeStyle: 'medium', timeZone });
  yield pageBegin(head);
  let empty = true;
  for await (const records of pages) {
    let written = '';
    for (const record of records) {
      written += `<article class="record">\n${fieldsOf(record, { locale, time })}</article>\n`;
      empty = false;
    }
    yield written;
  }
  if (empty) yield `<p class="quiet">${words[locale].none}</p>\n`;
  yield pageEnd;
}

/** The same records as a JSON array, in pieces. */
export async function* recordsAsJson(
  pages: AsyncIterable<readonly ExportedRecord[]>,
): AsyncGenerator<string, void, undefined> {
  let before = '[\n';
  for await (const records of pages) {
    let written = '';
    for (const record of records) {
      written += before + JSON.stringify(record);
      before = ',\n';
    }
    yield written;
  }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}

/** Name of a field in a language. */
export function fieldName(field: string, locale: Locale): string {
  return fieldNames[field]?.[locale === 'it' ? 0 : 1] ?? field;
}

interface Language {
  locale: Locale;
  time: Intl.DateTimeFormat;
}

function fieldsOf(record: object, language: Language): string {
  const fields = Object.entries(record).filter(([, value]) => !isEmpty(value));
  const rows = fields.map(
    ([field, value]) =>
      `<dt>${escaped(fieldName(field, language.locale))}</dt><dd>${shown(field, value, language)}</dd>\n`,
  );
  return `<dl>\n${rows.join('')}</dl>\n`;
}

const isEmpty = (value: unknown) =>
  value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);

function shown(field: string, value: unknown, language: Language): string {
  const { locale, time } = language;
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => shown(field, item, language));
    return items.join(value.some((item) => typeof item === 'object') ? '' : ', ');
  }
  if (typeof value === 'object' && value !== null) return fieldsOf(value, language);
  if (typeof value === 'boolean') return words[locale][value ? 'yes' : 'no'];
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return '';
  if (paths.includes(field)) return `<a href="${addressOf(value)}">${escaped(value)}</a>`;
  if (isoTime.test(value)) return escaped(time.format(new Date(value)));
  if (locale === 'it' && fixed.includes(field)) return escaped(italianValues[value] ?? value);
  return escaped(value);
}
