import type {
  Author,
  ConversationHead,
  ContactView,
  LabelView,
  MessageView,
  Party,
  Told,
  ToldEvent,
  Turn,
  Watermarks,
} from '../../src/contract/events.js';
import { limits } from '../../src/contract/limits.js';
import { expiredMessage } from '../../src/contract/rules/expired.js';
import { beginningOf } from '../../src/contract/rules/texts.js';
import type { Answer, Device, Heard } from './world.js';

/** State of a device. */
export interface Held {
  heads: Map<string, ConversationHead>;
  messages: Map<string, Map<number, MessageView>>;
  contacts: Map<string, ContactView>;
  labels: LabelView[];
  devices: Set<string>;
  /** Names of those who write for the subscriber, held by a member's device. */
  authors: Map<string, Author>;
  /** Progress of the subscriber's broadcasts, held by a member's device. */
  broadcasts: Map<string, HeldBroadcast>;
}

type HeldBroadcast = Pick<Told['broadcast.progressed'], 'state' | 'sent' | 'skipped'> & { reports: number };

/**
 * A client as docs/events.md describes it: it loads, applies what it hears, and catches up after an absence. Whatever way
 * it came to what it holds, that equals a fresh load.
 */
export class Client {
  held: Held = {
    heads: new Map(),
    messages: new Map(),
    contacts: new Map(),
    labels: [],
    devices: new Set(),
    authors: new Map(),
    broadcasts: new Map(),
  };
  private syncedAt = '';
  private applied = 0;
  /** Conversations of which an event told that something else is missing. */
  private readonly incomplete = new Set<string>();
  /** Set if an event told of messages that have to be loaded. */
  private behind = false;

  /** @param pages how many heads and messages it asks for at once: few, so that it meets the ends of pages */
  constructor(
    private readonly device: Device,
    private readonly own: Party,
    private readonly pages: { heads: number; messages: number } = { heads: 2, messages: 3 },
  ) {}

  /** Everything anew. */
  async load(): Promise<this> {
    this.applied = this.device.heard.length;
    this.held = {
      heads: new Map(),
      messages: new Map(),
      contacts: await this.loadContacts(),
      labels: await this.loadLabels(),
      devices: await this.loadDevices(),
      authors: new Map(),
      broadcasts: new Map(),
    };
    this.syncedAt = '';
    await this.catchUp();
    return this;
  }

  /** After an absence: the conversations that changed, and what changed in each. */
  async catchUp(): Promise<void> {
    // It is older than the answer, which may say that what joined then is erased.
    this.applyHeard();
    await this.takeChanged();
    this.held.contacts = await this.loadContacts();
    await this.loadAuthors();
    await this.loadBroadcasts();
  }

  /** Applies what was heard since, and loads what was missing to it. */
  async hear(): Promise<void> {
    this.applyHeard();
    if (this.behind) await this.takeChanged();
    for (const id of this.incomplete) await this.takeHeadOf(id);
  }

  private applyHeard(): void {
    const news = this.device.heard.slice(this.applied);
    this.applied = this.device.heard.length;
    for (const heard of news) this.apply(heard);
  }

  /** Loads changed heads. A head that moved to the front meanwhile is on no page of a walk, so a long walk is repeated. */
  private async takeChanged({ again = false } = {}): Promise<void> {
    const since = this.syncedAt ? `changedSince=${encodeURIComponent(this.syncedAt)}&` : '';
    let syncedAt: string | undefined;
    let pages = 0;
    for await (const page of this.walk(`/api/conversations?${since}limit=${this.pages.heads}`)) {
      syncedAt ??= page.syncedAt as string;
      this.forget(page.erased ?? []);
      pages++;
      for (const head of page.items as ConversationHead[]) await this.take(head);
    }
    this.syncedAt = syncedAt!;
    if (pages > 1 && !again) return this.takeChanged({ again: true });
    this.behind = false;
  }

  private async takeHeadOf(id: string): Promise<void> {
    const head = await this.unlessGone(this.get(`/api/conversations/${id}`));
    if (head) await this.take(head as ConversationHead);
    else this.forget([id]);
    this.incomplete.delete(id);
  }

