import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { placesIn, snippetOf } from './matching.js';
import { joinedNumbersIn } from './joined-numbers.js';
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

  test('requires words in quotes as written, one after the other', () => {
    expect(finds('"pane di casa"', 'Il Pane di casa, ancora')).toEqual(['Pane di casa']);
    expect(finds('"pane di casa"', 'Il pane della casa')).toBeUndefined();
    expect(finds('"pani"', 'Il pane')).toBeUndefined();
    expect(finds('«pane fresco»', 'pane\nfresco')).toEqual(['pane\nfresco']);
  });

  test('extends an open quote to the end', () => {
    expect(parse('olio "pane fre')).toEqual(parse('olio "pane fre"'));
  });

  test('excludes a word or a phrase behind a minus', () => {
    expect(finds('pane -integrale', 'pane bianco')).toEqual(['pane']);
    expect(finds('pane -integrale', 'pane integrale')).toBeUndefined();
    expect(finds('pane -"farina bianca"', 'pane di farina bianca')).toBeUndefined();
    expect(finds('pane -"farina bianca"', 'pane bianco, farina')).toEqual(['pane']);
    // Within a word it is none.
    expect(finds('e-mail', 'Ti mando una e-mail')).toEqual(['e-mail']);
    expect(parse('-').required).toEqual([]);
  });

  test('finds telephone numbers, IBANs and plates however their groups are divided', () => {
    for (const [query, text] of [
      ['3331234567', 'Chiamami al 333 1234567 o allo 0546 21234'],
      ['333 1234567', 'Chiamami al 3331234567'],
      ['333 123 45 67', 'Chiamami al 333-1234567'],
      ['+39 333 1234567', 'Chiamami al 333.1234567'],
      ['+393331234567', 'Chiamami al 333/12.34.567'],
      ['3331234567', 'Chiamami al +393331234567'],
      ['0039 333 1234567', 'Chiamami al +39 333 1234567'],
      ['+41 44 668 18 00', 'Tel. +41446681800'],
      ['054621234', 'Chiamami allo 0546/21234, grazie'],
      ['IT60X0542811101000000123456', 'IBAN IT60 X054 2811 1010 0000 0123 456'],
      ['it60 x054 2811 1010 0000 0123 456', 'IBAN: IT60X0542811101000000123456'],
      ['AB123CD', 'la targa è AB 123 CD'],
      ['ORD2024118A', 'ordine ORD-2024-118A'],
      ['12/05/2026', 'vengo il 12.05.2026'],
      ['1234,56', 'sono 1.234,56 €'],
    ] as const)
      expect([query, finds(query, text) !== undefined]).toEqual([query, true]);
    expect(finds('3331234567', 'Chiamami al 333 1234567 o allo 0546 21234')).toEqual(['333 1234567']);
  });

  test('distinguishes short numbers by their grouping, and reads others as written', () => {
    expect(finds('12,50', 'sono 1250 euro')).toBeUndefined();
    expect(finds('18:30', 'nel 1830')).toBeUndefined();
    expect(finds('2024 118118', 'ordine 118118 del 2024')).toEqual(['118118', '2024']);
    expect(finds('3331234567', 'dal 333\n1234567')).toBeUndefined();
    expect(finds('333 1234567 pane', 'pane, 3331234567')).toEqual(['pane', '3331234567']);
  });

  test('finds a link with and without its protocol', () => {
    for (const query of ['http://fornoaurora.it/menu', 'https://www.fornoaurora.it/menu', 'www.fornoaurora.it/menu'])
      expect(finds(query, 'guarda fornoaurora.it/menu')).toEqual(['fornoaurora.it/menu']);
    expect(finds('https', 'https://fornoaurora.it')).toEqual(['https']);
  });

  test('reads and searches any text in time proportional to its length', () => {
    for (const text of [
      '0'.repeat(20_000),
      '0 '.repeat(10_000),
      'IT60 '.repeat(4_000),
      '+39 '.repeat(5_000),
      '1'.repeat(5_000),
    ])
      expect(joinedNumbersIn(text, words.of(text)).length).toBeLessThan(text.length * 10);
    for (const text of ['0 '.repeat(250), 'IT60 '.repeat(100), '+39 03'.repeat(80), '0'.repeat(500)]) parse(text);
  });

  test('finds codes, addresses and links, whole or by their parts', () => {
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

  test('is empty without a letter, a digit or a pictograph', () => {
    expect(sizeOf(parse('... "" - !?'))).toBe(0);
    expect(finds('🎂', 'Auguri 🎂')).toEqual(['🎂']);
  });

  test('requires terms that every matching text contains', () => {
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

  test('is stable when parsed again, for any text', () => {
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

  test('shows the matches among the words around them', () => {
    const snippet = shown(long, 'pane');
    expect(snippet.highlights.map(({ start, end }) => snippet.text.slice(start, end))).toEqual(['pane']);
    expect(snippet).toMatchObject({ cutBefore: true, cutAfter: true });
    expect(snippet.text).toMatch(/^prima .* dopo$/);
    expect(snippet.text.length).toBeLessThanOrEqual(240);
  });

  test('is the whole text if that is short', () => {
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

  test('is the beginning of the text without a searched word', () => {
    expect(snippetOf(field(long), [])).toMatchObject({ highlights: [], cutBefore: false, cutAfter: true });
  });

  test('contains its highlights, in any text', () => {
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
