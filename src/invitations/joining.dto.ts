import { Type } from 'class-transformer';
import { Equals, IsIn, IsString, MaxLength, ValidateIf } from 'class-validator';
import { SessionView } from '../auth/sessions.dto.js';
import { IsUsername } from '../auth/usernames.js';
import { GivenConsent, HostView, PolicyView } from '../consents/consents.dto.js';
import type * as wire from '../contract/index.js';
import { type VerificationMail, verificationMails } from '../contract/accounts.js';
import { type Locale, locales } from '../contract/common.js';
import { limits } from '../contract/limits.js';
import { InterlocutorView } from '../interlocutors/interlocutors.dto.js';
import { StatedSegment } from '../places/segments.js';
import { IsClientId, IsParts, Optional } from '../platform/validation/fields.js';
import { IsEmailAddress, IsPlainText, NormalisedEmail, Trimmed } from '../platform/validation/text.js';

/** Data that the business has of the invited person, to fill in the form with. */
export class SuggestedSelf implements wire.SuggestedSelf {
  firstName?: string;
  surname?: string;
  companyName?: string;
  companyType?: string;
  email?: string;
  region?: string;
  province?: string;
  sector?: string;
}

/** View of an invitation for the person who opens its link: the business that asks, and what there is to agree to. */
export class OpenedInvitation implements wire.OpenedInvitation {
  businessName: string;
  street: string;
  streetNumber: string;
  city: string;
  /** The merchant category by its name in the language that was asked for. */
  categoryName: string;
  logoUrl: string | null;
  /** From which age one may join on one's own. */
  digitalConsentAge: number;
  @Type(() => PolicyView)
  policies: PolicyView[];
  @Type(() => HostView)
  host: HostView;
  /** Personal invitations only. */
  @Optional()
  suggestion?: SuggestedSelf;
  /**
   * Set if you are signed in and are a contact of this business already: then there is nothing to accept, and your conversation
   * has this id.
   */
  @Optional()
  contactId?: string;
}

const isPerson = ({ companyName }: Joining) => companyName === undefined;
const isCompany = ({ companyName }: Joining) => companyName !== undefined;

/**
 * Data of a new interlocutor. One with a session sends only `consents`. A person has `firstName` and `surname`, a company
 * `companyName` and `companyType`; nobody has both.
 */
export class Joining implements wire.Joining {
  /**
   * Chosen by the client, once per acceptance: a retry with the same id, password and content is answered as the first time,
   * with a session of its own. 1 to 64 letters, digits and ._:- Without it, the same address, names and password are taken for
   * a retry for ten minutes.
   */
  @Optional()
  @IsClientId()
  clientId?: string;

  /** First name of a person, with the surname. */
  @ValidateIf(isPerson)
  @Trimmed()
  @IsPlainText({ max: limits.nameLength })
  firstName?: string;

  @ValidateIf(isPerson)
  @Trimmed()
  @IsPlainText({ max: limits.nameLength })
  surname?: string;

  /** Name of a company, with its type. */
  @ValidateIf(isCompany)
  @Trimmed()
  @IsPlainText({ max: limits.nameLength })
  companyName?: string;

  /** The legal form, in free text, such as S.r.l. or association: shown beside the name. */
  @ValidateIf(isCompany)
  @Trimmed()
  @IsPlainText({ max: limits.companyTypeLength })
  companyType?: string;

  @NormalisedEmail()
  @IsEmailAddress()
  email: string;

  /**
   * 10 characters at least, 72 bytes at most, not a common one, and without the username, the address or the name. It is
   * checked once the other fields are right.
   */
  @IsString()
  @MaxLength(1_000)
  password: string;

  /** True to state that you are of age for digital consent; no birth date is asked for. */
  @Equals(true, { message: 'Confirm that you are of age to join on your own.' })
  ageConfirmed: boolean;

  @IsIn(locales)
  locale: Locale;

  /** A wish; where it is taken, or without it, the service proposes one. */
  @Optional()
  @IsUsername()
  username?: string;

  /** Up to 60 characters; blank means none. Of Italy the name of the region or the code of the province is kept. */
  @StatedSegment('region')
  region?: string;

  @StatedSegment('province')
  province?: string;

  @StatedSegment('sector')
  sector?: string;

  /** The person's name for this device. */
  @Optional()
  @Trimmed()
  @IsPlainText({ max: limits.deviceLength })
  device?: string;

  @IsParts(() => GivenConsent, { max: limits.consentsGiven })
  consents: GivenConsent[];
}

/** The same call by an interlocutor who is signed in. */
export class JoiningAgain implements wire.JoiningAgain {
  @IsParts(() => GivenConsent, { max: limits.consentsGiven })
  consents: GivenConsent[];
}

export class JoinedContact implements wire.JoinedContact {
  id: string;
  businessName: string;
  promotions: boolean;
  joinedAt: string;
}

export class Joined implements wire.Joined {
  @Type(() => InterlocutorView)
  interlocutor: InterlocutorView;
  /** Its id is also that of the conversation. */
  @Type(() => JoinedContact)
  contact: JoinedContact;
  @Optional()
  session?: SessionView;
  /**
   * Comes for somebody new. `withheld`: as many mails to confirm this address went out as an hour allows. Ask for one with
   * `POST /api/me/email-verification`.
   */
  @IsIn(verificationMails)
  verificationMail?: VerificationMail;
}
