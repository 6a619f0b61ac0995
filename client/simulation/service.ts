import type { AttachmentView } from '../../src/contract/attachments.js';
import { errorCatalogue, type ErrorCode, type Problem } from '../../src/contract/errors.js';
import type { ConversationList, MessageList } from '../../src/contract/conversations.js';
import type {
  Claim,
  ConversationHead,
  MessageView,
  Party,
  Restriction,
  SendMessage,
  SendReceipt,
  SentMessage,
  Told,
  ToldEvent,
  Turn,
  Watermarks,
} from '../../src/contract/events.js';
import { expiredMessage } from '../../src/contract/rules/expired.js';
import { beginningOf } from '../../src/contract/rules/texts.js';
import type { Clock } from '../ports.js';

const minute = 60_000;

interface Stored {
  id: string;
  revision: number;
  changedAt: number;
  messages: MessageView[];
  /** Messages as they were stored. */
  written: MessageView[];
  watermarks: Record<Party, Watermarks>;
  /** Beginning of the minute in which a watermark moved last. */
  receiptAt: number;
  /** The own name of either party, as the other sees it, and when one changed. */
  name: string;
  namedAt: number;
  seenTimesSince: string | null;
}

/** Receives the events of a party. */
export type Listener = <Event extends ToldEvent>(event: Event, payload: Told[Event]) => void;

/** A refusal, as the service answers it. */
export class Refusal extends Error {
  readonly problem: Problem;

  constructor(code: ErrorCode, more: Partial<Problem> = {}) {
    super(code);
    const { status, title } = errorCatalogue[code];
    this.problem = {
      type: `urn:colloquio:problem:${code}`,
      title,
      status,
      code,
      detail: title,
      requestId: '1',
      ...more,
    };
  }
}

const attachmentOf = (id: string, name: string): AttachmentView => ({
  ...{ id, name, mediaType: 'application/octet-stream', family: 'other', size: name.length },
  ...{ state: 'ready', scanned: false, inline: false },
});

/** The service as docs/events.md describes it, in memory: one business, and the other party of each of its conversations. */
export class SimulatedService {
  /** Refuses sends and receipts as long as it is set. */
  trouble: Refusal | undefined;
  /** Forgets erased conversations, so that clients must load everything again. */
  forgetful = false;
  readonly listeners = new Map<Listener, Party>();
  private removals = 0;
  private readonly conversations = new Map<string, Stored>();
  private readonly erased: { id: string; at: number }[] = [];
  private readonly restricted = new Map<string, Restriction[]>();
  /** Files that were uploaded and not sent. */
  private readonly uploads = new Map<string, { conversationId: string; file: string }>();
  private uploaded = 0;
  private readonly answered = new Map<string, number>();
  private readonly claims = new Map<string, Claim | null>();
  private joined = 0;

  constructor(private readonly clock: Clock) {}

  get ids(): string[] {
    return [...this.conversations.keys()];
  }

  join(): string {
    const id = `conversation-${String(this.joined++).padStart(3, '0')}`;
    const now = this.clock.now();
    const nobody = { deliveredSeq: 0, seenSeq: 0 };
    this.conversations.set(id, {
      ...{
        id,
        revision: 0,
        changedAt: now,
        messages: [],
        written: [],
        receiptAt: 0,
        name: `Person ${id}`,
        namedAt: now,
      },
      watermarks: { subscriber: nobody, interlocutor: nobody },
      seenTimesSince: new Date(0).toISOString(),
    });
    for (const party of ['subscriber', 'interlocutor'] as const) {
      this.tell(party, 'contact.joined', { conversation: this.head(id, party) });
    }
    return id;
  }

  /** @throws Refusal */
  upload(conversationId: string, file: string): string {
    if (this.trouble) throw this.trouble;
    this.find(conversationId);
    const id = `upload-${this.uploaded++}`;
    this.uploads.set(id, { conversationId, file });
    return id;
  }

