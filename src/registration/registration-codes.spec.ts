import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { checkRegistrationCode, makeRegistrationCode } from './registration-codes.js';

const masterKey = randomBytes(32);
const day = 24 * 60 * 60 * 1000;
const moments = fc.date({ min: new Date('2026-01-01'), max: new Date('2126-01-01'), noInvalidDate: true });

describe('a registration code', () => {
  test('is valid from its creation until its expiry, 14 days later, and not a millisecond longer', () => {
    fc.assert(
      fc.property(moments, fc.double({ min: 0, max: 1, noNaN: true }), (now, share) => {
        const { code, expiresAt } = makeRegistrationCode(masterKey, now);
        const lifetime = expiresAt.getTime() - now.getTime();
        expect(lifetime).toBeGreaterThan(14 * day);
        expect(lifetime).toBeLessThanOrEqual(15 * day);
        const after = (milliseconds: number) => new Date(now.getTime() + milliseconds);
        for (const moment of [now, after(Math.floor(share * (lifetime - 1))), after(lifetime - 1)]) {
          expect(checkRegistrationCode(masterKey, code, moment)).toBeInstanceOf(Buffer);
        }
        expect(checkRegistrationCode(masterKey, code, expiresAt)).toBeUndefined();
      }),
    );
  });

  test('has the same hash however it is copied, and another than any other code', () => {
    const codes = Array.from({ length: 50 }, () => makeRegistrationCode(masterKey).code);
    const hashes = codes.map((code) => checkRegistrationCode(masterKey, code)!.toString('hex'));
    expect(new Set(hashes).size).toBe(codes.length);
    for (const [index, code] of codes.entries()) {
      expect(code).toMatch(/^[\w-]{32}$/);
      expect(checkRegistrationCode(masterKey, ` ${code}\n`)!.toString('hex')).toBe(hashes[index]);
    }
  });

  test('is invalid with any character changed, or when shortened', () => {
    const characters = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');
    fc.assert(
      fc.property(fc.nat({ max: 31 }), characters, (position, character) => {
        const { code } = makeRegistrationCode(masterKey);
        fc.pre(code[position] !== character);
        const forged = code.slice(0, position) + character + code.slice(position + 1);
        for (const wrong of [forged, code.slice(0, position)]) {
          expect(checkRegistrationCode(masterKey, wrong)).toBeUndefined();
        }
      }),
    );
    expect(checkRegistrationCode(masterKey, '')).toBeUndefined();
  });

  test('cannot have its expiry extended', () => {
    const { code } = makeRegistrationCode(masterKey, new Date('2026-01-01'));
    const bytes = Buffer.from(code, 'base64url');
    bytes[11]! += 1;
    const later = bytes.toString('base64url');
    expect(checkRegistrationCode(masterKey, later, new Date('2026-01-02'))).toBeUndefined();
  });

  test('of another installation is invalid', () => {
    const { code } = makeRegistrationCode(randomBytes(32));
    expect(checkRegistrationCode(masterKey, code)).toBeUndefined();
  });
});
