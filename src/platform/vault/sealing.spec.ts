import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { open, seal, UnsealError } from './sealing.js';

const key = randomBytes(32);
const keys = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const contents = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
const contexts = fc.array(fc.string({ unit: 'binary' }), { maxLength: 4 });

describe('a sealed value', () => {
  test('opens with the same key and context, bytes and texts alike', () => {
    fc.assert(
      fc.property(keys, contents, contexts, (anyKey, content, context) => {
        expect(open(anyKey, seal(anyKey, content, context), context)).toEqual(content);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), contexts, (text, context) => {
        expect(open(key, seal(key, text, context), context).toString('utf8')).toBe(text);
      }),
    );
  });

  test('does not open if any byte was changed', () => {
    fc.assert(
      fc.property(contents, fc.nat(), fc.integer({ min: 1, max: 255 }), (content, position, change) => {
        const sealed = seal(key, content, ['row']);
        sealed[position % sealed.length]! ^= change;
        expect(() => open(key, sealed, ['row'])).toThrow(UnsealError);
      }),
    );
  });

  test('does not open if it was shortened or extended', () => {
    fc.assert(
      fc.property(contents, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 20 }), (content, length, more) => {
        const sealed = seal(key, content, ['row']);
        expect(() => open(key, sealed.subarray(0, length % sealed.length), ['row'])).toThrow(UnsealError);
        expect(() => open(key, Buffer.concat([sealed, more]), ['row'])).toThrow(UnsealError);
      }),
    );
  });

  test('does not open in another context, however alike', () => {
    fc.assert(
      fc.property(contexts, contexts, (context, other) => {
        fc.pre(JSON.stringify(context) !== JSON.stringify(other));
        expect(() => open(key, seal(key, 'ciao', context), other)).toThrow(UnsealError);
      }),
    );
    const alike = [[], [''], ['a', 'b'], ['b', 'a'], ['ab'], ['a,b'], ['a","b'], ['["a","b"]'], ['a', 'b', '']];
    for (const context of alike) {
      for (const other of alike.filter((each) => each !== context)) {
        expect(() => open(key, seal(key, 'ciao', context), other)).toThrow(UnsealError);
      }
    }
  });

  test('does not open with another key', () => {
    fc.assert(
      fc.property(keys, keys, (one, other) => {
        fc.pre(!one.equals(other));
        expect(() => open(other, seal(one, 'ciao', ['row']), ['row'])).toThrow(UnsealError);
      }),
    );
  });

  test('carries its format and key version, never shows its content, and is never the same twice', () => {
    const sealed = Array.from({ length: 1000 }, () => seal(key, 'Il conto, per favore', ['row']));
    expect(new Set(sealed.map((each) => each.toString('hex'))).size).toBe(sealed.length);
    for (const each of sealed) {
      expect([...each.subarray(0, 2)]).toEqual([1, 1]);
      expect(each.includes('conto')).toBe(false);
      expect(each.length).toBe(2 + 12 + 'Il conto, per favore'.length + 16);
    }
  });
});
