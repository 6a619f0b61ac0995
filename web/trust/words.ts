import { limits } from '../../src/contract/limits.js';
import { type Locale, locale } from '../words/locale.js';

/** Name of a cookie; over HTTPS a prefix ties it to this very host. */
const nameOf = (app: string) => `${location.protocol === 'https:' ? '__Host-' : ''}colloquio-${app}`;

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
      'Usiamo solo cookie tecnici: due per l’app, due per il pannello. Servono a tenerti dentro, e a riconoscere un dispositivo già usato. Nessuna statistica, nessun servizio di altri. Per questo non vedi un banner.',
    cookie: 'Cookie',
    purpose: 'A che cosa serve',
    lasts: 'Quanto dura',
    reads: 'Chi lo legge',
    rows: [
      [
        nameOf('dashboard'),
        'Tiene dentro chi lavora per un’attività, nel pannello.',
        'Finché esci, o finché il dispositivo non torna per molto tempo.',
        'Solo questo servizio',
      ],
      [
        nameOf('app'),
        'Tiene dentro chi scrive a un’attività, nell’app.',
        'Finché esci, o finché il dispositivo non torna per molto tempo.',
        'Solo questo servizio',
      ],
      ...(['dashboard', 'app'] as const).map((app): [string, string, string, string] => [
        `${nameOf(app)}-device`,
        'Un numero a caso: se rientri da questo dispositivo, non ti avvisiamo come se fosse nuovo. Non tiene dentro nessuno.',
        `${limits.knownDeviceDays} giorni dall’ultimo uso; resta apposta anche quando esci.`,
        'Solo questo servizio',
      ]),
    ] as [string, string, string, string][],
    shared: 'Se entri dicendo che il dispositivo lo usano anche altri, il cookie finisce quando chiudi il browser.',
    kept: 'Che cosa resta nel browser',
    keptList: [
      'Le bozze e i messaggi in attesa della rete, cifrati.',
      'Nell’app gli ultimi messaggi di ogni conversazione, cifrati. Nel pannello no.',
      'La lingua, l’aspetto e il codice dell’app, che non dicono niente di te.',
    ],
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
      'Messages travel and are stored encrypted. But this is no “end-to-end” system: the server has the keys. This is what that means, in plain words.',
    who: 'Who',
    reads: 'Reads?',
    rows: [
      ['The business and its staff', 'Yes', 'They are the other side of the conversation.'],
      ['The person who writes to it', 'Yes', 'Their own conversation only.'],
      ['Other customers', 'No', 'They see no messages, and not even that others exist.'],
      [
        'Whoever runs the server',
        'Technically yes',
        'While the server runs, by deliberate work. Not from disks, the database or backups alone.',
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
    erased: 'Erasing destroys the key first: from then on nobody can read it, in backups neither.',
  },
  cookies: {
    title: 'Cookies',
    intro:
      'We use technical cookies only: two for the app, two for the dashboard. They keep you signed in, and recognise a device that was used before. No statistics, no services of others. That is why you see no banner.',
    cookie: 'Cookie',
    purpose: 'What it is for',
    lasts: 'How long it lasts',
    reads: 'Who reads it',
    rows: [
      [
        nameOf('dashboard'),
        'Keeps people who work for a business signed in to the dashboard.',
        'Until you log out, or the device stays away for long.',
        'This service alone',
      ],
      [
        nameOf('app'),
        'Keeps people who write to a business signed in to the app.',
        'Until you log out, or the device stays away for long.',
        'This service alone',
      ],
      ...(['dashboard', 'app'] as const).map((app): [string, string, string, string] => [
        `${nameOf(app)}-device`,
        'A random number: when you sign in again on this device, we do not tell you of a new one. It keeps nobody signed in.',
        `${limits.knownDeviceDays} days from the last use; it stays on purpose when you log out.`,
        'This service alone',
      ]),
    ],
    shared: 'If you sign in saying that others use the device too, the cookie ends when you close the browser.',
    kept: 'What stays in the browser',
    keptList: [
      'Drafts and messages that wait for the network, encrypted.',
      'In the app the latest messages of each conversation, encrypted. Not in the dashboard.',
      'Language, appearance and the code of the app, which say nothing about you.',
    ],
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
