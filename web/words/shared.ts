import { type Locale, locale } from './locale.js';

/** Words of both apps. `it` is the model; a word that is missing in another language is a type error. */
const it = {
  appName: 'Colloquio',
  loading: 'Carico…',
  notFound: {
    title: 'Questa pagina non c’è',
    text: 'Forse il link è incompleto, o quello che cercavi è stato cancellato.',
    back: 'Torna all’inizio',
  },
  unreachable: {
    title: 'Il servizio non risponde',
    text: 'Controlla la rete. I tuoi dati sono al sicuro.',
    retry: 'Riprova',
  },
};

export type SharedWords = typeof it;

const en: SharedWords = {
  appName: 'Colloquio',
  loading: 'Loading…',
  notFound: {
    title: 'This page does not exist',
    text: 'The link may be incomplete, or what you looked for was erased.',
    back: 'Back to the start',
  },
  unreachable: {
    title: 'The service does not answer',
    text: 'Check your network. Your data are safe.',
    retry: 'Try again',
  },
};

const words: Record<Locale, SharedWords> = { it, en };
export const w: SharedWords = words[locale];
