import { Type } from 'class-transformer';
import { IsIn, IsString, MaxLength } from 'class-validator';
import { SessionView } from '../auth/sessions.dto.js';
import { IsUsername } from '../auth/usernames.js';
import { GivenConsent, PolicyView } from '../consents/consents.dto.js';
import {
  type MemberInvitationMail,
  memberInvitationMails,
  type ListedMemberState,
  listedListedMemberStates,
} from '../contract/members.js';
import type * as wire from '../contract/index.js';
import { type MemberRole, memberRoles, type VerificationMail, verificationMails } from '../contract/accounts.js';
import { type Locale, locales } from '../contract/common.js';
import { limits } from '../contract/limits.js';
import { IsParts, Optional } from '../platform/validation/fields.js';
import { Page } from '../platform/validation/page.dto.js';
import { IsEmailAddress, IsPlainText, NormalisedEmail, Trimmed } from '../platform/validation/text.js';

export class NewMember implements wire.NewMember {
  /** Address to which the invitation goes. */
  @NormalisedEmail()
  @IsEmailAddress()
  email: string;

  /** Name that colleagues see, up to 100 characters; the new member may choose another. */
  @Optional()
  @Trimmed()
  @IsPlainText({ max: limits.nameLength })
  displayName?: string;

  /** Language of the mail; by default the subscriber's. */
  @Optional()
  @IsIn(locales)
  locale?: Locale;
}

export class InvitedMember implements wire.InvitedMember {
  id: string;
  /** The link in the mail, for one person and one use. */
  url: string;
  /** Seven days later. */
  expiresAt: string;
  /** `none` while the owner's own address is not verified: pass the link on yourself. */
  @IsIn(memberInvitationMails)
  mail: MemberInvitationMail;
}

export class MemberView implements wire.MemberView {
  id: string;
  @IsIn(memberRoles)
  role: MemberRole;
  /** Null for an owner without a name. */
  displayName: string | null;
  /** Active members only. */
  username?: string;
  email: string;
  /** Null while invited. */
  joinedAt: string | null;
  @IsIn(listedListedMemberStates)
  state: ListedMemberState;
  /** Time until which the invitation can be accepted. */
  expiresAt?: string;
}

export class ListMembers extends Page {}

export class MemberList implements wire.MemberList {
  items: MemberView[];
  nextCursor: string | null;
}

export class AuthorView implements wire.Author {
  id: string;
  /** Null for an owner without a name. */
  displayName: string | null;
}

export class ListAuthors extends Page {
  /** Maximum number of items on the page: 1 to 200, by default 200. */
  override limit: number = limits.pageMax;
}

export class AuthorList implements wire.AuthorList {
  items: AuthorView[];
  nextCursor: string | null;
}

/** View of an invitation for the person who opens its link: the business that asks, and what there is to agree to. */
export class OpenedMemberInvitation implements wire.OpenedMemberInvitation {
  businessName: string;
  logoUrl: string | null;
  /** The privacy notice of the host of the service. */
  @Type(() => PolicyView)
  policies: PolicyView[];
}

/** Data of a new member. */
export class MemberJoining implements wire.MemberJoining {
  /** Name that colleagues see, up to 100 characters; the people you write to never see it. */
  @Trimmed()
  @IsPlainText({ max: limits.nameLength })
  displayName: string;

  /** 3 to 32 characters of a-z 0-9 . _ - */
  @IsUsername()
  username: string;

  /**
   * At least 10 characters and at most 72 bytes; not a common password, and without the username, the address or the name. It
   * is checked once the other fields are valid.
   */
  @IsString()
  @MaxLength(1_000)
  password: string;

  @IsIn(locales)
  locale: Locale;

  /** The person's name for this device. */
  @Optional()
  @Trimmed()
  @IsPlainText({ max: limits.deviceLength })
  device?: string;

  /** The acceptance of the privacy notice. */
  @IsParts(() => GivenConsent, { max: limits.consentsGiven })
  consents: GivenConsent[];
}

export class JoinedMember implements wire.JoinedMember {
  @Type(() => MemberView)
  member: MemberView;
  session: SessionView;
  /**
   * `withheld`: as many mails to confirm this address went out as an hour allows. Ask for one with
   * `POST /api/me/email-verification`.
   */
  @IsIn(verificationMails)
  verificationMail?: VerificationMail;
}
