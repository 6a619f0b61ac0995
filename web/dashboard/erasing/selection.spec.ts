import { describe, expect, test } from '@jest/globals';
import { isSameName, selectionOf } from './selection.js';

const id = '01a221ee-986c-7797-af01-819a8f201911';
const other = '01a221ee-986c-7797-af01-819a8f201912';
const whom = (query: string) => selectionOf(new URLSearchParams(query));

describe('the address of an erasure', () => {
  test('names each contact once', () => {
    expect(whom(`contacts=${id},${other},${id.toUpperCase()}`)).toEqual({ kind: 'chosen', ids: [id, other] });
  });

  test('selects nobody if it names no valid contact, whatever else it says', () => {
    expect(whom('contacts=')).toEqual({ kind: 'nobody' });
    expect(whom('contacts=1,2&all=1')).toEqual({ kind: 'nobody' });
    expect(whom('')).toEqual({ kind: 'nobody' });
    expect(whom('query=%20')).toEqual({ kind: 'nobody' });
  });

  test('accepts the filters of the address book, and selects everybody only if it says so', () => {
    const filter = { query: 'Rossi', province: 'RA', label: [id], hasLabel: 'any' };
    expect(whom(`query=Rossi&province=RA&label=${id}&hasLabel=any&all=1`)).toEqual({ kind: 'filter', filter });
    expect(whom('all=1')).toEqual({ kind: 'filter', filter: { all: true } });
  });
});

test('a typed name matches regardless of case, accents and spaces', () => {
  expect(isSameName(' zoe  pini', 'Zoë Pini')).toBe(true);
  expect(isSameName('Zoe', 'Zoë Pini')).toBe(false);
  expect(isSameName(' ', '')).toBe(false);
  expect(isSameName('niccolo d’angelo – figlio', "Niccolò D'Angelo - figlio")).toBe(true);
  expect(isSameName('عمر ❤', '\u200fعمر ❤️\u200f')).toBe(true);
  expect(isSameName('\u200f', '\u200f')).toBe(false);
});