  /** A day has passed: what was not sent goes. */
  forgetUploads(): void {
    this.uploads.clear();
  }

  /** @throws Refusal */
  send(party: Party, { conversationId, clientId, body, attachmentIds = [] }: SendMessage): SentMessage {
    if (this.trouble) throw this.trouble;
    const conversation = this.find(conversationId);
    const known = conversation.messages.find((each) => each.clientId === clientId && each.sender === party);
    if (known) {
      const { body: first, attachments } = conversation.written[known.seq - 1]!;
      const isSame = first === body && attachments.map(({ id }) => id).join() === attachmentIds.join();
      if (!isSame) throw new Refusal('client_id_reused');
      return { seq: known.seq, sentAt: known.sentAt };
    }
    const attachments = attachmentIds.map((id) => {
      const upload = this.uploads.get(id);
      if (upload?.conversationId !== conversationId) throw new Refusal('attachment_not_found');
      return attachmentOf(id, upload.file);
    });
    for (const id of attachmentIds) this.uploads.delete(id);
    // An answer counts as having seen what it answers.
    const last = conversation.messages.at(-1);
    if (last && last.sender !== party) this.raise(conversation, party, { deliveredSeq: last.seq, seenSeq: last.seq });
    const message = this.append(conversation, party, { clientId, body, attachments });
    this.tellBoth('message.sent', { conversationId, ...message });
    return { seq: message.seq, sentAt: message.sentAt };
  }

  /** One text in several conversations. The business hears of it in another way. */
  broadcast(ids: readonly string[], body: string): void {
    const entries = ids.map((conversationId) => {
      const conversation = this.find(conversationId);
      const broadcastId = `broadcast-${this.clock.now()}`;
      const clientId = `broadcast/${conversation.revision}`;
      const message = this.append(conversation, 'subscriber', { clientId, body, broadcastId });
      this.tell('interlocutor', 'message.sent', { conversationId, ...message });
      return { conversationId, seq: message.seq, revision: message.revision };
    });
    const progress = { id: 'broadcast', state: 'finished', sent: entries.length, skipped: 0, entries } as const;
    this.tell('subscriber', 'broadcast.progressed', progress);
  }

  withdraw(party: Party, id: string, seq: number): void {
    const conversation = this.find(id);
    const message = conversation.messages[seq - 1];
    if (!message || message.sender !== party || message.withdrawnAt !== undefined || message.expiredAt) return;
    const withdrawnAt = this.time();
    const revision = this.change(conversation);
    conversation.messages[seq - 1] = { ...message, body: '', attachments: [], revision, withdrawnAt };
    const lastTurn = lastTurnOf(conversation);
    this.tellBoth('message.withdrawn', { conversationId: id, seq, revision, withdrawnAt, lastTurn });
  }

  /** Messages up to one are deleted because of their age, as far as they may go. */
  expire(id: string, upTo: number, mayGo: (message: MessageView) => boolean): void {
    const conversation = this.find(id);
    const from = conversation.messages.findIndex(({ expiredAt }) => expiredAt === undefined) + 1;
    if (from === 0) return;
    const stays = conversation.messages.findIndex((message) => message.seq >= from && !mayGo(message));
    const to = Math.min(upTo, stays < 0 ? conversation.messages.length : stays);
    if (to < from) return;
    const expiredAt = this.time();
    for (let seq = from; seq <= to; seq++) {
      const revision = this.change(conversation);
      conversation.messages[seq - 1] = expiredMessage(conversation.messages[seq - 1]!, { revision, expiredAt });
    }
    const { revision } = conversation;
    this.tellBoth('messages.expired', { conversationId: id, from, to, revision, expiredAt, changedAt: expiredAt });
  }

