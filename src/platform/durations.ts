export const dayMilliseconds = 24 * 60 * 60 * 1000;

/** A time this many months before another. */
export function monthsBefore(time: Date, months: number): Date {
  const earlier = new Date(time);
  earlier.setUTCMonth(earlier.getUTCMonth() - months);
  return earlier;
}
