import 'reflect-metadata';
import { describe, expect, test } from '@jest/globals';
import bcrypt from 'bcrypt';
import fc from 'fast-check';
import { limits } from '../contract/limits.js';
import { BCRYPT_COST, dummyHash, hashPassword, normalisePassword, passwordError, verifyPassword } from './passwords.js';

const codeOf = (password: string, personal?: string[]) => passwordError(password, personal)?.code;

describe('choosing a password', () => {
  test.each([
    'vq7kzp2mxw',
    'tre gatti sul divano',
    'Ünïcödé ist schön',
    '八百屋の前の猫と犬が三匹',
    'zq🙂🙃🙂kw🙃12🙂',
  ])('%s is accepted', (password) => expect(passwordError(password)).toBeUndefined());

  test('10 characters are enough and 9 are not, counted in code points', () => {
    expect(codeOf('vq7kzp2mx')).toBe('password_too_short');
    expect(codeOf('vq7kzp2mxw')).toBeUndefined();
    expect(codeOf('🐈🐕🐎🐖🐄🐑🐐🐪🐘')).toBe('password_too_short');
    expect(codeOf('🐈🐕🐎🐖🐄🐑🐐🐪🐘🐁')).toBeUndefined();
  });

  test('normalising neither shortens nor lengthens a password past the limits', () => {
    expect('ﷺ'.normalize('NFKC').length).toBeGreaterThan(10);
    expect(codeOf('ﷺ')).toBe('password_too_short');
    expect(codeOf('e\u0301a\u0300o\u0300u\u0300i\u0300')).toBe('password_too_short');
  });

  test('72 bytes are the maximum, counted in UTF-8 after normalising', () => {
    const filler = 'vq7kzp2mxw'.repeat(8);
    expect(codeOf(filler.slice(0, 72))).toBeUndefined();
    expect(codeOf(filler.slice(0, 73))).toBe('password_too_long');
    expect(codeOf(filler.slice(0, 70) + 'è')).toBeUndefined();
    expect(codeOf(filler.slice(0, 71) + 'è')).toBe('password_too_long');
    expect(codeOf(filler.slice(0, 70) + 'e\u0300')).toBeUndefined();
    expect(codeOf(filler.slice(0, 50) + 'ﷺ')).toBe('password_too_long');
  });

  test('U+0000 and lone surrogates are refused', () => {
    for (const password of ['vq7kzp2mxw\0', '\0vq7kzp2mxw', 'vq7kzp2mxw\uD800', '\uDC00vq7kzp2mxw']) {
      expect(codeOf(password)).toBe('password_characters');
    }
  });

  test.each([
    'password123',
    'PassWord123',
    'basketball',
    'Francesca1985',
    'francesca!!',
    'dragon01011990',
    'juventus 2024',
    'password1234567890',
    'Colloquio2026!',
    'ｐａｓｓｗｏｒｄ１２３',
  ])('%s is common', (password) => expect(codeOf(password)).toBe('password_common'));

  test.each([
    'aaaaaaaaaa',
    'abcabcabcabc',
    '1212121212',
    'Wx9!Wx9!Wx9!',
    '0123456789',
    '9876543210',
    'abcdefghijk',
    '89012345678',
  ])('%s is a pattern', (password) => expect(codeOf(password)).toBe('password_common'));

  test('a longer password may contain a common word', () => {
    expect(codeOf('dragon73910846')).toBe('password_common');
    expect(codeOf('dragon739108465')).toBeUndefined();
    expect(codeOf('dragon e 3 tulipani')).toBeUndefined();
    expect(codeOf('7xdragon2026')).toBeUndefined();
    expect(codeOf('angel7391084')).toBeUndefined();
  });

  test('a password must not contain what others know of the account', () => {
    const personal = ['anna.rossi', 'Panificio Perché', 'zoe', ''];
    for (const password of [
      'anna.rossi',
      'xyannarossi77',
      'XX-ANNA.ROSSI-42',
      'panificioperche1',
      'il Panificio Perché!',
    ]) {
      expect(codeOf(password, personal)).toBe('password_personal');
    }
    expect(codeOf('zoe ha tre gatti', personal)).toBeUndefined();
    expect(codeOf('anna ha tre gatti', personal)).toBeUndefined();
  });

  test('a personal value counts from five characters on', () => {
    expect(codeOf('vq7marco2mxw', ['marco'])).toBe('password_personal');
    expect(codeOf('vq7marc2mxwk', ['marc'])).toBeUndefined();
    expect(codeOf('vq7marc2mxwk', ['m.a.r.c'])).toBeUndefined();
  });

  test('messages are sentences', () => {
    for (const password of ['short', 'x'.repeat(73), 'nul\0', 'password123']) {
      expect(passwordError(password)?.message).toMatch(/^[A-Z].*\.$/);
    }
  });

  test('every accepted password can be hashed completely', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 90 }), (password) => {
        if (passwordError(password)) return;
        expect(password.isWellFormed()).toBe(true);
        expect(Buffer.byteLength(normalisePassword(password))).toBeLessThanOrEqual(72);
      }),
    );
  });
});