  /** @throws Refusal */
  receipt(party: Party, { conversationId, deliveredSeq = 0, seenSeq = 0 }: SendReceipt): void {
    if (this.trouble) throw this.trouble;
    const conversation = this.find(conversationId);
    if (Math.max(deliveredSeq, seenSeq) > conversation.messages.length) throw new Refusal('receipt_beyond_last');
    this.raise(conversation, party, { deliveredSeq: Math.max(deliveredSeq, seenSeq), seenSeq });
  }

  /** The business is called otherwise, or the person: each sees the other's name. */
  rename(id: string, name: string): void {
    const conversation = this.find(id);
    conversation.name = name;
    conversation.namedAt = this.clock.now();
    const { seenTimesSince } = conversation;
    const counterpart = this.head(id, 'interlocutor').counterpart;
    this.tell('interlocutor', 'subscriber.changed', { conversationId: id, counterpart, seenTimesSince });
    this.tell('subscriber', 'contact.changed', {
      contact: {
        ...{ id, displayName: name, email: 'person@mail.example', region: null, province: null, sector: null },
        ...{ emailVerified: true, addressShared: false, joinedBy: null, promotions: false, labels: [], note: null },
        ...{ phone: null, externalId: null, joinedAt: this.time(), updatedAt: this.time() },
      },
    });
  }

  /** The business switches seen-times off or on in all its conversations. */
  discloseSeenTimes(isDisclosed: boolean): void {
    const seenTimesSince = isDisclosed ? new Date(this.minute() + minute).toISOString() : null;
    for (const conversation of this.conversations.values()) {
      conversation.seenTimesSince = seenTimesSince;
      conversation.namedAt = this.clock.now();
    }
    const counterpart = {
      kind: 'subscriber',
      id: 'business',
      businessName: '',
      city: '',
      logoUrl: null,
      paused: false,
      closesAt: null,
      retention: null,
    } as const;
    this.tell('subscriber', 'subscriber.changed', { conversationId: null, counterpart, seenTimesSince });
    for (const { id } of this.conversations.values()) {
      const counterpart = this.head(id, 'interlocutor').counterpart;
      this.tell('interlocutor', 'subscriber.changed', { conversationId: id, counterpart, seenTimesSince });
    }
  }

  /** The other party freezes a conversation, or lets it go on. What is told of it may come late. */
  restrict(id: string, isRestricted: boolean): void {
    const conversation = this.find(id);
    const at = this.time();
    this.restricted.set(id, isRestricted ? [{ by: 'interlocutor', at }] : []);
    conversation.namedAt = this.clock.now();
    const restrictions = this.restricted.get(id)!;
    this.tellBoth('restriction.changed', { conversationId: id, restrictions, deletion: null, changedAt: at });
  }

  /** A member says that no answer is needed up to an entry. The interlocutor hears nothing of it. */
  answer(id: string, seq: number): void {
    const conversation = this.find(id);
    if (seq > conversation.messages.length || seq <= this.answeredSeq(id)) return;
    this.answered.set(id, seq);
    conversation.namedAt = this.clock.now();
    this.tell('subscriber', 'conversation.answered', { conversationId: id, answeredSeq: seq });
  }

  /** A member takes a conversation, or gives it back. What is told of it may come late. */
  claim(id: string, member: number): void {
    const conversation = this.find(id);
    const memberId = `member-${member}-${this.removals}`;
    const claim = member === 0 ? null : { memberId, displayName: null, at: this.time() };
    this.claims.set(id, claim);
    conversation.namedAt = this.clock.now();
    this.tell('subscriber', 'claim.changed', { conversationId: id, claim });
  }

  /** A member is removed, and another one comes in its place. */
  removeMember(member: number): void {
    const memberId = `member-${member}-${this.removals}`;
    for (const [id, claim] of this.claims) {
      if (claim?.memberId !== memberId) continue;
      this.claims.set(id, null);
      const conversation = this.conversations.get(id);
      if (conversation) conversation.namedAt = this.clock.now();
    }
    this.removals++;
    this.tell('subscriber', 'member.removed', { id: memberId });
  }

