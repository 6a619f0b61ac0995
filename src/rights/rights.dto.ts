import { ApiExtraModels } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn } from 'class-validator';
import type * as wire from '../contract/index.js';
import { limits } from '../contract/limits.js';
import {
  type AskedKind,
  askedKinds,
  type LegalReason,
  legalReasons,
  type RequestKind,
  requestKinds,
  type RequestOutcome,
  requestOutcomes,
  type RequestState,
  requestStates,
} from '../contract/rights.js';
import { InterlocutorCounterpart, RestrictionView, SubscriberCounterpart } from '../conversations/conversations.dto.js';
import { AuthorView } from '../members/members.dto.js';
import { IsId, Optional } from '../platform/validation/fields.js';
import { Page } from '../platform/validation/page.dto.js';
import { IsPlainText, Trimmed } from '../platform/validation/text.js';
import { OneOf } from '../platform/validation/unions.js';

export class ConversationRestrictions implements wire.ConversationRestrictions {
  /** The parties that have restricted the conversation, and when; the earlier one first. */
  @Type(() => RestrictionView)
  restrictions: RestrictionView[];
}

export class NewRequest implements wire.NewRequest {
  /** The contact (the conversation) with the business. */
  @IsId()
  contactId: string;

  /**
   * `access`: information about the data. `rectification`: a correction of what the business has added. `objection`: to what
   * rests on its legitimate interest. `promotions_objection`: to promotions, which ends them at once.
   */
  @IsIn(askedKinds)
  kind: AskedKind;

  /** The request in your own words, up to 2,000 characters. */
  @Optional()
  @Trimmed({ multiline: true })
  @IsPlainText({ max: limits.requestWordsLength, multiline: true })
  words?: string;
}

export class ListRequests extends Page implements wire.ListRequests {
  /** Only requests in this state. */
  @Optional()
  @IsIn(requestStates)
  state?: RequestState;

  /** Only requests of this contact. */
  @Optional()
  @IsId()
  contactId?: string;
}

export class RequestAnswer implements wire.RequestAnswer {
  @IsIn(requestOutcomes)
  outcome: RequestOutcome;

  /**
   * The answer to the person, up to 2,000 characters: what you did, or the legal reason why you did not. You can leave it out
   * when you carry out an erasure.
   */
  @Optional()
  @Trimmed({ multiline: true })
  @IsPlainText({ max: limits.requestWordsLength, multiline: true })
  answer?: string;

  /** The legal reason for refusing an erasure (Art. 17(3) GDPR): required for that, and not allowed otherwise. */
  @Optional()
  @IsIn(legalReasons)
  legalReason?: LegalReason;
}

export class RequestExtension implements wire.RequestExtension {
  /** The reason why the answer takes longer, up to 2,000 characters. The person is told. */
  @Trimmed({ multiline: true })
  @IsPlainText({ max: limits.requestWordsLength, multiline: true })
  reason: string;
}

@ApiExtraModels(InterlocutorCounterpart, SubscriberCounterpart)
export class RequestView implements wire.RequestView {
  id: string;
  conversationId: string;
  /** For the business, the person who asks; for the person, the business. */
  @OneOf('CounterpartView', { interlocutor: InterlocutorCounterpart, subscriber: SubscriberCounterpart })
  counterpart: wire.Counterpart;
  @IsIn(requestKinds)
  kind: RequestKind;
  @IsIn(requestStates)
  state: RequestState;
  /** The words of the person. */
  words: string | null;
  askedAt: string;
  /** Time by which the business must answer; null if the service carried it out at once. */
  dueAt: string | null;
  /** Time at which the business extended the deadline, and its reason. */
  extendedAt: string | null;
  extensionReason: string | null;
  /** Time at which it was answered, carried out or taken back. */
  closedAt: string | null;
  /** For members only: the member who answered; null if the service carried it out or it was taken back. */
  @Type(() => AuthorView)
  closedBy?: AuthorView | null;
  answer: string | null;
  /** The legal reason for refusing an erasure (Art. 17(3) GDPR). */
  @IsIn(legalReasons)
  legalReason: LegalReason | null;
}

export class RequestList implements wire.RequestList {
  items: RequestView[];
  nextCursor: string | null;
}
