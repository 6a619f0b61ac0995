import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkTaxCode, checkVatNumber, taxIdentityErrors } from './tax-identity.js';

const published: [country: string, written: string, value: string][] = [
  ['AT', 'ATU13585627', 'ATU13585627'],
  ['BE', 'BE 428.759.497', 'BE0428759497'],
  ['BE', 'BE (0)468.561.072', 'BE0468561072'],
  ['BG', 'BG 175 074 752', 'BG175074752'],
  ['BG', 'BG831902088', 'BG831902088'],
  ['BG', 'BG7542011030', 'BG7542011030'],
  ['CY', 'CY-10259033P', 'CY10259033P'],
  ['CZ', 'CZ 25123891', 'CZ25123891'],
  ['CZ', 'CZ 640903926', 'CZ640903926'],
  ['CZ', 'CZ 640229/4448', 'CZ6402294448'],
  ['DE', 'DE 136.695 976', 'DE136695976'],
  ['DK', 'DK 13585628', 'DK13585628'],
  ['EE', 'EE 100 931 558', 'EE100931558'],
  ['ES', 'ES B-58378431', 'ESB58378431'],
  ['ES', 'X-5253868-R', 'ESX5253868R'],
  ['FI', 'FI 20774740', 'FI20774740'],
  ['FR', 'Fr 40 303 265 045', 'FR40303265045'],
  ['GR', 'EL 094259216', 'EL094259216'],
  ['GR', 'GR 23456780', 'EL023456780'],
  ['HR', 'HR 33392005961', 'HR33392005961'],
  ['HU', 'HU-12892312', 'HU12892312'],
  ['IE', 'IE 6433435F', 'IE6433435F'],
  ['IE', 'IE 6433435OA', 'IE6433435OA'],
  ['IE', '8D79739I', 'IE8D79739I'],
  ['IT', 'IT 00743110157', 'IT00743110157'],
  ['IT', '01234567897', 'IT01234567897'],
  ['LT', 'LT 119511515', 'LT119511515'],
  ['LU', 'LU 150 274 42', 'LU15027442'],
  ['LV', 'LV 4000 3521 600', 'LV40003521600'],
  ['LV', '32696155592', 'LV32696155592'],
  ['MT', 'MT 1167-9112', 'MT11679112'],
  ['NL', 'NL4495445B01', 'NL004495445B01'],
  ['NL', 'NL002455799B11', 'NL002455799B11'],
  ['PL', 'PL 8567346215', 'PL8567346215'],
  ['PT', 'PT 501 964 843', 'PT501964843'],
  ['RO', 'RO 185 472 90', 'RO18547290'],
  ['SE', 'SE 556188840401', 'SE556188840401'],
  ['SI', 'SI 5022 3054', 'SI50223054'],
  ['SK', 'SK 202 274 96 19', 'SK2022749619'],
  ['SK', 'SK 1078449064', 'SK1078449064'],
];

