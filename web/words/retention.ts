import { counted, number } from './forms.js';
import { type Locale, locale } from './locale.js';

const mesi = (count: number) => counted(count, { one: 'mese', other: 'mesi' });
const months = (count: number) => counted(count, { one: 'month', other: 'months' });

/** Words of how long a business keeps messages: its settings, and what its people read. */
const it = {
  title: 'Conservazione',
  text: 'Per quanto tempo tieni i messaggi.',
  ownerOnly: 'Per quanto tenere i messaggi lo decide il titolare.',
  failed: 'Non riusciamo a caricare questa pagina',
  now: {
    forever: 'Tieni tutti i messaggi',
    foreverText: 'Nessun messaggio viene cancellato da solo.',
    months: (count: number) => `Tieni i messaggi ${mesi(count)}`,
    begins: (day: string) => `Dal ${day} quelli più vecchi si cancellano ogni notte. Fino ad allora puoi ripensarci.`,
    runs: 'Quelli più vecchi si cancellano ogni notte.',
    paused: 'Mentre l’attività è in pausa non si cancella niente.',
  },
  what: 'Si cancellano per sempre, per te e per la persona, i testi, i file e le ricevute, anche dall’archivio. Le comunicazioni se ne vanno quando sono andati tutti i loro messaggi. Contatti, consensi e conversazioni restano.',
  frozen: 'Le conversazioni limitate, o con una richiesta di cancellazione, aspettano finché non sono libere.',
  months: 'Cancella i messaggi dopo (mesi)',
  monthsHelp: (least: number, most: number) => `Da ${number(least)} a ${number(most)}`,
  monthsWrong: (least: number, most: number) => `Scrivi un numero di mesi da ${number(least)} a ${number(most)}.`,
  look: 'Guarda che cosa si cancella',
  keep: 'Tieni tutti i messaggi',
  kept: 'Fatto. I messaggi restano tutti.',
  longer: (count: number) => `Fatto. I messaggi restano ${mesi(count)}.`,
  set: (day: string) => `Fatto. I messaggi più vecchi si cancellano dal ${day}.`,
  ask: {
    title: (count: number) => `Tenere i messaggi ${mesi(count)}?`,
    goes: (count: number, conversations: number, day: string, before: string) =>
      `Dal ${day} si cancellano per sempre ${counted(count, { one: 'messaggio', other: 'messaggi' })} di prima del ${before}, in ${counted(conversations, { one: 'conversazione', other: 'conversazioni' })}.`,
    nothing: (day: string, before: string) =>
      `Oggi non c’è nessun messaggio di prima del ${before}: dal ${day} si cancella quello che diventa più vecchio.`,
    leftOut: (count: number) =>
      `${counted(count, { one: 'conversazione limitata resta', other: 'conversazioni limitate restano' })} finché non è libera.`,
    told: 'Le persone lo leggono subito nella loro app.',
    noWay: 'Poi non si torna indietro.',
    copy: 'Se vuoi tenerli, chiedi prima una copia di tutto.',
    typeNumber: (count: number) => `Per confermare scrivi il numero di messaggi, ${number(count)}`,
    typeName: (name: string) => `E il nome della tua attività, ${name}`,
    numberDiffers: (count: number) => `Non è lo stesso numero. Scrivi: ${number(count)}`,
    nameDiffers: (name: string) => `Non è lo stesso nome. Scrivi: ${name}`,
    act: 'Cancella i messaggi vecchi',
    cancel: 'Annulla',
  },
  runs: {
    title: 'Che cosa è stato cancellato',
    none: 'Ancora niente.',
    at: (day: string) => `Il ${day}`,
    underWay: 'in corso',
    counts: (messages: number, files: number, broadcasts: number) =>
      [
        counted(messages, { one: 'messaggio', other: 'messaggi' }),
        counted(files, { one: 'file', other: 'file' }),
        ...(broadcasts > 0 ? [counted(broadcasts, { one: 'comunicazione', other: 'comunicazioni' })] : []),
      ].join(', '),
    before: (day: string) => `di prima del ${day}`,
    leftOut: (count: number) => `${counted(count, { one: 'conversazione', other: 'conversazioni' })} in attesa`,
  },
  thread: 'Messaggi cancellati fino a questo giorno',
  preview: 'Messaggi cancellati perché vecchi',
  people: {
    title: 'Per quanto restano i messaggi',
    months: (count: number) => `Tiene i messaggi ${mesi(count)}, poi li cancella`,
    from: (count: number, day: string) => `Dal ${day} cancella i messaggi più vecchi di ${mesi(count)}`,
    forever: 'Tiene i messaggi finché siete in contatto',
  },
};
export type RetentionWords = typeof it;

