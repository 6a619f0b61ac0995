import { IsIn, IsString, MaxLength } from 'class-validator';
import { type Locale, locales } from '../contract/common.js';
import type * as wire from '../contract/index.js';
import { type ExportProblem, exportProblems, type ExportState, exportStates } from '../contract/rights.js';
import { IsId, Optional } from '../platform/validation/fields.js';
import { Page } from '../platform/validation/page.dto.js';

export class ExportConversation {
  /** Language of the page; by default the account's. */
  @Optional()
  @IsIn(locales)
  locale?: Locale;
}

export class NewExport implements wire.NewExport {
  /** Interlocutors only: the contact with a single business to export. By default, all of them. */
  @Optional()
  @IsId()
  contactId?: string;

  /** Language of the pages; by default the account's. */
  @Optional()
  @IsIn(locales)
  locale?: Locale;
}

export class ExportProof implements wire.ExportProof {
  /** Your own password. You can leave it out within ten minutes after signing in. */
  @Optional()
  @IsString()
  @MaxLength(1_000)
  password?: string;
}

export class ListExports extends Page {}

export class ExportView implements wire.ExportView {
  id: string;
  /** The only contact in it; null for everything. */
  contactId: string | null;
  @IsIn(locales)
  locale: Locale;
  @IsIn(exportStates)
  state: ExportState;
  /** The reason why the last attempt failed; it is tried again while the state is `waiting`. */
  @IsIn(exportProblems)
  problem: ExportProblem | null;
  /** Progress towards `total`, in bytes of files and an estimate for messages. */
  done: number;
  total: number;
  /** Bytes of the zip, once it is ready. */
  size: number | null;
  askedAt: string;
  readyAt: string | null;
  /** Time at which its key is destroyed: 48 hours after it became ready. */
  expiresAt: string | null;
}

export class ExportList implements wire.ExportList {
  items: ExportView[];
  nextCursor: string | null;
}

export class ExportDownload implements wire.ExportDownload {
  /** Path of the file on this server. */
  path: string;
  /** Time until which this session can download it. */
  until: string;
}
