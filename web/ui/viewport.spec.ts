import { expect, test } from '@jest/globals';
import { KeyboardSense } from './viewport.js';

const phone = { width: 390, height: 760, scale: 1 };

test('a keyboard takes a quarter of the height or more while somebody types', () => {
  const sense = new KeyboardSense();
  expect(sense.left(phone, false)).toBeUndefined();
  expect(sense.left({ ...phone, height: 420 }, true)).toBe(420);
  expect(sense.left({ ...phone, height: 700 }, true)).toBeUndefined();
  expect(sense.left({ ...phone, height: 420 }, false)).toBeUndefined();
});

test('zooming and turning the phone are no keyboard', () => {
  const sense = new KeyboardSense();
  sense.left(phone, true);
  expect(sense.left({ width: 195, height: 380, scale: 2 }, true)).toBeUndefined();
  expect(sense.left({ width: 844, height: 340, scale: 1 }, true)).toBeUndefined();
  expect(sense.left({ width: 844, height: 180, scale: 1 }, true)).toBe(180);
});

test('a page that comes back is measured anew', () => {
  const sense = new KeyboardSense();
  sense.left(phone, true);
  sense.forget();
  expect(sense.left({ ...phone, height: 420 }, true)).toBeUndefined();
});
