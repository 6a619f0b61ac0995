import { type Locale, locale } from '../words/locale.js';

/** Words about trust, the same in both apps: who can read, cookies, policies. */
const it = {
  whoCanRead: {
    title: 'Chi può leggere?',
    intro:
      'I messaggi viaggiano e sono conservati cifrati. Ma questo non è un sistema «end-to-end»: le chiavi le ha il server. Ecco che cosa vuol dire, senza giri di parole.',
    who: 'Chi',
    reads: 'Legge?',
    rows: [
      ['L’attività e i suoi collaboratori', 'Sì', 'Sono l’altra parte della conversazione.'],
      ['La persona che le scrive', 'Sì', 'Solo la propria conversazione.'],
      ['Gli altri clienti', 'No', 'Non vedono i messaggi, e nemmeno che gli altri esistono.'],
      [
        'Chi gestisce il server',
        'Tecnicamente sì',
        'Mentre il server è acceso, con un lavoro apposta. Non dai dischi, dal database o dalle copie di sicurezza da soli.',
      ],
      [
        'Chi ruba un disco o una copia',
        'No, se la chiave principale sta altrove',
        'Senza quella chiave trova solo dati cifrati. Se è insieme ai dati, può leggere tutto.',
      ],
      [
        'Chi prende un dispositivo sbloccato',
        'Sì',
        'Vede quello che vedi tu. Chiudi la sessione da un altro dispositivo.',
      ],
      [
        'Un giudice',
        'Come dice la legge',
        'Può ordinare a chi gestisce il server o all’attività di consegnare i dati.',
      ],
      ['Servizi di statistica o pubblicità', 'No', 'Non ce ne sono.'],
    ] as [string, string, string][],
    advice: 'Non scrivere qui password, codici o dati della carta.',
    erased:
      'Quello che viene cancellato perde per prima cosa la sua chiave: da quel momento non lo legge più nessuno, nemmeno nelle copie.',
  },
  cookies: {
    title: 'Cookie',
    intro:
      'Usiamo solo cookie tecnici: per l’app e per il pannello, uno che ti tiene dentro e uno che riconosce il dispositivo. Nessuna statistica, nessun servizio di altri. Per questo non vedi un banner.',
    lasts: 'Dura',
    setBy: 'Li mette questo servizio, e li legge solo lui.',
    places: {
      local: 'nella memoria del browser',
      session: 'nella memoria della scheda',
      database: 'nel database del browser',
      cache: 'nella cache',
    },
    shared: 'Se entri dicendo che il dispositivo lo usano anche altri, il cookie finisce quando chiudi il browser.',
    kept: 'Che cosa resta nel browser',
    keptText: 'L’asterisco sta per un codice, o per il nome dell’app. Niente di questo va ad altri.',
    erase: 'Quando esci, bozze e messaggi su questo dispositivo diventano subito illeggibili e vengono cancellati.',
  },
  policy: {
    read: 'Leggi tutto',
    close: 'Chiudi il testo',
    print: 'Stampa',
    version: (version: number) => `versione ${version}`,
  },
};
type TrustWords = typeof it;

const en: TrustWords = {
  whoCanRead: {
    title: 'Who can read?',
    intro:
      'Messages travel and are stored encrypted. But this is not an “end-to-end” system: the server has the keys. This is what that means, in plain words.',
    who: 'Who',
    reads: 'Reads?',
    rows: [
      ['The business and its staff', 'Yes', 'They are the other side of the conversation.'],
      ['The person who writes to it', 'Yes', 'Their own conversation only.'],
      ['Other customers', 'No', 'They see no messages, and not even that others exist.'],
      [
        'Whoever runs the server',
        'Technically yes',
        'While the server runs, and only on purpose. Not from disks, the database or backups alone.',
      ],
      [
        'A thief of a disk or a backup',
        'No, if the master key is kept elsewhere',
        'Without that key there is only encrypted data. If it lies with the data, everything can be read.',
      ],
      ['A person with an unlocked device', 'Yes', 'They see what you see. End the session from another device.'],
      ['A court', 'As the law says', 'It can order the host or the business to hand over data.'],
      ['Statistics or advertising services', 'No', 'There are none.'],
    ],
    advice: 'Do not write passwords, codes or card details here.',
    erased: 'Erasing destroys the key first: from then on nobody can read it, not even in backups.',
  },
  cookies: {
    title: 'Cookies',
    intro:
      'We use technical cookies only: for the app and for the dashboard, one that keeps you signed in and one that recognises the device. No statistics, no third-party services. That is why you see no banner.',
    lasts: 'Lasts',
    setBy: 'This service sets them, and it alone reads them.',
    places: {
      local: 'in the browser’s storage',
      session: 'in the storage of the tab',
      database: 'in the browser’s database',
      cache: 'in the cache',
    },
    shared: 'If you sign in saying that others use the device too, the cookie ends when you close the browser.',
    kept: 'What stays in the browser',
    keptText: 'The asterisk stands for a code, or for the name of the app. None of this goes to others.',
    erase: 'When you log out, drafts and messages on this device become unreadable at once and are erased.',
  },
  policy: {
    read: 'Read all of it',
    close: 'Close the text',
    print: 'Print',
    version: (version) => `version ${version}`,
  },
};

const words: Record<Locale, TrustWords> = { it, en };
export const trust: TrustWords = words[locale];
