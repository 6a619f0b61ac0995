import { expect, test } from '@jest/globals';
import { BoundedCache } from './bounded-cache.js';

test('holds as many entries as it may, and drops the one that was not used for longest', () => {
  const cache = new BoundedCache<string, number>(3);
  for (const [key, value] of [
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ] as const)
    cache.set(key, value);
  expect(cache.get('a')).toBe(1);
  cache.set('a', 10).set('d', 4);
  expect([...cache.keys()].sort()).toEqual(['a', 'c', 'd']);
  expect(cache.get('a')).toBe(10);
  for (let number = 0; number < 1000; number++) cache.set(`n${number}`, number);
  expect([...cache.keys()].sort()).toEqual(['n997', 'n998', 'n999']);
});

test('forgets an entry when its time is over', async () => {
  const cache = new BoundedCache<string, number>(3, { ttl: 1 });
  cache.set('a', 1);
  while (cache.get('a') !== undefined) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(cache.has('a')).toBe(false);
});
