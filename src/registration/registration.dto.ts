import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsIn, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import { SessionView } from '../auth/sessions.dto.js';
import { IsUsername } from '../auth/usernames.js';
import { GivenConsent } from '../consents/consents.dto.js';
import { limits } from '../contract/limits.js';
import { IsEmailAddress, IsPlainText, NormalisedEmail, Trimmed } from '../platform/validation/text.js';
import { IsMerchantCategory } from '../subscribers/merchant-categories.js';
import { IsCountry } from '../subscribers/postal-address.js';
import { type Locale, locales, SubscriberView } from '../subscribers/subscribers.dto.js';

export class Registration {
  @Trimmed()
  @IsPlainText({ max: limits.businessNameLength })
  businessName: string;

  /** The business address: shown to the people the subscriber talks to. */
  @NormalisedEmail()
  @IsEmailAddress()
  email: string;

  @Trimmed()
  @IsPlainText({ max: limits.nameLength })
  street: string;

  @Trimmed()
  @IsPlainText({ max: 20 })
  streetNumber: string;

  @Trimmed()
  @IsPlainText({ max: 12 })
  postcode: string;

  @Trimmed()
  @IsPlainText({ max: limits.nameLength })
  city: string;

  /** In Italy the two letters of the province. */
  @IsOptional()
  @Trimmed()
  @IsPlainText({ max: 60 })
  province?: string;

  /** ISO 3166-1 alpha-2. */
  @IsCountry()
  country: string;

  /** A code of GET /api/merchant-categories. */
  @IsMerchantCategory()
  category: string;

  /** In Italy the partita IVA; in other EU countries the national VAT number. Its check digit is checked. */
  @IsOptional()
  @IsString()
  @MaxLength(30)
  vatNumber?: string;

  /** In Italy the codice fiscale: 16 characters, or 11 digits for associations. */
  @IsOptional()
  @IsString()
  @MaxLength(30)
  taxCode?: string;

  /** 3 to 32 characters of a-z 0-9 . _ - */
  @IsUsername()
  username: string;

  /** 10 characters at least, 72 bytes at most, not a common one. */
  @IsString()
  @MaxLength(1_000)
  password: string;

  @IsIn(locales)
  locale: Locale;

  /** With REGISTRATION=invited: the code of the host. */
  @IsOptional()
  @IsString()
  @MaxLength(100)
  registrationCode?: string;

  /** What the owner calls this device. */
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

export class Registered {
  subscriber: SubscriberView;
  session: SessionView;
}

export class RegistrationState {
  /** Whether POST /api/subscribers is open now: to anybody, to holders of a code, or to nobody any more. */
  @IsIn(['open', 'code', 'closed'])
  state: 'open' | 'code' | 'closed';
}
