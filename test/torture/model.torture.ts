import { expect, jest, test } from '@jest/globals';
import { agree } from '../model/agreement.js';
import { minutes, patience, seed } from './length.js';

jest.setTimeout(patience);

test('whatever devices do, in whatever order, each equals a simple model and a fresh load', async () => {
  const sequences = await agree({ seconds: minutes * 60, seed });
  process.stderr.write(`${sequences} sequences of commands agreed with the model\n`);
  expect(sequences).toBeGreaterThan(0);
});