const en: RetentionWords = {
  title: 'Retention',
  text: 'How long you keep messages.',
  ownerOnly: 'How long messages are kept is up to the owner.',
  failed: 'This page cannot be loaded',
  now: {
    forever: 'You keep all messages',
    foreverText: 'No message is deleted automatically.',
    months: (count) => `You keep messages for ${months(count)}`,
    begins: (day) => `From ${day} on older ones are deleted every night. Until then you can change your mind.`,
    runs: 'Older ones are deleted every night.',
    paused: 'While the business is pausing nothing is deleted.',
  },
  what: 'Texts, files and receipts are deleted for good, for you and for the person, from the archive too. Broadcasts go when all their messages have gone. Contacts, consents and conversations stay.',
  frozen: 'Conversations that are restricted, or have a request for deletion, wait until they are free.',
  months: 'Delete messages after (months)',
  monthsHelp: (least, most) => `From ${number(least)} to ${number(most)}`,
  monthsWrong: (least, most) => `Type a number of months from ${number(least)} to ${number(most)}.`,
  look: 'See what would be deleted',
  keep: 'Keep all messages',
  kept: 'Done. All messages stay.',
  longer: (count) => `Done. Messages stay for ${months(count)}.`,
  set: (day) => `Done. Older messages are deleted from ${day} on.`,
  ask: {
    title: (count) => `Keep messages for ${months(count)}?`,
    goes: (count, conversations, day, before) =>
      `On ${day}, ${counted(count, { one: 'message', other: 'messages' })} from before ${before} are deleted for good, in ${counted(conversations, { one: 'conversation', other: 'conversations' })}.`,
    nothing: (day, before) =>
      `There is no message from before ${before} today: from ${day} on, what becomes older is deleted.`,
    leftOut: (count) =>
      `${counted(count, { one: 'restricted conversation stays', other: 'restricted conversations stay' })} until free.`,
    told: 'People read this in their app at once.',
    noWay: 'After that, it cannot be undone.',
    copy: 'If you want to keep them, ask for a copy of everything first.',
    typeNumber: (count) => `To confirm, type the number of messages, ${number(count)}`,
    typeName: (name) => `And the name of your business, ${name}`,
    numberDiffers: (count) => `This is not the same number. Type: ${number(count)}`,
    nameDiffers: (name) => `This is not the same name. Type: ${name}`,
    act: 'Delete old messages',
    cancel: 'Cancel',
  },
  runs: {
    title: 'What was deleted',
    none: 'Nothing yet.',
    at: (day) => `On ${day}`,
    underWay: 'under way',
    counts: (messages, files, broadcasts) =>
      [
        counted(messages, { one: 'message', other: 'messages' }),
        counted(files, { one: 'file', other: 'files' }),
        ...(broadcasts > 0 ? [counted(broadcasts, { one: 'broadcast', other: 'broadcasts' })] : []),
      ].join(', '),
    before: (day) => `from before ${day}`,
    leftOut: (count) => `${counted(count, { one: 'conversation', other: 'conversations' })} waiting`,
  },
  thread: 'Messages up to this day have been deleted',
  preview: 'Messages deleted because of their age',
  people: {
    title: 'How long messages stay',
    months: (count) => `Keeps messages for ${months(count)}, then deletes them`,
    from: (count, day) => `From ${day} on deletes messages older than ${months(count)}`,
    forever: 'Keeps messages as long as you are in contact',
  },
};

const words: Record<Locale, RetentionWords> = { it, en };
export const retentionWords: RetentionWords = words[locale];
