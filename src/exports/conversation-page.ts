import type { AttachmentView } from '../contract/attachments.js';
import type { Locale } from '../contract/common.js';
import type { BroadcastMark, MessageView, Party } from '../contract/events.js';
import { addressOf, escaped, languageOf, pageBegin, pageEnd } from './page-parts.js';

/** A message of an export, with the places of its files in the zip; without one for a file that is not in it. */
export interface ExportedMessage extends Omit<MessageView, 'attachments' | 'broadcast'> {
  broadcast?: Omit<BroadcastMark, 'optOut'>;
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
    expired: 'I messaggi più vecchi sono stati cancellati, perché l’attività non li tiene più.',
    broadcast: 'Comunicazione',
    missing: 'non disponibile',
    unlinked: (place: string) => `può contenere programmi: si trova in ${place}`,
    empty: 'Nessun messaggio.',
    delivered: (time: string) => `Consegnato ${time}`,
    seen: (time: string) => `Visto ${time}`,
  },
  en: {
    title: (name: string) => `Conversation with ${name}`,
    made: (time: string) => `Exported ${time}`,
    withdrawn: 'Message withdrawn',
    expired: 'Older messages were deleted, because the business does not keep them any longer.',
    broadcast: 'Broadcast',
    missing: 'not available',
    unlinked: (place: string) => `may contain programs: you find it in ${place}`,
    empty: 'No messages.',
    delivered: (time: string) => `Delivered ${time}`,
    seen: (time: string) => `Seen ${time}`,
  },
} as const;

/** The page of a conversation, in pieces. It runs nothing and loads nothing but its files. */
export async function* conversationPage(
  messages: AsyncIterable<ExportedMessage[]>,
  { locale, own, names, exportedAt, timeZone }: PageOptions,
): AsyncGenerator<string, void, undefined> {
  const said = texts[locale];
  const other = own === 'subscriber' ? 'interlocutor' : 'subscriber';
  const language = languageOf(locale);
  const day = new Intl.DateTimeFormat(language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone,
  });
  const hour = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', timeZone });
  const whole = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'long', timeZone });
  const minute = new Intl.DateTimeFormat(language, { dateStyle: 'short', timeStyle: 'short', timeZone });
  yield pageBegin({ locale, title: said.title(names[other]), about: said.made(whole.format(exportedAt)) });
  let today = '';
  for await (const page of messages) {
    let written = '';
    for (const message of page) {
      // They come before all others.
      if (message.expiredAt) {
        if (message.seq === 1) written += `<p class="withdrawn">${said.expired}</p>\n`;
        today ||= ' ';
        continue;
      }
      const sentAt = new Date(message.sentAt);
      const date = day.format(sentAt);
      if (date !== today) written += `<h2>${escaped(date)}</h2>\n`;
      today = date;
      const author = message.author?.displayName;
      const sender = names[message.sender] + (author ? ` (${author})` : '');
      const { deliveredAt, seenAt } = message;
      const about = [
        sender,
        hour.format(sentAt),
        ...(message.broadcastId ? [said.broadcast] : []),
        ...(message.broadcast ? [message.broadcast.words] : []),
        ...(deliveredAt ? [said.delivered(minute.format(new Date(deliveredAt)))] : []),
        ...(seenAt ? [said.seen(minute.format(new Date(seenAt)))] : []),
      ].join(' · ');
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
  yield pageEnd;
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
  const address = addressOf(file);
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
