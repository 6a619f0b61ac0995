import { PartialType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsString, MaxLength } from 'class-validator';
import type * as wire from '../contract/index.js';
import { type Locale, locales } from '../contract/common.js';
import { limits } from '../contract/limits.js';
import { IsEmailAddress, IsPlainText, NormalisedEmail, Trimmed } from '../platform/validation/text.js';
import { Clearable, Optional } from '../platform/validation/fields.js';
import { IsMerchantCategory } from './merchant-categories.js';
import { IsCountry } from './postal-address.js';
import { IsTimeZone } from './time-zones.js';

export class InLocale {
  /** Language of the answer: `it` or `en`. */
  @IsIn(locales)
  locale: Locale = 'it';
}

export class NamedCode implements wire.NamedCode {
  code: string;
  name: string;
}

export class NamedCodes implements wire.NamedCodes {
  items: NamedCode[];
}

/** Data of a business, given at its registration and corrected later. */
export class Business implements wire.Business {
  @Trimmed()
  @IsPlainText({ max: limits.businessNameLength })
  businessName: string;

  /** The business address: shown in the policies, and on letters. */
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
  @Clearable()
  @Trimmed()
  @IsPlainText({ max: 60 })
  province?: string | null;

  /** ISO 3166-1 alpha-2. */
  @IsCountry()
  country: string;

  /** A code of GET /api/merchant-categories. */
  @IsMerchantCategory()
  category: string;

  /** In Italy the partita IVA; in other EU countries the national VAT number. Its check digit is checked. */
  @Clearable()
  @IsString()
  @MaxLength(30)
  vatNumber?: string | null;

  /** In Italy the codice fiscale: 16 characters, or 11 digits for associations. */
  @Clearable()
  @IsString()
  @MaxLength(30)
  taxCode?: string | null;

  /** Language of its mails and of its search; on registering also of the owner's account. */
  @IsIn(locales)
  locale: Locale;

  /** Time zone of the IANA database, such as Europe/Rome, for times without an offset; by default that of the country. */
  @Optional()
  @IsTimeZone()
  timeZone?: string;
}

/** Corrections; fields that are left out stay. The fields province, vatNumber and taxCode are removed when they are null or blank. */
export class BusinessChanges
  extends PartialType(Business, { skipNullProperties: false })
  implements wire.BusinessChanges
{
  /** Your own password, required to change the address. An account can name five addresses in an hour. */
  @Optional()
  @IsString()
  @MaxLength(1_000)
  currentPassword?: string;

  /**
   * True to tell each side when the other has seen a message. If the people in the address book are colleagues, the law may
   * require turning it off. Turning it on again reveals nothing of what was seen meanwhile.
   */
  @Optional()
  @IsBoolean()
  seenTimes?: boolean;
}

/** Time for which a business keeps messages. */
export class RetentionTerm implements wire.RetentionTerm {
  /** Older messages are deleted. */
  months: number;
  /** Time from which this applies. */
  startsAt: string;
}

export class SubscriberView implements wire.SubscriberView {
  id: string;
  businessName: string;
  email: string;
  street: string;
  streetNumber: string;
  postcode: string;
  city: string;
  province: string | null;
  country: string;
  category: string;
  vatNumber: string | null;
  taxCode: string | null;
  @IsIn(locales)
  locale: Locale;
  timeZone: string;
  logoUrl: string | null;
  /** True while each side is told when the other has seen a message. */
  seenTimes: boolean;
  /** True while nothing is sent or received, and everything is kept. */
  paused: boolean;
  /** Time at which everything is erased, if the owner has asked to close the business. */
  closesAt: string | null;
  /** Null while messages are kept for good. */
  @Type(() => RetentionTerm)
  retention: RetentionTerm | null;
  createdAt: string;
}
