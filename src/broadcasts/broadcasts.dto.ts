import { IntersectionType, PartialType, PickType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import {
  type RecipientOutcome,
  recipientOutcomes,
  type SkipReason,
  skipReasons,
  type StopReason,
  stopReasons,
  type TextField,
  textFields,
} from '../contract/broadcasts.js';
import {
  type BroadcastKind,
  broadcastKinds,
  type BroadcastReason,
  broadcastReasons,
  type BroadcastState,
  broadcastStates,
} from '../contract/events.js';
import type * as wire from '../contract/index.js';
import { limits } from '../contract/limits.js';
import { MessageContent } from '../conversations/conversations.dto.js';
import { AuthorView } from '../members/members.dto.js';
import { IsId, IsIds, IsList, IsPart, IsTrue, Optional, ToNumber } from '../platform/validation/fields.js';
import { Page } from '../platform/validation/page.dto.js';
import { IsPlainText, Trimmed } from '../platform/validation/text.js';
import { type Locale, locales } from '../contract/common.js';
import { UnlessFilesAlone } from '../conversations/message-body.js';
import { AttachmentView } from '../attachments/attachments.dto.js';
import { IsBroadcastBody } from './broadcast-body.js';

const most = limits.audienceValues;
const mostContacts = limits.broadcastContacts.toLocaleString('en');

/**
 * Contacts that a broadcast is for: everybody (`all`), or those who have one of the listed values in **each** of the fields that are
 * given among `regions`, `provinces`, `sectors` and `labels`, and of whom `notSeenOf` is true if it is given; and the contacts of `contactIds` besides, whatever they have.
 * Within one field the values are alternatives: two provinces reach the people of both, a province and a label only those of
 * the province who have the label. Excluded contacts never belong to it. An empty list means the same as none.
 */
export class Audience implements wire.Audience {
  @Optional()
  @IsBoolean()
  all?: boolean;

  /** Up to 50. This and the next two ignore case, accents, hyphens and the like: `lodz` matches Łódź. */
  @Optional()
  @IsList({ max: most, message: `An audience can name at most ${most} regions.` })
  @Trimmed()
  @IsPlainText({ max: limits.nameLength }, { each: true })
  regions?: string[];

  /** Up to 50. */
  @Optional()
  @IsList({ max: most, message: `An audience can name at most ${most} provinces.` })
  @Trimmed()
  @IsPlainText({ max: limits.nameLength }, { each: true })
  provinces?: string[];

  /** Up to 50. */
  @Optional()
  @IsList({ max: most, message: `An audience can name at most ${most} sectors.` })
  @Trimmed()
  @IsPlainText({ max: limits.nameLength }, { each: true })
  sectors?: string[];

  /** Ids of up to 50 labels. */
  @Optional()
  @IsIds({ max: most, message: `An audience can name at most ${most} labels.` })
  labels?: string[];

  /** Up to 1,000 additional contacts. Those not in the address book are ignored. */
  @Optional()
  @IsIds({
    max: limits.broadcastContacts,
    message: `You can pick at most ${mostContacts} contacts one by one.`,
  })
  contactIds?: string[];

  /**
   * Id of another broadcast: only those who received it and have not seen it at the time of sending, as far as that is
   * disclosed. Refused while the business has turned seen times off; a broadcast that is due then is stopped.
   */
  @Optional()
  @IsId()
  notSeenOf?: string;

  /** Up to 50 labels whose contacts are excluded. */
  @Optional()
  @IsIds({ max: most, message: `An audience can exclude at most ${most} labels.` })
  exceptLabels?: string[];

  /** Up to 1,000. */
  @Optional()
  @IsIds({
    max: limits.broadcastContacts,
    message: `You can exclude at most ${mostContacts} contacts one by one.`,
  })
  exceptContactIds?: string[];
}

class BroadcastDraft implements wire.BroadcastDraft {
  /** `promotional` reaches only contacts who have agreed to promotions. */
  @IsIn(broadcastKinds)
  kind: BroadcastKind;

  /** Reason of a service message; required for one. */
  @Optional()
  @IsIn(broadcastReasons)
  reason?: BroadcastReason;

  @IsPart(() => Audience)
  audience: Audience;
}

export class NewBroadcast
  extends IntersectionType(BroadcastDraft, PickType(MessageContent, ['clientId', 'attachmentIds']))
  implements wire.NewBroadcast
{
  /**
   * 1 to 10,000 characters of valid Unicode. `{{firstName}}`, `{{surname}}`, `{{companyName}}` and `{{displayName}}` become
   * each recipient's own, and `{{businessName}}` that of the business; each counts as 201 characters. Recipients without such a
   * name are addressed by their display name. Names are those at the time of sending; if `{{businessName}}` is the only field,
   * the text is the same for all and keeps the name from the time of its creation. It may be empty if there are files.
   */
  @UnlessFilesAlone()
  @IsBroadcastBody()
  body: string;

  /**
   * ISO 8601, up to 365 days ahead: with an offset or Z, or without one in the time zone of the business. Leave it out to send
   * now.
   */
  @Optional()
  @IsString()
  @MaxLength(40)
  sendAt?: string;

  /**
   * Time after which the broadcast neither starts nor continues, in the same forms: at least 15 minutes and at most 7 days
   * after `sendAt`, by default 6 hours after it. If the service was down until later, the broadcast is `held` until it is
   * released or cancelled.
   */
  @Optional()
  @IsString()
  @MaxLength(40)
  notAfter?: string;
}

/**
 * Changes to a broadcast that waits for its time. Fields that are left out stay; `notAfter` keeps its distance to
 * `sendAt`.
 */
export class ChangedBroadcast
  extends PartialType(PickType(NewBroadcast, ['kind', 'reason', 'body', 'audience', 'sendAt', 'notAfter']))
  implements wire.ChangedBroadcast
{
  /**
   * `edition` of the broadcast as you loaded it. If another member has changed the broadcast since, nothing is changed and the
   * answer is `broadcast_changed`. Without it your fields replace whatever is there.
   */
  @Optional()
  @IsInt()
  @Min(1)
  edition?: number;
}

export class PreviewedBroadcast extends BroadcastDraft implements wire.PreviewedBroadcast {
  /** As in a new broadcast. */
  @Optional()
  @IsBroadcastBody()
  body?: string;

  /** The people to whom the text is shown. */
  @Optional()
  @IsId()
  contactId?: string;
}

export class AudienceAsked extends BroadcastDraft implements wire.AudienceAsked {
  /** Only those who would get it, or only those who would be skipped. */
  @Optional()
  @IsIn(recipientOutcomes)
  outcome?: RecipientOutcome;

  /** `nextAfter` of the previous answer. */
  @Optional()
  @IsId()
  after?: string;

  /** Maximum number of contacts in the answer: 1 to 200. */
  @ToNumber()
  @IsInt()
  @Min(1)
  @Max(limits.pageMax)
  limit: number = limits.pageSize;
}

export class MadeBroadcast implements wire.MadeBroadcast {
  id: string;
  /** Number of recipients. */
  recipients: number;
  /**
   * Number of contacts in the audience that are skipped. Both are counted again when it starts, and each contact is checked
   * again.
   */
  skipped: number;
}

export class SkippedContacts implements wire.SkippedContacts {
  @IsIn(skipReasons)
  reason: SkipReason;
  contacts: number;
}

export class PromotionsGiven implements wire.PromotionsGiven {
  given: number;
  of: number;
}

/** Forecast of a broadcast that is sent now. */
export class BroadcastPreview implements wire.BroadcastPreview {
  /** Contacts in the audience. */
  total: number;
  /** Number of contacts that would get it. */
  recipients: number;
  /** Number of contacts in the audience that have agreed to promotions. */
  promotions: PromotionsGiven;
  skipped: number;
  skippedBy: SkippedContacts[];
  /** The fields that a text may contain, such as `{{firstName}}`. */
  @IsIn(textFields, { each: true })
  fields: TextField[];
  /** Words shown with the message, in the language of the business. */
  words: string;
  /** The text as the contact would read it. */
  text?: string;
}

/** A contact of an audience, with the names that fields of a text stand for. */
export class AudienceContact implements wire.AudienceContact {
  contactId: string;
  displayName: string;
  firstName?: string;
  surname?: string;
  companyName?: string;
  @IsIn(recipientOutcomes)
  outcome: RecipientOutcome;
  /** Reason why the contact would be skipped. */
  @IsIn(skipReasons)
  reason?: SkipReason;
}

/** Contacts of an audience as they are now, in the order of sending. */
export class AudienceContacts implements wire.AudienceContacts {
  items: AudienceContact[];
  /** Send it as `after` for the next page; null at the end. */
  nextAfter: string | null;
}

export class BroadcastSummary implements wire.BroadcastSummary {
  id: string;
  @IsIn(broadcastKinds)
  kind: BroadcastKind;
  @IsIn(broadcastReasons)
  reason: BroadcastReason | null;
  /** With its fields. */
  body: string;
  /** Files that every recipient gets. */
  @Type(() => AttachmentView)
  attachments: AttachmentView[];
  @IsIn(broadcastStates)
  state: BroadcastState;
  /**
   * Reason why the service stopped it: a newer policy needs the owner's acceptance, a label of the audience was deleted, or the
   * audience is `notSeenOf` another broadcast and seen times were turned off.
   */
  @IsIn(stopReasons)
  stopReason?: StopReason;
  /** Number of recipients, counted when the broadcast was created and again when it started. */
  recipients: number;
  sent: number;
  skipped: number;
  /** The member who made it. */
  @Type(() => AuthorView)
  author: AuthorView | null;
  createdAt: string;
  sendAt: string;
  /** Time after which it neither starts nor continues automatically. */
  notAfter: string;
  startedAt?: string;
  /** Time at which it was finished, cancelled or stopped. */
  endedAt?: string;
}

export class BroadcastView extends BroadcastSummary implements wire.BroadcastView {
  /** Rises with every change of the broadcast. Send it with a change, so that you overwrite nobody else's. */
  edition: number;
  audience: Audience;
  /** Number of skipped contacts for each reason, without contacts that were erased later. */
  skippedBy: SkippedContacts[];
  /** Number of recipients who were erased later: `sent` counts them, the numbers below do not. */
  erased: number;
  /** Number of recipients to whom it was delivered. */
  delivered: number;
  /** Number of recipients who have seen it; null while the business has turned seen times off. */
  seen: number | null;
  /** Number of recipients who reported this service message as advertising. */
  reports: number;
}

/** Numbers up to a moment, to the minute. */
export class ResultsPoint implements wire.ResultsPoint {
  at: string;
  /** Number of recipients to whom it had been delivered. */
  delivered: number;
  /** Number of recipients who had seen it; null while the business has turned seen times off. */
  seen: number | null;
}

export class BroadcastAnswer implements wire.BroadcastAnswer {
  contactId: string;
  displayName: string;
  /** The message in the contact's conversation. */
  seq: number;
  at: string;
}

export class BroadcastResults implements wire.BroadcastResults {
  /** Points at even intervals, for at most 48 hours from the start; empty before it. */
  points: ResultsPoint[];
  /** Number of recipients who replied in the conversation within seven days. */
  answered: number;
  /** The latest five of these. */
  latestAnswers: BroadcastAnswer[];
}

export class BroadcastList implements wire.BroadcastList {
  items: BroadcastSummary[];
  nextCursor: string | null;
}

export class ListBroadcasts extends Page {
  /** `under_way`: scheduled, running or held; `over`: finished, cancelled or stopped. */
  @Optional()
  @IsIn(['under_way', 'over'])
  stage?: 'under_way' | 'over';
}

export class ListRecipients extends Page {
  @Optional()
  @IsIn(recipientOutcomes)
  outcome?: RecipientOutcome;

  /** Only those skipped for it. */
  @Optional()
  @IsIn(skipReasons)
  reason?: SkipReason;

  /** Only recipients who have not seen it. Refused while the business has turned seen times off. */
  @Optional()
  @IsTrue()
  unseen?: true;

  /** Only recipients who have answered. */
  @Optional()
  @IsTrue()
  answered?: true;
}

export class ExportRecipients {
  /** Language of the column names; it also sets the separator: `;` for it, `,` for en. By default the member's language. */
  @Optional()
  @IsIn(locales)
  locale?: Locale;
}

export class RecipientView implements wire.RecipientView {
  contactId: string;
  displayName: string;
  @IsIn(recipientOutcomes)
  outcome: RecipientOutcome;
  /** Reason why the contact was skipped. */
  @IsIn(skipReasons)
  reason?: SkipReason;
  /** The message in the contact's conversation. */
  seq?: number;
  delivered?: boolean;
  /** Left out while the business has turned seen times off. */
  seen?: boolean;
  /** The recipient's reply: its next entry in the conversation, if it came within seven days. */
  answeredSeq?: number;
}

export class RecipientList implements wire.RecipientList {
  items: RecipientView[];
  nextCursor: string | null;
}
