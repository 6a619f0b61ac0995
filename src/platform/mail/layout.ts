/** A template's text as it was read. Everything may hold Mustache placeholders, which the layouts leave as they are. */
export interface MailText {
  locale: 'it' | 'en';
  subject: string;
  preheader: string;
  /** The label of the button. */
  button: string;
  /** Name of the value that is the button's link. */
  link: string;
  /** Why one gets this mail. */
  reason: string;
  /** The label of the link that stops such mails. */
  stop: string | undefined;
  /** Paragraphs in a little Markdown. */
  blocks: string[];
}

const words = {
  it: { fallback: 'Se il pulsante non si apre, copia questo indirizzo nel browser:', run: 'Gestito da' },
  en: { fallback: 'If the button does not open, copy this address into your browser:', run: 'Run by' },
} as const;

/** The mail as plain text (RFC 2046, section 5.1.4: the plainest alternative comes first). */
export function textLayout({ locale, button, link, reason, stop, blocks }: MailText): string {
  const paragraphs = blocks.map((block) => {
    if (block === '[button]') return `${button}:\n{{${link}}}`;
    return block.replace(/^(#|>) /gm, '').replaceAll('**', '');
  });
  const end = [
    reason,
    ...(stop ? [`{{#stopUrl}}${stop}: {{stopUrl}}{{/stopUrl}}`] : []),
    `Colloquio · {{host}}{{#controller}}\n${words[locale].run} {{controller}}{{/controller}}`,
  ];
  return `${[...paragraphs, '—', ...end].join('\n\n')}\n`;
}

/**
 * The mail as HTML: tables and inline styles for Outlook and for clients that drop style sheets; the sheet adds the dark
 * theme and small screens. Nothing is loaded from anywhere, so that opening a mail tells nobody.
 */
export function htmlLayout(text: MailText): string {
  const { locale, subject, preheader, link, reason, stop, blocks } = text;
  const { fallback, run } = words[locale];
  return `<!doctype html>
<html lang="${locale}" dir="ltr" xmlns:o="urn:schemas-microsoft-com:office:office">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="x-apple-disable-message-reformatting">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${subject}</title>
<!--[if mso]><xml><o:OfficeDocumentSettings><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml>
<style>td, p, h1, a { font-family: 'Segoe UI', Arial, sans-serif !important; }</style><![endif]-->
<style>${sheet}</style>
</head>
<body class="page" style="margin: 0; padding: 0; background-color: ${stone[100]}; -webkit-text-size-adjust: 100%; -ms-text-size-adjust: 100%;">
<div style="display: none; max-height: 0; overflow: hidden; mso-hide: all;">${preheader}${'&#8199;&#847; '.repeat(60)}</div>
<table role="presentation" width="100%" border="0" cellpadding="0" cellspacing="0" class="page" bgcolor="${stone[100]}" style="background-color: ${stone[100]};">
<tr><td align="center" class="around" style="padding: 40px 16px 48px;">
<!--[if mso]><table role="presentation" width="560" border="0" cellpadding="0" cellspacing="0"><tr><td><![endif]-->
<table role="presentation" width="100%" border="0" cellpadding="0" cellspacing="0" style="max-width: 560px; text-align: left;">
<tr><td class="inset" style="padding: 0 41px 20px;">${brand}</td></tr>
<tr><td class="card" bgcolor="#ffffff" style="padding: 40px; background-color: #ffffff; border: 1px solid ${stone[200]}; border-radius: 10px;">
${blocks.map((block) => htmlOf(block, text)).join('\n')}
<table role="presentation" width="100%" border="0" cellpadding="0" cellspacing="0"><tr><td class="line" style="padding-top: 20px; border-top: 1px solid ${stone[200]};">
<p class="quiet" style="${small} margin: 0;">${fallback}<br><a href="{{${link}}}" class="accent" style="color: ${teal}; text-decoration: underline; word-break: break-all;">{{${link}}}</a></p>
</td></tr></table>
</td></tr>
<tr><td class="inset" style="padding: 24px 41px 0;">
<p class="quiet" style="${small} margin: 0 0 8px;">${inline(reason)}${stop ? `{{#stopUrl}}<br><a href="{{stopUrl}}" class="quiet" style="color: ${stone[600]}; text-decoration: underline;">${stop}</a>{{/stopUrl}}` : ''}</p>
<p class="quiet" style="${small} margin: 0;">Colloquio · {{host}}{{#controller}}<br>${run} {{controller}}{{/controller}}</p>
</td></tr>
</table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr>
</table>
</body>
</html>
`;
}

function htmlOf(block: string, text: MailText): string {
  if (block === '[button]') return button(text);
  if (block.startsWith('# ')) {
    return `<h1 class="ink" style="margin: 0 0 16px; font-family: ${fonts}; font-size: 24px; line-height: 32px; font-weight: 650; letter-spacing: -0.2px; color: ${stone[900]};">${inline(block.slice(2))}</h1>`;
  }
  if (block.startsWith('> ')) {
    const label = `<span class="quiet" style="color: ${stone[600]};">$1</span> `;
    const facts = block.replace(/^> /gm, '').split('\n');
    const lines = facts.map((fact) => inline(fact).replace(/^((?:\p{L}+ ){0,2}\p{L}+:) /u, label)).join('<br>');
    return `<table role="presentation" width="100%" border="0" cellpadding="0" cellspacing="0" style="margin: 0 0 20px;"><tr><td class="facts ink" bgcolor="${stone[50]}" style="${prose} padding: 14px 18px; background-color: ${stone[50]}; border: 1px solid ${stone[200]}; border-radius: 10px;">${lines}</td></tr></table>`;
  }
  return `<p class="ink" style="${prose} margin: 0 0 20px;">${inline(block)}</p>`;
}

/** Outlook knows no padding of links; letters that only it sees, stretched and raised, make room for it. */
function button({ button: label, link }: MailText): string {
  const left = '<!--[if mso]><i style="mso-font-width: 350%; mso-text-raise: 26px;" hidden>&emsp;</i><![endif]-->';
  const right = '<!--[if mso]><i style="mso-font-width: 350%;" hidden>&emsp;&#8203;</i><![endif]-->';
  return `<table role="presentation" border="0" cellpadding="0" cellspacing="0" class="wide" style="margin: 8px 0 28px;"><tr><td align="center" class="button" bgcolor="${teal}" style="background-color: ${teal}; border-radius: 10px;"><a href="{{${link}}}" class="on-accent" style="display: block; padding: 13px 26px; font-family: ${fonts}; font-size: 16px; line-height: 22px; font-weight: 600; color: #ffffff; text-decoration: none; border-radius: 10px; mso-padding-alt: 0;">${left}<span style="mso-text-raise: 13px;">${label}</span>${right}</a></td></tr></table>`;
}

function inline(text: string): string {
  return text.replaceAll('\n', ' ').replace(/\*\*(.+?)\*\*/g, '<strong style="font-weight: 600;">$1</strong>');
}

/** LOOK.md: teal for the accent, stone for everything else. */
const teal = '#0f766e';
const stone = { 50: '#fafaf9', 100: '#f5f5f4', 200: '#e7e5e4', 600: '#57534e', 900: '#1c1917' } as const;
const fonts = "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
const prose = `font-family: ${fonts}; font-size: 16px; line-height: 25px; color: ${stone[900]};`;
const small = `font-family: ${fonts}; font-size: 13px; line-height: 20px; color: ${stone[600]};`;

/** A speech bubble made of a table cell: pictures are often not shown. */
const brand = `<table role="presentation" border="0" cellpadding="0" cellspacing="0"><tr>
<td width="28" height="28" align="center" valign="middle" class="button on-accent" bgcolor="${teal}" style="width: 28px; height: 28px; background-color: ${teal}; border-radius: 9px 9px 9px 2px; font-family: ${fonts}; font-size: 16px; line-height: 28px; font-weight: 700; color: #ffffff;">C</td>
<td class="ink" style="padding-left: 10px; font-family: ${fonts}; font-size: 17px; line-height: 28px; font-weight: 600; color: ${stone[900]};">Colloquio</td>
</tr></table>`;

const sheet = `
:root { color-scheme: light dark; supported-color-schemes: light dark; }
.on-accent:hover { text-decoration: underline !important; }
@media (max-width: 480px) {
  .around { padding: 24px 12px 32px !important; }
  .inset { padding-left: 25px !important; padding-right: 25px !important; }
  .card { padding: 28px 24px !important; }
  .wide { width: 100% !important; }
}
@media (prefers-color-scheme: dark) {
  .page { background-color: #0c0a09 !important; }
  .card { background-color: #1c1917 !important; border-color: #292524 !important; }
  .facts { background-color: #292524 !important; border-color: #44403c !important; }
  .line { border-color: #292524 !important; }
  .ink { color: #f5f5f4 !important; }
  .quiet { color: #a8a29e !important; }
  .accent { color: #2dd4bf !important; }
  .button { background-color: #2dd4bf !important; }
  .on-accent { color: #042f2e !important; }
}
`;
