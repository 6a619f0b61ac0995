import { Transform } from 'class-transformer';
import { IsIn, IsInt, Max, Min, ValidateIf } from 'class-validator';
import type * as wire from '../contract/index.js';
import { type Locale, locales } from '../contract/common.js';
import { type InvitationKind, invitationKinds } from '../contract/events.js';
import { type InvitationState, invitationStates, type MailState, mailStates } from '../contract/invitations.js';
import { limits } from '../contract/limits.js';
import { IsPhone } from '../address-book/phones.js';
import { StatedNames } from '../interlocutors/interlocutors.dto.js';
import { StatedSegment } from '../places/segments.js';
import { IsEmailAddress, IsPlainText, NormalisedEmail, Trimmed } from '../platform/validation/text.js';
import { Clearable, IsId, IsIds, IsPart, IsTime, Omittable, Optional } from '../platform/validation/fields.js';
import { Page } from '../platform/validation/page.dto.js';

/** Data that a business has of a person whom it invites. A person who joins states their own. */
export class NewSuggestion extends StatedNames implements wire.NewSuggestion {
  @StatedSegment('region')
  region?: string;

  @StatedSegment('province')
  province?: string;

  @StatedSegment('sector')
  sector?: string;

  /** Id of the person in another system, such as a customer number; at most 64 characters. */
  @Optional()
  @Trimmed()
  @IsPlainText({ max: limits.externalIdLength })
  externalId?: string;

  /** Telephone number, at most 40 characters. */
  @Optional()
  @Trimmed()
  @IsPhone()
  phone?: string;

  @Optional()
  @Trimmed({ multiline: true })
  @IsPlainText({ max: limits.noteLength, multiline: true })
  note?: string;

  /** Ids of labels, at most 20; labels deleted before the person joins are ignored. */
  @Optional()
  @IsIds({ max: limits.labelsPerContact })
  labels?: string[];
}

export class NewInvitation implements wire.NewInvitation {
  @IsIn(invitationKinds)
  kind: InvitationKind;

  /** The address of the invited person. A personal invitation without it needs a name, and becomes a letter that you print. */
  @ValidateIf(
    ({ kind, email, suggestion }: NewInvitation) =>
      kind === 'personal' && (email !== undefined || suggestion === undefined),
  )
  @NormalisedEmail()
  @IsEmailAddress()
  email?: string;

  /** Data that you have of the person, for a personal invitation. */
  @Optional()
  @IsPart(() => NewSuggestion)
  suggestion?: NewSuggestion;

  /**
   * Only for the business, up to 60 characters: where the code hangs, such as "counter". Each contact shows the invitation with
   * which it joined.
   */
  @Optional()
  @Trimmed()
  @IsPlainText({ max: limits.invitationNameLength })
  name?: string;

  /** Language of the mail to the invited person; by default the subscriber's. */
  @Optional()
  @IsIn(locales)
  locale?: Locale;

  /** Number of people who may join with an open invitation; by default unlimited. */
  @Omittable()
  @IsInt()
  @Min(1)
  @Max(limits.invitationUsesMax)
  maxUses?: number;

  /** Time until which an open invitation is valid; by default forever. A personal one is valid for 14 days after its mail. */
  @Omittable()
  @IsTime()
  expiresAt?: string;
}

export class ChangeInvitation implements wire.ChangeInvitation {
  /** Up to 60 characters; null or blank removes it. */
  @Clearable()
  @Trimmed()
  @IsPlainText({ min: 0, max: limits.invitationNameLength })
  name?: string | null;
}

/**
 * Data of an invited person, from an imported file or given with the invitation. They fill in the form of the person who joins, who states their own data; the contact
 * begins with the business's region, province and sector where its person gives none, and with phone, note, labels and
 * externalId.
 */
export class SuggestedPerson implements wire.SuggestedPerson {
  firstName?: string;
  surname?: string;
  companyName?: string;
  companyType?: string;
  region?: string;
  province?: string;
  sector?: string;
  externalId?: string;
  phone?: string;
  note?: string;
  /** Ids of labels. */
  labels?: string[];
}

export class InvitationView implements wire.InvitationView {
  /** Id of the invitation. For a personal one, it becomes the id of the contact and its conversation once the person joins. */
  id: string;
  @IsIn(invitationKinds)
  kind: InvitationKind;
  /** Name given by the business. */
  name?: string;
  code: string;
  /** The link, as in the QR code. */
  url: string;
  /** The invited person, for a personal invitation by mail; missing once it was revoked, declined or has expired. */
  email?: string;
  /** The import that created it. */
  suggestion?: SuggestedPerson;
  importId?: string;
  expiresAt?: string;
  maxUses?: number;
  uses: number;
  /** `stopped`: the invited person asked not to be written to again. */
  @IsIn(invitationStates)
  state: InvitationState;
  /**
   * `held` until the subscriber's own address is verified, and while a contact who joined under the invited address is in the
   * address book (for 14 days if its address is not verified); `queued` until the daily limit allows it; `failed` if it could
   * not be delivered; `none` for an open invitation or a letter.
   */
  @IsIn(mailStates)
  mail: MailState;
  createdAt: string;
  /** Present if PUBLIC_URL is localhost: only this machine can open the link. */
  notice?: string;
}

export class InvitationList implements wire.InvitationList {
  items: InvitationView[];
  nextCursor: string | null;
  /** Number of invitations that match, on all pages. */
  total: number;
}

/** The pace at which invitation mails that wait are sent. */
export class InvitationMailing implements wire.InvitationMailing {
  /** True until your own address is verified; no mail is sent before. */
  held: boolean;
  /** Maximum number of mails in 24 hours; a tenth more is reserved for people whom you invite one by one. */
  perDay: number;
  /** Number of mails that wait. */
  queued: number;
  /** Estimated time at which the last of them is sent; missing if none is waiting or all are held. */
  lastBy?: string;
}

export class ListInvitations extends Page {
  /** `kind=personal&state=active` are those who have not joined. */
  @Optional()
  @IsIn(invitationKinds)
  kind?: InvitationKind;

  @Optional()
  @IsIn(invitationStates)
  state?: InvitationState;

  /** Only those that this import made. */
  @Optional()
  @IsId()
  importId?: string;

  /** `failed`: only those whose mail could not be delivered. */
  @Optional()
  @IsIn(['failed'])
  mail?: 'failed';

  /** `true`: only those without an address, to be handed over as letters. */
  @Optional()
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsIn([true, false])
  letter?: boolean;
}
