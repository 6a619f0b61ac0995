import type { Locale, Paged } from './common.js';
import type { ImportState } from './events.js';
import type { SuggestedPerson } from './invitations.js';

/** Fields of a person that a column of a file can stand for. */
export const importFields = [
  'firstName',
  'surname',
  'fullName',
  'companyName',
  'companyType',
  'email',
  'phone',
  'region',
  'province',
  'sector',
  'externalId',
  'labels',
  'note',
] as const;
export type ImportField = (typeof importFields)[number];

/** Names of the Encoding Standard, and cp850 and cp866 of DOS. */
export const encodings = [
  'utf-8',
  'utf-16le',
  'utf-16be',
  'windows-1252',
  'macintosh',
  'cp850',
  'windows-1250',
  'windows-1251',
  'windows-1253',
  'windows-1254',
  'windows-1255',
  'windows-1256',
  'koi8-r',
  'cp866',
  'shift_jis',
  'euc-jp',
  'gb18030',
  'big5',
  'euc-kr',
] as const;
export type Encoding = (typeof encodings)[number];

export const separators = [';', ',', '\t', '|'] as const;
export type Separator = (typeof separators)[number];

export const importFormats = ['csv', 'xlsx'] as const;
export type ImportFormat = (typeof importFormats)[number];

export const importOutcomes = [
  'invited',
  'corrected',
  'already_there',
  'already_invited',
  'duplicate_in_file',
  'asked_not_to_be_written_to',
  'invalid',
] as const;
export type ImportOutcome = (typeof importOutcomes)[number];

export const importReasons = [
  'missing',
  'not_an_address',
  'no_internet_address',
  'formula_error',
  'total_line',
  'invisible_characters',
  'too_long',
  'not_plain_text',
  'too_many_columns',
  'not_a_phone',
  'too_many_labels',
  'same_address',
  'external_id_repeated',
  'external_id_taken',
] as const;
export type ImportReason = (typeof importReasons)[number];

export const importWarnings = [
  'nobody_by_mail',
  'most_by_letter',
  'addresses_left_out',
  'rows_above_header',
  'damaged_characters',
  'garbled',
  'encoding_doubtful',
  'nobody',
  'other_sheets',
  'formulas_without_value',
] as const;
export type ImportWarningCode = (typeof importWarnings)[number];

export const invitedVia = ['mail', 'letter'] as const;
export type InvitedVia = (typeof invitedVia)[number];

/** Reasons for which a file is no table (`reason` of the problem `import_unreadable`). */
export const unreadableReasons = [
  'archive',
  'contact_cards',
  'damaged',
  'document',
  'empty',
  'line_too_long',
  'no_header',
  'no_sheet',
  'numbers',
  'old_excel',
  'open_document',
  'pdf',
  'too_large_unpacked',
  'too_many_columns',
] as const;
export type UnreadableReason = (typeof unreadableReasons)[number];

/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */
export interface OutcomeCounts {
  invited: number;
  corrected: number;
  already_there: number;
  already_invited: number;
  duplicate_in_file: number;
  asked_not_to_be_written_to: number;
  invalid: number;
}

export interface ImportView {
  id: string;
  name: string;
  encoding?: Encoding;
  locale: Locale;
  state: ImportState;
  total: number;
  done: number;
  counts: OutcomeCounts;
  createdAt: string;
  finishedAt?: string;
}

export interface CancelImport {
  letters?: boolean;
}

export interface RevokedInvitations {
  mails: number;
  letters: number;
}

export interface CancelledImport extends ImportView {
  revoked: RevokedInvitations;
}

export type ImportList = Paged<ImportView>;

export interface ImportColumn {
  name: string;
  field: ImportField | null;
  samples: string[];
}

export interface ImportLineView {
  number: number;
  line: number;
  outcome: ImportOutcome;
  via?: InvitedVia;
  sameAs?: number;
  field?: ImportField;
  reason?: ImportReason;
  invitationId?: string;
  content?: string;
}

export interface ImportedPerson extends SuggestedPerson {
  email?: string;
  labels?: string[];
}

export interface ImportWarning {
  code: ImportWarningCode;
  message: string;
  count: number;
}

export interface ImportPreview {
  format: ImportFormat;
  encoding?: Encoding;
  separator?: Separator;
  sheet?: string;
  sheets?: string[];
  headerRow: number;
  columns: ImportColumn[];
  total: number;
  counts: OutcomeCounts;
  letters: number;
  warnings: ImportWarning[];
  needsConfirmation: boolean;
  sample: ImportedPerson[];
  problems: ImportLineView[];
}

export type ImportReport = Paged<ImportLineView>;
