/*
 * Times of the clock on the wall in the time zone of the business, written "2026-11-28T19:00". The service reads them in that zone;
 * here they are offered, checked and shown.
 */

/** Parts of a moment as the clocks of a time zone show it. */
export function wallTime(moment: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  }).formatToParts(moment);
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)!.value;
  return `${of('year').padStart(4, '0')}-${of('month')}-${of('day')}T${of('hour')}:${of('minute')}`;
}

/** The instants at which clocks show a time, earliest first: none if they skip it, two if they go back. */
export function instantsOf(wall: string, timeZone: string): Date[] {
  const asUtc = Date.parse(`${wall}:00Z`);
  if (Number.isNaN(asUtc)) return [];
  const offsets = new Set<number>();
  // A zone changes its clocks by a few hours at most, and not twice in two days.
  for (const hours of [-24, 0, 24]) {
    const around = asUtc + hours * 3_600_000;
    offsets.add(Date.parse(`${wallTime(new Date(around), timeZone)}:00Z`) - around);
  }
  return [...offsets]
    .map((offset) => new Date(asUtc - offset))
    .filter((moment) => wallTime(moment, timeZone) === wall)
    .sort((one, other) => one.getTime() - other.getTime());
}

/** A day so many days after that of a moment, as "2026-11-28". */
function dayAfter(moment: Date, timeZone: string, days: number): string {
  const today = new Date(`${wallTime(moment, timeZone).slice(0, 10)}T12:00:00Z`);
  return new Date(today.getTime() + days * 86_400_000).toISOString().slice(0, 10);
}

export interface SuggestedTimes {
  /** Missing once it has passed. */
  tonight?: string;
  tomorrow: string;
  monday: string;
}

/** Times that many messages are sent at: this evening, tomorrow morning, and the morning of the next Monday. */
export function suggestedTimes(now: Date, timeZone: string): SuggestedTimes {
  const tonight = `${dayAfter(now, timeZone, 0)}T19:00`;
  const weekday = new Date(`${dayAfter(now, timeZone, 0)}T12:00:00Z`).getUTCDay();
  const untilMonday = (8 - weekday) % 7 || 7;
  return {
    ...(wallTime(now, timeZone) < tonight && { tonight }),
    tomorrow: `${dayAfter(now, timeZone, 1)}T09:00`,
    monday: `${dayAfter(now, timeZone, untilMonday)}T09:00`,
  };
}

export type TimeFault = 'missing' | 'skipped' | 'past' | 'tooFar';

/** A time that was chosen: the moment that it means, or why it cannot be taken. */
export function chosenTime(
  wall: string,
  { now, timeZone, daysAhead }: { now: Date; timeZone: string; daysAhead: number },
): { moment?: Date; fault?: TimeFault; isDoubled?: boolean } {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(wall)) return { fault: 'missing' };
  const moments = instantsOf(wall, timeZone);
  const [moment] = moments;
  if (!moment) return { fault: Number.isNaN(Date.parse(`${wall}:00Z`)) ? 'missing' : 'skipped' };
  if (moment.getTime() < now.getTime() - 60_000) return { fault: 'past' };
  if (moment.getTime() - now.getTime() > daysAhead * 86_400_000) return { fault: 'tooFar' };
  return { moment, isDoubled: moments.length > 1 };
}