  private answeredSeq(id: string): number {
    return this.answered.get(id) ?? 0;
  }

  erase(id: string): void {
    this.conversations.delete(id);
    this.erased.push({ id, at: this.clock.now() });
    this.tellBoth('contact.erased', { conversationIds: [id] });
  }

  /** Answers GET. @throws Refusal */
  get(party: Party, path: string): unknown {
    const [address = '', query = ''] = path.split('?');
    const asked = new Map(
      query.split('&').map((each) => each.split('=', 2).map(decodeURIComponent) as [string, string]),
    );
    const [, , place, id, part] = address.split('/');
    if (place === 'authors' || place === 'labels') return { items: [], nextCursor: null };
    if (id === undefined) return this.list(party, asked);
    return part === 'messages' ? this.messages(party, this.find(id), asked) : this.head(id, party);
  }

  head(id: string, party: Party): ConversationHead {
    const { revision, changedAt, messages, watermarks, name, seenTimesSince } = this.find(id);
    const last = messages.at(-1);
    const lastTurn = lastTurnOf({ messages });
    const other = party === 'subscriber' ? 'interlocutor' : 'subscriber';
    const own = watermarks[party];
    const isUnread = (each: MessageView) =>
      each.sender === other && each.seq > own.seenSeq && !each.withdrawnAt && !each.expiredAt;
    return {
      ...{ id, revision, changedAt: new Date(changedAt).toISOString() },
      counterpart:
        party === 'subscriber'
          ? { kind: 'interlocutor', id, displayName: name, email: 'person@mail.example' }
          : {
              kind: 'subscriber',
              id: 'business',
              businessName: name,
              city: 'Faenza',
              logoUrl: null,
              paused: false,
              closesAt: null,
              retention: null,
            },
      ...(party === 'subscriber' && { labels: [] }),
      lastSeq: messages.length,
      lastMessageAt: last?.sentAt ?? null,
      lastSender: last?.sender ?? null,
      lastKind: !last
        ? null
        : last.expiredAt
          ? 'expired'
          : last.withdrawnAt
            ? 'withdrawn'
            : last.broadcastId
              ? 'broadcast'
              : 'message',
      lastTurn,
      unanswered:
        lastTurn !== null &&
        lastTurn.sender === other &&
        (party === 'interlocutor' || lastTurn.seq > this.answeredSeq(id)),
      ...(party === 'subscriber' && { answeredSeq: this.answeredSeq(id), claim: this.claims.get(id) ?? null }),
      preview: beginningOf(last?.body ?? '') || null,
      lastFiles: last?.attachments.length ? { count: last.attachments.length, family: 'other' } : null,
      own,
      other: { ...watermarks[other], seenSeq: this.disclosedSeen(id, other) },
      seenTimesSince,
      restrictions: this.restricted.get(id) ?? [],
      deletion: null,
      unread: messages.filter(isUnread).length,
    };
  }

  /** All messages of a conversation, as a party may know them. */
  viewed(id: string, party: Party): MessageView[] {
    const { messages, seenTimesSince } = this.find(id);
    return messages.map(({ seenAt, ...message }) => {
      const isDisclosed = seenAt !== undefined && seenTimesSince !== null && seenAt >= seenTimesSince;
      return { ...message, ...(isDisclosed && { seenAt }), ...(party === 'subscriber' && { author: null }) };
    });
  }

  /** Texts that a party has sent, as they were before any was withdrawn. */
  texts(id: string, party: Party): string[] {
    return this.find(id)
      .written.filter(({ sender }) => sender === party)
      .map(({ body }) => body);
  }

  /** Texts of messages that have expired, by which a message that is sent again is not recognised any more. */
  expiredTexts(id: string, party: Party): string[] {
    const { messages, written } = this.find(id);
    return written.flatMap(({ seq, sender, body }) => (sender === party && messages[seq - 1]!.expiredAt ? [body] : []));
  }

