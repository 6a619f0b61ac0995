import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  bareAddress,
  canonicalAddress,
  formerSpellings,
  invisibleCharacter,
  isEmailAddress,
  lacksPlainAt,
  mailableAddress,
  normalisedEmail,
  sameMailbox,
  undecodableLabel,
} from './email-addresses.js';

const ascii = 'anna@xn--caff-8oa.example';

describe('one mailbox', () => {
  test.each([
    'anna@caffè.example',
    'ANNA@CAFFÈ.EXAMPLE',
    'anna@caffe\u0300.example',
    'anna@xn--caff-8oa.example',
    'Anna@XN--CAFF-8OA.Example',
    ' anna@caffè.example. ',
    'anna@caffè。example',
    'anna@ｃａｆｆè．example',
  ])('is meant by %j', (address) => {
    expect(isEmailAddress(normalisedEmail(address))).toBe(true);
    expect(canonicalAddress(address)).toBe(ascii);
    expect(canonicalAddress(normalisedEmail(address))).toBe(ascii);
    expect(mailableAddress(normalisedEmail(address)).toLowerCase()).toBe(ascii);
  });

  test('differs with dots, a +tag or another letter in the domain', () => {
    for (const other of ['an.na@rossi.it', 'anna+shop@rossi.it', 'anna@rossì.it', 'anna@rossi.it.it']) {
      expect(sameMailbox('anna@rossi.it', other)).toBe(false);
    }
    expect(sameMailbox('anna@straße.example', 'anna@strasse.example')).toBe(false);
    expect(sameMailbox('Anna@Rossi.it', 'anna@rossi.it')).toBe(true);
  });

  test('is found under formerly stored spellings, of which an ordinary address has one', () => {
    const former = ['anna@caffè.example', 'anna@caffe\u0300.example'];
    expect(formerSpellings(ascii)).toEqual(former);
    expect(formerSpellings('Anna@caffè.example')).toEqual(former);
    expect(formerSpellings('Anna.Rossi+shop@Mail.example')).toEqual([]);
    expect(formerSpellings('b@exam\u200Bple.it')).toEqual(['b@exam\u200Bple.it']);
  });
});

describe('an invisible character', () => {
  const hidden = [0x00ad, 0x034f, 0x061c, 0x115f, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x202e, 0x2060, 0x2066]
    .concat([0x2800, 0x3164, 0xfe00, 0xfe0f, 0xfeff, 0xffa0, 0xe0041, 0xe0101])
    .map((code) => String.fromCodePoint(code));

  test('is refused anywhere in an address, by its name', () => {
    for (const character of hidden) {
      for (const address of [`b${character}@example.it`, `b@exam${character}ple.it`, `b@example.it${character}`]) {
        expect(isEmailAddress(address)).toBe(false);
        expect(invisibleCharacter(address)).toMatch(/^U\+[0-9A-F]{4,6}$/);
        expect(canonicalAddress(address)).toBe('b@example.it');
      }
    }
    expect(invisibleCharacter('b@exam\u200Bple.it')).toBe('U+200B');
    expect(invisibleCharacter("o'neill+x@caffè.example")).toBeUndefined();
  });

  test('is never the only difference of two accepted addresses', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.constantFrom(...hidden), (text, character) => {
        expect(isEmailAddress(normalisedEmail(`b@${text}${character}x.it`))).toBe(false);
      }),
    );
  });
});

describe('a domain', () => {
  test.each([
    'x.it/p',
    'x.it:80',
    'exa%6dple.it',
    'x.it\\y',
    'x.it?y',
    'x.it／p',
    'exa\u2003mple.it',
    'a..it',
    '\u2044.it/',
    'xn--zzzz.it',
    'XN--ZZZZ.it',
    'mail.xn--a.it',
    'caffè.xn--zzzz999',
    'xn--x-.it',
  ])('%j is none', (domain) => expect(isEmailAddress(`anna@${domain}`)).toBe(false));

  test('can be written in ASCII if it stands for a valid name', () => {
    for (const domain of ['xn--caff-8oa.example', 'XN--CAFF-8OA.example', 'a.xn--mgbh0fb', 'ab--cd.it'])
      expect(isEmailAddress(`anna@${domain}`)).toBe(true);
    expect(undecodableLabel('mail.xn--zzzz.it')).toBe('xn--zzzz');
    expect(undecodableLabel('xn--caff-8oa.example')).toBeUndefined();
  });

  test('must fit in its ASCII form too', () => {
    expect(isEmailAddress(`a@${'è'.repeat(20)}.it`)).toBe(true);
    expect(isEmailAddress(`a@${'è'.repeat(60)}.it`)).toBe(false);
  });
});

test.each(['anna＠rossi.it', 'anna﹫rossi.it', 'anna@rossi＠x.it', 'anna＠x@rossi.it'])(
  '%j is no address, for want of a plain @',
  (address) => {
    expect(isEmailAddress(address)).toBe(false);
    expect(isEmailAddress(normalisedEmail(address))).toBe(false);
    expect(lacksPlainAt(normalisedEmail(address))).toBe(!address.includes('@'));
  },
);

test('a canonical address stays canonical, with the same formerly stored spellings', () => {
  fc.assert(
    fc.property(fc.oneof(fc.emailAddress(), fc.string({ unit: 'binary' })), (text) => {
      const kept = normalisedEmail(text);
      expect(normalisedEmail(kept)).toBe(kept);
      if (!isEmailAddress(kept)) return;
      const canonical = canonicalAddress(kept);
      expect(canonicalAddress(canonical)).toBe(canonical);
      expect(canonicalAddress(text)).toBe(canonical);
      expect(canonical).toMatch(/^[\x21-\x7E]+$/);
    }),
    { numRuns: 1000 },
  );
});

test('an address is found within angle brackets and after mailto:', () => {
  for (const text of ['<a@x.it>', 'mailto:a@x.it', '<mailto:a@x.it>', 'MAILTO:a@x.it?subject=x', ' a@x.it '])
    expect(bareAddress(text)).toBe('a@x.it');
  expect(bareAddress('Anna <a@x.it>')).toBe('Anna <a@x.it>');
  expect(bareAddress('mailto: a@x.it?subject=x\ny')).toBe('a@x.it');
});

test('a text of 100,000 characters is judged quickly, whatever it repeats', () => {
  const repeated = (text: string) => text.repeat(100_000 / text.length);
  expect(bareAddress(`mailto:${repeated(' ')}@?\nx`)).toBe('@');
  expect(canonicalAddress(`a@${repeated('.')}x`)).toMatch(/x$/);
  expect(canonicalAddress(`${repeated('.')}x`)).toMatch(/x$/);
  for (const text of [`a@${repeated('.')}x`, `a@${repeated('à')}.it`, repeated('@a'), repeated('\u200B')])
    expect(isEmailAddress(text)).toBe(false);
});
