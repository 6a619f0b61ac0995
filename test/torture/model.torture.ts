import { expect, jest, test } from '@jest/globals';
import { agree } from '../model/agreement.js';
import { minutes, patience, seed } from './length.js';

jest.setTimeout(patience);

test('whatever devices do and in whatever order, each holds what a simple model says and what a fresh load gives', async () => {
  const sequences = await agree({ seconds: minutes * 60, seed });
  process.stderr.write(`${sequences} sequences of commands agreed with the model\n`);
  expect(sequences).toBeGreaterThan(0);
});
