import { type Locale, locale } from './locale.js';

/** Words about mails that tell of unread messages: the choice in the settings, and the page that stops them. */
const it = {
  title: 'Email sui messaggi non letti',
  text: 'Una sola email, senza il testo dei messaggi, finché non torni a leggere. Solo se hai un dispositivo collegato.',
  team: 'Vale per te soltanto. Arriva se nessuno dei colleghi ha letto prima.',
  after: 'Mandami un’email',
  choices: {
    '15': 'Dopo 15 minuti',
    '60': 'Dopo un’ora',
    '1440': 'Dopo un giorno',
    never: 'Mai',
  },
  unverified: 'Per ora non arriva niente: la tua email non è ancora confermata.',
  verify: 'Confermala',
  saved: 'Salvato',
  failed: 'Non riusciamo a caricare la tua scelta',
  stop: {
    title: 'Niente più email sui messaggi non letti?',
    text: 'I messaggi arrivano come prima, nelle conversazioni. Smettono solo queste email.',
    act: 'Non mandarmele più',
    done: 'Fatto: non te ne mandiamo più',
    doneText: 'Se cambi idea, le ritrovi nelle impostazioni del tuo account.',
    none: 'Questo link non vale più',
    noneText: 'È troppo vecchio, o non è intero. Apri l’ultima email che hai ricevuto, o scegli nelle impostazioni.',
    open: 'Apri le conversazioni',
  },
};

const en: typeof it = {
  title: 'Mail about unread messages',
  text: 'One mail, without the text of the messages, until you read again. Only if a device is signed in.',
  team: 'It applies to you alone. It comes if none of your colleagues has read before.',
  after: 'Send me a mail',
  choices: {
    '15': 'After 15 minutes',
    '60': 'After an hour',
    '1440': 'After a day',
    never: 'Never',
  },
  unverified: 'None comes for now: your address is not confirmed yet.',
  verify: 'Confirm it',
  saved: 'Saved',
  failed: 'Your choice cannot be loaded',
  stop: {
    title: 'No more mail about unread messages?',
    text: 'Messages arrive as before, in the conversations. Only these mails stop.',
    act: 'Send me no more',
    done: 'Done: we send you no more',
    doneText: 'Should you change your mind, you find them in the settings of your account.',
    none: 'This link no longer works',
    noneText: 'It is too old, or not whole. Open the last mail that you got, or choose in the settings.',
    open: 'Open the conversations',
  },
};

const all: Record<Locale, typeof it> = { it, en };
export const unreadMail = all[locale];
