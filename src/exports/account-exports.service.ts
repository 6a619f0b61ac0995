import { Injectable } from '@nestjs/common';
import { Contacts } from '../address-book/contacts.service.js';
import { isMember, type MemberPrincipal, type Principal } from '../auth/principal.js';
import { ListBroadcasts } from '../broadcasts/broadcasts.dto.js';
import { Broadcasts } from '../broadcasts/broadcasts.service.js';
import type { Locale } from '../contract/common.js';
import type { ConversationHead } from '../contract/events.js';
import { Conversations } from '../conversations/conversations.service.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { ConversationParts, type PartOptions } from './conversation-parts.service.js';
import { fileNameInZip, folderNameInZip } from './file-names.js';
import { addressOf, escaped, languageOf, pageBegin, pageEnd } from './page-parts.js';
import { type ExportedRecord, recordPage, recordsAsJson } from './record-page.js';
import { type FilePlaces, paged, type Section, Sections } from './sections.service.js';
import type { ZipWriter } from './zip-writer.js';

export interface AccountExport {
  principal: Principal;
  /** The only contact of an interlocutor that it is about. */
  contactId: string | undefined;
  locale: Locale;
  exportedAt: Date;
  /** Called with the bytes of files and the messages that were written since. */
  onProgress: (bytes: number, messages: number) => void;
}

/** A page of the zip, as the index names it. */
interface IndexEntry {
  path: string;
  title: string;
  count: number;
}

const conversationsAtOnce = 200;
const broadcastFolder = 'broadcast-files';

const texts = {
  it: {
    title: 'I tuoi dati in Colloquio',
    conversations: 'Conversazioni',
    about: (time: string) => `Copia fatta ${time}`,
    hint: 'Ogni pagina si apre senza rete, si stampa e si cerca con il browser. Accanto a ognuna c’è lo stesso contenuto in JSON, per altri programmi.',
  },
  en: {
    title: 'Your data in Colloquio',
    conversations: 'Conversations',
    about: (time: string) => `Copy made ${time}`,
    hint: 'Every page opens without a network, can be printed, and is searched with the browser. Beside each there is the same as JSON, for other programs.',
  },
} as const;

/** Fills a zip with everything that an account may have of itself. */
@Injectable()
export class AccountExports {
  constructor(
    private readonly broadcasts: Broadcasts,
    private readonly contacts: Contacts,
    private readonly conversations: Conversations,
    private readonly parts: ConversationParts,
    private readonly sections: Sections,
    private readonly subscribers: Subscribers,
  ) {}

  async fill(zip: ZipWriter, wanted: AccountExport): Promise<void> {
    const { principal, contactId, locale, exportedAt, onProgress } = wanted;
    const timeZone = isMember(principal) ? (await this.subscribers.get(principal.subscriberId)).timeZone : undefined;
    const whole = new Intl.DateTimeFormat(languageOf(locale), { dateStyle: 'long', timeStyle: 'long', timeZone });
    const about = texts[locale].about(whole.format(exportedAt));
    const part: PartOptions = {
      locale,
      exportedAt,
      folder: '',
      onMessages: (messages) => onProgress(0, messages),
      pass: (bytes) => counted(bytes, (size) => onProgress(size, 0)),
    };
    const places: FilePlaces = new Map();
    if (isMember(principal)) {
      await this.addLogo(zip, principal);
      await this.addBroadcastFiles(zip, principal, places, part);
    }
    const { folders, ids } = await this.addConversations(zip, wanted, part, places);
    const conversations: Section = {
      name: 'conversations',
      title: { it: texts.it.conversations, en: texts.en.conversations },
      pages: () => this.headRecords(principal, ids, folders),
    };
    const index: IndexEntry[] = [];
    for (const section of [...this.sections.of(principal, places, contactId), conversations]) {
      if (zip.closed) return;
      let count = 0;
      const pages = async function* () {
        for await (const records of section.pages()) {
          count += records.length;
          yield records;
        }
      };
      const title = section.title[locale];
      const path = `${section.name}.html`;
      await zip.add(path, recordPage(pages(), { locale, title, about, timeZone }));
      await zip.add(`${section.name}.json`, recordsAsJson(section.pages()));
      index.push({ path, title, count });
    }
    await zip.add('index.html', inOnePiece(indexPage(index, locale, about)));
  }

