import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import iconv from 'iconv-lite';
import { limits } from '../contract/limits.js';
import type { OpenedPerson } from '../invitations/invited-people.service.js';
import { bareAddress, invisibleCharacter } from '../platform/validation/email-addresses.js';
import { isEmailAddress, normalisedEmail, plainTextProblem, trimmed } from '../platform/validation/text.js';

/** What a column of a file can say of a person. */
export const importFields = [
  'firstName',
  'surname',
  'companyName',
  'companyType',
  'email',
  'region',
  'province',
  'sector',
  'externalId',
] as const;
export type ImportField = (typeof importFields)[number];

export const importReasons = [
  'missing',
  'not_an_address',
  'invisible_characters',
  'too_long',
  'not_plain_text',
  'too_many_columns',
] as const;
export type ImportReason = (typeof importReasons)[number];

/** A record of the file: whom it names, or why it names nobody. */
export interface ImportRecord {
  /** The line of the file in which it ends; the header is in line 1. */
  line: number;
  person?: OpenedPerson;
  invalid?: { field: ImportField | null; reason: ImportReason };
}

export type Encoding = 'utf-8' | 'utf-16le' | 'windows-1252';
export type Separator = ',' | ';' | '\t';

/** A file as a table whose first record names the columns. */
export interface ImportTable {
  encoding: Encoding;
  separator: Separator;
  columns: string[];
  /** The values of each further record that has any; can be read once. */
  records: AsyncIterable<{ line: number; values: string[] }>;
}

/** The file is no table; the message says why, and quotes nothing of it. */
export class UnreadableTable extends Error {
  override readonly name = 'UnreadableTable';
}

const sliceBytes = 64 * 1024;
const recordBytes = 100_000;

/**
 * Reads CSV (RFC 4180, with `,`, `;` or tab) in UTF-8, or else in Windows-1252 as older spreadsheets write it.
 * @throws UnreadableTable, also while its records are read
 */
export async function readTable(bytes: Buffer): Promise<ImportTable> {
  const { encoding, utf8 } = decode(bytes);
  const separator = separatorOf(utf8);
  const records = parsed(utf8, separator);
  const header = await records.next();
  if (header.done) throw new UnreadableTable('The file is empty.');
  const columns = header.value.values;
  if (columns.some(isEmailAddress)) {
    throw new UnreadableTable('The first line has to name the columns, such as Nome;Cognome;Email.');
  }
  return { encoding, separator, columns, records };
}

/** Column names as Italian and English programs write them, folded. */
const columnNames: Record<ImportField, string[]> = {
  firstName: ['nome', 'nomedibattesimo', 'firstname', 'givenname', 'forename', 'name'],
  surname: ['cognome', 'surname', 'lastname', 'familyname'],
  companyName: [
    ...['ragionesociale', 'azienda', 'ditta', 'impresa', 'societa', 'denominazione', 'nomeazienda'],
    ...['company', 'companyname', 'organisation', 'organization', 'business', 'businessname'],
  ],
  companyType: ['formagiuridica', 'naturagiuridica', 'tiposocieta', 'tipoazienda', 'companytype', 'legalform'],
  email: [
    ...['email', 'mail', 'emailaddress', 'postaelettronica', 'indirizzoemail', 'indirizzomail'],
    ...['indirizzodipostaelettronica', 'address'],
  ],
  region: ['regione', 'region'],
  province: ['provincia', 'prov', 'province', 'siglaprovincia'],
  sector: ['settore', 'settoremerceologico', 'categoria', 'sector', 'industry', 'category'],
  externalId: [
    ...['id', 'codice', 'codicecliente', 'codcliente', 'idcliente', 'numerocliente', 'ncliente', 'matricola'],
    ...['tessera', 'numerotessera', 'ntessera', 'codicesocio', 'numerosocio', 'nsocio', 'idsocio'],
    ...['externalid', 'customerid', 'customernumber', 'customerno', 'memberid', 'membernumber', 'memberno'],
  ],
};

