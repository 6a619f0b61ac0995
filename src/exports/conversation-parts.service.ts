import { Injectable } from '@nestjs/common';
import { Attachments } from '../attachments/attachments.service.js';
import { isMember, partyOf, type Principal } from '../auth/principal.js';
import type { AttachmentView } from '../contract/attachments.js';
import type { Locale } from '../contract/common.js';
import type { ConversationHead, MessageView } from '../contract/events.js';
import { limits } from '../contract/limits.js';
import { ListMessages } from '../conversations/conversations.dto.js';
import { Messages } from '../conversations/messages.service.js';
import { Log } from '../platform/log.js';
import { DomainError } from '../platform/problems/domain-error.js';
import { ObjectMissing } from '../platform/storage/storage.js';
import { UnsealError } from '../platform/vault/sealing.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { conversationPage, type ExportedMessage, type PageOptions } from './conversation-page.js';
import { fileNameInZip } from './file-names.js';
import type { ZipWriter } from './zip-writer.js';

/** A file of a zip, and its place there. */
export interface PlacedFile {
  id: string;
  path: string;
}

/** Place of a conversation in a zip. */
export interface PartOptions {
  locale: Locale;
  exportedAt: Date;
  /** Folder of the conversation, with a slash at its end; empty for the top. */
  folder: string;
  /** Files of broadcasts that stand elsewhere in the zip, by their ids: paths as seen from the folder. */
  elsewhere?: ReadonlyMap<string, string>;
  /** Called with each page of messages that was written. */
  onMessages?: (messages: number) => void;
  /** Passes on the bytes of a file. */
  pass?: (bytes: AsyncIterable<Buffer>) => AsyncIterable<Buffer>;
}

/** Folder of the files, by the language of the page. */
export const fileFolders: Record<Locale, string> = { it: 'allegati', en: 'files' };

/** Conversations as parts of zips: a page, the same as JSON, and the files. One page of messages is in memory at a time. */
@Injectable()
export class ConversationParts {
  constructor(
    private readonly attachments: Attachments,
    private readonly log: Log,
    private readonly messages: Messages,
    private readonly subscribers: Subscribers,
  ) {}

  /** Adds a conversation as it was when its head was read: messages that come meanwhile are not in it, nor are their files. */
  async add(zip: ZipWriter, principal: Principal, head: ConversationHead, options: PartOptions): Promise<void> {
    const { folder, onMessages } = options;
    const page = await this.pageOptions(principal, head, options);
    const files: PlacedFile[] = [];
    const noted = async function* (pages: AsyncIterable<ExportedMessage[]>) {
      for await (const messages of pages) {
        for (const { attachments } of messages)
          for (const { id, file } of attachments)
            if (file !== null && !file.startsWith('../')) files.push({ id, path: folder + file });
        yield messages;
        onMessages?.(messages.length);
      }
    };
    const readable = new Map<string, boolean>();
    const pages = () => this.pages(principal, head, options, readable);
    await zip.add(`${folder}conversation.html`, conversationPage(noted(pages()), page));
    await zip.add(`${folder}conversation.json`, asJson(pages(), head, page));
    for (const file of files) await this.addFile(zip, principal, file, options);
  }

  /**
   * Adds a file; one that was withdrawn meanwhile, or whose bytes are lost, is left out.
   * @returns whether it was added
   */
  async addFile(
    zip: ZipWriter,
    principal: Principal,
    { id, path }: PlacedFile,
    { pass = (bytes) => bytes }: Pick<PartOptions, 'pass'>,
  ): Promise<boolean> {
    if (zip.closed) return false;
    const content = await this.contentOf(principal, id);
    if (content) await zip.add(path, pass(content.stream()), { stored: true });
    return content !== undefined;
  }

  private async contentOf(principal: Principal, id: string) {
    try {
      const opened = await this.attachments.openContent(principal, id);
      // The first bytes tell if the file can be read at all, before an entry is begun for it.
      await opened.bytes.read(0, 1);
      return opened;
    } catch (error) {
      if (error instanceof DomainError) return undefined;
      if (!(error instanceof ObjectMissing || error instanceof UnsealError)) throw error;
      this.log.failure(error, { attachment: id });
      return undefined;
    }
  }

  /** @param readable remembers which files can be read, so that the page and the JSON link to no other */
  private async *pages(
    principal: Principal,
    { id, lastSeq }: ConversationHead,
    { locale, elsewhere }: PartOptions,
    readable: Map<string, boolean>,
  ): AsyncGenerator<ExportedMessage[], void, undefined> {
    let cursor: string | null = null;
    do {
      const ask = { after: 0, before: lastSeq + 1, limit: limits.pageMax, ...(cursor !== null && { cursor }) };
      const page = await this.messages.list(principal, id, Object.assign(new ListMessages(), ask));
      for (const { id: file, state } of page.items.flatMap(({ attachments }) => attachments)) {
        if (state !== 'ready' || elsewhere?.has(file) || readable.has(file)) continue;
        readable.set(file, (await this.contentOf(principal, file)) !== undefined);
      }
      yield page.items.map((message) => exported(message, fileFolders[locale], { elsewhere, readable }));
      cursor = page.nextCursor;
    } while (cursor !== null);
  }

  private async pageOptions(
    principal: Principal,
    { counterpart }: ConversationHead,
    { locale, exportedAt }: PartOptions,
  ): Promise<PageOptions> {
    const own = partyOf(principal);
    const subscriberId = isMember(principal) ? principal.subscriberId : counterpart.id;
    // The server's own time would be that of no one.
    const { businessName, timeZone } = await this.subscribers.get(subscriberId);
    const you = locale === 'it' ? 'Tu' : 'You';
    const interlocutor = counterpart.kind === 'interlocutor' ? counterpart.displayName : you;
    return { locale, own, names: { subscriber: businessName, interlocutor }, exportedAt, timeZone };
  }
}

/** A message with the places of its files; an opt-out is no more than an offer to the reader of the moment. */
function exported(
  { broadcast, attachments, ...message }: MessageView,
  folder: string,
  { elsewhere, readable }: Pick<PartOptions, 'elsewhere'> & { readable: ReadonlyMap<string, boolean> },
): ExportedMessage {
  const placeOf = ({ id, name, state }: AttachmentView, place: number) => {
    if (state !== 'ready' || readable.get(id) === false) return null;
    return elsewhere?.get(id) ?? `${folder}/${fileNameInZip(name, numbered(message.seq, place))}`;
  };
  return {
    ...message,
    ...(broadcast && { broadcast: { kind: broadcast.kind, reason: broadcast.reason, words: broadcast.words } }),
    attachments: attachments.map((attachment, place) => ({ ...attachment, file: placeOf(attachment, place) })),
  };
}

/** Numbers of a message and of the place of a file in it. */
const numbered = (seq: number, place: number) => `${String(seq).padStart(6, '0')}-${place + 1}`;

/** The conversation as JSON, in pieces. */
async function* asJson(
  pages: AsyncIterable<ExportedMessage[]>,
  { id, counterpart }: ConversationHead,
  { own, names, exportedAt }: PageOptions,
): AsyncGenerator<string, void, undefined> {
  const head = {
    format: 'colloquio-conversation',
    version: 1,
    exportedAt: exportedAt.toISOString(),
    id,
    own,
    names,
    counterpart,
  };
  yield `${JSON.stringify(head).slice(0, -1)},"messages":[`;
  let before = '\n';
  for await (const page of pages) {
    let written = '';
    for (const message of page) {
      written += before + JSON.stringify(message);
      before = ',\n';
    }
    yield written;
  }
  yield '\n]}\n';
}
