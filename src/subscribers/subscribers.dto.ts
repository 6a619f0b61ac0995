import { IsIn, IsOptional } from 'class-validator';

export const locales = ['it', 'en'] as const;
export type Locale = (typeof locales)[number];

export class InLocale {
  /** Language of the answer: it or en. */
  @IsOptional()
  @IsIn(locales)
  locale: Locale = 'it';
}

export class NamedCode {
  code: string;
  name: string;
}

export class NamedCodes {
  items: NamedCode[];
}

export class SubscriberView {
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
  locale: string;
  logoUrl: string | null;
  createdAt: string;
}