  /** Holds a head once everything that it speaks of is held; cut short, the next attempt begins where this one did. */
  private async take(head: ConversationHead): Promise<void> {
    const known = this.held.heads.get(head.id);
    const there = known ? this.fetchChanges(known, head) : this.fetch(head.id, 'after=0');
    if (await this.unlessGone(there.then(() => true))) this.held.heads.set(head.id, head);
    else this.forget([head.id]);
  }

  private async fetchChanges(known: ConversationHead, head: ConversationHead): Promise<void> {
    if (head.seenTimesSince !== known.seenTimesSince) this.forgetSeenTimes(head.id, head.seenTimesSince);
    if (head.revision > known.revision) await this.fetch(head.id, `changedAfter=${known.revision}`);
    const moved = [known.own, known.other].flatMap((before, index) => {
      const now = index === 0 ? head.own : head.other;
      return [
        ...(now.deliveredSeq > before.deliveredSeq ? [before.deliveredSeq] : []),
        ...(now.seenSeq > before.seenSeq ? [before.seenSeq] : []),
      ];
    });
    if (moved.length > 0) await this.fetch(head.id, `after=${Math.min(...moved)}`);
  }

  private async fetch(id: string, query: string): Promise<void> {
    const messages = this.held.messages.get(id) ?? new Map<number, MessageView>();
    this.held.messages.set(id, messages);
    for await (const page of this.walk(`/api/conversations/${id}/messages?${query}&limit=${this.pages.messages}`)) {
      for (const message of page.items as MessageView[]) messages.set(message.seq, message);
    }
  }

  private apply({ event, payload }: Heard): void {
    const apply = this.applications[event] as (payload: Told[ToldEvent]) => void;
    apply(payload);
  }

