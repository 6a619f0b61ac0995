import { expect } from '@jest/globals';
import type { Ending } from './installation.js';

/** Finds that a start has failed with one line, which says these words. */
export function expectOneLine({ code, stdout, stderr }: Ending, ...said: string[]): void {
  expect(stderr).toMatch(/^Colloquio cannot start\. [^\n]+\n$/);
  for (const words of said) expect(stderr).toContain(words);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
}
