import { describe, expect, test } from '@jest/globals';
import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { withFormulas, withoutFormulas } from '../contract/rules/formulas.js';

describe('a cell without formulas', () => {
  test.each([
    ['=1+1', "'=1+1"],
    ["x;=cmd|'/C calc'!A0;z", "x;'=cmd|'/C calc'!A0;z"],
    ['a,-1', "a,'-1"],
    ['a\t@SUM(1)', "a\t'@SUM(1)"],
    ['nota\n=1+1', "nota\n'=1+1"],
    ['nota\r\n+39 051', "nota\r\n'+39 051"],
    ['x; "=1', `x; "'=1`],
    ['Rossi-Neri; a=b', 'Rossi-Neri; a=b'],
    ['uno\n\n\tdue', 'uno\n\n\tdue'],
  ])('%j is %j', (text, expected) => {
    expect(withoutFormulas(text)).toBe(expected);
    expect(withFormulas(expected)).toBe(text);
  });

  const cell = fc.string({ unit: fc.constantFrom(...'=+-@;,|\t\r\n" \'ax＝') });

  test('starts none however the file is split', () => {
    const separators = fc.constantFrom(';', ',', '\t');
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1, maxLength: 4 }), separators, separators, (cells, written, opened) => {
        const file = stringify([cells.map(withoutFormulas)], { delimiter: written, record_delimiter: 'windows' });
        const split = file.split(opened === '\t' ? /[\t\r\n]/ : new RegExp(`[${opened}\\r\\n]`));
        for (const each of split) expect(each.replace(/^[ "\u00A0]+/, '')).not.toMatch(/^[=+\-@＝＋－＠]/);
      }),
      { numRuns: 500 },
    );
  });

  test('is read back as it was', () => {
    fc.assert(
      fc.property(cell, (text) => {
        fc.pre(!/(^|[;,|\t\r\n])[ "]*'/.test(text));
        expect(withFormulas(withoutFormulas(text))).toBe(text);
      }),
      { numRuns: 500 },
    );
  });
});
