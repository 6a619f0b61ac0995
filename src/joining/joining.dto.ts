import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  Equals,
  IsArray,
  IsIn,
  IsString,
  Matches,
  MaxLength,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { SessionView } from '../auth/sessions.dto.js';
import { IsUsername } from '../auth/usernames.js';
import { GivenConsent, PolicyView } from '../consents/consents.dto.js';
import { limits } from '../contract/limits.js';
import { type VerificationMail, verificationMails } from '../credentials/verification-mails.js';
import { InterlocutorView } from '../interlocutors/interlocutors.dto.js';
import { IsEmailAddress, IsPlainText, NormalisedEmail, Trimmed } from '../platform/validation/text.js';
import { Optional } from '../platform/validation/fields.js';
import { type Locale, locales } from '../subscribers/subscribers.dto.js';

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
  /**
   * Chosen by the client, once per acceptance: a retry with the same id, password and content is answered as the first time,
   * with a session of its own. 1 to 64 letters, digits and ._:- Without it, the same address, names and password are taken for
   * a retry for ten minutes.
   */
  @Optional()
  @Matches(/^[A-Za-z0-9._:-]{1,64}$/, { message: 'clientId has 1 to 64 letters, digits and ._:-' })
  clientId?: string;

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
  @Optional()
  @IsUsername()
  username?: string;

  @Optional()
  @Trimmed()
  @IsPlainText({ max: 60 })
  region?: string;

  @Optional()
  @Trimmed()
  @IsPlainText({ max: 60 })
  province?: string;

  @Optional()
  @Trimmed()
  @IsPlainText({ max: 60 })
  sector?: string;

  /** What the person calls this device. */
  @Optional()
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
  @Optional()
  session?: SessionView;
  /**
   * Comes for somebody new. `withheld`: as many mails to confirm this address went out as an hour allows. Ask for one with
   * `POST /api/me/email-verification`.
   */
  @IsIn(verificationMails)
  verificationMail?: VerificationMail;
}
