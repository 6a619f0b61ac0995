import { session } from '../../sync/session.svelte.js';
import { tag } from '../../words/forms.js';

let formats: { zone: string; short: Intl.DateTimeFormat; clock: Intl.DateTimeFormat } | undefined;

/** A moment as the clocks of the business show it: "sabato 28 novembre alle 19:00". */
export function inZone(at: string): string {
  const zone = session.me.subscriber?.timeZone ?? 'Europe/Rome';
  if (formats?.zone !== zone) {
    const common = { timeZone: zone, hour: 'numeric', minute: '2-digit' } as const;
    formats = {
      zone,
      short: new Intl.DateTimeFormat(tag, { ...common, weekday: 'long', day: 'numeric', month: 'long' }),
      clock: new Intl.DateTimeFormat(tag, { ...common, weekday: 'short' }),
    };
  }
  return formats.short.format(new Date(at));
}

/** The same, in few letters: "sab 19:00". */
export function inZoneShort(at: string): string {
  inZone(at);
  return formats!.clock.format(new Date(at));
}
