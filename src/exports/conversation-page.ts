import { createHash } from 'node:crypto';
import type { AttachmentView } from '../contract/attachments.js';
import type { Locale } from '../contract/common.js';
import type { MessageView, Party } from '../contract/events.js';

/** A message of an export, with the places of its files in the zip; without one for a file that is not in it. */
export interface ExportedMessage extends Omit<MessageView, 'attachments' | 'broadcast'> {
  attachments: (AttachmentView & { file: string | null })[];
}

export interface PageOptions {
  locale: Locale;
  /** Side of the reader. */
  own: Party;
  names: Record<Party, string>;
  exportedAt: Date;
  /** That of the business, for both parties. */
  timeZone: string;
}

const texts = {
  it: {
    title: (name: string) => `Conversazione con ${name}`,
    made: (time: string) => `Esportata ${time}`,
    withdrawn: 'Messaggio ritirato',
    broadcast: 'Comunicazione',
    missing: 'non disponibile',
    unlinked: (place: string) => `può contenere programmi: si trova in ${place}`,
    empty: 'Nessun messaggio.',
  },
  en: {
    title: (name: string) => `Conversation with ${name}`,
    made: (time: string) => `Exported ${time}`,
    withdrawn: 'Message withdrawn',
    broadcast: 'Broadcast',
    missing: 'not available',
    unlinked: (place: string) => `may contain programs: you find it in ${place}`,
    empty: 'No messages.',
  },
} as const;

const style = `
:root { color-scheme: light dark; --back: #f6f5f2; --text: #1c1b19; --quiet: #66625b; --other: #fff; --own: #dcebe0; --line: #d9d5cc; }
@media (prefers-color-scheme: dark) {
  :root { --back: #171715; --text: #eceae4; --quiet: #a39e94; --other: #24231f; --own: #22382a; --line: #3a3833; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 46rem; padding: 1.5rem 1rem 4rem; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.4rem; }
h2 { margin: 2rem 0 .75rem; font-size: .85rem; font-weight: 600; text-align: center; color: var(--quiet); }
.quiet { margin: 0; color: var(--quiet); font-size: .85rem; }
article { margin: .5rem 15% .5rem 0; padding: .6rem .9rem; border: 1px solid var(--line); border-radius: .8rem; background: var(--other); break-inside: avoid; }
article.own { margin: .5rem 0 .5rem 15%; background: var(--own); }
article p { margin: .2rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.withdrawn { font-style: italic; color: var(--quiet); }
img, video { display: block; max-width: 100%; height: auto; margin: .4rem 0; border-radius: .4rem; }
img:not([height]), video:not([height]) { max-height: 30rem; }
audio { display: block; width: 100%; margin: .4rem 0; }
a { color: inherit; overflow-wrap: anywhere; white-space: normal; }
@media print {
  :root { color-scheme: light; --back: #fff; --text: #000; --quiet: #444; --other: #fff; --own: #fff; --line: #999; }
  body { max-width: none; padding: 0; }
  h2 { break-after: avoid; }
  audio, video { display: none; }
}`;

// A page from the disk has no origin, so its files are named by their scheme.
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "img-src 'self' file:",
  "media-src 'self' file:",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** The page of a conversation, in pieces. It runs nothing and loads nothing but its files. */
export async function* conversationPage(
  messages: AsyncIterable<ExportedMessage[]>,
  { locale, own, names, exportedAt, timeZone }: PageOptions,
): AsyncGenerator<string, void, undefined> {
  const said = texts[locale];
  const other = own === 'subscriber' ? 'interlocutor' : 'subscriber';
  const language = locale === 'it' ? 'it' : 'en-GB';
  const day = new Intl.DateTimeFormat(language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone,
  });
  const hour = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', timeZone });
  const whole = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'long', timeZone });
  const title = escaped(said.title(names[other]));
  yield `<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="quiet">${escaped(said.made(whole.format(exportedAt)))}</p>
</header>
<main>
`;
  let today = '';
  for await (const page of messages) {
    let written = '';
    for (const message of page) {
      const sentAt = new Date(message.sentAt);
      const date = day.format(sentAt);
      if (date !== today) written += `<h2>${escaped(date)}</h2>\n`;
      today = date;
      const author = message.author?.displayName;
      const sender = names[message.sender] + (author ? ` (${author})` : '');
      const about = [sender, hour.format(sentAt), ...(message.broadcastId ? [said.broadcast] : [])].join(' · ');
      written += `<article id="m${message.seq}"${message.sender === own ? ' class="own"' : ''}>\n`;
      written += `<p class="quiet">${escaped(about)}</p>\n`;
      if (message.withdrawnAt) written += `<p class="withdrawn">${said.withdrawn}</p>\n`;
      else if (message.body) written += `<p>${escaped(message.body)}</p>\n`;
      for (const attachment of message.attachments) written += shown(attachment, said);
      written += '</article>\n';
    }
    yield written;
  }
  if (today === '') yield `<p class="quiet">${said.empty}</p>\n`;
  yield '</main>\n</body>\n</html>\n';
}

/** Height up to which a picture is shown, in pixels. */
const shownHeight = 480;

/** Endings by which a computer or a browser runs what it opens, besides the files that the service knows to be active. */
const running =
  /\.(html?|xhtml|xht|shtml|mht|mhtml|svgz?|xml|xsl|js|mjs|hta|exe|com|bat|cmd|ps1|scr|msi|vbs|jar|lnk|sh|app|apk)$/i;

function shown(
  { file, name, family, inline, note, width, height }: ExportedMessage['attachments'][number],
  said: Pick<(typeof texts)[Locale], 'missing' | 'unlinked'>,
) {
  const label = escaped(name);
  if (file === null) return `<p class="withdrawn">${label} (${said.missing})</p>\n`;
  // Opened from the disk, it would run without what the service's headers forbid.
  if (note === 'active_content' || (!inline && running.test(file)))
    return `<p>${label} <span class="quiet">(${escaped(said.unlinked(file))})</span></p>\n`;
  const address = escaped(file.split('/').map(encodeURIComponent).join('/'));
  const link = `<p><a href="${address}">${label}</a></p>\n`;
  if (!inline) return link;
  const scale = height ? Math.min(1, shownHeight / height) : 1;
  const size =
    width && height ? ` width="${Math.round(width * scale) || 1}" height="${Math.round(height * scale)}"` : '';
  if (family === 'image')
    return `<a href="${address}"><img src="${address}" alt="${label}" loading="lazy"${size}></a>\n`;
  if (family === 'audio')
    return `<audio controls preload="none" src="${address}" aria-label="${label}"></audio>\n${link}`;
  if (family === 'video')
    return `<video controls preload="none" src="${address}" aria-label="${label}"${size}></video>\n${link}`;
  return link;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const escaped = (text: string) => text.replace(/[&<>"']/g, (sign) => entities[sign]!);