/** For each column the field that its name stands for, or null; no field twice. */
export function guessFields(columns: readonly string[]): (ImportField | null)[] {
  const taken = new Set<ImportField>();
  return columns.map((column) => {
    const name = column
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^a-z]/g, '');
    const field = importFields.find((each) => !taken.has(each) && columnNames[each].includes(name));
    if (field) taken.add(field);
    return field ?? null;
  });
}

/** What a record says, by the fields of the columns. */
export function toRecord(
  { line, values }: { line: number; values: readonly string[] },
  fields: readonly (ImportField | null)[],
): ImportRecord {
  if (values.slice(fields.length).some((value) => value !== '')) {
    return { line, invalid: { field: null, reason: 'too_many_columns' } };
  }
  const said: Partial<Record<ImportField, string>> = {};
  for (const [index, field] of fields.entries()) {
    // An apostrophe before = + - @ is how tables keep a spreadsheet from taking a text for a formula.
    const text = (values[index] ?? '').replace(/^'(?=[=+\-@\t\r])/, '').trim();
    if (field === null || text === '') continue;
    const reason = field === 'email' ? addressProblem(text) : textProblem(text, lengthOf(field));
    if (reason) return { line, invalid: { field, reason } };
    said[field] = field === 'email' ? normalisedEmail(bareAddress(text)) : trimmed(text);
  }
  const { email, ...suggestion } = said;
  const named = suggestion.firstName ?? suggestion.surname ?? suggestion.companyName;
  if (email === undefined && named === undefined) return { line, invalid: { field: 'email', reason: 'missing' } };
  return {
    line,
    person: {
      ...(email !== undefined && { email }),
      ...(Object.keys(suggestion).length > 0 && { suggestion }),
    },
  };
}

function addressProblem(text: string): ImportReason | undefined {
  if (invisibleCharacter(text)) return 'invisible_characters';
  return isEmailAddress(normalisedEmail(bareAddress(text))) ? undefined : 'not_an_address';
}

function textProblem(text: string, max: number): ImportReason | undefined {
  if (!plainTextProblem(text, { max })) return undefined;
  return [...text].length > max ? 'too_long' : 'not_plain_text';
}

const lengthOf = (field: ImportField) => (field === 'externalId' ? limits.externalIdLength : limits.nameLength);

function decode(bytes: Buffer): { encoding: Encoding; utf8: Buffer } {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) {
    return { encoding: 'utf-16le', utf8: Buffer.from(iconv.decode(bytes, 'utf-16le')) };
  }
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { encoding: 'utf-8', utf8: bytes };
  } catch {
    return { encoding: 'windows-1252', utf8: Buffer.from(iconv.decode(bytes, 'windows-1252')) };
  }
}

const separators: readonly Separator[] = [';', ',', '\t'];

/** The one that occurs most in the header, outside of quotes. */
function separatorOf(utf8: Buffer): Separator {
  const counts = new Map<string, number>();
  let quoted = false;
  for (const character of utf8.toString('utf8', 0, sliceBytes).trimStart()) {
    if (character === '"') quoted = !quoted;
    else if (!quoted && /[\r\n]/.test(character)) break;
    else if (!quoted) counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  const count = (separator: Separator) => counts.get(separator) ?? 0;
  return separators.reduce((most, each) => (count(each) > count(most) ? each : most));
}

async function* parsed(
  utf8: Buffer,
  delimiter: Separator,
): AsyncGenerator<{ line: number; values: string[] }, void, undefined> {
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    max_record_size: recordBytes,
    // All of them at once: files that were joined have several.
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    trim: true,
  });
  const slices = Readable.from(slicesOf(utf8)).pipe(parser);
  try {
    for await (const { info, record } of slices as AsyncIterable<{ info: { lines: number }; record: string[] }>) {
      yield { line: info.lines, values: record };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as CsvError & { lines?: number };
    const where = lines === undefined ? '' : ` in line ${lines}`;
    throw new UnreadableTable(
      error.code === 'CSV_QUOTE_NOT_CLOSED'
        ? 'The file ends within quotation marks: one that is opened is never closed.'
        : `The file cannot be read as a table${where}.`,
    );
  }
}

function* slicesOf(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += sliceBytes) yield bytes.subarray(start, start + sliceBytes);
}
