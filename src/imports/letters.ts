import { createHash } from 'node:crypto';
import qrcode from 'qrcode';
import type { InvitationView } from '../invitations/invitations.dto.js';

/** The business that sends the letters. */
export interface Sender {
  businessName: string;
  /** In one line. */
  businessAddress: string;
  businessEmail: string;
}

const style = `
@page { size: A4; margin: 0 }
* { box-sizing: border-box }
body { margin: 0; background: #fff; color: #1d1d1b; font: 12pt/1.5 Georgia, 'Times New Roman', serif }
article { width: 210mm; min-height: 296mm; padding: 25mm 25mm 20mm; break-after: page; display: flex; flex-direction: column }
article:last-child { break-after: auto }
header { font-size: 10pt; line-height: 1.35 }
header strong { display: block; font-size: 15pt; margin-bottom: 1mm }
.to { margin: 14mm 0 10mm 85mm; min-height: 22mm; font-size: 12pt }
h1 { font-size: 19pt; line-height: 1.25; font-weight: normal; margin: 0 0 5mm }
p { margin: 0 0 4mm; max-width: 150mm }
figure { margin: 6mm 0 8mm; display: flex; align-items: center; gap: 9mm }
figure svg { width: 48mm; height: 48mm; flex: none }
figcaption { font-size: 11pt }
code { font: 10pt/1.4 ui-monospace, Menlo, Consolas, monospace; word-break: break-all }
footer { margin-top: auto; font-size: 9pt; line-height: 1.4; color: #444 }
.none { padding: 25mm }
@media screen { body { background: #eceae5 } article { background: #fff; margin: 8mm auto; box-shadow: 0 1px 4px #0003 } }
`;

/** Lets the page be nothing but itself: no script, nothing loaded, this style alone. */
export const letterPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const texts = {
  it: {
    title: (business: string) => `Inviti di ${business}`,
    heading: (business: string) => `${business} ti invita a scrivervi in privato`,
    dear: (name: string) => `Gentile ${name},`,
    what: (business: string) =>
      `da oggi puoi scrivere a ${business} dal telefono o dal computer, e ricevere risposta lì. I messaggi restano fra te e noi: nessun altro cliente o socio ti vede, e non serve il tuo numero di telefono.`,
    scan: 'Inquadra il codice con la fotocamera del telefono, oppure apri questo indirizzo:',
    personal: 'Il codice è solo per te: vale una volta.',
    until: (date: string) => `Vale fino al ${date}.`,
    free: 'Prima di iniziare leggi chi tratta i tuoi dati e come, e scegli se accettare. Se non ti interessa, non devi fare nulla.',
    source: (business: string) =>
      `Ricevi questa lettera perché il tuo nome è nell’elenco di ${business}, che la manda e che risponde dei tuoi dati:`,
    none: 'Non ci sono lettere da stampare: tutti gli inviti di questa importazione partono per email o sono già stati usati.',
  },
  en: {
    title: (business: string) => `Invitations from ${business}`,
    heading: (business: string) => `${business} invites you to write in private`,
    dear: (name: string) => `Dear ${name},`,
    what: (business: string) =>
      `from now on you can write to ${business} from your phone or computer, and get the answer there. Messages stay between you and us: no other customer or member sees you, and your telephone number is not needed.`,
    scan: 'Point the camera of your phone at the code, or open this address:',
    personal: 'The code is for you alone: it works once.',
    until: (date: string) => `It is valid until ${date}.`,
    free: 'Before you begin, read who uses your data and how, and choose whether to accept. If you are not interested, you do not have to do anything.',
    source: (business: string) =>
      `You get this letter because your name is on the list of ${business}, who sends it and answers for your data:`,
    none: 'There are no letters to print: all invitations of this import go by mail or have been used.',
  },
};

/** Invitations as letters to print: HTML in pieces, one A4 page for each person. */
export async function* lettersPage(
  letters: AsyncIterable<InvitationView> | Iterable<InvitationView>,
  business: Sender,
  locale: string,
): AsyncGenerator<string, void, undefined> {
  const words = texts[locale === 'it' ? 'it' : 'en'];
  const { businessName } = business;
  yield `<!doctype html>\n<html lang="${locale === 'it' ? 'it' : 'en'}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(words.title(businessName))}</title><style>${style}</style></head><body>\n`;
  let any = false;
  for await (const letter of letters) {
    any = true;
    yield await page(letter, business, locale);
  }
  if (!any) yield `<p class="none">${escaped(words.none)}</p>\n`;
  yield '</body></html>\n';
}

async function page(
  { url, suggestion = {}, expiresAt }: InvitationView,
  { businessName, businessAddress, businessEmail }: Sender,
  locale: string,
): Promise<string> {
  const words = texts[locale === 'it' ? 'it' : 'en'];
  const person = [suggestion.firstName, suggestion.surname].filter(Boolean).join(' ');
  const name = person || (suggestion.companyName ?? '');
  const company = person && suggestion.companyName ? `<br>${escaped(suggestion.companyName)}` : '';
  const code = await qrcode.toString(url, { type: 'svg', errorCorrectionLevel: 'M', margin: 0 });
  const until = expiresAt ? ` ${words.until(dateIn(locale, new Date(expiresAt)))}` : '';
  return `<article>
<header><strong>${escaped(businessName)}</strong>${escaped(businessAddress)}</header>
<div class="to">${escaped(name)}${company}</div>
<h1>${escaped(words.heading(businessName))}</h1>
${name ? `<p>${escaped(words.dear(name))}</p>\n` : ''}<p>${escaped(words.what(businessName))}</p>
<figure>${code}<figcaption>${escaped(words.scan)}<br><code>${escaped(url)}</code><br>${escaped(words.personal + until)}</figcaption></figure>
<p>${escaped(words.free)}</p>
<footer>${escaped(`${words.source(businessName)} ${businessAddress}, ${businessEmail}`)}</footer>
</article>
`;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}

function dateIn(locale: string, date: Date): string {
  return new Intl.DateTimeFormat(locale === 'it' ? 'it-IT' : 'en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(
    date,
  );
}
