import { describe, expect, test } from '@jest/globals';
import { isPhone, normalisedPhone } from './phones.js';

describe('a telephone number', () => {
  test.each([
    ['051 1234567', 'IT', '+39 051 123 4567'],
    ['333/1234567', 'IT', '+39 333 123 4567'],
    ['(333) 123.45.67', 'IT', '+39 333 123 4567'],
    ['+393331234567', 'FR', '+39 333 123 4567'],
    ['0039 333 1234567', 'IT', '+39 333 123 4567'],
    ['030 901820', 'DE', '+49 30 901820'],
  ])('%p in %s is %p', (text, country, expected) => {
    expect(normalisedPhone(text, country)).toBe(expected);
  });

  test.each(['051 1234567 int. 12', '333 1234567 (Anna)', '12345', '333 1234567 / 051 1234567', 'XX'])(
    '%p stays as it was typed',
    (text) => {
      expect(normalisedPhone(text, 'IT')).toBe(text);
    },
  );

  test('is not a value that a spreadsheet has rounded', () => {
    for (const text of ['3,33E+09', '3.33E+09', '3,93331E+11', '3E+09', '3.33e9']) expect(isPhone(text)).toBe(false);
    for (const text of ['333 1234567 E', '051 123 E+1']) expect(isPhone(text)).toBe(true);
  });

  test('has at least three digits and at most 40 characters', () => {
    for (const text of ['112', '1'.repeat(40), '+39 051 123']) expect(isPhone(text)).toBe(true);
    for (const text of ['', '12', 'nessuno', '1'.repeat(41), '333\n123', 333]) expect(isPhone(text)).toBe(false);
  });
});
