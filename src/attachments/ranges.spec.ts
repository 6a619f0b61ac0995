import { describe, expect, test } from '@jest/globals';
import { rangeOf } from './ranges.js';

const etag = '"a-1"';

describe('the requested range', () => {
  test.each([
    ['bytes=0-0', { start: 0, end: 1 }],
    ['bytes=10-19', { start: 10, end: 20 }],
    ['bytes=90-', { start: 90, end: 100 }],
    ['bytes=-10', { start: 90, end: 100 }],
    ['bytes=-1000', { start: 0, end: 100 }],
    ['bytes=50-1000', { start: 50, end: 100 }],
    ['bytes=0-9,5-20', { start: 0, end: 21 }],
  ])('%s is found', (range, found) => {
    expect(rangeOf({ range }, 100, etag)).toEqual(found);
  });

  test.each(['bytes=100-', 'bytes=100-200', 'bytes=-0'])('%s is outside', (range) => {
    expect(rangeOf({ range }, 100, etag)).toBe('unsatisfiable');
  });

  test.each([undefined, 'bytes', 'bytes=a-b', 'lines=1-2', 'bytes=0-1,50-60'])('%s means all of it', (range) => {
    expect(rangeOf({ range }, 100, etag)).toBeUndefined();
  });

  test('applies only to the bytes that the client began with', () => {
    const range = 'bytes=10-19';
    expect(rangeOf({ range, 'if-range': etag }, 100, etag)).toEqual({ start: 10, end: 20 });
    for (const other of ['"b-1"', 'W/"a-1"', 'Sat, 29 Oct 1994 19:43:31 GMT']) {
      expect(rangeOf({ range, 'if-range': other }, 100, etag)).toBeUndefined();
    }
  });
});
