import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { isMember, type Principal } from '../auth/principal.js';
import { Attachments } from '../attachments/attachments.service.js';
import { FileErasures } from '../attachments/file-erasures.service.js';
import { Scans } from '../attachments/scans.service.js';
import { Actions } from '../actions/actions.service.js';
import { ChangeFeed } from '../change-feed/change-feed.service.js';
import { Consents } from '../consents/consents.service.js';
import { ConsentRequired } from '../consents/consents.errors.js';
import type { AttachmentView } from '../contract/attachments.js';
import type { Author, MessageView, Party } from '../contract/events.js';
import { limits } from '../contract/limits.js';
import { Members } from '../members/members.service.js';
import { openPage } from '../platform/cursors.js';
import { Batches, deferred } from '../platform/batches.js';
import { HotStatements } from '../platform/hot-statements.js';
import { DomainError, NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import { UnknownOutcomes } from '../platform/realtime/unknown-outcomes.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { KeyGoneError } from '../platform/vault/keyring.js';
import { Vault } from '../platform/vault/vault.js';
import { broadcastMark } from './broadcast-mark.js';
import { ListMessages, type MessageContent, type MessageList } from './conversations.dto.js';
import { ClientIdReused, ConversationRestricted, NotTheSender, WithdrawalRestricted } from './conversations.errors.js';
import {
  type AppendedRow,
  type AppendValues,
  appendMessageStatement,
  appendStatement,
  changedMessagesQuery,
  lockQuery,
  type MessageRow,
  messagesQuery,
  type RestrictionRow,
  type WithdrawnRow,
  withdrawQuery,
} from './conversations.queries.js';
import { Conversations, type OwnConversation, restrictionsOf, turnContentOf, turnOf } from './conversations.service.js';
import { SubscriberClosing, SubscriberPaused } from '../subscribers/subscribers.errors.js';
import { messageContext, MessageTexts } from './message-texts.js';
import { Receipts, type Rise } from './receipts.service.js';

/** A stored message; `repeated` when the same one had been stored before. */
export interface Stored {
  seq: number;
  sentAt: string;
  repeated: boolean;
}

/** A message ready to be stored, and to be told once it is. */
interface Draft {
  conversation: OwnConversation;
  author: Author | null;
  clientId: string;
  body: string;
  attachmentIds: string[];
  /** Views of the files, as far as there are such, once it is being stored. */
  attachments: AttachmentView[];
  digest: Buffer;
  sealedBody: Buffer;
}

type Appended = Exclude<AppendedRow['outcome'], 'deferred'>;

const batchSize = 500;
/** Measured: more small batches are faster while little is sent, and fewer large ones cost less under load. */
const concurrency = { idle: 4, loaded: 2 };

@Injectable()
export class Messages {
  /** Queue that {@link send} fills and {@link append} stores. */
  private readonly sendQueue = new Batches<Draft, AppendedRow>({
    write: (drafts) => this.append(drafts, { afterLock: false }),
    writeAfterLock: (drafts) => this.append(drafts, { afterLock: true }) as Promise<AppendedRow[]>,
    groupOf: ({ conversation }) => conversation.id,
    keyOf: sentAs,
    batchSize,
    concurrency,
    capacity: limits.sendsWaiting,
  });

  constructor(
    private readonly database: DataSource,
    private readonly actions: Actions,
    private readonly changes: ChangeFeed,
    private readonly attachments: Attachments,
    private readonly consents: Consents,
    private readonly conversations: Conversations,
    private readonly fileErasures: FileErasures,
    private readonly members: Members,
    private readonly unknownOutcomes: UnknownOutcomes,
    private readonly realtime: Realtime,
    private readonly receipts: Receipts,
    private readonly scans: Scans,
    private readonly statements: HotStatements,
    private readonly texts: MessageTexts,
    private readonly vault: Vault,
  ) {}

  /**
   * Stores a message once and tells the devices of both parties. Resolves when {@link append} has stored the batch that
   * its draft went into.
   * @throws NotFound, ConsentRequired, ConversationRestricted, ClientIdReused, AttachmentNotFound, ValidationFailed,
   *   DomainError `overloaded`
   */
  async send(principal: Principal, conversationId: string, content: MessageContent): Promise<Stored> {
    const conversation = await this.conversations.accessToWrite(principal, conversationId);
    const author = isMember(principal) ? await this.members.author(principal) : null;
    // A message that is stored already is answered as such, whatever has come into force since.
    if (
      isMember(principal) &&
      !(await this.consents.hasAccepted(principal)) &&
      !(await this.isStored(conversation, content))
    )
      throw new ConsentRequired();
    const draft = await this.seal(conversation, author, content);
    const { outcome, seq, sent_at: sentAt } = await this.sendQueue.add(draft);
    if (outcome === 'attachment_not_found') throw await this.attachments.missingAttachment(draft);
    if (outcome !== 'stored' && outcome !== 'repeated') throw refusals[outcome as keyof typeof refusals]();
    if (outcome === 'stored') await this.tellScanned(draft);
    return { seq: seq!, sentAt: sentAt!.toISOString(), repeated: outcome === 'repeated' };
  }

  /** @throws NotFound */
  async list(principal: Principal, conversationId: string, wanted: ListMessages): Promise<MessageList> {
    const { id, subscriberId } = await this.conversations.access(principal, conversationId);
    const { ask, position, next } = openPage(ListMessages, wanted, ['integer']);
    if (ask.around !== undefined) return this.listAround(principal, { subscriberId, conversationId: id }, ask);
    const { query, values, ascending, by } = pageOf(ask, position && Number(position[0]));
    const rows = await this.database.query<MessageRow[]>(query(ask.limit + 1), [subscriberId, id, ...values]);
    const page = rows.slice(0, ask.limit);
    const last = page.at(-1);
    const nextCursor = last && rows.length > ask.limit ? next([last[by]]) : null;
    const items = await this.open(principal, { subscriberId, conversationId: id }, page);
    return { items: ascending ? items : items.reverse(), nextCursor };
  }

  /** Seqs have no gaps, so the messages around one are those of a range. */
  private async listAround(
    principal: Principal,
    where: { subscriberId: string; conversationId: string },
    ask: ListMessages,
  ): Promise<MessageList> {
    requireAlone(ask);
    const { around = 0, limit } = ask;
    const low = Math.max(0, around - 1 - (limit >> 1));
    const high = Math.min(2 ** 31 - 1, low + limit + 1);
    const values = [where.subscriberId, where.conversationId, low, high];
    const rows = await this.database.query<MessageRow[]>(messagesQuery('seq', limit), values);
    return { items: await this.open(principal, where, rows), nextCursor: null };
  }

  /**
   * Erases the text of an own message; its entry stays, as withdrawn. Withdrawing it again changes nothing.
   * @throws NotFound, NotTheSender, WithdrawalRestricted
   */
  async withdraw(principal: Principal, conversationId: string, seq: number): Promise<void> {
    const { subscriberId, party, rooms } = await this.conversations.access(principal, conversationId);
    const erase = async (manager: EntityManager) => {
      const where = [subscriberId, conversationId] as const;
      const [head] = await manager.query<({ revision: number } & RestrictionRow)[]>(lockQuery, [...where]);
      const [message] = await manager.query<{ sender: Party; withdrawn_at: Date | null; files: number }[]>(
        'SELECT sender, withdrawn_at, files FROM message WHERE subscriber_id = $1 AND conversation_id = $2 AND seq = $3',
        [...where, seq],
      );
      if (!head || !message) throw new NotFound();
      if (message.sender !== party) throw new NotTheSender();
      if (message.withdrawn_at) return undefined;
      // A party that restricts the conversation may need the messages of the other one as evidence.
      const frozen = head.deletion_asked_at !== null && party === 'subscriber';
      if (frozen || restrictionsOf(head).some(({ by }) => by !== party)) throw new WithdrawalRestricted();
      const revision = head.revision + 1;
      if (message.files > 0) await this.fileErasures.ofMessage(manager, subscriberId, conversationId, seq);
      const [row] = await manager.query<[WithdrawnRow]>(withdrawQuery, [...where, seq, revision]);
      if (isMember(principal)) await this.actions.record(manager, principal, 'message.withdrawn', conversationId);
      const turn = turnContentOf(row, { subscriberId, conversationId });
      const [text] = turn ? await this.texts.open([turn]) : [];
      return { revision, withdrawnAt: row.withdrawn_at.toISOString(), lastTurn: turnOf(row, text) };
    };
    const withdrawn = await this.unknownOutcomes.guard(
      () => Object.values(rooms),
      () => this.database.transaction(erase),
    );
    if (!withdrawn) return;
    const told = { conversationId, seq, ...withdrawn };
    this.realtime.tell([rooms.subscriber, rooms.interlocutor], 'message.withdrawn', told);
    this.changes.hint({ state: 'withdrawn', subscriberId, conversationId, seq, revision: withdrawn.revision });
  }

  private async isStored({ subscriberId, id, party }: OwnConversation, { clientId }: MessageContent): Promise<boolean> {
    const rows = await this.database.query<unknown[]>(
      'SELECT FROM message WHERE subscriber_id = $1 AND conversation_id = $2 AND sender = $3 AND client_id = $4',
      [subscriberId, id, party, clientId],
    );
    return rows.length > 0;
  }

  /** Tells what the scanner said between the look at the files and the commit, which only their sender has heard. */
  private async tellScanned({ conversation, attachmentIds, attachments }: Draft): Promise<void> {
    if (!attachments.some(({ state }) => state === 'pending')) return;
    await this.scans.tellAgain(conversation.subscriberId, attachmentIds);
  }

  /** @throws NotFound when the key was destroyed, and the conversation with it */
  private async seal(
    conversation: OwnConversation,
    author: Author | null,
    { clientId, body, attachmentIds = [] }: MessageContent,
  ): Promise<Draft> {
    const { id, subscriberId, party } = conversation;
    if (attachmentIds.length > 0) this.attachments.requireIds(attachmentIds);
    const key = { scope: 'contact', id } as const;
    try {
      const digest = await this.vault.digest(key, digested(body, attachmentIds));
      const sealedBody = await this.vault.seal(key, body, messageContext(subscriberId, id, party, clientId));
      return { conversation, author, clientId, body, attachmentIds, attachments: [], digest, sealedBody };
    } catch (error) {
      throw error instanceof KeyGoneError ? new NotFound() : error;
    }
  }

  /**
   * Stores drafts in one statement, and tells those that are new in the order of their seq, right after the commit.
   * @param afterLock waits for locked conversations; otherwise their drafts are deferred
   */
  private async append(
    drafts: Draft[],
    { afterLock }: { afterLock: boolean },
  ): Promise<(AppendedRow | typeof deferred)[]> {
    const withFiles = drafts.filter(({ attachmentIds }) => attachmentIds.length > 0);
    if (withFiles.length > 0) await this.loadFileViews(withFiles);
    const isSingle = drafts.length === 1 && withFiles.length === 0 && !afterLock;
    const rows = await this.unknownOutcomes.guard(
      () => drafts.flatMap(({ conversation }) => Object.values(conversation.rooms)),
      () => (isSingle ? this.storeSingle(drafts[0]!) : this.store(drafts, afterLock)),
    );
    const outcomes = new Array<AppendedRow | typeof deferred>(drafts.length);
    for (const row of rows) outcomes[row.place - 1] = row.outcome === 'deferred' ? deferred : row;
    for (const [index, draft] of drafts.entries()) this.tell(draft, outcomes[index]!);
    return outcomes;
  }

  private store(drafts: readonly Draft[], afterLock: boolean): Promise<AppendedRow[]> {
    const { contact, subscriber } = this.consents.versionsToAccept();
    const values: AppendValues = [
      drafts.map(({ conversation }) => conversation.subscriberId),
      drafts.map(({ conversation }) => conversation.id),
      drafts.map(({ conversation }) => conversation.party),
      drafts.map(({ author }) => author?.id ?? null),
      drafts.map(({ clientId }) => clientId),
      drafts.map(({ digest }) => digest),
      drafts.map(({ sealedBody }) => sealedBody),
      contact.privacy,
      subscriber.terms,
      subscriber.privacy,
      afterLock,
      drafts.map(({ attachmentIds }) => attachmentIds.length),
      drafts.flatMap(({ attachmentIds }, index) => attachmentIds.map(() => index + 1)),
      drafts.flatMap(({ attachmentIds }) => attachmentIds),
    ];
    return this.statements.query<AppendedRow>(appendStatement, values);
  }

  private storeSingle({ conversation, author, clientId, digest, sealedBody }: Draft): Promise<AppendedRow[]> {
    const { contact, subscriber } = this.consents.versionsToAccept();
    const { subscriberId, id, party } = conversation;
    const versions = [contact.privacy, subscriber.terms, subscriber.privacy];
    const values = [subscriberId, id, party, author?.id ?? null, clientId, digest, sealedBody, ...versions];
    return this.statements.query<AppendedRow>(appendMessageStatement, values);
  }

  /** Views are sent right after the commit, so they are loaded before it. */
  private async loadFileViews(drafts: readonly Draft[]): Promise<void> {
    const views = await Promise.all(
      drafts.map(({ conversation, attachmentIds }) => this.attachments.byIds(conversation.subscriberId, attachmentIds)),
    );
    for (const [index, draft] of drafts.entries()) draft.attachments = views[index]!;
  }

  private tell(draft: Draft, row: AppendedRow | typeof deferred): void {
    if (row === deferred || row.outcome !== 'stored') return;
    const { conversation, author, clientId, body, attachments } = draft;
    // A reply counts as having seen the messages before it.
    if (row.minute) this.receipts.tell(conversation, row as Rise);
    const { id: conversationId, party: sender, rooms } = conversation;
    const place = { conversationId, seq: row.seq!, revision: row.revision! };
    const told = { ...place, sender, clientId, body, attachments, sentAt: row.sent_at!.toISOString() };
    // Interlocutors see the business, never the member.
    const tellOf = {
      interlocutor: () => this.realtime.tell(rooms.interlocutor, 'message.sent', told),
      subscriber: () => this.realtime.tell(rooms.subscriber, 'message.sent', { ...told, author }),
    };
    // Devices are written to in this order.
    tellOf[sender === 'subscriber' ? 'interlocutor' : 'subscriber']();
    tellOf[sender]();
    const { subscriberId } = conversation;
    const authorId = author?.id ?? null;
    this.changes.hint({
      ...place,
      state: 'stored',
      subscriberId,
      sender,
      authorId,
      clientId,
      sentAt: row.sent_at!,
      body,
      files: attachments.map(({ name, family }) => ({ name, family })),
    });
  }

  private async open(
    principal: Principal,
    where: { subscriberId: string; conversationId: string },
    rows: MessageRow[],
  ): Promise<MessageView[]> {
    const texts = await this.texts.open(rows.map((row) => ({ ...row, ...where })));
    const authors = isMember(principal) ? await this.authorsOf(where.subscriberId, rows) : undefined;
    const contactId = isMember(principal) ? undefined : where.conversationId;
    const files = await this.filesOf(where, rows);
    return rows.flatMap((row, index) => {
      const body = texts[index];
      return body === undefined ? [] : [this.view(row, body, { authors, contactId, files: files.get(row.seq) ?? [] })];
    });
  }

  /** The files of messages by seq; no query if there are none. */
  private async filesOf(
    where: { subscriberId: string; conversationId: string },
    rows: MessageRow[],
  ): Promise<Map<number, AttachmentView[]>> {
    const places = rows.flatMap(({ seq, files, broadcast_id: broadcastId }) =>
      files > 0 ? [{ ...where, seq, broadcastId }] : [],
    );
    const views = places.length > 0 ? await this.attachments.ofMessages(places) : [];
    return new Map(places.map(({ seq }, index) => [seq, views[index]!]));
  }

  private async authorsOf(subscriberId: string, rows: MessageRow[]): Promise<Map<string, Author>> {
    const ids = [...new Set(rows.flatMap(({ author_id: id }) => id ?? []))];
    const authors = ids.length > 0 ? await this.members.authors(subscriberId, ids) : [];
    return new Map(authors.map((author) => [author.id, author]));
  }

  /** With the authors if the reader is a member, or the reader's own contact if it is an interlocutor. */
  private view(
    row: MessageRow,
    body: string,
    {
      authors,
      contactId,
      files,
    }: { authors: Map<string, Author> | undefined; contactId: string | undefined; files: AttachmentView[] },
  ): MessageView {
    return {
      seq: row.seq,
      revision: row.revision,
      sender: row.sender,
      ...(authors && { author: (row.author_id && authors.get(row.author_id)) || null }),
      clientId: row.client_id ?? '',
      body,
      attachments: files,
      ...this.broadcastOf(row, contactId),
      sentAt: row.sent_at.toISOString(),
      ...(row.expired_at ? { expiredAt: row.expired_at.toISOString() } : timesOf(row)),
    };
  }

  private broadcastOf(row: MessageRow, contactId: string | undefined): Pick<MessageView, 'broadcastId' | 'broadcast'> {
    if (row.broadcast_id === null) return {};
    const locale = row.broadcast_locale!;
    const marked = { kind: row.broadcast_kind!, reason: row.broadcast_reason, locale };
    const optOut =
      contactId === undefined ? undefined : { policyId: this.consents.promotionsPolicyId(locale), contactId };
    return { broadcastId: row.broadcast_id, broadcast: broadcastMark(marked, optOut) };
  }
}

/** Times of what has happened to a message since it was sent. */
function timesOf(row: MessageRow): Pick<MessageView, 'withdrawnAt' | 'deliveredAt' | 'seenAt'> {
  return {
    ...(row.withdrawn_at && { withdrawnAt: row.withdrawn_at.toISOString() }),
    ...(row.delivered_at && { deliveredAt: row.delivered_at.toISOString() }),
    ...(row.seen_at && { seenAt: row.seen_at.toISOString() }),
  };
}

/** Identity of a message: the same for a retry. */
function sentAs({ conversation: { id, party }, clientId }: Draft): string {
  return `${id} ${party} ${clientId}`;
}

/** Content that makes a retry the same message: the text, and its files in their order. No text holds a NUL. */
function digested(body: string, attachmentIds: readonly string[]): string {
  return attachmentIds.length === 0 ? body : `${body}\0${attachmentIds.join('\0')}`;
}

const refusals: Record<Exclude<Appended, 'stored' | 'repeated' | 'attachment_not_found'>, () => DomainError> = {
  not_found: () => new NotFound(),
  consent_required: () => new ConsentRequired(),
  restricted: () => new ConversationRestricted(),
  paused: () => new SubscriberPaused(),
  closing: () => new SubscriberClosing(),
  reused: () => new ClientIdReused(),
};

interface PageOfMessages {
  query: (limit: number) => string;
  values: number[];
  ascending: boolean;
  /** The order in which the page goes on behind its last message. */
  by: 'seq' | 'revision';
}

/** @throws ValidationFailed when another place is named besides `around` */
function requireAlone({ after, before, changedAfter }: ListMessages): void {
  if ([after, before, changedAfter].every((each) => each === undefined)) return;
  const message = 'around cannot be combined with after, before or changedAfter.';
  throw new ValidationFailed([{ field: 'around', code: 'exclusive', message }]);
}

/** The three ways to page: onwards by seq, backwards by seq, onwards by revision; from a position on, if there is one. */
function pageOf({ after, before, changedAfter }: ListMessages, position: number | undefined): PageOfMessages {
  if ([changedAfter, after ?? before].filter((each) => each !== undefined).length > 1) {
    const message = 'changedAfter cannot be combined with after or before.';
    throw new ValidationFailed([{ field: 'changedAfter', code: 'exclusive', message }]);
  }
  if (changedAfter !== undefined) {
    return { query: changedMessagesQuery, values: [position ?? changedAfter], ascending: true, by: 'revision' };
  }
  const onwards = after !== undefined;
  const low = onwards ? (position ?? after) : 0;
  const high = onwards ? before : (position ?? before);
  return {
    query: (limit) => messagesQuery(onwards ? 'seq' : 'seq DESC', limit),
    values: [low, high ?? 2 ** 31 - 1],
    ascending: onwards,
    by: 'seq',
  };
}
