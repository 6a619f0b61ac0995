import { expect, test } from '@jest/globals';
import { isMerchantCategory, merchantCategories } from './merchant-categories.js';

test('every category has a code of its own and a name of its own in both languages', () => {
  for (const locale of ['it', 'en'] as const) {
    const list = merchantCategories(locale);
    expect(new Set(list.map(({ code }) => code)).size).toBe(list.length);
    expect(new Set(list.map(({ name }) => name)).size).toBe(list.length);
    expect(list.every(({ code, name }) => /^[a-z_]+$/.test(code) && name.trim() === name && name !== '')).toBe(true);
  }
});

test('both languages offer the same codes', () => {
  const codesIn = (locale: 'it' | 'en') => merchantCategories(locale).map(({ code }) => code);
  expect(codesIn('it').sort()).toEqual(codesIn('en').sort());
});

test('categories are sorted by name as the language sorts, with "other" last', () => {
  for (const locale of ['it', 'en'] as const) {
    const names = merchantCategories(locale).map(({ name }) => name);
    expect(names.at(-1)).toBe({ it: 'Altro', en: 'Other' }[locale]);
    expect(names.slice(0, -1)).toEqual(names.slice(0, -1).sort(new Intl.Collator(locale).compare));
  }
});

test('only a listed code is a merchant category', () => {
  expect(merchantCategories('en').every(({ code }) => isMerchantCategory(code))).toBe(true);
  for (const stranger of ['Bakery', 'bakery ', '', 'toString', '__proto__', undefined, null, 1, ['bakery']]) {
    expect(isMerchantCategory(stranger)).toBe(false);
  }
});
