import { Type } from 'class-transformer';
import { IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import type * as wire from '../contract/index.js';
import { limits } from '../contract/limits.js';
import { IsPart, Nullable, Optional, ToNumber } from '../platform/validation/fields.js';
import { RetentionTerm } from '../subscribers/subscribers.dto.js';

export class AskRetention implements wire.AskRetention {
  /** 1 to 120. */
  @ToNumber()
  @IsInt()
  @Min(limits.retentionMonthsMin)
  @Max(limits.retentionMonthsMax)
  months: number;
}

/** Deletion of old messages by one setting, as it would be done first. */
export class RetentionPreview implements wire.RetentionPreview {
  months: number;
  /** Time from which messages would be deleted: the first midnight (UTC) at least 7 days from now. */
  from: string;
  /** Messages sent before this would be deleted then. */
  before: string;
  /** Number of these messages, to type as a confirmation. */
  messages: number;
  /** Conversations with such messages. */
  conversations: number;
  /**
   * Conversations with such messages that are frozen by a restriction or a deletion request; they are left out until that ends.
   */
  leftOut: number;
}

export class RetentionConfirmation implements wire.RetentionConfirmation {
  /** Number of messages in the preview. */
  @IsInt()
  @Min(0)
  @Max(2_000_000_000)
  messages: number;

  /** The name of the business, in upper or lower case. */
  @IsString()
  @MaxLength(limits.nameLength)
  businessName: string;
}

export class SetRetention implements wire.SetRetention {
  /** 1 to 120: older messages are deleted for good. Null keeps all messages. */
  @Nullable()
  @IsInt()
  @Min(limits.retentionMonthsMin)
  @Max(limits.retentionMonthsMax)
  months: number | null;

  /** Required to keep messages for a shorter time than before. */
  @Optional()
  @IsPart(() => RetentionConfirmation)
  confirmation?: RetentionConfirmation;
}

/** A run in which old messages were deleted. */
export class RetentionRunView implements wire.RetentionRunView {
  id: string;
  /** The setting it applied. */
  months: number;
  /** Messages sent before this were deleted. */
  before: string;
  startedAt: string;
  /** Null while it is in progress. */
  finishedAt: string | null;
  messages: number;
  /** Files of these messages and of old broadcasts. */
  files: number;
  /** Old broadcasts, deleted once all their messages are. */
  broadcasts: number;
  /** Conversations with old messages, left out because they were frozen. */
  leftOut: number;
}

export class RetentionSetting implements wire.RetentionSetting {
  /** Null while messages are kept for good. */
  @Type(() => RetentionTerm)
  retention: RetentionTerm | null;
  /** The last runs that deleted something or are in progress, latest first; up to 12. */
  @Type(() => RetentionRunView)
  runs: RetentionRunView[];
}
