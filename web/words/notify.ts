import { type Locale, locale } from './locale.js';

/** Words of notifications, in both apps. */
const it = {
  title: 'Notifiche',
  pageText: 'Quando ti avvisa questo dispositivo, e quando no.',
  rowText: 'Avvisi su questo dispositivo, ore di silenzio',
  ask: {
    app: 'Vuoi un avviso quando ti rispondono, anche con l’app chiusa? Dice solo chi ti ha scritto.',
    dashboard: 'Vuoi un avviso quando un cliente ti scrive, anche con la pagina chiusa? Non dice chi, né che cosa.',
    on: 'Attiva le notifiche',
    later: 'Non ora',
  },
  here: {
    title: 'Su questo dispositivo',
    label: 'Notifiche su questo dispositivo',
    states: {
      unknown: 'Un momento…',
      on: 'Attive',
      off: 'Spente',
      denied:
        'Il browser le blocca per questo sito. Consentile nelle impostazioni del sito, accanto all’indirizzo; se l’app è installata, in quelle del dispositivo.',
      unsupported: 'Questo browser non può ricevere notifiche.',
      ios: 'Su iPhone e iPad arrivano solo nell’app installata: aggiungila alla schermata Home, aprila da lì e attivale.',
      shared: 'Su un dispositivo condiviso restano spente.',
    },
    contents: {
      app: 'Una notifica dice solo quale attività ti ha scritto e quanti messaggi ci sono, mai che cosa.',
      dashboard: 'Una notifica dice solo quanti messaggi ci sono, mai chi ha scritto né che cosa.',
    },
    install: 'Come si aggiunge',
    turnedOn: 'Notifiche attive su questo dispositivo',
    turnedOff: 'Notifiche spente su questo dispositivo',
    failed: 'Il browser non riesce a registrarsi per le notifiche. Riprova più tardi.',
    lapse: (days: number) => `Se non apri Colloquio per ${days} giorni, qui non arrivano più.`,
  },
  test: {
    act: 'Invia una notifica di prova',
    short: 'Prova',
    outcomes: {
      handed_over: 'Consegnata al servizio di notifiche del browser: fra poco dovrebbe apparire.',
      gone: 'Il browser aveva chiuso la registrazione: l’ho rifatta, prova ancora.',
      failed: 'Il servizio di notifiche del browser non l’ha presa. Riprova più tardi.',
    },
  },
  quiet: {
    title: 'Ore di silenzio',
    label: 'Ore di silenzio',
    text: 'In queste ore nessun tuo dispositivo riceve notifiche. Quello che aspetta ancora arriva alla fine.',
    from: 'Dalle',
    to: 'Alle',
    zone: (name: string) => `Ora di ${name}`,
    same: 'L’inizio e la fine devono essere diversi.',
    save: 'Salva',
    saved: 'Ore di silenzio salvate',
    ended: 'Ore di silenzio tolte',
  },
  muted: {
    title: 'Conversazioni silenziate',
    one: 'Silenziata',
    none: 'Nessuna. Si silenzia una conversazione dal suo menu.',
    until: (when: string) => `Fino a ${when}`,
    forever: 'Finché non la riattivi',
    unmute: 'Riattiva',
    unmuteThis: (name: string) => `Riattiva ${name}`,
    unmuted: 'Le notifiche di questa conversazione sono di nuovo attive',
    gone: 'Conversazione che non c’è più',
  },
  mute: {
    act: 'Silenzia…',
    undo: 'Riattiva le notifiche',
    title: (name: string) => `Silenziare ${name}?`,
    text: 'Niente notifiche di questa conversazione, su nessun tuo dispositivo. I messaggi arrivano e si contano come sempre.',
    label: 'Per quanto tempo',
    terms: { hours: 'Per 8 ore', week: 'Per una settimana', ever: 'Finché non la riattivo' },
    confirm: 'Silenzia',
    cancel: 'Annulla',
    done: 'Conversazione silenziata',
  },
  device: {
    last: (when: string) => `Ultima notifica consegnata: ${when}`,
    none: 'Notifiche attive, nessuna finora',
    off: 'Senza notifiche',
  },
  failed: 'Non riusciamo a caricare le impostazioni',
};

const en: typeof it = {
  title: 'Notifications',
  pageText: 'When this device tells you, and when it does not.',
  rowText: 'On this device, quiet hours',
  ask: {
    app: 'Do you want a notification when they answer, even with the app closed? It says only who wrote.',
    dashboard:
      'Do you want a notification when a customer writes, even with this page closed? It says neither who nor what.',
    on: 'Turn on notifications',
    later: 'Not now',
  },
  here: {
    title: 'On this device',
    label: 'Notifications on this device',
    states: {
      unknown: 'One moment…',
      on: 'On',
      off: 'Off',
      denied:
        'Your browser blocks them for this site. Allow them in the settings of the site, beside its address; for an installed app, in those of the device.',
      unsupported: 'This browser cannot get notifications.',
      ios: 'On iPhone and iPad they work only in the installed app: add it to the Home Screen, open it there, and turn them on.',
      shared: 'On a shared device they stay off.',
    },
    contents: {
      app: 'A notification says which business wrote and how many messages there are, never what they say.',
      dashboard: 'A notification says how many messages there are, never who wrote or what.',
    },
    install: 'How to add it',
    turnedOn: 'Notifications are on for this device',
    turnedOff: 'Notifications are off for this device',
    failed: 'Your browser cannot register for notifications. Try again later.',
    lapse: (days) => `If you do not open Colloquio for ${days} days, notifications here stop.`,
  },
  test: {
    act: 'Send a test notification',
    short: 'Test',
    outcomes: {
      handed_over: 'Handed to your browser’s push service: it should appear soon.',
      gone: 'Your browser had ended its registration. We have renewed it: try once more.',
      failed: 'Your browser’s push service did not take it. Try again later.',
    },
  },
  quiet: {
    title: 'Quiet hours',
    label: 'Quiet hours',
    text: 'During these hours none of your devices gets a notification. What is still unread at the end comes then.',
    from: 'From',
    to: 'To',
    zone: (name) => `Time of ${name}`,
    same: 'The beginning and the end must be different.',
    save: 'Save',
    saved: 'Quiet hours saved',
    ended: 'Quiet hours removed',
  },
  muted: {
    title: 'Muted conversations',
    one: 'Muted',
    none: 'None. You can mute a conversation from its menu.',
    until: (when) => `Until ${when}`,
    forever: 'Until you unmute it',
    unmute: 'Unmute',
    unmuteThis: (name) => `Unmute ${name}`,
    unmuted: 'You get notifications about this conversation again',
    gone: 'A conversation that is gone',
  },
  mute: {
    act: 'Mute…',
    undo: 'Unmute',
    title: (name) => `Mute ${name}?`,
    text: 'No notifications about this conversation, on any of your devices. Messages arrive and are counted as before.',
    label: 'For how long',
    terms: { hours: 'For 8 hours', week: 'For a week', ever: 'Until I unmute it' },
    confirm: 'Mute',
    cancel: 'Cancel',
    done: 'Conversation muted',
  },
  device: {
    last: (when) => `Last notification handed over: ${when}`,
    none: 'Notifications on, none so far',
    off: 'No notifications',
  },
  failed: 'The settings cannot be loaded',
};

const words: Record<Locale, typeof it> = { it, en };
export const notifyWords = words[locale];