describe('hashing', () => {
  const matches = async (password: string, hash: string | undefined) =>
    (await verifyPassword(password, [hash], 'anna'))[0];

  test('a password verifies against its hash, even with decomposed accents', async () => {
    const hash = await hashPassword('perché no? 42', 'anna');
    expect(hash).not.toContain('42');
    expect(bcrypt.getRounds(hash)).toBe(BCRYPT_COST);
    expect(await matches('perché no? 42', hash)).toBe(true);
    expect(await matches('perche\u0301 no? 42', hash)).toBe(true);
    expect(await matches('perche no? 42', hash)).toBe(false);
    expect(await matches('Perché no? 42', hash)).toBe(false);
  });

  test('all 72 bytes count, and what bcrypt would cut is refused', async () => {
    const longest = 'vq7kzp2mxw'.repeat(8).slice(0, 72);
    const hash = await hashPassword(longest, 'anna');
    expect(await matches(longest, hash)).toBe(true);
    expect(await bcrypt.compare(`${longest}tail`, hash)).toBe(true);
    expect(await matches(`${longest}tail`, hash)).toBe(false);
    expect(await matches(`${longest.slice(0, 71)}x`, hash)).toBe(false);
    await expect(hashPassword(`${longest}t`, 'anna')).rejects.toThrow(RangeError);
    await expect(hashPassword('vq7kzp2mxw\0', 'anna')).rejects.toThrow(RangeError);
  });

  test('an unknown user and an unusable password are refused after the same work', async () => {
    expect(bcrypt.getRounds(dummyHash)).toBe(BCRYPT_COST);
    const known = await hashPassword('vq7kzp2mxw', 'anna');
    const time = async (password: string, hash: string | undefined) => {
      // By computing time, since by the clock a busy machine is slow at one of them and not at another.
      const before = process.cpuUsage();
      expect(await matches(password, hash)).toBe(false);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const wrong = await time('vq7kzp2mxx', known);
    expect(await time('vq7kzp2mxw', undefined)).toBeGreaterThan(wrong / 4);
    expect(await time('vq7kzp2mxw\0', known)).toBeGreaterThan(wrong / 4);
    expect(await time('', undefined)).toBeGreaterThan(wrong / 4);
  });

  test('a password is compared with all accounts of an address', async () => {
    const [first, second] = [await hashPassword('vq7kzp2mxw', 'anna'), await hashPassword('perché no? 42', 'anna')];
    const hashes = [first, undefined, second, first, undefined];
    expect(await verifyPassword('vq7kzp2mxw', hashes, 'anna')).toEqual([true, false, false, true, false]);
  });

  test('requests beyond an asker’s queue are refused, while another asker’s are not', async () => {
    const codeOf = (work: Promise<unknown>) =>
      work.then(
        () => 'done',
        (error: { code: string }) => error.code,
      );
    const asked = Array.from({ length: limits.passwordsWaitingPerAsker + 3 }, () =>
      codeOf(verifyPassword('vq7kzp2mxw', [undefined], 'anna')),
    );
    const other = codeOf(verifyPassword('vq7kzp2mxw', [undefined], 'bruno'));
    const answers = await Promise.all(asked);
    expect(answers.at(-1)).toBe('rate_limited');
    expect(answers.filter((answer) => answer === 'done').length).toBeGreaterThan(limits.passwordsWaitingPerAsker);
    expect(await other).toBe('done');
  });
});
