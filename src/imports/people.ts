import { createHash } from 'node:crypto';
import { isPhone, normalisedPhone } from '../address-book/phones.js';
import type { ImportField, ImportReason } from '../contract/imports.js';
import { limits } from '../contract/limits.js';
import { namesOf, type OpenedPerson } from '../invitations/invited-people.service.js';
import { canonicalSegment } from '../places/segments.js';
import { withFormulas } from '../contract/rules/formulas.js';
import { canonicalAddress } from '../platform/validation/email-addresses.js';
import { plainTextProblem, trimmed } from '../platform/validation/text.js';
import { addressesIn, holdsInvisibleAddress, nameBeside } from './addresses.js';
import { isExchangeName, isFormulaError, isTotal } from './cells.js';
import { displayNameColumns, inOrderOfUse } from './columns.js';
import type { Row } from './csv.js';
import { isSurnameFirst, splitName } from './names.js';

export interface Remark {
  field: ImportField | null;
  reason: ImportReason;
}

/** A record of the file: the person it names, or the reason why it names none. */
export interface ImportRecord {
  /** The line of the file in which it ends. */
  line: number;
  person?: OpenedPerson;
  invalid?: Remark;
  /** A value that was left out, while the person is invited all the same. */
  left?: Remark;
  /** The earlier line that it repeats, or whose address or code it has. */
  sameAs?: number;
  /** An earlier line names the same person. */
  duplicate?: boolean;
}

/** A record on its way, with what is compared and not kept. */
interface ReadRecord extends ImportRecord {
  /** Names of labels. */
  labels: string[];
  /** The names in the form in which they are compared. */
  names: string;
  /** Digest of all cells of the line. */
  digest: string;
  /** It looks like a line of sums; it is one if nothing else comes below. */
  total?: boolean;
}

/** Reads records by the fields of the columns. */
export class RecordReader {
  private readonly places = new Map<ImportField, number[]>();
  private readonly surnameFirst: boolean;
  private readonly displayNames: number[];

  constructor(
    columns: readonly string[],
    private readonly fields: readonly (ImportField | null)[],
    private readonly country: string,
  ) {
    for (const [index, field] of fields.entries()) {
      if (field) this.places.set(field, [...(this.places.get(field) ?? []), index]);
    }
    for (const [field, indexes] of this.places) this.places.set(field, inOrderOfUse(columns, field, indexes));
    this.displayNames = displayNameColumns(columns);
    this.surnameFirst = this.placesOf('fullName').some((index) => isSurnameFirst(columns[index]!));
  }

