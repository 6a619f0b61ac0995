import { createRequire } from 'node:module';
import type * as Stdnum from 'stdnum';
import type { Validator } from 'stdnum';
import type { FieldError } from '../contract/errors.js';
import { isCountry } from './postal-address.js';

export type VatNumberErrorCode = 'vat_number_format' | 'vat_number_check_digit' | 'vat_number_country';
export type TaxCodeErrorCode = 'tax_code_format' | 'tax_code_check_digit';
export type Checked<Code> = { ok: true; value: string } | { ok: false; code: Code; message: string };

export interface TaxIdentity {
  /** ISO 3166-1 alpha-2. */
  country: string;
  vatNumber?: string | null | undefined;
  taxCode?: string | null | undefined;
}

/** Result of a rule for a number without prefix: its official form, or its fault. */
type Verdict = { value: string } | { fault: 'format' | 'check_digit' };

const require = createRequire(import.meta.url);

/** Rules of the countries, loaded when the first number is checked: three hundred modules, a tenth of a start. */
const stdnum = () => require('stdnum') as typeof Stdnum;

// prettier-ignore
const euCountries = [
  'AT', 'BE', 'BG', 'CY', 'CZ', 'DE', 'DK', 'EE', 'ES', 'FI', 'FR', 'GR', 'HR', 'HU', 'IE', 'IT', 'LT', 'LU', 'LV',
  'MT', 'NL', 'PL', 'PT', 'RO', 'SE', 'SI', 'SK',
];

/**
 * Rules for numbers that exist but that stdnum 1.12 refuses (found by comparing it with python-stdnum, over the published
 * numbers in the tests of that library and half a million random ones): Bulgarian firms that begin with 8, and persons in
 * Bulgaria, Czechia, Latvia (32…) and Slovakia (1…). The numbers of persons in the first three are checked by their
 * form alone, as the sources do not agree on their check digits. For Italy stdnum also asks for a tax office it
 * knows, of a list without a source: a number with the right check digit passes here.
 */
const ownRules: Record<string, (number: string) => Verdict | undefined> = {
  BG: (number) => (/^\d{10}$/.test(number) ? { value: number } : bulgarianFirm(number)),
  CZ: (number) => (/^\d{9,10}$/.test(number) ? { value: number } : undefined),
  IT: italianFirm,
  LV: (number) => (/^[0-3]\d{10}$/.test(number) ? { value: number } : undefined),
  SK: (number) => (/^[1-9]\d{9}$/.test(number) ? checkDigit(number, Number(number) % 11 === 0) : { fault: 'format' }),
};

/**
 * Checks a VAT number: in the European Union by form and check digits, elsewhere as 4 to 20 of `A-Z 0-9 . - /` and
 * blank. Lower case, the country prefix or its absence, blanks, dots, dashes and slashes make no difference. Whether
 * the number was issued only VIES can tell.
 * @param country ISO 3166-1 alpha-2 of the business; GB takes a Northern Irish XI number too
 * @returns for the European Union the number with its prefix and without separators (`IT01234567897`, `EL094259216`)
 */
export function checkVatNumber(country: string, vat: string): Checked<VatNumberErrorCode> {
  if (!isCountry(country)) {
    return { ok: false, code: 'vat_number_country', message: 'The VAT number has an unknown country.' };
  }
  const text = compact(vat);
  if (country === 'GB' && text.startsWith('XI')) {
    return vatResult('XI', validated(stdnum().stdnum['GB']?.['vat'], `GB${text.slice(2)}`));
  }
  if (!euCountries.includes(country)) {
    const value = foreignNumber(vat);
    const message = 'A VAT number must have 4 to 20 letters, digits, full stops, hyphens, slashes or spaces.';
    return value === undefined ? { ok: false, code: 'vat_number_format', message } : { ok: true, value };
  }
  const verdict = europeanNumber(country, text);
  const stranger = 'fault' in verdict && euCountries.map(vatPrefix).find((prefix) => text.startsWith(prefix));
  if (stranger && stranger !== vatPrefix(country)) {
    const message = `The VAT number begins with ${stranger}, but the business is in ${country}.`;
    return { ok: false, code: 'vat_number_country', message };
  }
  return vatResult(vatPrefix(country), verdict);
}

/**
 * Checks a tax code. In Italy a codice fiscale: 16 characters of a person (also with letters in the place of digits,
 * as given out when two persons would share a code), or 11 digits of a firm or association, with their check
 * characters. Elsewhere 4 to 20 of `A-Z 0-9 . - /` and blank.
 * @returns the code in upper case, in Italy without separators
 */
