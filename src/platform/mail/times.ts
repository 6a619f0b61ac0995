/** A time as mails say it, with the name of its zone; the server's zone without one. */
export function timeInWords(
  time: Date,
  { locale, timeZone }: { locale: string; timeZone?: string | undefined },
): string {
  return new Intl.DateTimeFormat(locale === 'it' ? 'it' : 'en-GB', {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
    timeZone,
  }).format(time);
}