  private async addLogo(zip: ZipWriter, { subscriberId }: MemberPrincipal): Promise<void> {
    if (!(await this.subscribers.hasLogo(subscriberId))) return;
    const logo = await this.subscribers.logo(subscriberId);
    if (logo) await zip.add(`logo.${logo.mediaType.split('/').at(-1)}`, inOnePiece(logo.bytes), { stored: true });
  }

  /** Adds each file of a broadcast once, however many conversations show it. */
  private async addBroadcastFiles(
    zip: ZipWriter,
    member: MemberPrincipal,
    places: FilePlaces,
    part: PartOptions,
  ): Promise<void> {
    let number = 0;
    for await (const page of paged(ListBroadcasts, (ask) => this.broadcasts.list(member, ask))) {
      for (const { attachments } of page) {
        for (const { id, name, state } of attachments) {
          if (state !== 'ready') continue;
          const path = `${broadcastFolder}/${fileNameInZip(name, String(++number).padStart(6, '0'))}`;
          if (await this.parts.addFile(zip, member, { id, path }, part)) places.set(id, path);
        }
      }
    }
  }

  /** Adds the conversations that have messages, in the order of their contacts. */
  private async addConversations(
    zip: ZipWriter,
    { principal, contactId }: AccountExport,
    part: PartOptions,
    places: FilePlaces,
  ): Promise<{ folders: Map<string, string>; ids: string[] }> {
    const ids = (await this.conversationIds(principal)).filter((id) => contactId === undefined || id === contactId);
    const elsewhere = new Map([...places].map(([id, path]) => [id, `../../${path}`]));
    const folders = new Map<string, string>();
    for await (const heads of this.headsOf(principal, ids)) {
      for (const head of heads) {
        if (zip.closed) return { folders, ids };
        if (head.lastSeq === 0) continue;
        const number = String(folders.size + 1).padStart(6, '0');
        const folder = `conversations/${folderNameInZip(nameOf(head), number)}/`;
        folders.set(head.id, folder);
        await this.parts.add(zip, principal, head, { ...part, folder, elsewhere });
      }
    }
    return { folders, ids };
  }

  private async *headRecords(
    principal: Principal,
    ids: readonly string[],
    folders: ReadonlyMap<string, string>,
  ): AsyncGenerator<ExportedRecord[], void, undefined> {
    for await (const heads of this.headsOf(principal, ids)) {
      yield heads.map((head) => {
        const folder = folders.get(head.id);
        return { page: folder === undefined ? null : `${folder}conversation.html`, ...head };
      });
    }
  }

  /** One batch at a time, in the order of the ids. */
  private async *headsOf(
    principal: Principal,
    ids: readonly string[],
  ): AsyncGenerator<ConversationHead[], void, undefined> {
    for (let start = 0; start < ids.length; start += conversationsAtOnce) {
      const heads = await this.conversations.heads(principal, ids.slice(start, start + conversationsAtOnce));
      yield heads.sort((one, other) => (one.id < other.id ? -1 : 1));
    }
  }

  private async conversationIds(principal: Principal): Promise<string[]> {
    const contacts = isMember(principal)
      ? await this.contacts.links(principal.subscriberId)
      : await this.contacts.allOfInterlocutor(principal.interlocutorId);
    return contacts.map(({ id }) => id).sort();
  }
}

const nameOf = ({ counterpart }: ConversationHead) =>
  counterpart.kind === 'subscriber' ? counterpart.businessName : counterpart.displayName;

function indexPage(entries: readonly IndexEntry[], locale: Locale, about: string): string {
  const { title, hint } = texts[locale];
  const items = entries.map(
    (entry) => `<li><a href="${addressOf(entry.path)}">${escaped(entry.title)}</a> (${entry.count})</li>\n`,
  );
  return `${pageBegin({ locale, title, about })}<nav>\n<ul>\n${items.join('')}</ul>\n</nav>\n<p class="quiet">${escaped(hint)}</p>\n${pageEnd}`;
}

async function* inOnePiece<Piece>(piece: Piece): AsyncGenerator<Piece, void, undefined> {
  yield piece;
}

async function* counted(
  bytes: AsyncIterable<Buffer>,
  count: (size: number) => void,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of bytes) {
    count(piece.length);
    yield piece;
  }
}
