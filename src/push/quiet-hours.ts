import type { QuietHours } from '../contract/push.js';

const minuteMilliseconds = 60_000;
const dayMinutes = 24 * 60;

/** The time at which quiet hours end, if a time is within them; they may go over midnight. */
export function quietUntil({ from, to, timeZone }: QuietHours, at: Date): Date | undefined {
  const minute = minuteIn(timeZone, at);
  const isQuiet = from < to ? minute >= from && minute < to : minute >= from || minute < to;
  if (!isQuiet) return undefined;
  const started = at.getTime() - (at.getTime() % minuteMilliseconds);
  const end = started + ((to - minute + dayMinutes) % dayMinutes) * minuteMilliseconds;
  // A clock that changes meanwhile makes the way to the end an hour longer or shorter.
  const off = ((minuteIn(timeZone, new Date(end)) - to + dayMinutes * 1.5) % dayMinutes) - dayMinutes / 2;
  const corrected = new Date(end - off * minuteMilliseconds);
  // A minute that a clock leaps over never comes; the hour after it does.
  return corrected > at && minuteIn(timeZone, corrected) === to
    ? corrected
    : new Date(Math.max(end, started + minuteMilliseconds));
}

/** Minutes after midnight that a clock in a time zone shows. */
function minuteIn(timeZone: string, at: Date): number {
  const clock = new Intl.DateTimeFormat('en', { timeZone, hour: 'numeric', minute: 'numeric', hourCycle: 'h23' });
  const part = (type: 'hour' | 'minute') => Number(clock.formatToParts(at).find((each) => each.type === type)!.value);
  return part('hour') * 60 + part('minute');
}
