import { expect, test } from '@jest/globals';
import { ResultCache } from './result-cache.js';

test('an expensive value is computed once for concurrent and soon following requests, and a failure is not cached', async () => {
  let now = 0;
  let computed = 0;
  const cache = new ResultCache(() => now);
  const ask = (milliseconds = 100) => cache.of('a', milliseconds, async () => ++computed);
  expect(await Promise.all([ask(), ask()])).toEqual([1, 1]);
  now = 99;
  expect(await ask()).toBe(1);
  expect(await cache.of('b', 100, async () => 'other')).toBe('other');
  now = 100;
  expect(await Promise.all([ask(), ask()])).toEqual([2, 2]);
  now = 200;
  expect(await Promise.all([ask(0), ask(0)])).toEqual([3, 4]);
  await expect(cache.of('a', 100, () => Promise.reject(new Error('not now')))).rejects.toThrow('not now');
  expect(await ask()).toBe(5);
});
