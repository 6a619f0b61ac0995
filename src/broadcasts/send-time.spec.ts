import { describe, expect, test } from '@jest/globals';
import type { ValidationFailed } from '../platform/problems/domain-error.js';
import { sendTime } from './send-time.js';

const now = new Date('2026-03-01T12:00:00Z');
const inRome = (text: string) => sendTime(text, 'Europe/Rome', now).toISOString();
const codeOf = (text: string, timeZone = 'Europe/Rome') => {
  try {
    sendTime(text, timeZone, now);
    return undefined;
  } catch (error) {
    return (error as ValidationFailed).data.errors![0]!.code;
  }
};

describe('a time to send', () => {
  test.each([
    ['2026-03-24T09:00', '2026-03-24T08:00:00.000Z'],
    ['2026-07-24T09:00:30', '2026-07-24T07:00:30.000Z'],
    ['2026-07-24T09:00:30.1234', '2026-07-24T07:00:30.123Z'],
    ['2026-07-24T09:00Z', '2026-07-24T09:00:00.000Z'],
    ['2026-07-24t09:00:00z', '2026-07-24T09:00:00.000Z'],
    ['2026-07-24T09:00:00-05:00', '2026-07-24T14:00:00.000Z'],
  ])('%s is %s for a business in Rome', (text, moment) => {
    expect(inRome(text)).toBe(moment);
  });

  test('without an offset is in the time zone', () => {
    expect(sendTime('2026-07-24T09:00', 'America/New_York', now).toISOString()).toBe('2026-07-24T13:00:00.000Z');
  });

  test('skipped by a clock change does not exist, and a repeated one is the earlier', () => {
    expect(codeOf('2026-03-29T02:30')).toBe('skipped');
    expect(inRome('2026-03-29T01:59')).toBe('2026-03-29T00:59:00.000Z');
    expect(inRome('2026-03-29T03:00')).toBe('2026-03-29T01:00:00.000Z');
    expect(inRome('2026-10-25T02:30')).toBe('2026-10-25T00:30:00.000Z');
    expect(codeOf('2026-03-29T02:30', 'UTC')).toBeUndefined();
  });

  test('that has passed is refused, except for the last minute, which means now', () => {
    expect(codeOf('2026-03-01T11:58:59Z')).toBe('past');
    expect(inRome('2026-03-01T11:59:00Z')).toBe(now.toISOString());
    expect(codeOf('1969-01-01T00:00')).toBe('past');
  });

  test('can be at most 365 days ahead', () => {
    expect(codeOf('2027-03-01T12:00:00Z')).toBeUndefined();
    expect(codeOf('2027-03-01T12:00:00.001Z')).toBe('too_far');
    expect(codeOf('9999-03-01T12:00')).toBe('too_far');
  });

  test.each([
    '',
    'domani',
    '2026-07-24',
    '2026-07-24 09:00',
    '2026-02-30T09:00',
    '2026-07-24T25:00',
    '2026-07-24T09:00[Europe/Rome]',
    '2026-07-24T09:00+99:00',
    '+012026-07-24T09:00',
  ])('%j is none', (text) => {
    expect(codeOf(text)).toBe('time');
  });
});