export function checkTaxCode(country: string, code: string): Checked<TaxCodeErrorCode> {
  if (country !== 'IT') {
    const value = foreignNumber(code);
    const message = 'A tax code must have 4 to 20 letters, digits, full stops, hyphens, slashes or spaces.';
    return value === undefined ? { ok: false, code: 'tax_code_format', message } : { ok: true, value };
  }
  const text = compact(code);
  const verdict = /^\d+$/.test(text) ? italianFirm(text) : validated(stdnum().stdnum['IT']?.['codicefiscale'], text);
  if ('value' in verdict) return { ok: true, value: verdict.value };
  if (verdict.fault === 'check_digit') {
    const message = 'The check character of the tax code is wrong. Check the code for a typing error.';
    return { ok: false, code: 'tax_code_check_digit', message };
  }
  const message = 'An Italian tax code must have 16 letters and digits, or 11 digits.';
  return { ok: false, code: 'tax_code_format', message };
}

/**
 * Faults of a tax identity. An Italian business must state its VAT number or its tax code; a foreign one may state
 * neither.
 */
export function taxIdentityErrors({ country, vatNumber, taxCode }: TaxIdentity): FieldError[] {
  const errors: FieldError[] = [];
  const vat = vatNumber?.trim() ? checkVatNumber(country, vatNumber) : undefined;
  const tax = taxCode?.trim() ? checkTaxCode(country, taxCode) : undefined;
  if (vat?.ok === false) errors.push({ field: 'vatNumber', code: vat.code, message: vat.message });
  if (tax?.ok === false) errors.push({ field: 'taxCode', code: tax.code, message: tax.message });
  if (country === 'IT' && !vat && !tax) {
    const message = 'Enter the VAT number or the tax code of the business.';
    errors.push({ field: 'vatNumber', code: 'tax_identity_required', message });
  }
  return errors;
}

function europeanNumber(country: string, text: string): Verdict {
  const prefixes = country === 'GR' ? ['EL', 'GR'] : [country];
  const prefix = prefixes.find((known) => text.startsWith(known));
  const whole = europeanRule(country, text);
  if (!prefix) return whole;
  // A French number without its prefix can begin with the letters FR by chance.
  const rest = europeanRule(country, text.slice(prefix.length));
  return 'value' in rest || 'fault' in whole ? rest : whole;
}

function europeanRule(country: string, number: string): Verdict {
  return ownRules[country]?.(number) ?? validated(stdnum().euVat[country]?.[0], country + number);
}

function validated(rule: Validator | undefined, number: string): Verdict {
  // Some rules of stdnum throw at a text that is no number at all. Old Irish numbers hold a + or a *.
  if (!rule || !/^[A-Z0-9+*]{4,20}$/.test(number)) return { fault: 'format' };
  const result = rule.validate(number);
  if (result.isValid) return { value: result.compact };
  return { fault: result.error.name === 'InvalidChecksum' ? 'check_digit' : 'format' };
}

/** Nine digits, the first eight weighed from 1 to 8 modulo 11 and, where that gives 10, from 3 to 10. */
function bulgarianFirm(number: string): Verdict {
  if (!/^\d{9}$/.test(number)) return { fault: 'format' };
  const digits = [...number].map(Number);
  const remainder = (weight: number) =>
    digits.slice(0, 8).reduce((sum, digit, place) => sum + digit * (place + weight), 0) % 11;
  const sum = remainder(1) === 10 ? remainder(3) % 10 : remainder(1);
  return checkDigit(number, sum === digits[8]);
}

/** Eleven digits after Luhn: every second one doubled, its digits added (Italian decree of 23 December 1976). */
function italianFirm(number: string): Verdict {
  if (!/^\d{11}$/.test(number) || number.startsWith('0000000')) return { fault: 'format' };
  const sum = [...number].map(Number).reduce((total, digit, place) => {
    return total + (place % 2 === 0 ? digit : digit < 5 ? digit * 2 : digit * 2 - 9);
  }, 0);
  return checkDigit(number, sum % 10 === 0);
}

function checkDigit(value: string, right: boolean): Verdict {
  return right ? { value } : { fault: 'check_digit' };
}

function vatResult(prefix: string, verdict: Verdict): Checked<VatNumberErrorCode> {
  if ('value' in verdict) return { ok: true, value: prefix + verdict.value };
  if (verdict.fault === 'check_digit') {
    const message = 'The check digit of the VAT number is wrong. Check the number for a typing error.';
    return { ok: false, code: 'vat_number_check_digit', message };
  }
  return { ok: false, code: 'vat_number_format', message: `This is not a valid VAT number for ${prefix}.` };
}

/** Greece writes EL where ISO 3166 says GR. */
function vatPrefix(country: string): string {
  return country === 'GR' ? 'EL' : country;
}

function compact(number: string): string {
  return number
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[\s\p{Pd}./:()]/gu, '');
}

function foreignNumber(number: string): string | undefined {
  const text = number
    .normalize('NFKC')
    .trim()
    .toUpperCase()
    .replace(/\s+/g, ' ')
    .replace(/\p{Pd}/gu, '-');
  return /^(?=.*[A-Z0-9])[A-Z0-9./ -]{4,20}$/.test(text) ? text : undefined;
}
