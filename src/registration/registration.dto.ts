import { IsIn, IsString, MaxLength } from 'class-validator';
import { SessionView } from '../auth/sessions.dto.js';
import { IsUsername } from '../auth/usernames.js';
import { GivenConsent } from '../consents/consents.dto.js';
import type * as wire from '../contract/index.js';
import {
  type RegistrationMode,
  registrationModes,
  type VerificationMail,
  verificationMails,
} from '../contract/accounts.js';
import { limits } from '../contract/limits.js';
import { IsParts, Optional } from '../platform/validation/fields.js';
import { IsPlainText, Trimmed } from '../platform/validation/text.js';
import { Business, SubscriberView } from '../subscribers/subscribers.dto.js';

export class Registration extends Business implements wire.Registration {
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

  /** The code from the host, with REGISTRATION=invited. */
  @Optional()
  @IsString()
  @MaxLength(100)
  registrationCode?: string;

  /** The owner's name for this device. */
  @Optional()
  @Trimmed()
  @IsPlainText({ max: limits.deviceLength })
  device?: string;

  @IsParts(() => GivenConsent, { max: limits.consentsGiven })
  consents: GivenConsent[];
}

export class Registered implements wire.Registered {
  subscriber: SubscriberView;
  session: SessionView;
  /**
   * `withheld`: as many mails to confirm this address went out as an hour allows. Ask for one with
   * `POST /api/me/email-verification`.
   */
  @IsIn(verificationMails)
  verificationMail?: VerificationMail;
}

export class RegistrationState implements wire.RegistrationState {
  /** State of POST /api/subscribers: open to anybody, open to holders of a code, or closed. */
  @IsIn(registrationModes)
  state: RegistrationMode;
}
