import { createHash } from 'node:crypto';
import type { Locale } from '../contract/common.js';
import { type ErasedKind, erasedKinds, type KeptKind } from '../contract/erasures.js';
import type { Certificate } from './erasures.dto.js';

interface Texts {
  title: string;
  of: (business: string) => string;
  running: string;
  times: Record<'begunAt' | 'unreadableAt' | 'residueUnreadableAt' | 'finishedAt', string>;
  notYet: string;
  erased: string;
  nothing: string;
  kinds: Record<ErasedKind, string>;
  kept: string;
  keptKinds: Record<KeptKind, string>;
  until: (time: string) => string;
  withoutTerm: string;
  signature: string;
  signed: string;
  unsigned: string;
  fingerprint: string;
}

const texts: Record<'it' | 'en', Texts> = {
  it: {
    title: 'Certificato di cancellazione',
    of: (business) => `Dati cancellati da ${business}`,
    running: 'La cancellazione è ancora in corso: questo non è ancora il certificato.',
    times: {
      begunAt: 'Iniziata',
      unreadableAt: 'Dati illeggibili (chiavi distrutte)',
      residueUnreadableAt: 'Residui illeggibili (chiave superiore rinnovata)',
      finishedAt: 'Righe e file eliminati',
    },
    notYet: 'non ancora',
    erased: 'Cancellato',
    nothing: 'Ancora nulla.',
    kinds: {
      contacts: 'contatti',
      accounts: 'account',
      sessions: 'dispositivi collegati',
      messages: 'messaggi',
      files: 'file',
      pictures: 'anteprime',
      notes: 'note',
      labels: 'etichette assegnate',
      receipts: 'orari di consegna e lettura',
      broadcasts_received: 'comunicazioni ricevute',
      advertising_reports: 'segnalazioni di pubblicità',
      search_entries: "voci dell'indice di ricerca",
      invitations: 'inviti',
      import_lines: 'righe di elenchi importati',
      requests: 'richieste sui dati',
      waiting_mails: 'email in attesa',
      actions: 'voci del registro delle attività',
      consents: 'consensi (resta la prova, vedi sotto)',
    },
    kept: 'Conservato per legge',
    keptKinds: {
      consent_proofs:
        "Prova del consenso: finalità, impronte dei testi e orari, sotto un'impronta dell'indirizzo fatta con una chiave propria; senza nome e indirizzo",
      certificate_address:
        "L'indirizzo a cui si invia questo certificato, sotto una chiave propria che viene distrutta dopo l'invio",
      erasure_record: 'Registrazione di questa cancellazione: solo codici e numeri',
    },
    until: (time) => `fino al ${time}`,
    withoutTerm: 'senza scadenza',
    signature: 'Firma',
    signed: 'Ed25519, verificabile senza rete con npm run verify-certificate sul certificato in JSON',
    unsigned: 'Il certificato sarà firmato quando la cancellazione è completa.',
    fingerprint: 'Impronta della chiave',
  },
  en: {
    title: 'Certificate of erasure',
    of: (business) => `Data erased by ${business}`,
    running: 'The erasure is still under way: this is not the certificate yet.',
    times: {
      begunAt: 'Begun',
      unreadableAt: 'Data unreadable (keys destroyed)',
      residueUnreadableAt: 'Residue unreadable (superior key renewed)',
      finishedAt: 'Rows and files deleted',
    },
    notYet: 'not yet',
    erased: 'Erased',
    nothing: 'Nothing yet.',
    kinds: {
      contacts: 'contacts',
      accounts: 'accounts',
      sessions: 'signed-in devices',
      messages: 'messages',
      files: 'files',
      pictures: 'previews',
      notes: 'notes',
      labels: 'labels given',
      receipts: 'times of delivery and reading',
      broadcasts_received: 'broadcasts received',
      advertising_reports: 'reports of advertising',
      search_entries: 'entries of the search index',
      invitations: 'invitations',
      import_lines: 'lines of imported lists',
      requests: 'requests about data',
      waiting_mails: 'waiting emails',
      actions: 'entries of the audit log',
      consents: 'consents (the proof stays, see below)',
    },
    kept: 'Kept by law',
    keptKinds: {
      consent_proofs:
        'Proof of consent: purposes, hashes of texts and times, under a hash of the address made with a key of its own; without name and address',
      certificate_address:
        'The address that this certificate is mailed to, under a key of its own that is destroyed once it was sent',
      erasure_record: 'The record of this erasure: ids and numbers only',
    },
    until: (time) => `until ${time}`,
    withoutTerm: 'without a term',
    signature: 'Signature',
    signed: 'Ed25519, verified without a network by npm run verify-certificate on the certificate in JSON',
    unsigned: 'The certificate will be signed when the erasure is complete.',
    fingerprint: 'Fingerprint of the key',
  },
};

const style = `
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 44rem; padding: 2rem 1.2rem; color: #1c1b19; background: #fff; font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.5rem; }
h2 { margin: 1.8rem 0 .4rem; font-size: 1rem; }
p { margin: .3rem 0; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #d9d5cc; text-align: left; vertical-align: top; font-weight: normal; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
code { overflow-wrap: anywhere; font-size: .85rem; }
.notice { padding: .6rem .8rem; border: 1px solid #b3261e; }
@media print { body { max-width: none; padding: 0; } h2 { break-after: avoid; } tr { break-inside: avoid; } }`;

/** Content-Security-Policy of the page, which runs nothing and loads nothing. */
export const certificatePagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A certificate as a page to print. */
export function certificatePage(certificate: Certificate, fingerprint: string, locale: Locale): string {
  const language = locale === 'it' ? 'it' : 'en';
  const said = texts[language];
  const format = new Intl.DateTimeFormat(language === 'it' ? 'it' : 'en-GB', {
    dateStyle: 'long',
    timeStyle: 'long',
    timeZone: 'UTC',
  });
  const time = (at: string | null) => (at === null ? said.notYet : format.format(new Date(at)));
  const row = (name: string, value: string, kind = '') =>
    `<tr><th scope="row">${escaped(name)}</th><td${kind}>${escaped(value)}</td></tr>\n`;
  const times = (Object.keys(said.times) as (keyof Texts['times'])[])
    .map((field) => row(said.times[field], time(certificate[field])))
    .join('');
  const counts = erasedKinds
    .filter((kind) => certificate.erased[kind] > 0)
    .map((kind) => row(said.kinds[kind], certificate.erased[kind].toLocaleString(language), ' class="number"'))
    .join('');
  const kept = certificate.kept
    .map(({ what, law, until }) =>
      row(said.keptKinds[what], `${law}, ${until === null ? said.withoutTerm : said.until(time(until))}`),
    )
    .join('');
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${said.title}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${said.title}</h1>
<p>${escaped(said.of(certificate.business))}</p>
<p><code>${escaped(certificate.id)}</code></p>
${certificate.state === 'finished' ? '' : `<p class="notice">${said.running}</p>`}
<table>
${times}</table>
<h2>${said.erased}</h2>
${counts ? `<table>\n${counts}</table>` : `<p>${said.nothing}</p>`}
<h2>${said.kept}</h2>
<table>
${kept}</table>
<h2>${said.signature}</h2>
${
  certificate.signature === null
    ? `<p>${said.unsigned}</p>`
    : `<p>${said.signed}</p>\n<p><code>${escaped(certificate.signature)}</code></p>`
}
<p>${said.fingerprint}: <code>${escaped(fingerprint)}</code></p>
</main>
</body>
</html>
`;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const escaped = (text: string) => text.replace(/[&<>"']/g, (sign) => entities[sign]!);
