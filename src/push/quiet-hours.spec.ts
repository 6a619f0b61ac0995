import { describe, expect, test } from '@jest/globals';
import { quietUntil } from './quiet-hours.js';

const night = { from: 22 * 60, to: 7 * 60, timeZone: 'Europe/Rome' };
const rest = { from: 13 * 60, to: 15 * 60 + 30, timeZone: 'Europe/Rome' };
const endOf = (hours: typeof night, at: string) => quietUntil(hours, new Date(at))?.toISOString();

describe('quiet hours', () => {
  test.each([
    ['2026-06-10T10:59:59Z', undefined],
    ['2026-06-10T11:00:00Z', '2026-06-10T13:30:00.000Z'],
    ['2026-06-10T13:29:59.999Z', '2026-06-10T13:30:00.000Z'],
    ['2026-06-10T13:30:00Z', undefined],
  ])('within a day: at %s until %s', (at, end) => expect(endOf(rest, at)).toBe(end));

  test.each([
    ['2026-06-10T19:59:59Z', undefined],
    ['2026-06-10T20:00:00Z', '2026-06-11T05:00:00.000Z'],
    ['2026-06-10T23:30:12Z', '2026-06-11T05:00:00.000Z'],
    ['2026-06-11T04:59:00Z', '2026-06-11T05:00:00.000Z'],
    ['2026-06-11T05:00:00Z', undefined],
  ])('over midnight: at %s until %s', (at, end) => expect(endOf(night, at)).toBe(end));

  test.each([
    // Clocks go from 2 to 3 on 29 March and from 3 to 2 on 25 October 2026.
    ['2026-03-28T22:00:00Z', '2026-03-29T05:00:00.000Z'],
    ['2026-03-29T04:59:00Z', '2026-03-29T05:00:00.000Z'],
    ['2026-10-24T21:00:00Z', '2026-10-25T06:00:00.000Z'],
    ['2026-10-25T05:59:00Z', '2026-10-25T06:00:00.000Z'],
    ['2026-10-25T06:00:00Z', undefined],
  ])('over a change of clocks: at %s until %s', (at, end) => expect(endOf(night, at)).toBe(end));

  test('that end in an hour skipped by a clock change end after it', () => {
    const leapt = { from: 60, to: 2 * 60 + 30, timeZone: 'Europe/Rome' };
    const end = quietUntil(leapt, new Date('2026-03-29T00:30:00Z'))!;
    expect(quietUntil(leapt, end)).toBeUndefined();
    expect(end.getTime() - Date.parse('2026-03-29T00:30:00Z')).toBeLessThanOrEqual(60 * 60_000);
  });
});