  /** Reads the person from a line; only mapped columns are looked at. */
  read({ line, values }: Row): ReadRecord {
    const invalid = (field: ImportField | null, reason: ImportReason): ReadRecord => ({
      ...{ line, invalid: { field, reason }, labels: [], names: '', digest: '' },
    });
    for (let index = this.fields.length; index < values.length; index++) {
      if (values[index] !== '') return invalid(null, 'too_many_columns');
    }
    const said: Record<string, string> = {};
    let left: Remark | undefined;
    for (const field of ['firstName', 'surname', 'fullName', 'companyName', 'externalId'] as const) {
      const cell = this.cells(field, values)[0] ?? '';
      if (isFormulaError(cell)) return invalid(field, 'formula_error');
      const text = trimmed(field === 'externalId' ? withoutTextMark(cell) : cell);
      const reason = text && textProblem(text, field === 'externalId' ? limits.externalIdLength : limits.nameLength);
      if (reason) return invalid(field, reason);
      if (text) said[field] = text;
    }
    for (const field of ['companyType', 'region', 'province', 'sector'] as const) {
      const text = trimmed(this.cells(field, values)[0] ?? '');
      if (!text) continue;
      if (isFormulaError(text)) {
        left ??= { field, reason: 'formula_error' };
        continue;
      }
      const reason = textProblem(text, field === 'companyType' ? limits.companyTypeLength : limits.segmentLength);
      if (reason) left ??= { field, reason };
      else said[field] = field === 'companyType' ? text : canonicalSegment(field, text);
    }
    const phoneCells = this.computed('phone', values);
    if (phoneCells.failed) left ??= { field: 'phone', reason: 'formula_error' };
    const phones = phoneCells.cells.flatMap((cell) =>
      cell.split(':::').map((each) => trimmed(withoutTextMark(each.trim()).replace(/^=/, ''))),
    );
    const phone = phones.find(isPhone);
    if (phone) said['phone'] = normalisedPhone(phone, this.country);
    else if (phones.some(Boolean)) left ??= { field: 'phone', reason: 'not_a_phone' };
    const notes = this.computed('note', values);
    if (notes.failed) left ??= { field: 'note', reason: 'formula_error' };
    const note = trimmed(notes.cells.join('\n').replace(/\r\n?/g, '\n'), { multiline: true });
    const noteProblem = note && plainTextProblem(note, { max: limits.noteLength, multiline: true });
    if (noteProblem) left ??= { field: 'note', reason: reasonOf(note, limits.noteLength) };
    else if (note) said['note'] = note;
    const labelCells = this.computed('labels', values);
    if (labelCells.failed) left ??= { field: 'labels', reason: 'formula_error' };
    const labels = labelCells.cells.flatMap(labelsIn);
    const wrongLabel = labels.find((label) => plainTextProblem(label, { max: limits.labelNameLength }));
    const problem: ImportReason | undefined =
      wrongLabel !== undefined
        ? reasonOf(wrongLabel, limits.labelNameLength)
        : new Set(labels).size > limits.labelsPerContact
          ? 'too_many_labels'
          : undefined;
    if (problem) left ??= { field: 'labels', reason: problem };

    const { cells: mails, failed } = this.computed('email', values);
    const email = mails.flatMap(addressesIn)[0] ?? this.addressBesideExchangeName(mails, values);
    if (email === undefined && (mails.length > 0 || failed)) return invalid('email', reasonOfNoAddress(mails, failed));
    if (failed) left ??= { field: 'email', reason: 'formula_error' };
    const { fullName, ...suggestion } = said;
    const named = suggestion['firstName'] ?? suggestion['surname'] ?? suggestion['companyName'];
    const whole = fullName ?? mails.map(nameBeside).find((name) => name && !textProblem(name, limits.nameLength));
    if (named === undefined && whole !== undefined) {
      Object.assign(suggestion, splitName(whole, { surnameFirst: fullName !== undefined && this.surnameFirst }));
    }
    if (email === undefined && named === undefined && whole === undefined) {
      return { ...invalid('email', 'missing'), ...(isTotal(values) && { total: true }) };
    }
    const person: OpenedPerson = {
      ...(email !== undefined && { email }),
      ...(Object.keys(suggestion).length > 0 && { suggestion }),
    };
    return {
      line,
      person,
      ...(left && { left }),
      labels: problem ? [] : [...new Set(labels)],
      names: namesOf(person),
      ...(email === undefined && isTotal(values) && { total: true }),
      digest: createHash('sha256').update(JSON.stringify(values)).digest('base64'),
    };
  }

  /** The address that Outlook shows beside the name of a mailbox within a company. */
  private addressBesideExchangeName(mails: readonly string[], values: readonly string[]): string | undefined {
    if (!mails.some(isExchangeName)) return undefined;
    return this.displayNames.flatMap((index) => addressesIn(values[index] ?? ''))[0];
  }

  /** Tells if a line holds an address outside the columns of addresses. */
  holdsOtherAddress({ values }: Row, indexes: readonly number[]): boolean {
    return indexes.some((index) => addressesIn(values[index] ?? '').length > 0);
  }

  private placesOf(field: ImportField): number[] {
    return this.places.get(field) ?? [];
  }

  /** The cells of a field without those whose formula has failed. */
  private computed(field: ImportField, values: readonly string[]): { cells: string[]; failed: boolean } {
    const all = this.cells(field, values);
    const cells = all.filter((cell) => !isFormulaError(cell));
    return { cells, failed: cells.length < all.length };
  }

  private cells(field: ImportField, values: readonly string[]): string[] {
    return this.placesOf(field).flatMap((index) => withFormulas(values[index] ?? '').trim() || []);
  }
}

/** Why none of the cells for addresses, or of the formulas that failed in them, is one. */
function reasonOfNoAddress(mails: readonly string[], failed: boolean): ImportReason {
  if (mails.some(holdsInvisibleAddress)) return 'invisible_characters';
  if (mails.some(isExchangeName)) return 'no_internet_address';
  if (mails.length === 0 && failed) return 'formula_error';
  return mails.some((cell) => cell.length > limits.emailLength) ? 'too_long' : 'not_an_address';
}

