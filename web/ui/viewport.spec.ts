import { expect, test } from '@jest/globals';
import { KeyboardSense } from './viewport.js';

const phone = { width: 390, height: 760, scale: 1 };

test('a keyboard takes at least a quarter of the height while a field has the focus', () => {
  const sense = new KeyboardSense();
  expect(sense.left(phone, false)).toBeUndefined();
  expect(sense.left({ ...phone, height: 420 }, true)).toBe(420);
  expect(sense.left({ ...phone, height: 700 }, true)).toBeUndefined();
  expect(sense.left({ ...phone, height: 420 }, false)).toBeUndefined();
});

test('zooming and rotating do not count as a keyboard', () => {
  const sense = new KeyboardSense();
  sense.left(phone, true);
  expect(sense.left({ width: 195, height: 380, scale: 2 }, true)).toBeUndefined();
  expect(sense.left({ width: 844, height: 340, scale: 1 }, true)).toBeUndefined();
  expect(sense.left({ width: 844, height: 180, scale: 1 }, true)).toBe(180);
});

test('a restored page is measured again', () => {
  const sense = new KeyboardSense();
  sense.left(phone, true);
  sense.forget();
  expect(sense.left({ ...phone, height: 420 }, true)).toBeUndefined();
});
