import type { FieldError } from '../contract/errors.js';
import { limits } from '../contract/limits.js';
import { dayMilliseconds } from '../platform/durations.js';
import { ValidationFailed } from '../platform/problems/domain-error.js';

const form = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?$/i;
const lateMilliseconds = 60_000;
const hourMilliseconds = 60 * 60 * 1000;

/**
 * The moment that a text means (ISO 8601): with an offset or Z the one it names, without in a time zone. Of a time that
 * a clock change doubles it is the earlier. A moment that has just passed means now.
 * @throws ValidationFailed for a time that there is not, that has passed, or that is too far ahead
 */
export function sendTime(text: string, timeZone: string, now: Date): Date {
  const time = timeOf(text, timeZone);
  const ahead = time.getTime() - now.getTime();
  if (ahead < -lateMilliseconds) throw refused('past', 'This time has passed. Leave it out to send now.');
  if (ahead > limits.broadcastDaysAhead * dayMilliseconds) {
    const limit = limits.broadcastDaysAhead;
    throw refused('too_far', `You can schedule a broadcast at most ${limit} days ahead.`, { values: { limit } });
  }
  return ahead < 0 ? now : time;
}

/**
 * The moment after which a broadcast is too late, in the same forms; without one, some hours after its time.
 * @throws ValidationFailed for one that is not, or is too close to its time or too far from it
 */
export function lateTime(text: string | undefined, timeZone: string, sendAt: Date): Date {
  if (text === undefined) return new Date(sendAt.getTime() + limits.broadcastLateHours * hourMilliseconds);
  const time = timeOf(text, timeZone, 'notAfter');
  const after = time.getTime() - sendAt.getTime();
  if (after < limits.broadcastLateMinutesMin * 60_000) {
    const message = `notAfter must be at least ${limits.broadcastLateMinutesMin} minutes after the time of sending.`;
    throw refused('too_early', message, { field: 'notAfter', values: { limit: limits.broadcastLateMinutesMin } });
  }
  if (after > limits.broadcastLateHoursMax * hourMilliseconds) {
    const message = `notAfter must be at most ${limits.broadcastLateHoursMax / 24} days after the time of sending.`;
    throw refused('too_far', message, { field: 'notAfter', values: { limit: limits.broadcastLateHoursMax / 24 } });
  }
  return time;
}

function timeOf(text: string, timeZone: string, field: TimeField = 'sendAt'): Date {
  const [there, offset] = form.exec(text) ?? [];
  const read = <Time>(from: () => Time): Time => {
    try {
      if (there !== undefined) return from();
    } catch {
      // What Temporal does not take is no time: the thirtieth of February, say.
    }
    throw refused('time', 'This is not a time such as 2026-12-24T09:00 or 2026-12-24T08:00:00Z.', { field });
  };
  if (offset) return new Date(read(() => Temporal.Instant.from(text)).epochMilliseconds);
  const local = read(() => Temporal.PlainDateTime.from(text));
  const zoned = local.toZonedDateTime(timeZone, { disambiguation: 'earlier' });
  if (zoned.toPlainDateTime().equals(local)) return new Date(zoned.epochMilliseconds);
  throw refused('skipped', `There is no such time in ${timeZone}: the clocks are put forward over it.`, { field });
}

type TimeField = 'sendAt' | 'notAfter';

function refused(
  code: FieldError['code'],
  message: string,
  { field = 'sendAt', values }: { field?: TimeField; values?: NonNullable<FieldError['values']> } = {},
): ValidationFailed {
  return new ValidationFailed([{ field, code, message, ...(values && { values }) }]);
}
