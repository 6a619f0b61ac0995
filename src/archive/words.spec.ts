import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Words } from './words.js';

const italian = Words.in('it');
const english = Words.in('en');
const terms = (text: string, words = italian) => words.of(text).map(({ term }) => term);
const written = (text: string) => italian.of(text).map(({ start, end }) => text.slice(start, end));

describe('the words of a text', () => {
  test('have the same stem in their forms, in Italian and English', () => {
    expect(new Set(['biscotto', 'biscotti', 'Biscotto', 'BISCOTTI'].flatMap((each) => terms(each))).size).toBe(1);
    expect(new Set(['order', 'orders', 'Ordered', 'ordering'].flatMap((each) => terms(each, english))).size).toBe(1);
  });

  test('are the same with accents and without', () => {
    for (const [one, other] of [
      ['perché', 'perche'],
      ['città', 'citta'],
      ['CAFFÈ', 'caffè'],
      ['è', 'E'],
      ['cafe\u0301', 'café'],
      ['caf\u00ADfè', 'caffè'],
      ['Łódź', 'lodz'],
      ['ｐａｎｅ', 'pane'],
    ] as const)
      expect([one, terms(one)]).toEqual([one, terms(other)]);
  });

  test('are separated from an article or ending that an apostrophe ties to them', () => {
    const tied = (text: string, words = italian) => words.of(text).flatMap(({ folded, tied }) => (tied ? folded : []));
    expect(tied("l'olio dell’oliva")).toEqual(['l', 'dell']);
    expect(tied("the baker's bread isn't here", english)).toEqual(['s', 't']);
    expect(tied("un portatile Dell, un po' di pane")).toEqual([]);
    // They are words all the same, with the stem of the whole one.
    expect(terms("nell'aria")[0]).toBe(terms('nella')[0]);
    expect(terms("sant'Antonio")[0]).toBe(terms('santo')[0]);
    for (const term of terms("l'olio d'oliva s'intende")) expect(italian.isCommon(term)).toBe(term.length <= 1);
  });

  test('are numbers, parts of codes, addresses and file names, and pictographs too', () => {
    expect(written('Ordine ORD-2024/118 del 3.12.2024, € 12,50')).toEqual([
      'Ordine',
      'ORD',
      '2024',
      '118',
      'del',
      '3',
      '12',
      '2024',
      '12',
      '50',
    ]);
    expect(written('anna_rossi@forno.example')).toEqual(['anna', 'rossi', 'forno', 'example']);
    expect(written('IMG_2041.jpg')).toEqual(['IMG', '2041', 'jpg']);
    expect(written('auguri 🎂!❤️')).toEqual(['auguri', '🎂', '❤']);
  });

  test('are single characters in scripts without spaces', () => {
    expect(written('東京です')).toEqual(['東', '京', 'で', 'す']);
    expect(written('Привет, мир')).toEqual(['Привет', 'мир']);
  });

  test('are the same by the shortcut for Latin texts', () => {
    const latin = fc.string({ unit: fc.constantFrom(..."aZè9ß× ÷.'’-_@\t\u00AA¼¿€…"), maxLength: 40 });
    fc.assert(
      // A word of another script has the text read the longer way.
      fc.property(latin, (text) => {
        expect(italian.of(`${text} я`).slice(0, -1)).toEqual(italian.of(text));
      }),
    );
  });

  test('have correct positions, in order and without overlap, in any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        let end = 0;
        for (const word of italian.of(text)) {
          expect(word.start).toBeGreaterThanOrEqual(end);
          expect(word.end).toBeGreaterThan(word.start);
          end = word.end;
        }
        expect(end).toBeLessThanOrEqual(text.length);
      }),
    );
  });

  test('are the same with a cache of earlier ones', () => {
    const known = new Map();
    const text = "L'olio dell'olio, il pane e l'altro pane; l olio";
    italian.of(text, known);
    expect(italian.of(text, known)).toEqual(italian.of(text));
  });

  test('that occur in every text are not indexed', () => {
    expect(terms('di che per il').every((term) => italian.isCommon(term))).toBe(true);
    expect(terms('pane ordine').some((term) => italian.isCommon(term))).toBe(false);
    expect(terms('the and of', english).every((term) => english.isCommon(term))).toBe(true);
  });
});
