import type { Locale } from '../contract/common.js';
import type { FieldError } from '../contract/errors.js';
import { fold } from '../platform/folding.js';
import { addressErrors } from './postal-address.js';
import type { Subscriber } from './subscriber.entity.js';
import { checkTaxCode, checkVatNumber, taxIdentityErrors } from './tax-identity.js';
import { timeZoneOf } from './time-zones.js';

/** Data that a business states about itself, before the check. */
export interface StatedBusiness {
  businessName: string;
  email: string;
  street: string;
  streetNumber: string;
  postcode: string;
  city: string;
  province?: string | null | undefined;
  country: string;
  category: string;
  vatNumber?: string | null | undefined;
  taxCode?: string | null | undefined;
  locale: Locale;
  timeZone?: string | undefined;
}

/** The fields of a subscriber that the business states. */
export type BusinessData = Pick<Subscriber, keyof StatedBusiness>;

/** Tells if the name of a business was typed to confirm something: case, accents, blanks and kinds of apostrophes make no difference. */
export function isNameOf(typed: string, businessName: string): boolean {
  const [given, name] = [fold(typed), fold(businessName)];
  // A name of signs that are not seen would be confirmed by nothing.
  return name === '' ? typed === businessName : given === name;
}

/** Faults of the address and the tax identity of a business, taken together. */
export function businessErrors(business: StatedBusiness): FieldError[] {
  return [...addressErrors(business), ...taxIdentityErrors(business)];
}

/** The data of a business in the form in which they are kept; to be checked with {@link businessErrors} before. */
export function businessData(business: StatedBusiness): BusinessData {
  const { businessName, email, street, streetNumber, postcode, city, province, country, category, locale } = business;
  const vat = business.vatNumber?.trim() && checkVatNumber(country, business.vatNumber);
  const tax = business.taxCode?.trim() && checkTaxCode(country, business.taxCode);
  return {
    businessName,
    email,
    street,
    streetNumber,
    postcode,
    city,
    province: (country === 'IT' ? province?.toUpperCase() : province) || null,
    country,
    category,
    vatNumber: vat && vat.ok ? vat.value : null,
    taxCode: tax && tax.ok ? tax.value : null,
    locale,
    timeZone: business.timeZone ?? timeZoneOf(country),
  };
}