  private readonly applications: { [Event in ToldEvent]: (payload: Told[Event]) => void } = {
    'message.sent': ({ conversationId, ...message }) => {
      const head = this.headBefore(conversationId, message.revision);
      if (!head) return;
      const watermark = message.sender === this.own ? head.other : head.own;
      // When a watermark has passed it already, only a load knows the minute.
      if (message.seq <= watermark.deliveredSeq) return void this.incomplete.add(conversationId);
      const messages = this.held.messages.get(conversationId)!;
      if (!messages.has(message.seq)) messages.set(message.seq, message);
      const preview = beginningOf(message.body) || null;
      this.held.heads.set(conversationId, {
        ...head,
        revision: message.revision,
        changedAt: message.sentAt,
        lastSeq: message.seq,
        lastMessageAt: message.sentAt,
        lastSender: message.sender,
        lastKind: message.broadcastId === undefined ? 'message' : 'broadcast',
        ...(message.broadcastId === undefined && this.turn({ ...message, preview }, head)),
        preview,
        lastFiles: filesOf(message),
        unread: this.unread(conversationId, head.own.seenSeq),
      });
    },
    'message.withdrawn': ({ conversationId, seq, revision, withdrawnAt, lastTurn }) => {
      const head = this.headBefore(conversationId, revision);
      if (!head) return;
      const messages = this.held.messages.get(conversationId)!;
      messages.set(seq, { ...messages.get(seq)!, body: '', attachments: [], revision, withdrawnAt });
      this.held.heads.set(conversationId, {
        ...head,
        revision,
        changedAt: withdrawnAt,
        ...this.turn(lastTurn, head),
        ...(seq === head.lastSeq && { preview: null, lastFiles: null, lastKind: 'withdrawn' }),
        unread: this.unread(conversationId, head.own.seenSeq),
      });
    },
    'messages.expired': ({ conversationId, from, to, revision, expiredAt, changedAt }) => {
      const head = this.headBefore(conversationId, revision, to - from + 1);
      if (!head) return;
      const messages = this.held.messages.get(conversationId)!;
      for (let seq = from; seq <= to; seq++) {
        messages.set(seq, expiredMessage(messages.get(seq)!, { revision: revision - (to - seq), expiredAt }));
      }
      this.held.heads.set(conversationId, {
        ...head,
        revision,
        changedAt,
        ...(head.lastTurn && head.lastTurn.seq <= to && this.turn(null, head)),
        ...(to >= head.lastSeq && { preview: null, lastFiles: null, lastKind: 'expired' }),
        unread: this.unread(conversationId, head.own.seenSeq),
      });
    },
    'receipt.changed': ({ conversationId, party, at, seenBefore, ...watermarks }) => {
      const head = this.held.heads.get(conversationId);
      if (!head) return void this.incomplete.add(conversationId);
      const side = party === this.own ? 'own' : 'other';
      const before: Watermarks = head[side];
      const deliveredSeq = Math.max(before.deliveredSeq, watermarks.deliveredSeq);
      const seenSeq = Math.max(before.seenSeq, watermarks.seenSeq);
      const disclosed = head.seenTimesSince !== null && at >= head.seenTimesSince;
      const messages = this.held.messages.get(conversationId)!;
      for (const [seq, message] of messages) {
        if (message.sender === party || message.expiredAt) continue;
        const deliveredNow = seq > before.deliveredSeq && seq <= deliveredSeq;
        const seenNow = disclosed && seq > Math.max(before.seenSeq, seenBefore) && seq <= seenSeq;
        messages.set(seq, { ...message, ...(deliveredNow && { deliveredAt: at }), ...(seenNow && { seenAt: at }) });
      }
      this.held.heads.set(conversationId, {
        ...head,
        [side]: { deliveredSeq, seenSeq },
        ...(side === 'own' && { unread: this.unread(conversationId, seenSeq) }),
      });
    },
    'attachment.changed': ({ attachment, message }) => {
      const held = message && this.held.messages.get(message.conversationId)?.get(message.seq);
      if (!held) return;
      const { conversationId, seq, revision, changedAt } = message;
      const head = revision === undefined ? undefined : this.headBefore(conversationId, revision);
      if (revision !== undefined && !head) return;
      const attachments = held.attachments.map((each) => (each.id === attachment.id ? attachment : each));
      const changed = { ...held, attachments, ...(revision !== undefined && { revision }) };
      this.held.messages.get(conversationId)!.set(seq, changed);
      if (head) {
        const family = filesOf(changed);
        const last = seq === head.lastSeq && { lastFiles: family };
        this.held.heads.set(conversationId, { ...head, revision: revision!, changedAt: changedAt!, ...last });
      }
    },
    'conversation.answered': ({ conversationId, answeredSeq }) => {
      const head = this.held.heads.get(conversationId);
      if (!head) return void this.incomplete.add(conversationId);
      const answered = { answeredSeq: Math.max(answeredSeq, head.answeredSeq ?? 0) };
      this.held.heads.set(conversationId, { ...head, ...answered, ...this.turn(head.lastTurn, answered) });
    },
    'contact.joined': ({ conversation, contact }) => {
      if (conversation.lastSeq > 0) this.incomplete.add(conversation.id);
      else if (!this.held.heads.has(conversation.id)) {
        this.held.heads.set(conversation.id, conversation);
        this.held.messages.set(conversation.id, new Map());
      }
      if (contact) this.held.contacts.set(contact.id, contact);
    },
    'consent.changed': ({ conversationId, purpose, given, at }) => {
      const contact = conversationId && this.held.contacts.get(conversationId);
      if (!contact || purpose !== 'promotions') return;
      this.held.contacts.set(conversationId, { ...contact, promotions: given, updatedAt: at });
    },
    'broadcast.progressed': ({ id, state, sent, skipped, entries }) => {
      const reports = this.held.broadcasts.get(id)?.reports ?? 0;
      this.held.broadcasts.set(id, { state, sent, skipped, reports });
      this.behind ||= entries.length > 0;
    },
    'broadcast.reported': ({ id, reports }) => {
      this.held.broadcasts.set(id, { ...this.held.broadcasts.get(id)!, reports });
    },
    // What it made is fetched; a client holds nothing of it.
    'import.progressed': () => undefined,
    'contact.changed': ({ contact }) => {
      const known = this.held.contacts.get(contact.id);
      if (known && known.updatedAt > contact.updatedAt) return;
      this.held.contacts.set(contact.id, contact);
      const { id, displayName, firstName, surname, companyName, companyType, email } = contact;
      const identity = { displayName, firstName, surname, companyName, companyType, email };
      const head = this.held.heads.get(id)!;
      const counterpart = JSON.parse(JSON.stringify({ kind: 'interlocutor', id, ...identity }));
      this.held.heads.set(id, { ...head, counterpart, labels: contact.labels });
    },
    'contact.erased': ({ conversationIds }) => this.forget(conversationIds),
    'subscriber.changed': ({ conversationId, counterpart, seenTimesSince }) => {
      for (const head of this.held.heads.values()) {
        if (conversationId !== null && head.id !== conversationId) continue;
        const changed = { ...head, ...(conversationId !== null && { counterpart }), seenTimesSince };
        if (seenTimesSince !== head.seenTimesSince) {
          changed.other = { ...head.other, seenSeq: 0 };
          this.forgetSeenTimes(head.id, seenTimesSince);
        }
        this.held.heads.set(head.id, changed);
      }
    },
    'member.changed': (author) => this.rename(author),
    'member.removed': ({ id }) => {
      for (const [conversation, head] of this.held.heads) {
        if (head.claim?.memberId === id) this.held.heads.set(conversation, { ...head, claim: null });
      }
    },
    'labels.changed': ({ items }) => {
      this.held.labels = items;
      const there = new Set(items.map(({ id }) => id));
      for (const [id, contact] of this.held.contacts) {
        this.held.contacts.set(id, { ...contact, labels: contact.labels.filter((label) => there.has(label)) });
      }
      for (const [id, head] of this.held.heads) {
        this.held.heads.set(id, { ...head, labels: head.labels!.filter((label) => there.has(label)) });
      }
    },
    // Told by whoever asked last, whatever was committed first: the head says how it stands.
    'restriction.changed': ({ conversationId }) => void this.incomplete.add(conversationId),
    'claim.changed': ({ conversationId }) => void this.incomplete.add(conversationId),
    // A client loads them when it shows them, and holds none.
    'request.changed': () => undefined,
    'quick-replies.changed': () => undefined,
    'notification-settings.changed': () => undefined,
    'profile.changed': () => undefined,
    'erasure-proposals.changed': () => undefined,
    'export.progressed': () => undefined,
    'session.ended': ({ id }) => void this.held.devices.delete(id),
  };

