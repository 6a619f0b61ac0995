import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { joins } from '../src/auth/joining-limits.js';
import '../src/auth/sessions.service.js';
import '../src/conversations/message-limits.js';
import '../src/imports/turns.js';
import { loadConfig } from '../src/platform/config.js';
import { DomainError } from '../src/platform/problems/domain-error.js';
import { defineLimit, limitNamed, RateLimits } from '../src/platform/rate-limits.js';

const perMinute = 60;
const perQuarterHour = 15 * 60;
const perHour = 60 * 60;

describe('attempts', () => {
  let limits: RateLimits;

  let passed = 0;

  beforeEach(() => {
    const { now } = Date;
    passed = 0;
    jest.spyOn(Date, 'now').mockImplementation(() => now() + passed);
    limits = new RateLimits(loadConfig({ RATE_MESSAGES: '3', RATE_SIGN_IN: '2', RATE_JOIN: '4' }));
  });
  afterEach(() => void jest.restoreAllMocks());

  const refusal = async (limit: string, ...key: string[]) =>
    limits.count(limitNamed(limit), ...key).then(
      () => undefined,
      (error: DomainError) => error,
    );

  test.each([
    ['message', 3, perMinute],
    ['accountMessage', 6, perMinute],
    ['receipt', 30, perMinute],
    ['accountReceipt', 60, perMinute],
    ['unknownToken', 100, perMinute],
    ['signInByNameAndAddress', 2, perQuarterHour],
    ['signInByName', 10, perQuarterHour],
    ['signInByAddress', 20, perQuarterHour],
    ['join', 4, perHour],
    ['lookUp', 40, perHour],
  ] as const)('%s are %i in %i seconds, then refused with the time to wait', async (limit, points, seconds) => {
    for (let attempt = 1; attempt <= points; attempt++) expect(await refusal(limit, 'anna')).toBeUndefined();
    passed += 10_000;
    const refused = await refusal(limit, 'anna');
    expect(refused).toBeInstanceOf(DomainError);
    expect(refused).toMatchObject({ code: 'rate_limited', status: 429 });
    // Counting takes a moment itself.
    expect([seconds - 11, seconds - 10]).toContain(refused!.data['retryAfter']);
    passed += (seconds - 10) * 1000;
    expect(await refusal(limit, 'anna')).toBeUndefined();
  });

  test('of one asker do not count for another, nor those of one kind for another', async () => {
    for (let attempt = 1; attempt <= 3; attempt++) await limits.count(limitNamed('message'), 'anna');
    expect(await refusal('message', 'anna')).toBeDefined();
    expect(await refusal('message', 'bruno')).toBeUndefined();
    expect(await refusal('join', 'anna')).toBeUndefined();
    for (let attempt = 1; attempt <= 2; attempt++) await limits.count(limitNamed('signInByNameAndAddress'), 'a', 'bc');
    expect(await refusal('signInByNameAndAddress', 'a', 'bc')).toBeDefined();
    expect(await refusal('signInByNameAndAddress', 'ab', 'c')).toBeUndefined();
  });

  test('that are forgotten no longer count', async () => {
    for (let attempt = 1; attempt <= 2; attempt++)
      await limits.count(limitNamed('signInByNameAndAddress'), 'anna', '192.0.2.1');
    await limits.forget(limitNamed('signInByNameAndAddress'), 'anna', '192.0.2.1');
    expect(await refusal('signInByNameAndAddress', 'anna', '192.0.2.1')).toBeUndefined();
  });

  test('are refused with the time to wait in words, and without the name', async () => {
    for (let attempt = 1; attempt <= 4; attempt++) await limits.count(joins, 'anna');
    expect((await refusal('join', 'anna'))!.message).toBe('Too many attempts. Try again in 60 minutes.');
    passed += (perHour - 118.5) * 1000;
    expect((await refusal('join', 'anna'))!.message).toBe('Too many attempts. Try again in 119 seconds.');
  });

  test('cannot be defined twice under one name', () => {
    expect(() => defineLimit('join', { points: 1, seconds: 1 })).toThrow('two limits are called join');
  });
});
