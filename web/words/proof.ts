import type { ConsentBasis } from '../../src/contract/consents.js';
import { type Locale, locale } from './locale.js';

/** Words of the printed proof of what a contact has agreed to. */
const it = {
  open: 'Stampa la prova',
  title: 'Prova dei consensi',
  text: 'Che cosa ha accettato o ritirato questa persona, quando, e con quali parole.',
  print: 'Stampa',
  back: 'Torna al contatto',
  failed: 'Non riusciamo a caricare la prova',
  of: (name: string) => `Prova dei consensi di ${name}`,
  at: (moment: string) => `Situazione di ${moment}`,
  controller: 'Titolare del trattamento',
  joined: (day: string) => `Contatto dal ${day}`,
  basis: 'Base',
  bases: {
    contract: 'accettazione, per partecipare',
    consent: 'consenso libero',
    acknowledgement: 'presa visione',
  } satisfies Record<ConsentBasis, string> as Record<ConsentBasis, string>,
  recorded: 'Registrato',
  policy: 'Testo',
  hash: 'Impronta SHA-256 del testo mostrato',
  shown: 'Parole accanto alla scelta',
  note: 'Ogni riga è stata scritta una volta sola, nel momento indicato, e non può essere cambiata. L’impronta identifica il testo esatto che la persona aveva davanti: si confronta con quella della versione pubblicata.',
};

type ProofWords = typeof it;

const en: ProofWords = {
  open: 'Print the proof',
  title: 'Proof of consent',
  text: 'Everything that this person has agreed to or withdrawn, when, and in which words.',
  print: 'Print',
  back: 'Back to the contact',
  failed: 'The proof cannot be loaded',
  of: (name) => `Proof of consent of ${name}`,
  at: (moment) => `As of ${moment}`,
  controller: 'Controller',
  joined: (day) => `Contact since ${day}`,
  basis: 'Basis',
  bases: { contract: 'acceptance, to take part', consent: 'free consent', acknowledgement: 'acknowledgement' },
  recorded: 'Recorded',
  policy: 'Text',
  hash: 'SHA-256 of the text as shown',
  shown: 'Words beside the choice',
  note: 'Each line was written once, at the time stated, and cannot be changed. The hash identifies the exact text that the person had before them: compare it with that of the published version.',
};

const words: Record<Locale, ProofWords> = { it, en };
export const proofWords: ProofWords = words[locale];
