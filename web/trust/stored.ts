import { limits } from '../../src/contract/limits.js';
import type { Locale } from '../../src/contract/common.js';

/** Places of a browser in which the apps keep something. */
export type Place = 'cookie' | 'local' | 'session' | 'database' | 'cache';

/** Something that a device stores, for the page about cookies. Tests compare the list with what the apps really store. */
export interface Stored {
  /** Its name; `*` stands for an id, or for what the browser adds. */
  name: string;
  place: Place;
  words: Record<Locale, readonly [purpose: string, lasts: string]>;
}

const untilLogout = {
  it: 'finché esci, o finché il dispositivo non torna per molto tempo',
  en: 'until you log out, or the device stays away for long',
};
const ofDevice = {
  it: `${limits.knownDeviceDays} giorni dall’ultimo uso, apposta anche quando esci`,
  en: `${limits.knownDeviceDays} days from the last use, on purpose also when you log out`,
};
const untilCleared = { it: 'finché cancelli i dati del sito', en: 'until you clear the data of the site' };
const untilClosed = { it: 'finché chiudi la scheda', en: 'until you close the tab' };

const row = (
  place: Place,
  name: string,
  lasts: Record<Locale, string>,
  [it, en]: readonly [string, string],
): Stored => ({
  name,
  place,
  words: { it: [it, lasts.it], en: [en, lasts.en] },
});

export const stored: readonly Stored[] = [
  row('cookie', 'colloquio-dashboard', untilLogout, [
    'Tiene dentro chi lavora per un’attività, nel pannello.',
    'Keeps people who work for a business signed in to the dashboard.',
  ]),
  row('cookie', 'colloquio-app', untilLogout, [
    'Tiene dentro chi scrive a un’attività, nell’app.',
    'Keeps people who write to a business signed in to the app.',
  ]),
  ...(['colloquio-dashboard-device', 'colloquio-app-device'] as const).map((name) =>
    row('cookie', name, ofDevice, [
      'Un numero a caso: se rientri da questo dispositivo, non ti avvisiamo come se fosse nuovo. Non tiene dentro nessuno.',
      'A random number: when you sign in again on this device, we do not tell you of a new one. It keeps nobody signed in.',
    ]),
  ),
  row('database', 'colloquio-*-data', untilLogout, [
    'Bozze, messaggi in attesa della rete e, nell’app, gli ultimi messaggi: cifrati.',
    'Drafts, messages that wait for the network and, in the app, the latest messages: encrypted.',
  ]),
  row('database', 'colloquio-*-key', untilLogout, [
    'La chiave che li cifra; non si può copiare altrove.',
    'The key that encrypts them; it cannot be copied elsewhere.',
  ]),
  row('cache', 'colloquio-*', untilCleared, [
    'Il codice dell’app, perché si apra anche senza rete. Niente di tuo.',
    'The code of the app, so that it opens without a network. Nothing of yours.',
  ]),
  row('local', 'colloquio-*-here', untilLogout, [
    'Ricorda che in questo browser si è entrati.',
    'Remembers that somebody is signed in here.',
  ]),
  row('local', 'colloquio-*-shared', untilLogout, [
    'Ricorda che il dispositivo lo usano anche altri.',
    'Remembers that others use the device too.',
  ]),
  row('local', 'colloquio-*-notifications', untilLogout, [
    'Ricorda che su questo dispositivo hai attivato le notifiche.',
    'Remembers that you turned notifications on for this device.',
  ]),
  row('local', 'colloquio-*-notifications-refused', untilCleared, [
    'Quando non hai voluto le notifiche, per non chiedertelo ancora.',
    'When you did not want notifications, so that it does not ask again.',
  ]),
  row('local', 'colloquio-app-carried', untilCleared, [
    'Il codice, già usato, con cui l’app installata ha ripreso l’accesso.',
    'The code, used already, by which the installed app took over the sign-in.',
  ]),
  row('local', 'colloquio-app-install-refused', untilCleared, [
    'Quando hai rifiutato di installare l’app, per non chiedertelo ancora.',
    'When you declined to install the app, so that it does not ask again.',
  ]),
  row('local', 'colloquio-app-visits', untilCleared, [
    'Quante volte hai aperto l’app, per proporti l’installazione al momento giusto.',
    'How often you opened the app, so that installing is offered at the right moment.',
  ]),
  row('local', 'colloquio-theme', untilCleared, ['Chiaro o scuro.', 'Light or dark.']),
  row('local', 'colloquio-locale', untilCleared, ['La lingua.', 'The language.']),
  row('local', 'colloquio-details', untilCleared, [
    'Se nel pannello i dettagli del contatto stanno aperti.',
    'If the details of a contact stay open in the dashboard.',
  ]),
  row('local', 'colloquio-printed-*', untilLogout, [
    'Che il cartello con il codice è già stato stampato.',
    'That the poster with the code was printed already.',
  ]),
  row('session', 'colloquio-app-visits', untilClosed, [
    'Conta una visita una volta sola.',
    'Counts a visit only once.',
  ]),
  row('session', 'colloquio-join-*', untilClosed, [
    'Ciò che scrivi nel modulo per entrare, finché lo invii. Mai la password.',
    'Your entries in the form for joining, until you send it. Never the password.',
  ]),
  row('session', 'colloquio-register', untilClosed, [
    'Ciò che scrivi nel modulo di registrazione, finché lo invii. Mai la password.',
    'Your entries in the form for registering, until you send it. Never the password.',
  ]),
  row('session', 'colloquio-welcomed', untilClosed, [
    'Che i primi passi sono già stati mostrati.',
    'That the first steps were shown already.',
  ]),
];

/** Tells if a name that was found in a browser is one of the list; over HTTPS cookies have a prefix. */
export function isListed(place: Place, found: string): boolean {
  const name = place === 'cookie' ? found.replace(/^__Host-/, '') : found;
  return stored.some(
    (each) => each.place === place && new RegExp(`^${each.name.split('*').map(quoted).join('.+')}$`).test(name),
  );
}

const quoted = (text: string) => text.replace(/[-\\^$*+?.()|[\]{}]/g, '\\$&');
