import { describe, expect, test } from '@jest/globals';
import { addressErrors, countries, isCountry, isItalianProvince, italianProvinces } from './postal-address.js';

const codesOf = (address: Parameters<typeof addressErrors>[0]) =>
  addressErrors(address).map(({ field, code }) => `${field}: ${code}`);

describe('countries', () => {
  test('only a code of ISO 3166-1 in capital letters is a country', () => {
    for (const code of ['IT', 'SM', 'VA', 'GR', 'GB', 'XK']) expect(isCountry(code)).toBe(true);
    for (const code of ['it', 'ITA', '380', 'EL', 'UK', 'XX', 'IT ', '', 'toString', undefined, null, 380, ['IT']]) {
      expect(isCountry(code)).toBe(false);
    }
  });

  test('every country has a name in both languages, sorted as the language sorts', () => {
    for (const locale of ['it', 'en'] as const) {
      const list = countries(locale);
      expect(list.length).toBeGreaterThanOrEqual(249);
      expect(list.every(({ code, name }) => isCountry(code) && name !== code && name !== '')).toBe(true);
      const names = list.map(({ name }) => name);
      expect(names).toEqual([...names].sort(new Intl.Collator(locale).compare));
    }
    expect(countries('it')).toContainEqual({ code: 'DE', name: 'Germania' });
    expect(countries('en')).toContainEqual({ code: 'DE', name: 'Germany' });
  });
});

describe('Italian provinces', () => {
  test('110 are in force, and SU until the registry has switched', () => {
    const codes = Object.keys(italianProvinces);
    expect(codes).toHaveLength(111);
    expect(codes.every((code) => /^[A-Z]{2}$/.test(code) && isItalianProvince(code))).toBe(true);
    expect(new Set(Object.values(italianProvinces)).size).toBe(111);
    for (const code of ['SU', 'OT', 'OG', 'VS', 'CI', 'MB', 'FM', 'BT']) expect(isItalianProvince(code)).toBe(true);
  });

  test('former codes, lower case and others are invalid', () => {
    for (const code of ['PS', 'FO', 'ROMA', 'mi', 'XX', '', 'constructor', undefined, null, 1]) {
      expect(isItalianProvince(code)).toBe(false);
    }
  });
});

describe('addresses', () => {
  test.each(['00010', '00118', '20121', '98168', ' 47921 '])('%s is an Italian postcode', (postcode) => {
    expect(codesOf({ country: 'IT', postcode })).toEqual([]);
  });

  test.each(['00009', '98169', '99999', '2012', '201211', '2012A', 'I-20121', '٢٠١٢١', ''])(
    '%s is no Italian postcode',
    (postcode) => expect(codesOf({ country: 'IT', postcode })).toEqual(['postcode: postcode_format']),
  );

  test.each(['SW1A 1AA', '1010', 'LV-1050', 'D02 X285', '--', '12', 'A'.repeat(12)])(
    '%s will do elsewhere',
    (postcode) => {
      expect(codesOf({ country: 'GB', postcode })).toEqual([]);
    },
  );

  test.each(['', ' ', '1', 'A'.repeat(13), '12_34', '１２３４'])('"%s" will not do anywhere', (postcode) => {
    expect(codesOf({ country: 'GB', postcode })).toEqual(['postcode: postcode_format']);
  });

  test('a province is optional, and in Italy one of the list', () => {
    const rimini = { country: 'IT', postcode: '47921' };
    for (const province of [undefined, null, '', ' ', 'RN']) expect(codesOf({ ...rimini, province })).toEqual([]);
    for (const province of ['rn', 'Rimini', 'XX']) {
      expect(codesOf({ ...rimini, province })).toEqual(['province: province_unknown']);
    }
  });

  test('elsewhere a province is a name of up to 60 characters', () => {
    const graz = { country: 'AT', postcode: '8010' };
    for (const province of [undefined, '', 'Steiermark', '𝒮'.repeat(60)]) {
      expect(codesOf({ ...graz, province })).toEqual([]);
    }
    for (const province of ['x'.repeat(61), 'Steier\nmark', '\u202Ekram']) {
      expect(codesOf({ ...graz, province })).toEqual(['province: province_text']);
    }
  });

  test('without a known country nothing else is validated', () => {
    expect(codesOf({ country: 'ZZ', postcode: '', province: 'XX' })).toEqual(['country: country_unknown']);
  });

  test('several errors are reported together, as sentences', () => {
    const errors = addressErrors({ country: 'IT', postcode: '1', province: 'XX' });
    expect(errors.map(({ field }) => field)).toEqual(['postcode', 'province']);
    const long = addressErrors({ country: 'AT', postcode: '1', province: 'x'.repeat(61) });
    for (const { message } of [...errors, ...long]) expect(message).toMatch(/^[A-Z].*\.$/);
  });
});