  /** Names of the files that were stored with a message, also of one that was withdrawn since. */
  files(id: string, party: Party, body: string): string[] {
    const message = this.find(id).written.find((each) => each.sender === party && each.body === body);
    return message?.attachments.map(({ name }) => name) ?? [];
  }

  watermarks(id: string, party: Party): Watermarks {
    return this.find(id).watermarks[party];
  }

  private list(party: Party, query: Map<string, string>): ConversationList {
    const cursor = query.get('cursor');
    const ask = (cursor ? JSON.parse(cursor) : {}) as { since?: string; limit?: number; at?: number; id?: string };
    const since = ask.since ?? query.get('changedSince');
    const limit = ask.limit ?? Number(query.get('limit') ?? 50);
    const order = ({ changedAt, receiptAt, namedAt, messages }: Stored) =>
      since ? Math.max(changedAt, receiptAt, namedAt) : Date.parse(messages.at(-1)?.sentAt ?? '1970-01-01');
    const isBehind = (each: Stored) =>
      ask.at === undefined || order(each) < ask.at || (order(each) === ask.at && each.id < ask.id!);
    const found = [...this.conversations.values()]
      .filter((each) => !since || this.changedSince(each, since))
      .filter(isBehind)
      .sort((a, b) => order(b) - order(a) || (a.id < b.id ? 1 : -1));
    const page = found.slice(0, limit);
    const last = page.at(-1);
    const next = last && found.length > limit ? { since, limit, at: order(last), id: last.id } : null;
    return {
      items: page.map(({ id }) => this.head(id, party)),
      nextCursor: next && JSON.stringify(next),
      syncedAt: this.time(),
      ...(since && !cursor && { erased: this.erasedSince(since) }),
    };
  }

  private changedSince({ changedAt, receiptAt, namedAt }: Stored, since: string): boolean {
    const time = Date.parse(since);
    return Math.max(changedAt, namedAt) >= time || receiptAt >= Math.floor(time / minute) * minute;
  }

  private erasedSince(since: string): string[] | null {
    const gone = this.erased.filter(({ at }) => at >= Date.parse(since)).map(({ id }) => id);
    return this.forgetful ? null : gone;
  }

  private messages(party: Party, { id }: Stored, query: Map<string, string>): MessageList {
    const cursor = query.get('cursor');
    const ask = cursor ? new Map(JSON.parse(cursor) as [string, string][]) : query;
    const number = (name: string) => (ask.has(name) ? Number(ask.get(name)) : undefined);
    const limit = number('limit') ?? 50;
    const all = this.viewed(id, party);
    const [after, before, changedAfter, around] = ['after', 'before', 'changedAfter', 'around'].map(number);
    const page = (items: MessageView[], next: [string, number] | null): MessageList => ({
      items,
      nextCursor: next && JSON.stringify([next, ['limit', limit]].map(([name, value]) => [name, String(value)])),
    });
    if (changedAfter !== undefined) {
      const changed = all.filter(({ revision }) => revision > changedAfter).sort((a, b) => a.revision - b.revision);
      const items = changed.slice(0, limit);
      return page(items, changed.length > limit ? ['changedAfter', items.at(-1)!.revision] : null);
    }
    if (after !== undefined) {
      const items = all.slice(after, after + limit);
      return page(items, after + limit < all.length ? ['after', after + limit] : null);
    }
    if (around !== undefined) {
      const low = Math.max(0, around - 1 - (limit >> 1));
      return { items: all.slice(low, low + limit), nextCursor: null };
    }
    const end = before === undefined ? all.length : before - 1;
    const begin = Math.max(0, end - limit);
    return page(all.slice(begin, end), begin > 0 ? ['before', begin + 1] : null);
  }

