import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { EpochRenewal } from './epoch-renewal.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const log = { failure: jest.fn() };

function renewing(renewEpoch = jest.fn(() => Promise.resolve())) {
  const keyring = { epochMadeAt: new Date(), currentEpoch: 1, oldestEpoch: 1, renewEpoch };
  return { renewal: new EpochRenewal(keyring as never, log as never), renewEpoch };
}

test('rotations requested by erasures are combined, and begin at most once a minute', async () => {
  const { renewal, renewEpoch } = renewing();
  const noted = jest.fn(() => Promise.resolve());
  renewal.onRenewed(noted);
  for (let erasures = 0; erasures < 50; erasures++) renewal.request();
  expect(renewEpoch).not.toHaveBeenCalled();
  await jest.advanceTimersByTimeAsync(5_000);
  expect(renewEpoch).toHaveBeenCalledTimes(1);
  expect(noted).toHaveBeenCalledTimes(1);
  for (let erasures = 0; erasures < 50; erasures++) renewal.request();
  await jest.advanceTimersByTimeAsync(50_000);
  expect(renewEpoch).toHaveBeenCalledTimes(1);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(renewEpoch).toHaveBeenCalledTimes(2);
  await renewal.stop();
});

test('a rotation that fails is retried, and none begins after a stop', async () => {
  const renewEpoch = jest.fn(() => Promise.resolve()).mockRejectedValueOnce(new Error('the database went away'));
  const { renewal } = renewing(renewEpoch);
  renewal.request();
  await jest.advanceTimersByTimeAsync(3_000);
  expect(log.failure).toHaveBeenCalledTimes(1);
  await jest.advanceTimersByTimeAsync(60_000);
  expect(renewEpoch).toHaveBeenCalledTimes(2);
  renewal.request();
  await renewal.stop();
  await jest.advanceTimersByTimeAsync(120_000);
  expect(renewEpoch).toHaveBeenCalledTimes(2);
});
