import { locale } from './locale.js';

/*
 * Dates, numbers and plurals in the reader's language. Formatters are made once: that is most of their cost.
 */
/** The reader's kind of English, such as British; browsers on Linux name languages that none of them knows. */
const english = () => navigator.languages.find((language) => /^en(-[A-Za-z]{2})?$/.test(language)) ?? 'en';
export const tag = locale === 'it' ? 'it-IT' : english();

const plurals = new Intl.PluralRules(tag);
const numbers = new Intl.NumberFormat(tag);
const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(tag, options);
const formats = {
  time: format({ hour: 'numeric', minute: '2-digit' }),
  seconds: format({ hour: 'numeric', minute: '2-digit', second: '2-digit' }),
  weekday: format({ weekday: 'long' }),
  dayMonth: format({ day: 'numeric', month: 'short' }),
  dayLong: format({ weekday: 'long', day: 'numeric', month: 'long' }),
  date: format({ day: 'numeric', month: 'long', year: 'numeric' }),
  dateShort: format({ day: '2-digit', month: '2-digit', year: '2-digit' }),
  exactSeconds: format({
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    second: '2-digit',
  }),
  exact: format({
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
  }),
};
const relative = new Intl.RelativeTimeFormat(tag, { numeric: 'auto' });

/** A word for one thing and for others. */
export interface Forms {
  one: string;
  other: string;
}

/** The form of a word that goes with a number. */
export const formOf = (count: number, { one, other }: Forms): string => (plurals.select(count) === 'one' ? one : other);

/** A number with the form of a word that goes with it: `counted(2, { one: 'messaggio', other: 'messaggi' })`. */
export const counted = (count: number, forms: Forms): string => `${numbers.format(count)} ${formOf(count, forms)}`;

export const number = (value: number): string => numbers.format(value);
export const time = (at: string | number | Date): string => formats.time.format(new Date(at));
export const date = (at: string | number | Date): string => formats.date.format(new Date(at));
export const exactTime = (at: string | number | Date): string => formats.exact.format(new Date(at));
export const exactSeconds = (at: string): string => formats.exactSeconds.format(new Date(at));

const midnight = (at: Date) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
/** Whole days between a moment and now, by the calendar of this device. */
const daysAgo = (at: Date) => Math.round((midnight(new Date()) - midnight(at)) / 86_400_000);

/** Time in a list: "10:52", "ieri", "lunedì", "12 nov", "12/11/25". */
export function timeInList(at: string): string {
  const moment = new Date(at);
  const days = daysAgo(moment);
  if (days <= 0) return time(moment);
  if (days === 1) return relative.format(-1, 'day');
  if (days < 7) return formats.weekday.format(moment);
  return moment.getFullYear() === new Date().getFullYear()
    ? formats.dayMonth.format(moment)
    : formats.dateShort.format(moment);
}

/** Day in a column: "14 nov", "14/11/25". */
export function dayShort(at: string): string {
  const moment = new Date(at);
  const isThisYear = moment.getFullYear() === new Date().getFullYear();
  return (isThisYear ? formats.dayMonth : formats.dateShort).format(moment);
}

/** Name of a day above its messages: "Oggi", "Ieri", "Mercoledì 25 novembre". */
export function dayName(at: string | number): string {
  const moment = new Date(at);
  const days = daysAgo(moment);
  if (days === 0 || days === 1) return capital(relative.format(-days, 'day'));
  const isThisYear = moment.getFullYear() === new Date().getFullYear();
  return capital(isThisYear ? formats.dayLong.format(moment) : formats.date.format(moment));
}

const capital = (text: string) => text.charAt(0).toLocaleUpperCase(tag) + text.slice(1);

/** A date and time, as precise as it is known: "oggi, 10:46:03", "mer 25 nov, 10:46". */
export function dateTimeOf(at: string, exactly: 'minutes' | 'seconds' = 'minutes'): string {
  const moment = new Date(at);
  const clock = exactly === 'seconds' ? formats.seconds.format(moment) : time(moment);
  const days = daysAgo(moment);
  if (days === 0 || days === 1) return `${relative.format(-days, 'day')} ${clock}`;
  return `${formats.dayMonth.format(moment)} ${clock}`;
}

/** Length of a recording: "0:14". */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;
/** Size of a file, in powers of 1,024 as the limits are set: "214 kB". */
export function size(bytes: number): string {
  const power = Math.min(units.length - 1, bytes < 1024 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return new Intl.NumberFormat(tag, {
    style: 'unit',
    unit: units[power],
    unitDisplay: power === 0 ? 'long' : 'short',
    maximumFractionDigits: value < 10 && power > 0 ? 1 : 0,
  }).format(value);
}

/** Names in a row: "pane, latte e uova". */
export const listed = (names: readonly string[]): string =>
  new Intl.ListFormat(tag, { type: 'conjunction' }).format(names);