  private append(
    conversation: Stored,
    sender: Party,
    content: Pick<MessageView, 'clientId' | 'body' | 'broadcastId'> & Partial<Pick<MessageView, 'attachments'>>,
  ): MessageView {
    const seq = conversation.messages.length + 1;
    const message = {
      seq,
      revision: this.change(conversation),
      sender,
      attachments: [],
      ...content,
      sentAt: this.time(),
    };
    conversation.messages.push(message);
    conversation.written.push(message);
    return message;
  }

  private raise(conversation: Stored, party: Party, to: Watermarks): void {
    const before = conversation.watermarks[party];
    const deliveredSeq = Math.max(before.deliveredSeq, to.deliveredSeq);
    const seenSeq = Math.max(before.seenSeq, to.seenSeq);
    if (deliveredSeq === before.deliveredSeq && seenSeq === before.seenSeq) return;
    const at = new Date(this.minute()).toISOString();
    const { id: conversationId, seenTimesSince } = conversation;
    const shown = this.disclosedSeen(conversationId, party);
    const isDisclosed = seenTimesSince !== null && at >= seenTimesSince;
    conversation.watermarks[party] = { deliveredSeq, seenSeq };
    conversation.receiptAt = this.minute();
    conversation.messages = conversation.messages.map((message) => {
      if (message.sender === party || message.expiredAt) return message;
      const isDelivered = message.seq > before.deliveredSeq && message.seq <= deliveredSeq;
      const isSeen = message.seq > before.seenSeq && message.seq <= seenSeq;
      return { ...message, ...(isDelivered && { deliveredAt: at }), ...(isSeen && { seenAt: at }) };
    });
    if (isDisclosed && seenSeq > before.seenSeq)
      this.disclosed.set(`${conversationId} ${party}`, { since: seenTimesSince, seenSeq });
    const told = { conversationId, party, deliveredSeq, at };
    this.tell(party, 'receipt.changed', { ...told, seenSeq, seenBefore: before.seenSeq });
    const now = this.disclosedSeen(conversationId, party);
    const seen = now > shown ? { seenSeq: now, seenBefore: before.seenSeq } : { seenSeq: now, seenBefore: now };
    const other = party === 'subscriber' ? 'interlocutor' : 'subscriber';
    if (now > shown || deliveredSeq > before.deliveredSeq) this.tell(other, 'receipt.changed', { ...told, ...seen });
  }

  /** The last number that was seen while that was disclosed, and since when that was so. */
  private readonly disclosed = new Map<string, { since: string; seenSeq: number }>();

  private disclosedSeen(id: string, party: Party): number {
    const { seenTimesSince } = this.find(id);
    const known = this.disclosed.get(`${id} ${party}`);
    return known && known.since === seenTimesSince ? known.seenSeq : 0;
  }

  private change(conversation: Stored): number {
    conversation.changedAt = this.clock.now();
    return ++conversation.revision;
  }

  private find(id: string): Stored {
    const found = this.conversations.get(id);
    if (!found) throw new Refusal('not_found');
    return found;
  }

  private tellBoth<Event extends ToldEvent>(event: Event, payload: Told[Event]): void {
    this.tell('subscriber', event, payload);
    this.tell('interlocutor', event, payload);
  }

  private tell<Event extends ToldEvent>(party: Party, event: Event, payload: Told[Event]): void {
    const own = event === 'message.sent' && party === 'subscriber' ? { ...payload, author: null } : payload;
    for (const [listener, of] of this.listeners) if (of === party) listener(event, own);
  }

  private time(): string {
    return new Date(this.clock.now()).toISOString();
  }

  private minute(): number {
    return Math.floor(this.clock.now() / minute) * minute;
  }
}

function lastTurnOf({ messages }: Pick<Stored, 'messages'>): Turn | null {
  const turn = messages.findLast(
    ({ broadcastId, withdrawnAt, expiredAt }) => broadcastId === undefined && !withdrawnAt && !expiredAt,
  );
  if (!turn) return null;
  return { seq: turn.seq, sender: turn.sender, sentAt: turn.sentAt, preview: beginningOf(turn.body) || null };
}
