import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  Equals,
  IsArray,
  IsIn,
  IsInt,
  IsISO8601,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { SessionView } from '../auth/sessions.dto.js';
import { IsUsername } from '../auth/usernames.js';
import { GivenConsent, PolicyView } from '../consents/consents.dto.js';
import { limits } from '../contract/limits.js';
import { IsEmailAddress, IsPlainText, NormalisedEmail, Trimmed } from '../platform/validation/text.js';
import { type Locale, locales } from '../subscribers/subscribers.dto.js';

const kinds = ['personal', 'open'] as const;

export class NewInvitation {
  @IsIn(kinds)
  kind: 'personal' | 'open';

  /** Who is invited: for a personal invitation. */
  @ValidateIf(({ kind }: NewInvitation) => kind === 'personal')
  @NormalisedEmail()
  @IsEmailAddress()
  email?: string;

  /** Language of the mail to the invited person; the subscriber's without it. */
  @IsOptional()
  @IsIn(locales)
  locale?: Locale;

  /** How many may join with an open invitation; no limit without it. */
  @ValidateIf(({ maxUses }: NewInvitation) => maxUses !== undefined)
  @IsInt()
  @Min(1)
  @Max(limits.invitationUsesMax)
  maxUses?: number;

  /** Until when an open invitation holds; for ever without it. A personal one holds 14 days. */
  @ValidateIf(({ expiresAt }: NewInvitation) => expiresAt !== undefined)
  @IsISO8601({ strict: true })
  expiresAt?: string;
}

export class InvitationView {
  id: string;
  @IsIn(kinds)
  kind: 'personal' | 'open';
  code: string;
  /** The address to open, as the QR code has it. */
  url: string;
  /** Who is invited, of a personal one. */
  email?: string;
  expiresAt?: string;
  maxUses?: number;
  uses: number;
  @IsIn(['active', 'revoked', 'expired', 'used'])
  state: 'active' | 'revoked' | 'expired' | 'used';
  createdAt: string;
  /** Said when PUBLIC_URL is localhost: then only this machine can open the link. */
  notice?: string;
}

export class InvitationList {
  items: InvitationView[];
  nextCursor: string | null;
}

export class ListInvitations {
  @IsOptional()
  @IsString()
  @MaxLength(500)
  cursor?: string;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(limits.pageMax)
  limit: number = limits.pageSize;
}

/** What somebody who opens the link may know: who asks, and what there is to agree to. */
export class OpenedInvitation {
  businessName: string;
  city: string;
  logoUrl: string | null;
  /** From which age one may join on one's own. */
  digitalConsentAge: number;
  @Type(() => PolicyView)
  policies: PolicyView[];
}

const isPerson = ({ companyName }: Joining) => companyName === undefined;
const isCompany = ({ companyName }: Joining) => companyName !== undefined;

/** What a new interlocutor states. One with a session sends only `consents`. */
export class Joining {
  @ValidateIf(isPerson)
  @Trimmed()
  @IsPlainText({ max: limits.nameLength })
  firstName?: string;

  @ValidateIf(isPerson)
  @Trimmed()
  @IsPlainText({ max: limits.nameLength })
  surname?: string;

  @ValidateIf(isCompany)
  @Trimmed()
  @IsPlainText({ max: limits.nameLength })
  companyName?: string;

  @ValidateIf(isCompany)
  @Trimmed()
  @IsPlainText({ max: 60 })
  companyType?: string;

  @NormalisedEmail()
  @IsEmailAddress()
  email: string;

  /** 10 characters at least, 72 bytes at most, not a common one. */
  @IsString()
  @MaxLength(1_000)
  password: string;

  /** Of age for digital consent, in one's own words: no birth date is asked for. */
  @Equals(true, { message: 'Confirm that you are of age to join on your own.' })
  ageConfirmed: boolean;

  @IsIn(locales)
  locale: Locale;

  /** A wish; where it is taken, or without it, the service proposes one. */
  @IsOptional()
  @IsUsername()
  username?: string;

  @IsOptional()
  @Trimmed()
  @IsPlainText({ max: 60 })
  region?: string;

  @IsOptional()
  @Trimmed()
  @IsPlainText({ max: 60 })
  province?: string;

  @IsOptional()
  @Trimmed()
  @IsPlainText({ max: 60 })
  sector?: string;

  /** What the person calls this device. */
  @IsOptional()
  @Trimmed()
  @IsPlainText({ max: limits.deviceLength })
  device?: string;

  @IsArray()
  @ArrayMaxSize(10)
  @ValidateNested({ each: true })
  @Type(() => GivenConsent)
  consents: GivenConsent[];
}

/** The same call by an interlocutor who is signed in. */
export class JoiningAgain {
  @IsArray()
  @ArrayMaxSize(10)
  @ValidateNested({ each: true })
  @Type(() => GivenConsent)
  consents: GivenConsent[];
}

export class InterlocutorView {
  id: string;
  /** To sign in with. */
  username: string;
  displayName: string;
  firstName?: string;
  surname?: string;
  companyName?: string;
  companyType?: string;
  email: string;
  region: string | null;
  province: string | null;
  sector: string | null;
}

export class JoinedContact {
  id: string;
  businessName: string;
  promotions: boolean;
  joinedAt: string;
}

export class Joined {
  @Type(() => InterlocutorView)
  interlocutor: InterlocutorView;
  /** Its id is also that of the conversation. */
  @Type(() => JoinedContact)
  contact: JoinedContact;
  @IsOptional()
  session?: SessionView;
}