  /** These conversations are gone, with all that is held of them. */
  private forget(conversationIds: readonly string[]): void {
    for (const id of conversationIds) {
      this.held.heads.delete(id);
      this.held.messages.delete(id);
      this.held.contacts.delete(id);
      this.incomplete.delete(id);
    }
  }

  /** The head to which a revision is the next one; undefined when it is held already, or is not all that is missing. */
  private headBefore(id: string, revision: number, changes = 1): ConversationHead | undefined {
    const head = this.held.heads.get(id);
    if (head && revision === head.revision + changes) return head;
    if (!head || revision > head.revision) this.incomplete.add(id);
    return undefined;
  }

  private turn(
    turn: Turn | null,
    { answeredSeq = 0 }: Pick<ConversationHead, 'answeredSeq'>,
  ): Pick<ConversationHead, 'lastTurn' | 'unanswered'> {
    const lastTurn = turn && { seq: turn.seq, sender: turn.sender, sentAt: turn.sentAt, preview: turn.preview };
    return { lastTurn, unanswered: turn !== null && turn.sender !== this.own && turn.seq > answeredSeq };
  }

  private unread(id: string, seenSeq: number): number {
    const messages = [...this.held.messages.get(id)!.values()];
    const unseen = messages.filter(
      (each) => each.sender !== this.own && each.seq > seenSeq && !each.withdrawnAt && !each.expiredAt,
    );
    return Math.min(unseen.length, limits.unreadMax);
  }

