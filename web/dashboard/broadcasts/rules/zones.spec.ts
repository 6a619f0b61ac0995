import { describe, expect, test } from '@jest/globals';
import { chosenTime, instantsOf, suggestedTimes, wallTime } from './zones.js';

const rome = 'Europe/Rome';
const iso = (moments: Date[]) => moments.map((moment) => moment.toISOString());

describe('wall-clock times', () => {
  test('follow the time zone, in winter and in summer', () => {
    expect(iso(instantsOf('2026-11-28T19:00', rome))).toEqual(['2026-11-28T18:00:00.000Z']);
    expect(iso(instantsOf('2026-07-01T19:00', rome))).toEqual(['2026-07-01T17:00:00.000Z']);
    expect(iso(instantsOf('2026-07-01T19:00', 'Asia/Kathmandu'))).toEqual(['2026-07-01T13:15:00.000Z']);
    expect(wallTime(new Date('2026-12-31T23:30:00Z'), rome)).toBe('2027-01-01T00:30');
  });

  test('do not exist where clocks are put forward, and exist twice where they are put back', () => {
    expect(instantsOf('2026-03-29T02:30', rome)).toEqual([]);
    expect(iso(instantsOf('2026-10-25T02:30', rome))).toEqual(['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z']);
    expect(instantsOf('no time', rome)).toEqual([]);
  });
});

describe('suggested times', () => {
  test('are in the zone of the business, even if it is another day there', () => {
    // Saturday evening in Rome, Sunday morning in Auckland.
    const now = new Date('2026-11-28T17:59:00Z');
    expect(suggestedTimes(now, rome)).toEqual({
      tonight: '2026-11-28T19:00',
      tomorrow: '2026-11-29T09:00',
      monday: '2026-11-30T09:00',
    });
    expect(suggestedTimes(now, 'Pacific/Auckland')).toEqual({
      tonight: '2026-11-29T19:00',
      tomorrow: '2026-11-30T09:00',
      monday: '2026-11-30T09:00',
    });
  });

  test('omit this evening once it has passed, and on a Monday mean the next one', () => {
    const monday = new Date('2026-11-30T18:00:00Z');
    expect(suggestedTimes(monday, rome)).toEqual({ tomorrow: '2026-12-01T09:00', monday: '2026-12-07T09:00' });
  });
});

describe('a chosen time', () => {
  const asked = { now: new Date('2026-03-01T08:00:00Z'), timeZone: rome, daysAhead: 365 };
  test('is refused if it does not exist, has passed, or is too far ahead', () => {
    expect(chosenTime('', asked)).toEqual({ fault: 'missing' });
    expect(chosenTime('2026-03-29T02:30', asked)).toEqual({ fault: 'skipped' });
    expect(chosenTime('2026-02-28T09:00', asked)).toEqual({ fault: 'past' });
    expect(chosenTime('2027-03-01T09:00', asked)).toMatchObject({ moment: new Date('2027-03-01T08:00:00Z') });
    expect(chosenTime('2027-03-01T09:01', asked)).toEqual({ fault: 'tooFar' });
    expect(chosenTime('2026-10-25T02:30', asked)).toMatchObject({ isDoubled: true });
  });
});
