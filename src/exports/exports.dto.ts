import { IsIn, IsString, MaxLength } from 'class-validator';
import { type Locale, locales } from '../contract/common.js';
import type * as wire from '../contract/index.js';
import { type ExportProblem, exportProblems, type ExportState, exportStates } from '../contract/rights.js';
import { IsId, Optional } from '../platform/validation/fields.js';
import { Page } from '../platform/validation/page.dto.js';

export class ExportConversation {
  /** Language of the page. The account's without it. */
  @Optional()
  @IsIn(locales)
  locale?: Locale;
}

export class NewExport implements wire.NewExport {
  /** Interlocutors only: the contact with the one business that the export is about. All of them without it. */
  @Optional()
  @IsId()
  contactId?: string;

  /** Language of the pages. The account's without it. */
  @Optional()
  @IsIn(locales)
  locale?: Locale;
}

export class ExportProof implements wire.ExportProof {
  /** The own password. It can be left out within ten minutes after signing in. */
  @Optional()
  @IsString()
  @MaxLength(1_000)
  password?: string;
}

export class ListExports extends Page {}

export class ExportView implements wire.ExportView {
  id: string;
  /** The only contact it is about; null for everything. */
  contactId: string | null;
  @IsIn(locales)
  locale: Locale;
  @IsIn(exportStates)
  state: ExportState;
  /** The reason why the last attempt failed; it is tried again while the state is `waiting`. */
  @IsIn(exportProblems)
  problem: ExportProblem | null;
  /** Progress towards `total`, in bytes of files and, for messages, an estimate of them. */
  done: number;
  total: number;
  /** Bytes of the zip, once it is ready. */
  size: number | null;
  askedAt: string;
  readyAt: string | null;
  /** Time at which its key is destroyed: 48 hours after it was ready. */
  expiresAt: string | null;
}

export class ExportList implements wire.ExportList {
  items: ExportView[];
  nextCursor: string | null;
}

export class ExportDownload implements wire.ExportDownload {
  /** Path of the file on this server. */
  path: string;
  /** Until when this session can download it. */
  until: string;
}