/** A number without the signs that keep it a text in a spreadsheet, as in `'00123` and `="00123"`. */
const withoutTextMark = (cell: string) => /^="([^"]*)"$/.exec(cell)?.[1] ?? cell.replace(/^'/, '');

/** Names of labels in a cell: between commas and the like; one in quotation marks may hold them. */
export function labelsIn(cell: string): string[] {
  const names = cell.match(/"(?:[^"]|"")*"|(?:(?!:::)[^,;|\r\n"])+/g) ?? [];
  return (
    names
      .map((name) => trimmed(name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.replace(/^:+/, '')))
      // Groups that Google makes by itself, such as "* myContacts".
      .filter((name) => name !== '' && !name.startsWith('* '))
  );
}

function textProblem(text: string, max: number): ImportReason | undefined {
  return plainTextProblem(text, { max }) ? reasonOf(text, max) : undefined;
}

const reasonOf = (text: string, max: number): ImportReason => ([...text].length > max ? 'too_long' : 'not_plain_text');

/**
 * Finds in the whole file who is named twice. A person with the same names at the same address, or in a line without
 * address that is alike in every cell, is a duplicate. Another person at the same address is marked, to be invited by
 * letter, because a mailbox gets one invitation; and only the first of several people keeps a customer code.
 */
export function compared(records: readonly ReadRecord[]): (ImportRecord & { labels: string[] })[] {
  leaveOutTotals(records);
  const atAddress = groups(records, ({ person }) => person?.email && canonicalAddress(person.email));
  for (const group of atAddress.values()) {
    const [first, ...others] = withoutRepeated(
      group,
      ({ names }) => names || group.find((each) => each.names)?.names || '',
    );
    if (others.length === 0) continue;
    first!.person!.shared = 'first';
    for (const other of others) {
      other.person!.shared = 'further';
      Object.assign(other, { left: { field: 'email', reason: 'same_address' }, sameAs: first!.line });
    }
  }
  const byCode = groups(records, ({ person, duplicate }) => (duplicate ? undefined : person?.suggestion?.externalId));
  for (const group of byCode.values()) {
    const [first, ...others] = withoutRepeated(
      group,
      ({ names, person }) => names || canonicalAddress(person!.email ?? ''),
    );
    for (const other of others) {
      delete other.person!.suggestion!.externalId;
      Object.assign(other, { left: { field: 'externalId', reason: 'external_id_repeated' }, sameAs: first!.line });
    }
  }
  const alike = groups(records, ({ person, duplicate, names }) => {
    const { externalId, phone, region, province, sector, companyType } = person?.suggestion ?? {};
    if (!person || duplicate || person.email !== undefined || externalId !== undefined) return undefined;
    return JSON.stringify([names, phone, region, province, sector, companyType]);
  });
  for (const group of alike.values()) {
    const people = withoutRepeated(group, ({ digest }) => digest);
    // One of them goes without a mark, so that it is found again when the file has it alone.
    people.sort((a, b) => (a.digest < b.digest ? -1 : 1));
    for (const other of people.slice(1)) other.person!.apart = other.digest;
  }
  return records.map(({ digest: _, names: __, total: ___, ...record }) => record);
}

/** Drops lines of sums at the end of a list; anywhere else such a line may be a person's name. */
function leaveOutTotals(records: readonly ReadRecord[]): void {
  for (const record of [...records].reverse()) {
    if (!record.total) return;
    delete record.person;
    record.invalid = { field: null, reason: 'total_line' };
    record.labels = [];
  }
}

function groups(
  records: readonly ReadRecord[],
  keyOf: (record: ReadRecord) => string | undefined,
): Map<string, ReadRecord[]> {
  const found = new Map<string, ReadRecord[]>();
  for (const record of records) {
    const key = keyOf(record);
    if (key === undefined) continue;
    const group = found.get(key);
    if (group) group.push(record);
    else found.set(key, [record]);
  }
  return new Map([...found].filter(([, group]) => group.length > 1));
}

/** The first record of each person, known by a key; the others are marked as its duplicates. */
function withoutRepeated(group: readonly ReadRecord[], keyOf: (record: ReadRecord) => string): ReadRecord[] {
  const people = new Map<string, ReadRecord>();
  for (const record of group) {
    const key = keyOf(record);
    const known = people.get(key);
    if (known) Object.assign(record, { duplicate: true, sameAs: known.line });
    else people.set(key, record);
  }
  return [...people.values()];
}
