import { Transform } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { type Locale, locales } from '../contract/common.js';
import { type ImportState, importStates } from '../contract/events.js';
import {
  type Encoding,
  encodings,
  type ImportField,
  importFields,
  type ImportFormat,
  importFormats,
  type ImportOutcome,
  importOutcomes,
  type ImportReason,
  importReasons,
  type ImportWarningCode,
  importWarnings,
  type InvitedVia,
  invitedVia,
  type Separator,
  separators,
} from '../contract/imports.js';
import type * as wire from '../contract/index.js';
import { limits } from '../contract/limits.js';
import { SuggestedPerson } from '../invitations/invitations.dto.js';
import { IsDictionary, Optional, ToNumber } from '../platform/validation/fields.js';
import { Page } from '../platform/validation/page.dto.js';

/** The multipart form's fields other than `file`. */
export class NewImport {
  /**
   * JSON: for each column name the field it stands for, out of firstName, surname, fullName, companyName, companyType, email,
   * phone, region, province, sector, externalId, labels and note, or null. Several columns can stand for one field but
   * externalId: the first value counts, of labels and note all. Without a mapping the names and the content of the columns
   * are judged.
   */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => parsedJson(value))
  @IsDictionary({ max: limits.columnsMapped })
  mapping?: Record<string, ImportField | null>;

  /** `true`: nothing is kept or sent; the answer says what would come of it. */
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsIn([true, false])
  dryRun: boolean = false;

  /** The line of the file that names the columns; 0 when none does, so that they are called A, B, C. Found without it. */
  @Optional()
  @ToNumber()
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  headerRow?: number;

  /** The encoding of a CSV file; found without it. A file that reads as gibberish is taken in only when this is said. */
  @Optional()
  @IsIn(encodings)
  encoding?: Encoding;

  /** The name of the sheet of a workbook; the first that is like a list of people without it. */
  @Optional()
  @IsString()
  @MaxLength(limits.sheetNameLength)
  sheet?: string;

  /** Names of labels for everybody in the file, between commas; those that are not there are made. */
  @Optional()
  @IsString()
  @MaxLength(1_000)
  labels?: string;

  /** `letters`: the file is taken in though nobody gets a mail, or though addresses in it are left out. */
  @Optional()
  @IsIn(['letters'])
  confirm?: 'letters';

  /** Language of the mails and letters; the subscriber's without it. */
  @Optional()
  @IsIn(locales)
  locale?: Locale;
}

export class OutcomeCounts implements wire.OutcomeCounts {
  invited: number;
  /** People with an invitation, which the import has updated from the file. */
  corrected: number;
  already_there: number;
  already_invited: number;
  duplicate_in_file: number;
  asked_not_to_be_written_to: number;
  invalid: number;
}

export class ImportView implements wire.ImportView {
  id: string;
  /** Name of the file. */
  name: string;
  /** Encoding in which the CSV file was read. */
  @IsOptional()
  @IsIn(encodings)
  encoding?: Encoding;
  @IsIn(locales)
  locale: Locale;
  @IsIn(importStates)
  state: ImportState;
  /** Records in the file, without the header and empty lines. */
  total: number;
  done: number;
  counts: OutcomeCounts;
  createdAt: string;
  finishedAt?: string;
}

export class CancelImport implements wire.CancelImport {
  /** `true`: invitations by letter are revoked too, also those that are printed. */
  @IsIn([true, false])
  letters: boolean = false;
}

export class RevokedInvitations implements wire.RevokedInvitations {
  /** Mails that had not been sent yet. */
  mails: number;
  letters: number;
}

export class CancelledImport extends ImportView implements wire.CancelledImport {
  /** Number of invitations that this call revoked. */
  revoked: RevokedInvitations;
}

export class ImportList implements wire.ImportList {
  items: ImportView[];
  nextCursor: string | null;
}

export class ImportColumn implements wire.ImportColumn {
  name: string;
  /** Null if the column is ignored. */
  @IsIn(importFields)
  field: ImportField | null;
  /** The first three distinct values, cut at 80 characters. */
  samples: string[];
}

export class ImportLineView implements wire.ImportLineView {
  /** Number of the record, from 1, without header and empty lines. */
  number: number;
  /** The line of the file in which the record ends; the header is in line 1. */
  line: number;
  @IsIn(importOutcomes)
  outcome: ImportOutcome;
  /** Id of the created invitation. */
  @IsIn(invitedVia)
  @IsOptional()
  via?: InvitedVia;
  /** The earlier line that names the same person, or has the same address or code. */
  sameAs?: number;
  /** For an invalid line, the wrong field and the reason; for an invited one, the field that was ignored and the reason. */
  @IsIn(importFields)
  field?: ImportField;
  @IsIn(importReasons)
  reason?: ImportReason;
  /** The invitation, created now or before. */
  invitationId?: string;
  /** Dry runs only: the content of the line, cut at 200 characters. It is not stored. */
  content?: string;
}

export class ImportedPerson extends SuggestedPerson implements wire.ImportedPerson {
  email?: string;
  /** Names of labels. */
  declare labels?: string[];
}

export class ImportWarning implements wire.ImportWarning {
  @IsIn(importWarnings)
  code: ImportWarningCode;
  message: string;
  /** Number of lines, characters, sheets or cells. */
  count: number;
}

/** Forecast of an import. */
export class ImportPreview implements wire.ImportPreview {
  @IsIn(importFormats)
  format: ImportFormat;
  /** Only for CSV, like the separator below. */
  @IsOptional()
  @IsIn(encodings)
  encoding?: Encoding;
  @IsOptional()
  @IsIn(separators)
  separator?: Separator;
  /** The sheet of a workbook that was read. */
  sheet?: string;
  /** Names of the sheets of a workbook that can be read, in their order. */
  sheets?: string[];
  /** The line with the column names; 0 if there is none. */
  headerRow: number;
  columns: ImportColumn[];
  total: number;
  counts: OutcomeCounts;
  /** Number of people without an address, who get a letter. */
  letters: number;
  /** Warnings to read before starting the import. */
  warnings: ImportWarning[];
  /** True if the import needs `confirm=letters` or, with the warning `garbled`, needs `encoding`. */
  needsConfirmation: boolean;
  /** The first five people as the service reads them. */
  sample: ImportedPerson[];
  /** The first 1,000 lines that would not be invited, or not with all their data. */
  problems: ImportLineView[];
}

export class ImportReport implements wire.ImportReport {
  items: ImportLineView[];
  nextCursor: string | null;
}

export class ListImports extends Page {}

export class ReadReport extends ListImports {
  @Optional()
  @IsIn(importOutcomes)
  outcome?: ImportOutcome;
}

function parsedJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
