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
  /** The name of the merchant category, in the requested language. */
  categoryName: string;
  logoUrl: string | null;
  /** The age from which people may join on their own. */
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
   * Chosen by the client, once per acceptance: a retry with the same id, password and content gets the first answer again, with
   * a new session. 1 to 64 letters, digits and ._:- Without it, a request with the same address, names and password counts as a
   * retry for ten minutes.
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

  /** The legal form as free text, such as S.r.l. or association; shown beside the name. */
  @ValidateIf(isCompany)
  @Trimmed()
  @IsPlainText({ max: limits.companyTypeLength })
  companyType?: string;

  @NormalisedEmail()
  @IsEmailAddress()
  email: string;

  /**
   * At least 10 characters and at most 72 bytes; not a common password, and without the username, the address or the name. It
   * is checked once the other fields are valid.
   */
  @IsString()
  @MaxLength(1_000)
  password: string;

  /** True confirms that you are old enough for digital consent; no birth date is needed. */
  @Equals(true, { message: 'Confirm that you are of age to join on your own.' })
  ageConfirmed: boolean;

  @IsIn(locales)
  locale: Locale;

  /** The username you would like. If it is taken or missing, the service chooses one. */
  @Optional()
  @IsUsername()
  username?: string;

  /** Up to 60 characters; blank means none. For Italy, the name of the region or the code of the province is stored. */
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
   * Present for a new account. `withheld`: this address has had the maximum number of verification mails in an hour. Request
   * one later with `POST /api/me/email-verification`.
   */
  @IsIn(verificationMails)
  verificationMail?: VerificationMail;
}