describe('VAT numbers of the European Union', () => {
  test.each(published)('%s: %s is known as %s', (country, written, value) => {
    expect(checkVatNumber(country, written)).toEqual({ ok: true, value });
  });

  test('the published numbers cover all 27 countries', () => {
    expect(new Set(published.map(([country]) => country)).size).toBe(27);
  });

  test('prefix, case, blanks, dots, dashes and slashes make no difference', () => {
    const separator = fc.constantFrom('', ' ', '.', '-', '/', '\u00A0', '–', '\t');
    const written = fc.tuple(fc.boolean(), fc.boolean(), fc.array(separator, { minLength: 16, maxLength: 16 }));
    const numbers = published.map(([country, , value]) => [country, value] as const);
    fc.assert(
      fc.property(fc.constantFrom(...numbers), written, ([country, value], [withPrefix, lower, separators]) => {
        const number = withPrefix ? value : value.slice(2);
        const text = [...number].map((character, place) => character + (separators[place] ?? '')).join('');
        expect(checkVatNumber(country, lower ? text.toLowerCase() : text)).toEqual({ ok: true, value });
      }),
    );
  });

  test.each([
    ['AT', 'ATU13585626'],
    ['BE', 'BE0428759498'],
    ['BG', 'BG175074753'],
    ['BG', 'BG831902089'],
    ['CY', 'CY10259033Z'],
    ['CZ', 'CZ25123890'],
    ['DE', 'DE136695978'],
    ['DK', 'DK13585627'],
    ['ES', 'ESB58378432'],
    ['FR', 'FR84323140391'],
    ['GR', 'EL123456781'],
    ['IE', 'IE6433435E'],
    ['IT', 'IT00743110158'],
    ['LV', 'LV40003521601'],
    ['NL', 'NL123456789B90'],
    ['PL', 'PL8567346216'],
    ['SK', 'SK2022749618'],
    ['SK', 'SK1078449164'],
  ])('%s: the check digit of %s is wrong', (country, vat) => {
    expect(checkVatNumber(country, vat)).toMatchObject({ ok: false, code: 'vat_number_check_digit' });
  });

  test('any Italian number with its Luhn digit is accepted, and no other last digit', () => {
    const firm = fc.integer({ min: 1, max: 9_999_999 });
    fc.assert(
      fc.property(firm, fc.integer({ min: 0, max: 999 }), fc.integer({ min: 1, max: 9 }), (number, office, slip) => {
        const front = String(number).padStart(7, '0') + String(office).padStart(3, '0');
        const digit = luhnDigit(front);
        expect(checkVatNumber('IT', front + digit)).toEqual({ ok: true, value: `IT${front}${digit}` });
        const wrong = checkVatNumber('IT', front + ((digit + slip) % 10));
        expect(wrong).toMatchObject({ ok: false, code: 'vat_number_check_digit' });
      }),
    );
  });

  test.each([
    ['IT', '0123456789', 'one digit short'],
    ['IT', '012345678971', 'one digit long'],
    ['IT', '0123456789A', 'a letter'],
    ['IT', '00000000000', 'nothing but zeros'],
    ['IT', '', 'nothing'],
    ['IT', 'IT', 'only a prefix'],
    ['DE', '12345678', 'too short'],
    ['SK', '0122749619', 'a leading zero'],
    ['BG', '12345678', 'too short'],
    ['CZ', '1234567', 'too short'],
    ['FR', 'FR', 'only a prefix'],
  ])('%s: %s has a wrong form (%s)', (country, vat) => {
    expect(checkVatNumber(country, vat)).toMatchObject({ ok: false, code: 'vat_number_format' });
  });

  test('a number of another country is reported as such', () => {
    expect(checkVatNumber('IT', 'DE136695976')).toEqual({
      ok: false,
      code: 'vat_number_country',
      message: 'The VAT number begins with DE, but the business is in IT.',
    });
    expect(checkVatNumber('DE', 'el 094259216')).toMatchObject({ code: 'vat_number_country' });
    expect(checkVatNumber('ZZ', '01234567897')).toMatchObject({ code: 'vat_number_country' });
    expect(checkVatNumber('it', '01234567897')).toMatchObject({ code: 'vat_number_country' });
  });

  test('any input gets a verdict, and a normalised value is stable', () => {
    const country = fc.constantFrom(...new Set(published.map(([code]) => code)), 'GB', 'CH', 'US');
    const typed = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[A-Z]{0,3}[0-9]{7,12}[A-Z]{0,2}$/),
      fc.constantFrom('FRFR123456789', 'XI', 'GB', '+*', '__proto__'),
    );
    fc.assert(
      fc.property(country, typed, (code, text) => {
        const checked = checkVatNumber(code, text);
        if (checked.ok) expect(checkVatNumber(code, checked.value)).toEqual(checked);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('VAT numbers elsewhere', () => {
  test('a Northern Irish number is checked, a British or Swiss one accepted as written', () => {
    expect(checkVatNumber('GB', 'XI 432 525 179')).toEqual({ ok: true, value: 'XI432525179' });
    expect(checkVatNumber('GB', 'XI 432 525 170')).toMatchObject({ code: 'vat_number_check_digit' });
    expect(checkVatNumber('GB', 'gb 980 7806 84')).toEqual({ ok: true, value: 'GB 980 7806 84' });
    expect(checkVatNumber('CH', ' CHE-107.787.577  MWST ')).toEqual({ ok: true, value: 'CHE-107.787.577 MWST' });
  });

  test('4 to 20 characters are accepted, no more and no fewer', () => {
    expect(checkVatNumber('US', '123')).toMatchObject({ ok: false, code: 'vat_number_format' });
    expect(checkVatNumber('US', '1234')).toEqual({ ok: true, value: '1234' });
    expect(checkVatNumber('US', '9'.repeat(20))).toEqual({ ok: true, value: '9'.repeat(20) });
    expect(checkVatNumber('US', '9'.repeat(21))).toMatchObject({ ok: false, code: 'vat_number_format' });
    for (const text of ['12_45', '1234é', '....', '12\u000034']) {
      expect(checkVatNumber('US', text)).toMatchObject({ ok: false, code: 'vat_number_format' });
    }
  });
});

describe('tax codes', () => {
  test('a codice fiscale of a person is accepted, as it is written', () => {
    expect(checkTaxCode('IT', 'rss mra 80a01 h501 u')).toEqual({ ok: true, value: 'RSSMRA80A01H501U' });
    expect(checkTaxCode('IT', 'MRTMTT91D08F205J')).toEqual({ ok: true, value: 'MRTMTT91D08F205J' });
  });

  test('letters in the place of digits (omocodia) are accepted with their own check letter', () => {
    expect(checkTaxCode('IT', 'MRTMTT91D08F20RN')).toMatchObject({ code: 'tax_code_check_digit' });
    const accepted = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].filter(
      (letter) => checkTaxCode('IT', `MRTMTT91D08F20R${letter}`).ok,
    );
    expect(accepted).toHaveLength(1);
  });

  test('exactly one letter fits at the end of a code', () => {
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
    const fitting = letters.filter((letter) => checkTaxCode('IT', `RSSMRA80A01H501${letter}`).ok);
    expect(fitting).toEqual(['U']);
    expect(checkTaxCode('IT', 'RSSMRA80A01H501X')).toMatchObject({ ok: false, code: 'tax_code_check_digit' });
  });

  test('an association has 11 digits with a check digit', () => {
    expect(checkTaxCode('IT', '80078750587')).toEqual({ ok: true, value: '80078750587' });
    expect(checkTaxCode('IT', '80078750588')).toMatchObject({ ok: false, code: 'tax_code_check_digit' });
  });

  test.each([
    '',
    'RSSMRA80A01H501',
    'RSSMRA80A01H501UU',
    'RSSMRA80F01H501U',
    '8007875058',
    '800787505877',
    '80078750A87',
  ])('the form of "%s" is wrong', (code) =>
    expect(checkTaxCode('IT', code)).toMatchObject({ ok: false, code: 'tax_code_format' }),
  );

  test('elsewhere 4 to 20 characters are accepted', () => {
    expect(checkTaxCode('DE', '12/345/67890')).toEqual({ ok: true, value: '12/345/67890' });
    expect(checkTaxCode('DE', '123')).toMatchObject({ ok: false, code: 'tax_code_format' });
    expect(checkTaxCode('DE', 'a'.repeat(20))).toEqual({ ok: true, value: 'A'.repeat(20) });
    expect(checkTaxCode('DE', 'a'.repeat(21))).toMatchObject({ ok: false, code: 'tax_code_format' });
  });
});

describe('tax identity', () => {
  const codesOf = (identity: Parameters<typeof taxIdentityErrors>[0]) =>
    taxIdentityErrors(identity).map(({ field, code }) => `${field}: ${code}`);

  test('an Italian business states its VAT number or its tax code, or both', () => {
    expect(codesOf({ country: 'IT', vatNumber: '01234567897' })).toEqual([]);
    expect(codesOf({ country: 'IT', taxCode: 'RSSMRA80A01H501U' })).toEqual([]);
    expect(codesOf({ country: 'IT', vatNumber: '01234567897', taxCode: 'RSSMRA80A01H501U' })).toEqual([]);
    expect(codesOf({ country: 'IT' })).toEqual(['vatNumber: tax_identity_required']);
    expect(codesOf({ country: 'IT', vatNumber: ' ', taxCode: null })).toEqual(['vatNumber: tax_identity_required']);
  });

  test('every stated number must be valid', () => {
    expect(codesOf({ country: 'IT', vatNumber: '01234567890', taxCode: 'RSSMRA' })).toEqual([
      'vatNumber: vat_number_check_digit',
      'taxCode: tax_code_format',
    ]);
  });

  test('a foreign business may state neither, but no invalid one', () => {
    expect(codesOf({ country: 'DE' })).toEqual([]);
    expect(codesOf({ country: 'US', vatNumber: '' })).toEqual([]);
    expect(codesOf({ country: 'FR', vatNumber: 'DE136695976' })).toEqual(['vatNumber: vat_number_country']);
  });

  test('messages are English sentences', () => {
    const errors = ['IT', 'DE', 'US', 'ZZ'].flatMap((country) =>
      taxIdentityErrors({ country, vatNumber: '?', taxCode: '?' }).concat(taxIdentityErrors({ country })),
    );
    expect(errors.length).toBeGreaterThan(6);
    for (const { message } of errors) expect(message).toMatch(/^[A-Z].*\.$/);
  });
});

/** Luhn over ten digits, written down apart from the library: every second digit doubled, counted from the left. */
function luhnDigit(front: string): number {
  const sum = [...front].map(Number).reduce((total, digit, place) => {
    const weighed = place % 2 === 1 ? digit * 2 : digit;
    return total + (weighed > 9 ? weighed - 9 : weighed);
  }, 0);
  return (10 - (sum % 10)) % 10;
}
