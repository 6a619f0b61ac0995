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
  title: 'Emails about unread messages',
  text: 'One email, without the text of the messages, until you come back and read. Only if a device is signed in.',
  team: 'This applies to you alone. The email comes only if none of your colleagues has read them first.',
  after: 'Send me an email',
  choices: {
    '15': 'After 15 minutes',
    '60': 'After an hour',
    '1440': 'After a day',
    never: 'Never',
  },
  unverified: 'No email is sent for now: your address is not confirmed yet.',
  verify: 'Confirm it',
  saved: 'Saved',
  failed: 'Your choice cannot be loaded',
  stop: {
    title: 'No more emails about unread messages?',
    text: 'Messages arrive in the conversations as before. Only these emails stop.',
    act: 'Stop these emails',
    done: 'Done: we will not send you any more',
    doneText: 'If you change your mind, you can turn them on again in the settings of your account.',
    none: 'This link no longer works',
    noneText: 'It is too old, or incomplete. Open the latest email from us, or choose in the settings.',
    open: 'Open the conversations',
  },
};

const all: Record<Locale, typeof it> = { it, en };
export const unreadMail = all[locale];
