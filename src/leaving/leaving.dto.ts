import { Type } from 'class-transformer';
import { IsBoolean, IsString, MaxLength } from 'class-validator';
import type * as wire from '../contract/index.js';
import { limits } from '../contract/limits.js';
import { IsId, Optional } from '../platform/validation/fields.js';
import { IsPlainText, Trimmed } from '../platform/validation/text.js';
import { RequestView } from '../rights/rights.dto.js';

export class NewDeletionRequest implements wire.NewDeletionRequest {
  /** The contact (the conversation) with the business. By default, all businesses. */
  @Optional()
  @IsId()
  contactId?: string;

  /** Words to the business, up to 2,000 characters. */
  @Optional()
  @Trimmed({ multiline: true })
  @IsPlainText({ max: limits.requestWordsLength, multiline: true })
  words?: string;
}

export class MadeDeletionRequests implements wire.MadeDeletionRequests {
  /** The open request to each business. */
  @Type(() => RequestView)
  items: RequestView[];
}

export class PauseSubscriber implements wire.PauseSubscriber {
  /** True pauses, false resumes. */
  @IsBoolean()
  paused: boolean;
}

export class NewClosing implements wire.NewClosing {
  /** Your password. */
  @IsString()
  @MaxLength(1_000)
  password: string;

  /** The name of the business, in upper or lower case, to confirm that everything is to be erased. */
  @IsString()
  @MaxLength(limits.nameLength)
  businessName: string;
}

export class ClosingView implements wire.ClosingView {
  askedAt: string;
  /** Time at which everything is erased. Until then you can take it back. */
  closesAt: string;
}
