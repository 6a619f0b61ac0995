import { expect, test } from '@jest/globals';
import { stepsOf } from './result-steps.js';

const start = new Date('2026-11-25T07:30:40Z');
const after = (minutes: number) => new Date(start.getTime() + minutes * 60_000);

test('steps are minutes at first, starting with the minute of the broadcast', () => {
  expect(stepsOf(start, after(0))).toEqual({ beginning: new Date('2026-11-25T07:30:00Z'), seconds: 60, steps: 1 });
  expect(stepsOf(start, after(90))).toMatchObject({ seconds: 60, steps: 91 });
});

test('steps grow, are at most 96, and end after two days', () => {
  expect(stepsOf(start, after(600))).toMatchObject({ seconds: 7 * 60, steps: 86 });
  for (const minutes of [48 * 60, 365 * 24 * 60]) {
    expect(stepsOf(start, after(minutes))).toMatchObject({ seconds: 30 * 60, steps: 96 });
  }
});
