import 'reflect-metadata';
import { describe, expect, test } from '@jest/globals';
import { IsOptional } from 'class-validator';
import fc from 'fast-check';
import { ValidationFailed } from '../problems/domain-error.js';
import { IsList } from './fields.js';
import { read as readAs } from './validation.js';
import {
  IsEmailAddress,
  IsPlainText,
  NormalisedEmail,
  Trimmed,
  codePoints,
  isBlank,
  isEmailAddress,
  normalisedEmail,
  plainTextProblem,
  shortened,
  trimmed,
} from './text.js';

class Person {
  @Trimmed()
  @IsPlainText({ min: 1, max: 5 })
  name!: string;

  @IsOptional()
  @Trimmed({ multiline: true })
  @IsPlainText({ min: 0, max: 10, multiline: true })
  note?: string;

  @IsOptional()
  @IsList({ max: 5 })
  @Trimmed()
  @IsPlainText({ min: 2, max: 3 }, { each: true })
  labels?: string[];

  @NormalisedEmail()
  @IsEmailAddress()
  email!: string;
}

function read(fields: object): Person {
  return readAs(Person, { name: 'Anna', email: 'anna@rossi.it', ...fields });
}

function errorsOf(fields: object): [string, string][] {
  try {
    read(fields);
    return [];
  } catch (error) {
    return (error as ValidationFailed).data.errors!.map(({ code, message }) => [code, message]);
  }
}

