import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { placesIn, snippetOf } from './matching.js';
import { parseQuery, requiredTerms, sizeOf } from './query.js';
import { Words } from './words.js';

const words = Words.in('it');
const parse = (text: string) => parseQuery(text, words);
const field = (text: string) => ({ text, words: words.of(text) });
const finds = (query: string, text: string) => {
  const places = placesIn([field(text)], parse(query));
  return places && places[0]!.map(({ start, end }) => text.slice(start, end));
};

describe('a query', () => {
  test('asks for all of its words, in any form', () => {
    expect(finds('biscotti mandorla', 'Un biscotto alle mandorle')).toEqual(['biscotto', 'mandorle']);
    expect(finds('biscotti mandorla', 'Un biscotto')).toBeUndefined();
  });

  test('asks for words in quotes as they stand, one behind the other', () => {
    expect(finds('"pane di casa"', 'Il Pane di casa, ancora')).toEqual(['Pane di casa']);
    expect(finds('"pane di casa"', 'Il pane della casa')).toBeUndefined();
    expect(finds('"pani"', 'Il pane')).toBeUndefined();
    expect(finds('«pane fresco»', 'pane\nfresco')).toEqual(['pane\nfresco']);
  });

  test('takes a quote that is not closed yet to reach to the end', () => {
    expect(parse('olio "pane fre')).toEqual(parse('olio "pane fre"'));
  });

  test('leaves out what has a word or a phrase behind a minus', () => {
    expect(finds('pane -integrale', 'pane bianco')).toEqual(['pane']);
    expect(finds('pane -integrale', 'pane integrale')).toBeUndefined();
    expect(finds('pane -"farina bianca"', 'pane di farina bianca')).toBeUndefined();
    expect(finds('pane -"farina bianca"', 'pane bianco, farina')).toEqual(['pane']);
    // Within a word it is none.
    expect(finds('e-mail', 'Ti mando una e-mail')).toEqual(['e-mail']);
    expect(parse('-').required).toEqual([]);
  });

  test('finds codes, addresses and links whole, and by their parts', () => {
    const text = 'Ordine ORD-2024/118: scrivi a anna.rossi@forno.example o guarda https://forno.example/menu?giorno=3';
    expect(finds('ord-2024/118', text)).toEqual(['ORD-2024/118']);
    expect(finds('ORD-2024/11', text)).toBeUndefined();
    expect(finds('2024', text)).toEqual(['2024']);
    expect(finds('anna.rossi@forno.example', text)).toEqual(['anna.rossi@forno.example']);
    expect(finds('forno.example/menu', text)).toEqual(['forno.example/menu']);
    expect(finds('118-2024', text)).toBeUndefined();
    expect(finds('12,50', 'sono 12,50 euro')).toEqual(['12,50']);
    // A comma between words is none of a code.
    expect(finds('pane,olio', "l'olio e il pane")).toEqual(['olio', 'pane']);
  });

  test("finds olio in l'olio, and l'olio in olio", () => {
    expect(finds('olio', "l'olio nuovo")).toEqual(['olio']);
    expect(finds("dell'olio", "L'olio nuovo")).toEqual(['olio']);
    expect(finds('"dell olio"', "L'odore dell'olio")).toEqual(["dell'olio"]);
  });

  test('has nothing to ask for without a letter, a digit or a pictograph', () => {
    expect(sizeOf(parse('... "" - !?'))).toBe(0);
    expect(finds('🎂', 'Auguri 🎂')).toEqual(['🎂']);
  });

  test('names terms that every text which matches it holds, whatever it asks for', () => {
    const piece = fc.constantFrom(
      'pane',
      'Olio',
      'biscotti',
      '"di casa"',
      '-pane',
      '-"olio nuovo"',
      "l'olio",
      'ORD-1/2',
      '"',
      '-',
      '  ',
      '東京',
    );
    const pieces = fc.array(piece, { maxLength: 5 });
    fc.assert(
      fc.property(pieces, pieces, (asked, said) => {
        const query = parse(asked.join(' '));
        const text = said.join(' ');
        if (!placesIn([field(text)], query)) return;
        const there = words.of(text).map(({ term }) => term);
        for (const term of requiredTerms(query)) expect(there).toContain(term);
      }),
    );
  });

  test('is read alike when it is read again from any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 80 }),
        (text) => void expect(parse(text)).toEqual(parse(text)),
      ),
    );
  });
});

describe('a snippet', () => {
  const long = `${'prima '.repeat(60)}il pane ${'dopo '.repeat(80)}`.trim();
  const shown = (text: string, query: string) => snippetOf(field(text), placesIn([field(text)], parse(query))![0]!);

  test('shows what was found, between words around it', () => {
    const snippet = shown(long, 'pane');
    expect(snippet.highlights.map(({ start, end }) => snippet.text.slice(start, end))).toEqual(['pane']);
    expect(snippet).toMatchObject({ cutBefore: true, cutAfter: true });
    expect(snippet.text).toMatch(/^prima .* dopo$/);
    expect(snippet.text.length).toBeLessThanOrEqual(240);
  });

  test('is the whole of a short text', () => {
    expect(shown('Il pane, il pane', 'pane')).toEqual({
      text: 'Il pane, il pane',
      highlights: [
        { start: 3, end: 7 },
        { start: 12, end: 16 },
      ],
      cutBefore: false,
      cutAfter: false,
    });
  });

  test('is the beginning of a text in which no word was looked for', () => {
    expect(snippetOf(field(long), [])).toMatchObject({ highlights: [], cutBefore: false, cutAfter: true });
  });

  test('has its highlights within it, in any text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('pane', 'olio', 'x'.repeat(300), '...', '東京'), { maxLength: 120 }),
        (parts) => {
          const text = parts.join(' ');
          const places = placesIn([field(text)], parse('pane'));
          if (!places) return;
          const snippet = snippetOf(field(text), places[0]!);
          expect(text).toContain(snippet.text);
          expect(snippet.highlights.length).toBeGreaterThan(0);
          for (const { start, end } of snippet.highlights) expect(snippet.text.slice(start, end)).toBe('pane');
        },
      ),
    );
  });
});
