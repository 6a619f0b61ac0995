import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Log } from './log.js';

let lines: Record<string, unknown>[];
let log: Log;

beforeEach(() => {
  jest.useFakeTimers();
  lines = [];
  log = new Log(
    { logLevel: 'info' },
    { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
});
afterEach(() => {
  jest.useRealTimers();
});

const refusal = (code: string) =>
  Object.assign(new Error('could not extend file "base/16384/16451" for Anna Rossi'), { code });

test('a failure is logged in full once, and then counted', () => {
  for (let times = 0; times < 1_000; times++) log.failure(refusal('53100'), { requestId: String(times) });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    msg: 'failure',
    requestId: '0',
    reason: 'The disk is full: nothing can be stored until there is room on it.',
    error: { name: 'Error', code: '53100' },
  });
  jest.advanceTimersByTime(60_000);
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatchObject({ msg: 'failure repeated', times: 999, seconds: 60, error: { code: '53100' } });
  jest.advanceTimersByTime(60_000);
  log.failure(refusal('53100'));
  expect(lines).toHaveLength(3);
});

test('a failure of another kind, or in another place, is logged separately', () => {
  log.failure(refusal('53100'));
  log.failure(refusal('53300'));
  log.failure(new TypeError('x is not a function'));
  log.failure(new TypeError('y is not a function'));
  expect(lines.map(({ error }) => (error as { name: string }).name)).toEqual([
    'Error',
    'Error',
    'TypeError',
    'TypeError',
  ]);
});

test('an error object of pg-boss is logged by name, code, queue and reason, without its message', () => {
  const error = Object.assign(new Error('Anna Rossi'), { code: '57P01' });
  log.failure({ ...error, message: `${error.message} (Queue: mail.send)`, stack: error.stack, queue: 'mail.send' });
  expect(lines[0]).toMatchObject({
    reason: 'PostgreSQL is starting or stopping.',
    error: { name: 'Error', code: '57P01', queue: 'mail.send' },
  });
  expect(JSON.stringify(lines)).not.toContain('Anna');
});

test('database trouble is passed on each time, even when it is only counted in the log', () => {
  const onTrouble = jest.fn();
  log.onTrouble = onTrouble;
  log.failure({ name: 'QueryFailedError', driverError: refusal('25006'), stack: '' });
  log.failure(refusal('25006'));
  log.failure(new Error('something else'));
  expect(onTrouble.mock.calls).toEqual([['read_only'], ['read_only']]);
});
