import { describe, expect, test } from '@jest/globals';
import { validate } from 'class-validator';
import fc from 'fast-check';
import { IsUsername, proposeUsername, usernameError } from './usernames.js';

describe('usernames', () => {
  test.each(['abc', 'a.b', '123', 'anna.rossi', 'anna_rossi-84', 'a'.repeat(32)])('%s is accepted', (username) => {
    expect(usernameError(username)).toBeUndefined();
  });

  test.each([
    ['', 'username_too_short'],
    ['ab', 'username_too_short'],
    ['a'.repeat(33), 'username_too_long'],
    ['Anna', 'username_characters'],
    ['anna rossi', 'username_characters'],
    ['anna@rossi', 'username_characters'],
    ['niccolò', 'username_characters'],
    ['аnna', 'username_characters'],
    ['anna\n', 'username_characters'],
    ['.anna', 'username_punctuation'],
    ['anna-', 'username_punctuation'],
    ['anna..rossi', 'username_punctuation'],
    ['anna._rossi', 'username_punctuation'],
    ['---', 'username_punctuation'],
  ])('%j is refused: %s', (username, code) => {
    expect(usernameError(username)).toMatchObject({ code, message: expect.stringMatching(/^[A-Z].*\.$/) });
  });
});

test('a decorated field reports its fault', async () => {
  class Wish {
    @IsUsername()
    username: unknown;
  }
  const messageFor = async (username: unknown) => {
    const [error] = await validate(Object.assign(new Wish(), { username }));
    return error?.constraints?.['isUsername'];
  };
  expect(await messageFor('anna')).toBeUndefined();
  expect(await messageFor('an')).toBe('A username must have at least 3 characters.');
  expect(await messageFor(['anna'])).toBe('A username must be text.');
  expect(await messageFor(undefined)).toBe('A username must be text.');
});

describe('proposals', () => {
  test.each([
    [{ firstName: 'Anna', surname: 'Rossi' }, 'anna.rossi'],
    [{ firstName: 'Maria Grazia', surname: 'D’Angelo' }, 'mariagrazia.dangelo'],
    [{ firstName: 'Niccolò', surname: 'Müller-Weiß' }, 'niccolo.mullerweiss'],
    [{ firstName: 'Øyvind', surname: 'Łukasiewicz' }, 'oyvind.lukasiewicz'],
    [{ firstName: 'İpek', surname: 'Yılmaz' }, 'ipek.yilmaz'],
    [{ firstName: 'Ａｎｎａ', surname: 'ﬁori' }, 'anna.fiori'],
    [{ firstName: 'Anna', surname: 'Петрова' }, 'anna'],
    [{ companyName: 'Panificio Rossi & Figli S.r.l.' }, 'panificio.rossi.figli.srl'],
    [{ companyName: 'L’Orto di Nonna' }, 'lorto.di.nonna'],
  ])('%j gives %s', (parts, username) => {
    expect(proposeUsername(parts, 0)).toBe(username);
  });

  test('a long name is cut to 32 characters, digits included', () => {
    const parts = { firstName: 'Massimiliano Bartolomeo', surname: 'Quattrocchi' };
    expect(proposeUsername(parts, 0)).toBe('massimilianobartolomeo.quattrocc');
    expect(proposeUsername(parts, 1)).toMatch(/^massimilianobartolomeo\.quat\.\d{4}$/);
    expect(proposeUsername({ companyName: `${'a'.repeat(31)} b` }, 0)).toBe('a'.repeat(31));
  });

  test('random digits follow, more with every attempt', () => {
    const anna = { firstName: 'Anna', surname: 'Rossi' };
    expect(proposeUsername(anna, 1)).toMatch(/^anna\.rossi\.\d{4}$/);
    expect(proposeUsername(anna, 2)).toMatch(/^anna\.rossi\.\d{5}$/);
    expect(proposeUsername(anna, 9)).toMatch(/^anna\.rossi\.\d{12}$/);
    expect(proposeUsername(anna, 1000)).toMatch(/^anna\.rossi\.\d{12}$/);
    expect(new Set(Array.from({ length: 20 }, () => proposeUsername(anna, 5))).size).toBe(20);
  });

  test.each([
    { firstName: 'Иван', surname: 'Петров' },
    { firstName: 'Ελένη', surname: 'Παπαδοπούλου' },
    { firstName: '伟', surname: '王' },
    { companyName: '株式会社' },
    { firstName: '🙂', surname: '…' },
    {},
    { firstName: null, surname: null, companyName: null },
  ])('%j, without Latin letters, is a guest with digits at once', (parts) => {
    expect(proposeUsername(parts, 0)).toMatch(/^ospite\.\d{4}$/);
  });

  test('a name too short for a username gets digits at once', () => {
    expect(proposeUsername({ firstName: 'Al' }, 0)).toMatch(/^al\.\d{4}$/);
    expect(proposeUsername({ firstName: 'A', surname: 'B' }, 0)).toBe('a.b');
  });

  test('the proposal is valid for any name and attempt', () => {
    const name = fc.option(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string()), {
      nil: undefined,
    });
    const parts = fc.record({ firstName: name, surname: name, companyName: name });
    fc.assert(
      fc.property(parts, fc.nat(40), (names, attempt) => {
        expect(usernameError(proposeUsername(names, attempt))).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });
});