  /** Forgets times that are no longer disclosed. */
  private forgetSeenTimes(id: string, before: string | null): void {
    const messages = this.held.messages.get(id)!;
    for (const [seq, { seenAt, ...message }] of messages) {
      if (seenAt !== undefined && (before === null || seenAt < before)) messages.set(seq, message);
    }
  }

  /** A member's name stands on everything it wrote. */
  private rename(author: Author): void {
    this.held.authors.set(author.id, author);
    for (const [id, head] of this.held.heads) {
      const { claim } = head;
      if (claim?.memberId !== author.id) continue;
      this.held.heads.set(id, { ...head, claim: { ...claim, displayName: author.displayName } });
    }
    for (const messages of this.held.messages.values()) {
      for (const [seq, message] of messages) {
        if (message.author?.id === author.id) messages.set(seq, { ...message, author });
      }
    }
  }

  private async loadAuthors(): Promise<void> {
    if (this.own === 'interlocutor') return;
    const { items } = await this.get('/api/authors');
    for (const author of items as Author[]) this.rename(author);
  }

  private async loadBroadcasts(): Promise<void> {
    if (this.own === 'interlocutor') return;
    for await (const page of this.walk(`/api/broadcasts?limit=${this.pages.heads}`)) {
      for (const { id } of page.items as { id: string }[]) {
        const { state, sent, skipped, reports } = await this.get(`/api/broadcasts/${id}`);
        this.held.broadcasts.set(id, { state, sent, skipped, reports });
      }
    }
  }

  private async loadContacts(): Promise<Map<string, ContactView>> {
    const contacts = new Map<string, ContactView>();
    if (this.own === 'interlocutor') return contacts;
    for await (const page of this.walk(`/api/contacts?limit=${this.pages.heads}`)) {
      for (const contact of page.items as ContactView[]) contacts.set(contact.id, contact);
    }
    return contacts;
  }

  private async loadLabels(): Promise<LabelView[]> {
    if (this.own === 'interlocutor') return [];
    const { items } = await this.get('/api/labels');
    return items.map(({ id, name, color }: LabelView) => ({ id, name, color }));
  }

  private async loadDevices(): Promise<Set<string>> {
    const { items } = await this.get('/api/sessions');
    return new Set(items.map(({ id }: { id: string }) => id));
  }

  private async *walk(path: string): AsyncGenerator<{ items: unknown[]; syncedAt?: string; erased?: string[] | null }> {
    let cursor: string | null = null;
    do {
      const page = await this.get(cursor ? `${path}&cursor=${cursor}` : path);
      yield page;
      cursor = page.nextCursor;
    } while (cursor);
  }

  private async get(path: string): Promise<Answer['body']> {
    const { status, body } = await this.device.ask('GET', path);
    if (status === 404) throw new Gone(path);
    if (status !== 200) throw new Error(`${path}: ${JSON.stringify(body)}`);
    return body;
  }

  /** The thing that was asked for; undefined when it was erased meanwhile. */
  private unlessGone<Found>(asked: Promise<Found>): Promise<Found | undefined> {
    return asked.catch((error: unknown) => {
      if (!(error instanceof Gone)) throw error;
      return undefined;
    });
  }
}

/** Answer of the API for something that is not there any more. */
class Gone extends Error {}

/** The state in a form that does not depend on the order in which it came. */
export function plain({ authors, broadcasts, heads, messages, contacts, labels, devices }: Held): unknown {
  const sorted = <Value>(map: Map<string | number, Value>) => [...map.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    heads: sorted(heads),
    messages: sorted(messages).map(([id, each]) => [id, sorted(each)]),
    contacts: sorted(contacts),
    labels,
    devices: [...devices].sort(),
    authors: sorted(authors),
    broadcasts: sorted(broadcasts),
  };
}

/** Files of a message, as its conversation's head shows them. */
function filesOf({ attachments }: Pick<MessageView, 'attachments'>): ConversationHead['lastFiles'] {
  const [first] = attachments;
  return first ? { count: attachments.length, family: first.family } : null;
}
