import { describe, expect, test } from '@jest/globals';
import { policyBlocks } from './policy-text.js';

describe('the text of a policy', () => {
  test('is rendered as headings, paragraphs and lists with bold words', () => {
    expect(policyBlocks('## Chi\n\nIl titolare è **Forno**,\ndi Faenza.\n\n- **Uno:** a\n- due')).toEqual([
      { kind: 'heading', level: 2, pieces: [{ text: 'Chi', strong: false }] },
      {
        kind: 'text',
        pieces: [
          { text: 'Il titolare è ', strong: false },
          { text: 'Forno', strong: true },
          { text: ', di Faenza.', strong: false },
        ],
      },
      {
        kind: 'list',
        items: [
          [
            { text: 'Uno:', strong: true },
            { text: ' a', strong: false },
          ],
          [{ text: 'due', strong: false }],
        ],
      },
    ]);
  });

  test('shows special characters of a name literally', () => {
    expect(policyBlocks('Bar \\*\\*Da Gino\\*\\* \\<b\\>')).toEqual([
      { kind: 'text', pieces: [{ text: 'Bar **Da Gino** <b>', strong: false }] },
    ]);
  });
});
