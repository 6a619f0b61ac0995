import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ZipFile } from 'yazl';
import { Actions } from '../actions/actions.service.js';
import { Attachments } from '../attachments/attachments.service.js';
import { isMember, partyOf, type Principal } from '../auth/principal.js';
import type { Locale } from '../contract/common.js';
import type { ConversationHead } from '../contract/events.js';
import { limits } from '../contract/limits.js';
import { ListMessages } from '../conversations/conversations.dto.js';
import { Conversations } from '../conversations/conversations.service.js';
import { Messages } from '../conversations/messages.service.js';
import { Log } from '../platform/log.js';
import { DomainError, NotFound } from '../platform/problems/domain-error.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { ObjectMissing } from '../platform/storage/storage.js';
import { UnsealError } from '../platform/vault/sealing.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { conversationPage, type ExportedMessage, type PageOptions } from './conversation-page.js';
import { fileNameInZip } from './file-names.js';

const exported = defineLimit('conversationExport', {
  points: limits.conversationExportsPerHour,
  seconds: 60 * 60,
  keyedById: true,
});

/** A file of a conversation, and its place in the zip. */
interface PlacedFile {
  id: string;
  path: string;
}

/** Folder of the files, by the language of the page. */
const folders: Record<Locale, string> = { it: 'allegati', en: 'files' };

/** Conversations as one of their parties may have them, as zips that are made while they are sent. */
@Injectable()
export class ConversationExports {
  constructor(
    private readonly actions: Actions,
    private readonly attachments: Attachments,
    private readonly conversations: Conversations,
    private readonly database: DataSource,
    private readonly log: Log,
    private readonly messages: Messages,
    private readonly rateLimits: RateLimits,
    private readonly subscribers: Subscribers,
  ) {}

  /**
   * Finds a conversation that the principal may export, and writes down that a member does.
   * @throws NotFound, also for staff; DomainError `rate_limited`
   */
  async open(principal: Principal, id: string): Promise<ConversationHead> {
    if (isMember(principal) && principal.role !== 'owner') throw new NotFound();
    const head = await this.conversations.head(principal, id);
    await this.rateLimits.count(exported, principal.accountId);
    if (isMember(principal)) await this.actions.record(this.database.manager, principal, 'conversation.exported', id);
    return head;
  }

  /** The zip, in pieces. One page of messages and one piece of a file are in memory at a time. */
  async *zip(principal: Principal, head: ConversationHead, locale: Locale): AsyncGenerator<Buffer, void, undefined> {
    const options = await this.pageOptions(principal, head, locale);
    const zip = new ZipFile();
    const output = zip.outputStream as Readable;
    // Messages that come while it is made are not in it, and neither are files of such.
    const failed = (error: unknown) => void output.destroy(error as Error);
    zip.on('error', failed);
    void this.fill(zip, { principal, head, options }).catch(failed);
    try {
      for await (const piece of output) yield piece as Buffer;
    } finally {
      output.destroy();
    }
  }

  private async fill(
    zip: ZipFile,
    { principal, head, options }: { principal: Principal; head: ConversationHead; options: PageOptions },
  ): Promise<void> {
    const { locale, exportedAt } = options;
    const files: PlacedFile[] = [];
    const pages = () => this.pages(principal, head, folders[locale]);
    const noted = async function* () {
      for await (const page of pages()) {
        for (const { attachments } of page)
          for (const { id, file } of attachments) if (file !== null) files.push({ id, path: file });
        yield page;
      }
    };
    const mtime = exportedAt;
    await added(zip, conversationPage(noted(), options), { path: 'conversation.html', mtime });
    await added(zip, asJson(pages(), head, options), { path: 'conversation.json', mtime });
    for (const { id, path } of files) {
      if ((zip.outputStream as Readable).destroyed) return;
      const bytes = await this.contentOf(principal, id);
      // Most files are compressed as they are.
      if (bytes) await added(zip, bytes, { path, mtime, compress: false });
    }
    zip.end();
  }

  /** The bytes of a file; undefined for one that was withdrawn meanwhile, or whose bytes are lost. */
  private async contentOf(principal: Principal, id: string) {
    try {
      const opened = await this.attachments.openContent(principal, id);
      // The first bytes tell if the file can be read at all, before an entry is begun for it.
      await opened.bytes.read(0, 1);
      return opened.stream();
    } catch (error) {
      if (error instanceof DomainError) return undefined;
      if (!(error instanceof ObjectMissing || error instanceof UnsealError)) throw error;
      this.log.failure(error, { attachment: id });
      return undefined;
    }
  }

  private async *pages(
    principal: Principal,
    { id, lastSeq }: ConversationHead,
    folder: string,
  ): AsyncGenerator<ExportedMessage[], void, undefined> {
    let cursor: string | null = null;
    do {
      const ask = { after: 0, before: lastSeq + 1, limit: limits.pageMax, ...(cursor !== null && { cursor }) };
      const page = await this.messages.list(principal, id, Object.assign(new ListMessages(), ask));
      yield page.items.map(({ broadcast: _, attachments, ...message }) => ({
        ...message,
        attachments: attachments.map((attachment, place) => ({
          ...attachment,
          file: attachment.state === 'ready' ? `${folder}/${fileNameInZip(attachment.name, message.seq, place)}` : null,
        })),
      }));
      cursor = page.nextCursor;
    } while (cursor !== null);
  }

  private async pageOptions(
    principal: Principal,
    { counterpart }: ConversationHead,
    locale: Locale,
  ): Promise<PageOptions> {
    const own = partyOf(principal);
    const exportedAt = new Date();
    const subscriberId = isMember(principal) ? principal.subscriberId : counterpart.id;
    // The server's own time would be that of no one.
    const { businessName, timeZone } = await this.subscribers.get(subscriberId);
    const you = locale === 'it' ? 'Tu' : 'You';
    const interlocutor = counterpart.kind === 'interlocutor' ? counterpart.displayName : you;
    return { locale, own, names: { subscriber: businessName, interlocutor }, exportedAt, timeZone };
  }
}

/** Adds an entry and waits until its last byte is taken, so that one file is open at a time. */
function added(
  zip: ZipFile,
  pieces: AsyncIterable<string | Buffer>,
  { path, ...options }: { path: string; mtime: Date; compress?: boolean },
): Promise<void> {
  const stream = Readable.from(asBytes(pieces), { objectMode: false });
  // Nobody reads what would come after, so its file is closed.
  const stop = () => void stream.destroy();
  zip.outputStream.once('close', stop);
  return new Promise((resolve, reject) => {
    stream.on('error', reject);
    stream.on('close', () => {
      zip.outputStream.off('close', stop);
      resolve();
    });
    zip.addReadStream(stream, path, options);
  });
}

async function* asBytes(pieces: AsyncIterable<string | Buffer>): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of pieces) yield Buffer.from(piece);
}

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
