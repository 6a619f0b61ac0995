import { describe, expect, test } from '@jest/globals';
import { addressOf, askedOf, dayAgo, isSearch, markedPieces, nothingAsked, wantedOf } from './asked.js';

const id = '01a221ee-986c-7797-af01-819a8f201911';

describe('the address of a search', () => {
  test('contains the whole query, with the words only behind its #', () => {
    const asked = {
      words: 'torta "senza glutine" -noci & più',
      with: id,
      from: 'interlocutor',
      label: id,
      has: ['image', 'link'],
      first: '2026-11-01',
      last: '2026-11-26',
      broadcasts: true,
    } as const;
    const address = addressOf('/archive', asked, { hit: 'x.1' });
    const url = new URL(address, 'https://colloquio.example');
    expect(url.pathname + url.search).not.toMatch(/torta|glutine/);
    expect(url.searchParams.get('hit')).toBe('x.1');
    expect(askedOf(url.searchParams, url.hash)).toEqual(asked);
  });

  test('is only the path without a query', () => {
    expect(addressOf('/archive', nothingAsked)).toBe('/archive');
    expect(isSearch({ ...nothingAsked, words: '  ' })).toBe(false);
    expect(isSearch({ ...nothingAsked, broadcasts: true })).toBe(true);
  });

  test('omits invalid filters', () => {
    const query = new URLSearchParams('with=me&from=everybody&has=gold&first=2026-13-45&last=yesterday&label=1');
    expect(askedOf(query, '#x=1')).toEqual(nothingAsked);
  });
});

test('a last day is included, up to midnight on this device', () => {
  const { after, before } = wantedOf({ ...nothingAsked, first: '2026-11-26', last: '2026-11-26' });
  expect(after).toBe(new Date(2026, 10, 26).toISOString());
  expect(before).toBe(new Date(2026, 10, 27).toISOString());
  expect(dayAgo(30, new Date(2026, 0, 15))).toBe('2025-12-16');
});

test('matches are marked, and the text stays complete', () => {
  const pieces = markedPieces('Una torta, due torte', [
    { start: 4, end: 9 },
    { start: 15, end: 20 },
  ]);
  expect(pieces.filter(({ isFound }) => isFound).map(({ text }) => text)).toEqual(['torta', 'torte']);
  expect(pieces.map(({ text }) => text).join('')).toBe('Una torta, due torte');
});
