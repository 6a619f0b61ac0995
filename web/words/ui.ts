import { type Locale, locale } from './locale.js';

/** Words of the primitives in web/ui. */
const it = {
  close: 'Chiudi',
  back: 'Indietro',
  optional: 'facoltativo',
  showPassword: 'Mostra la password',
  hidePassword: 'Nascondi la password',
  left: (count: number) => `${count} caratteri rimasti`,
  tooLong: (count: number) => `${count} caratteri di troppo`,
  remove: (name: string) => `Togli ${name}`,
  busy: 'Un momento…',
  retry: 'Riprova',
  step: (number: number, count: number) => `Passo ${number} di ${count}`,
  ticks: {
    waiting: 'in attesa della rete',
    sending: 'in invio',
    stored: 'inviato',
    delivered: 'consegnato',
    seen: 'visto',
    failed: 'non inviato',
  },
};

export type UiWords = typeof it;

const en: UiWords = {
  close: 'Close',
  back: 'Back',
  optional: 'optional',
  showPassword: 'Show the password',
  hidePassword: 'Hide the password',
  left: (count) => `${count} characters left`,
  tooLong: (count) => `${count} characters too many`,
  remove: (name) => `Remove ${name}`,
  busy: 'One moment…',
  retry: 'Try again',
  step: (number, count) => `Step ${number} of ${count}`,
  ticks: {
    waiting: 'waiting for the network',
    sending: 'being sent',
    stored: 'sent',
    delivered: 'delivered',
    seen: 'seen',
    failed: 'not sent',
  },
};

const words: Record<Locale, UiWords> = { it, en };
export const u: UiWords = words[locale];
