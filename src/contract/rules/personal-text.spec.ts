import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { textFields } from '../broadcasts.js';
import { limits } from '../limits.js';
import { personalTextFault, filledIn, isPersonal } from './personal-text.js';

const anna = { firstName: 'Anna', surname: 'Rossi', displayName: 'Anna Rossi', businessName: 'Forno Aurora' };
const company = {
  companyName: 'Osteria del Ponte',
  displayName: 'Osteria del Ponte',
  businessName: 'Forno Aurora',
};

describe('a text with fields', () => {
  test('is filled in for each recipient', () => {
    const body = 'Gentile {{firstName}} {{ surname }}, {{displayName}}: {{businessName}}';
    expect(filledIn(body, anna)).toBe('Gentile Anna Rossi, Anna Rossi: Forno Aurora');
  });

  test('uses the displayed name for a recipient without that name', () => {
    const body = '{{firstName}}|{{surname}}|{{companyName}}';
    expect(filledIn(body, company)).toBe('Osteria del Ponte|Osteria del Ponte|Osteria del Ponte');
    expect(filledIn(body, anna)).toBe('Anna|Rossi|Anna Rossi');
  });

  test('is filled in once: a name that looks like a field or a replacement is kept', () => {
    const odd = { ...anna, firstName: '{{surname}}', surname: "$& $1 $' {{firstName}}" };
    expect(filledIn('{{firstName}} {{surname}}', odd)).toBe("{{surname}} $& $1 $' {{firstName}}");
  });

  test('is personal unless it names the business alone', () => {
    expect(isPersonal('Ciao')).toBe(false);
    expect(isPersonal('{{businessName}} vi saluta')).toBe(false);
    expect(isPersonal('{{businessName}} saluta {{firstName}}')).toBe(true);
  });

  test.each(['{{firstname}}', '{{nome}}', '{{}}', '{{ first Name }}', '{{firstName', 'firstName}}', '{{{{surname}}'])(
    'with %j is refused, naming the fields there are',
    (body) => {
      const { code, values, message } = personalTextFault(`Ciao ${body}`)!;
      expect(code).toBe('unknown_placeholder');
      expect(values).toEqual({ allowed: textFields.map((name) => `{{${name}}}`) });
      for (const name of textFields) expect(message).toContain(`{{${name}}}`);
    },
  );

  test.each(['Ciao', 'a { b } c', '{firstName}', '{{ displayName }}!'])('%j is accepted', (body) => {
    expect(personalTextFault(body)).toBeUndefined();
  });

  test.each([
    ['', 'empty', 'The message is empty.'],
    ['\ud83d', 'invalid_unicode', 'lone surrogate'],
    ['a\0', 'invalid_characters', 'NUL'],
    [7, 'not_text', 'must be text'],
  ])('%j is refused as in a message, as %s', (body, code, problem) => {
    expect(personalTextFault(body)).toMatchObject({ code, message: expect.stringContaining(problem) });
  });

  test('counts every field as the longest name, and says so beyond the limit', () => {
    const most = 'a'.repeat(limits.messageLength - 2 * limits.broadcastFieldLength);
    expect(personalTextFault(`${most}{{firstName}}{{surname}}`)).toBeUndefined();
    expect(personalTextFault(`${most}a{{firstName}}{{surname}}`)).toMatchObject({
      code: 'too_long',
      values: { limit: 10_000, length: 10_001 },
      message: expect.stringMatching(/10001 characters.*201.*10000/),
    });
  });

  test('never becomes longer than a message can be', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    const parts = fc.array(fc.oneof(fc.constantFrom(...textFields.map((each) => `{{${each}}}`)), name));
    fc.assert(
      fc.property(parts, name, (texts, displayName) => {
        const body = texts.join('');
        fc.pre(personalTextFault(body) === undefined);
        const long = filledIn(body, { displayName, businessName: 'x'.repeat(limits.businessNameLength) });
        expect([...long].length).toBeLessThanOrEqual(limits.messageLength);
      }),
    );
  });
});
