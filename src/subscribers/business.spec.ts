import { describe, expect, test } from '@jest/globals';
import { isNameOf } from './business.js';

describe('the name of a business, typed to confirm', () => {
  test.each([
    ['forno aurora ', 'Forno Aurora'],
    ["L'angolo", 'L’Angolo'],
    ['Caffe  Perù', 'Caffè Perù'],
    ['!!!', '!!!'],
  ])('%j is %j', (typed, name) => expect(isNameOf(typed, name)).toBe(true));

  test.each([
    ['', 'Forno Aurora'],
    ['Forno', 'Forno Aurora'],
    ['Forno Auroras', 'Forno Aurora'],
    ['', '\u2060'],
  ])('%j is not %j', (typed, name) => expect(isNameOf(typed, name)).toBe(false));
});
