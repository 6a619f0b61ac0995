import { Transform } from 'class-transformer';
import { IsIn, IsOptional } from 'class-validator';
import { limits } from '../contract/limits.js';
import { SuggestedPerson } from '../invitations/invitations.dto.js';
import { IsDictionary, Optional } from '../platform/validation/fields.js';
import { type Locale, locales } from '../subscribers/subscribers.dto.js';
import { Page } from '../platform/validation/page.dto.js';
import { type ImportField, importFields, type ImportReason, importReasons } from './import-file.js';

export const importOutcomes = [
  'invited',
  'already_there',
  'already_invited',
  'asked_not_to_be_written_to',
  'invalid',
] as const;
export type ImportOutcome = (typeof importOutcomes)[number];

/** The fields besides `file` of a multipart form: CSV of at most 5 MB and 10,000 lines whose first line names the columns. */
export class NewImport {
  /**
   * JSON: for each column name the field it stands for, out of firstName, surname, companyName, companyType, email, region,
   * province, sector and externalId, or null. Without it the names are guessed.
   */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => parsedJson(value))
  @IsDictionary({ max: limits.columnsMapped })
  mapping?: Record<string, ImportField | null>;

  /** `true`: nothing is kept or sent; the answer says what would come of it. */
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsIn([true, false])
  dryRun: boolean = false;

  /** Language of the mails and letters; the subscriber's without it. */
  @Optional()
  @IsIn(locales)
  locale?: Locale;
}

export class OutcomeCounts {
  invited: number;
  already_there: number;
  already_invited: number;
  asked_not_to_be_written_to: number;
  invalid: number;
}

export class ImportView {
  id: string;
  /** Of the file. */
  name: string;
  @IsIn(locales)
  locale: Locale;
  @IsIn(['running', 'finished'])
  state: 'running' | 'finished';
  /** Records in the file, without the header and empty lines. */
  total: number;
  done: number;
  counts: OutcomeCounts;
  createdAt: string;
  finishedAt?: string;
}

export class ImportList {
  items: ImportView[];
  nextCursor: string | null;
}

export class ImportColumn {
  name: string;
  /** Null when the column is left out. */
  @IsIn(importFields)
  field: ImportField | null;
}

export class ImportLineView {
  /** Of the record, from 1, without header and empty lines. */
  number: number;
  /** The line of the file in which it ends; the header is in line 1. */
  line: number;
  @IsIn(importOutcomes)
  outcome: ImportOutcome;
  /** Of an invalid one: which field, and why. */
  @IsIn(importFields)
  field?: ImportField;
  @IsIn(importReasons)
  reason?: ImportReason;
  /** The invitation that was made, or stands already. */
  invitationId?: string;
}

export class ImportedPerson extends SuggestedPerson {
  email?: string;
}

/** What would come of an import. */
export class ImportPreview {
  @IsIn(['utf-8', 'utf-16le', 'windows-1252'])
  encoding: 'utf-8' | 'utf-16le' | 'windows-1252';
  @IsIn([',', ';', '\t'])
  separator: ',' | ';' | '\t';
  columns: ImportColumn[];
  total: number;
  counts: OutcomeCounts;
  /** How many have no address, so that they get a letter. */
  letters: number;
  /** The first five as they are understood. */
  sample: ImportedPerson[];
  /** The first hundred that would not be invited. */
  problems: ImportLineView[];
}

export class ImportReport {
  items: ImportLineView[];
  nextCursor: string | null;
}

export class ListImports extends Page {}

export class ReadReport extends ListImports {
  @Optional()
  @IsIn(importOutcomes)
  outcome?: ImportOutcome;
}

export class ExportContacts {
  @IsIn(['csv', 'json'])
  format: 'csv' | 'json' = 'csv';

  /** Language of the column names, and with it the separator: `;` for it, `,` for en. The member's without it. */
  @Optional()
  @IsIn(locales)
  locale?: Locale;
}

function parsedJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
