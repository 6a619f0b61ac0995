import type { Business, NamedCode, ProvinceView } from '../../src/contract/businesses.js';
import { limits } from '../../src/contract/limits.js';
import { api, ask } from '../api/index.js';
import { locale } from '../words/locale.js';
import { register } from '../words/register.js';
import { italianVatFault } from './credentials.js';
import type { FieldRule } from './form.svelte.js';

/** Lists that a business chooses from. */
export interface BusinessLists {
  categories: NamedCode[];
  countries: NamedCode[];
  provinces: ProvinceView[];
}

export async function businessLists(): Promise<BusinessLists> {
  const query = { locale };
  const [categories, countries, provinces] = await Promise.all([
    ask(api.GET('/api/merchant-categories', { params: { query } })),
    ask(api.GET('/api/countries', { params: { query } })),
    ask(api.GET('/api/provinces')),
  ]);
  return { categories: categories.items, countries: countries.items, provinces: provinces.items };
}

export const chosenFrom = (items: readonly NamedCode[]) =>
  items.map(({ code, name }) => ({ value: code, label: name }));

/** Fields of a business, all as texts. */
export type BusinessField = Exclude<keyof Business, 'locale' | 'timeZone'>;
export type BusinessValues = Record<BusinessField, string>;

export const blankBusiness = (): BusinessValues => ({
  businessName: '',
  category: '',
  email: '',
  street: '',
  streetNumber: '',
  postcode: '',
  city: '',
  province: '',
  country: 'IT',
  vatNumber: '',
  taxCode: '',
});

export function businessRules(values: BusinessValues, byTaxCode: boolean): Record<BusinessField, FieldRule> {
  const { business, place } = register;
  const isItalian = values.country === 'IT';
  return {
    businessName: { name: business.name, required: true, most: limits.businessNameLength },
    category: { name: business.category, required: true },
    email: { name: business.email, required: true, email: true, most: limits.emailLength },
    street: { name: place.street, required: true },
    streetNumber: { name: place.number, required: true },
    postcode: {
      name: place.postcode,
      required: true,
      check: (value) => (isItalian && !/^\d{5}$/.test(value.trim()) ? { code: 'postcode_format' } : undefined),
    },
    city: { name: place.city, required: true },
    province: { name: place.province, required: isItalian },
    country: { name: place.country, required: true },
    vatNumber: {
      name: place.vat,
      required: !byTaxCode,
      check: (value) => (isItalian && !byTaxCode ? italianVatFault(value) : undefined),
    },
    taxCode: { name: place.tax, required: byTaxCode },
  };
}

/** The business as the service takes it. */
export function statedBusiness(values: BusinessValues, byTaxCode: boolean): Omit<Business, 'locale'> {
  const { vatNumber, taxCode, province, ...rest } = values;
  const trimmed = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, value.trim()]));
  return {
    ...(trimmed as unknown as Omit<Business, 'locale'>),
    ...(province.trim() && { province: province.trim() }),
    ...(byTaxCode ? { taxCode: taxCode.trim() } : { vatNumber: vatNumber.trim() }),
  };
}