describe('plain text', () => {
  const name = { min: 1, max: 5 };
  const note = { ...name, multiline: true };

  test('minimum and maximum count code points after trimming', () => {
    for (const text of ['a', 'abcde', '  abcde  ', '𝒶𝒷𝒸𝒹𝑒', 'ab de'])
      expect(plainTextProblem(text, name)).toBeUndefined();
    for (const text of ['', '   ', 'abcdef', '𝒶𝒷𝒸𝒹𝑒f', '\u200B\u2060', '\u3164']) {
      expect(plainTextProblem(text, name)).toBe('must have 1 to 5 characters');
    }
    expect(plainTextProblem('', { min: 0, max: 5 })).toBeUndefined();
    expect(plainTextProblem('abcdef', { min: 0, max: 5 })).toBe('must have at most 5 characters');
    expect(plainTextProblem('', { max: 5 })).toBe('must have 1 to 5 characters');
    expect(plainTextProblem('abcdef', { min: 5, max: 5 })).toBe('must have exactly 5 characters');
  });

  test('only a string is accepted', () => {
    for (const value of [undefined, null, 1, true, {}, ['a']]) {
      expect(plainTextProblem(value, name)).toBe('must be a text');
    }
  });

  test('lone surrogates are refused in every text', () => {
    for (const text of ['a\uD800', '\uDC00a', 'a\uDC00\uD800']) {
      expect(plainTextProblem(text, name)).toBe('must be valid Unicode');
      expect(plainTextProblem(text, note)).toBe('must be valid Unicode');
    }
  });

  test('control characters are refused, except line breaks and tabs in several lines', () => {
    const controls = [...Array(0x20).keys(), ...Array.from({ length: 0x21 }, (_, offset) => 0x7f + offset)];
    for (const code of controls) {
      const text = `a${String.fromCharCode(code)}b`;
      expect(plainTextProblem(text, name)).toBe('must be one line without control characters');
      expect(plainTextProblem(text, note) === undefined).toBe(code === 0x09 || code === 0x0a);
    }
    expect(plainTextProblem('a\r\nb', note)).toBeUndefined();
    expect(plainTextProblem('a\rb', note)).toBe('must not hold control characters');
    for (const separator of ['\u2028', '\u2029']) {
      expect(plainTextProblem(`a${separator}b`, name)).toBe('must be one line without control characters');
      expect(plainTextProblem(`a${separator}b`, note)).toBeUndefined();
    }
  });

  test('direction overrides are refused only in a single line', () => {
    for (const code of [0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069]) {
      const text = `a${String.fromCodePoint(code)}b`;
      expect(plainTextProblem(text, name)).toBe('must not hold characters that override the direction of text');
      expect(plainTextProblem(text, note)).toBeUndefined();
    }
  });

  test('names in all scripts and emoji are accepted', () => {
    for (const text of ['Zoë', 'Ελένη', 'محمد', 'Ірина', '王伟', 'ก็ดี', '👩🏽‍🍳', '☎️']) {
      expect(plainTextProblem(text, { min: 1, max: 10 })).toBeUndefined();
    }
  });

  test('a trimmed and accepted text is unchanged by another pass', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, multiline) => {
        const once = trimmed(text, { multiline });
        expect(trimmed(once, { multiline })).toBe(once);
        if (plainTextProblem(once, { min: 1, max: 20, multiline })) return;
        expect(codePoints(once)).toBeLessThanOrEqual(20);
        expect(once.isWellFormed()).toBe(true);
        expect(once).not.toContain('\0');
        if (!multiline) expect(once.split(/[\r\n]/)).toHaveLength(1);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('decorated fields', () => {
  test('a single line is trimmed and its blanks collapsed before it is counted', () => {
    expect(read({ name: '  a \t\r\n b\u00A0 ' }).name).toBe('a b');
  });

  test('several lines keep their inner blanks, with plain line breaks', () => {
    expect(read({ note: ' a\r\n\r\n  b ' }).note).toBe('a\n\n  b');
  });

  test.each([
    [{ name: 'abcdef' }, 'too_long', 'name can have at most 5 characters.'],
    [{ name: ' \u200B ' }, 'empty', 'name is empty.'],
    [{ name: '\uD83D' }, 'invalid_unicode', 'name contains an invalid character (a lone surrogate).'],
    [{ name: 'a\0' }, 'invalid_characters', 'name must be one line without control characters.'],
    [{ name: 'a\u202Eb' }, 'invalid_characters', 'name must not hold characters that override the direction of text.'],
    [{ name: 7 }, 'not_text', 'name must be text.'],
    [{ name: undefined }, 'required', 'name is missing.'],
    [{ note: 'x'.repeat(11) }, 'too_long', 'note can have at most 10 characters.'],
    [{ labels: ['ab', 'abcd'] }, 'too_long', 'labels.1 can have at most 3 characters.'],
    [{ labels: ['a'] }, 'too_short', 'labels.0 must have at least 2 characters.'],
    [{ labels: ['ab', 3] }, 'not_text', 'labels.1 must be text.'],
    [{ email: 'anna' }, 'is_email_address', 'email must be an email address of at most 254 characters.'],
    [
      { email: 'anna＠rossi.it' },
      'at_sign',
      'email contains a character that looks like @ but is a different one. Type the address with a plain @.',
    ],
    [
      { email: 'anna@xn--zzzz.it' },
      'domain_label',
      'The domain of email contains an invalid part (xn--zzzz). Check the address.',
    ],
    [{ email: 7 }, 'is_email_address', 'email must be an email address of at most 254 characters.'],
  ])('%j is refused as %s', (fields, code, message) => {
    expect(errorsOf(fields)).toEqual([[code, message]]);
  });

  test('each item of a list is read alone', () => {
    expect(read({ labels: [' ab ', 'abc'] }).labels).toEqual(['ab', 'abc']);
  });

  test('an email address is trimmed and its domain put in lower case', () => {
    expect(read({ email: ' Anna.Rossi@Posta.ROSSI.it ' }).email).toBe('Anna.Rossi@posta.rossi.it');
  });
});

describe('email addresses', () => {
  test.each(['a@b.it', 'anna+shop@posta.rossi.it', "o'neill@example.ie", 'anna@città.it', 'a@xn--citt-3na.it'])(
    '%s is accepted',
    (address) => expect(isEmailAddress(address)).toBe(true),
  );

  test.each([
    '',
    'anna',
    'anna@rossi',
    '@rossi.it',
    'anna@',
    'anna rossi@rossi.it',
    'Anna <anna@rossi.it>',
    '<anna@rossi.it>',
    '"anna rossi"@rossi.it',
    '"anna\r\nBcc: all"@rossi.it',
    'anna@rossi.it\n',
    'anna@rossi.it,bruno@rossi.it',
    'niccolò@rossi.it',
    'anna@[127.0.0.1]',
    'anna\0@rossi.it',
    '\uD800@rossi.it',
  ])('%j is refused', (address) => expect(isEmailAddress(address)).toBe(false));

  test('can have 254 bytes, 64 of them before the @', () => {
    const domain = (length: number) =>
      `${`${'d'.repeat(60)}.`.repeat(4)}`.slice(0, length - 3).replace(/\.$/, 'd') + '.it';
    const address = (local: number, total: number) => `${'a'.repeat(local)}@${domain(total - local - 1)}`;
    expect(address(64, 254)).toHaveLength(254);
    expect(isEmailAddress(address(64, 254))).toBe(true);
    expect(address(64, 255)).toHaveLength(255);
    expect(isEmailAddress(address(64, 255))).toBe(false);
    expect(isEmailAddress(address(65, 254))).toBe(false);
    expect(isEmailAddress(`${'a'.repeat(64)}@${'è'.repeat(60)}.${'è'.repeat(35)}.it`)).toBe(false);
  });

  test('are normalised only in their domain', () => {
    expect(normalisedEmail('A.B@C.IT')).toBe('A.B@c.it');
    expect(normalisedEmail('A@B@C.IT')).toBe('A@B@c.it');
    expect(normalisedEmail(' NOBODY ')).toBe('nobody');
    expect(normalisedEmail('A@caffe\u0300。EXAMPLE.')).toBe('A@caffè.example');
  });
});

describe('a text without a visible character', () => {
  const unseen = [
    '\u200B',
    '\u2060',
    '\u00AD',
    '\uFE0F',
    '\u3164',
    '\u2800',
    '\u00A0',
    '\u0085',
    '\u{E0041}',
    ' \u200B\u2800\t',
    '\uFFFC',
    '\u{1D159}',
    '\uFFFC\u{1D159} \u{16FE4}',
    '\u{13441}\u{13442}\u{13430}',
    '\u070F',
    '\uFDD0\uFFFE\u{10FFFF}',
  ];

  test.each(unseen)('%j is empty', (text) => {
    expect(isBlank(text)).toBe(true);
    expect(trimmed(text)).toBe('');
    expect(trimmed(text, { multiline: true })).toBe('');
    expect(plainTextProblem(text, { max: 10 })).toBe('must have 1 to 10 characters');
  });

  test.each(['a', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '❤️', '۝', '\u0600', '\u{110BD}', '�', '⠁', '\u0301a', '.'])('is not %s', (text) => {
    expect(isBlank(text)).toBe(false);
  });
});

describe('a shortened text', () => {
  const family = '👨‍👩‍👧‍👦';

  test('is unchanged if it fits', () => {
    expect(shortened(`${'a'.repeat(5)}🇮🇹`, 7)).toBe('aaaaa🇮🇹');
  });

  test.each([
    ['🇮🇹🇫🇷🇩🇪', 5, '🇮🇹🇫🇷…'],
    ['🇮🇹🇫🇷🇩🇪', 4, '🇮🇹…'],
    [`ab${family}c`, 6, 'ab…'],
    [`ab${family}cdef`, 10, `ab${family}…`],
    ['e\u0301e\u0301e\u0301', 4, 'e\u0301…'],
    ['👍🏽👍🏽', 3, '👍🏽…'],
    ['abcdef', 4, 'abc…'],
  ])('%s to %i is %s', (text, most, cut) => {
    expect(shortened(text, most)).toBe(cut);
  });

  test('is cut within a single character that is too long', () => {
    expect(shortened(`e${'\u0301'.repeat(500)}`, 10)).toBe(`e${'\u0301'.repeat(8)}…`);
  });

  test('is never longer than the limit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 2, max: 30 }), (text, most) => {
        expect(codePoints(shortened(text, most))).toBeLessThanOrEqual(most);
      }),
    );
  });
});
