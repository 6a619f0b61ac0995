import type { Author, ConversationHead, MessageView, Party, Told, Watermarks } from '../src/contract/events.js';
import type { MessageList } from '../src/contract/conversations.js';
import { expiredMessage } from '../src/contract/rules/expired.js';
import type { Api } from './api.js';
import { disclosed, higher } from './heads.js';
import { Observable } from './observable.js';
import { type Range, Ranges } from './ranges.js';

export interface TimelineView {
  /** Ascending by seq. Two that follow each other here may have others between them that are not held: see `ranges`. */
  readonly messages: readonly MessageView[];
  /** The numbers held: within a range nothing is missing. */
  readonly ranges: readonly Range[];
  /** The conversation's last number that is known. */
  readonly lastSeq: number;
}

/** The latest messages of a conversation, with all that says what is missing to them. Plain data. */
export interface TimelineSnapshot {
  readonly revision: number;
  readonly lastSeq: number;
  readonly own: Watermarks;
  readonly other: Watermarks;
  readonly seenTimesSince: string | null;
  readonly from: number;
  readonly messages: readonly MessageView[];
}

/** A change of messages that did not come with a page. */
type Change = (message: MessageView) => MessageView;

export interface TimelinePages {
  /** A list of messages that a person scrolls. */
  shown: number;
  /** Messages that are caught up on. */
  changed: number;
}

/**
 * The messages of a conversation that are held, as ranges of their numbers. All that has happened to them up to
 * `heldRevision` is applied. Loads come one after the other; what is heard during one is applied to its page as well, so
 * that the two may cross.
 */
export class Timeline {
  readonly view = new Observable<TimelineView>(() => ({
    messages: [...this.messages.values()].sort((a, b) => a.seq - b.seq),
    ranges: this.ranges.all,
    lastSeq: this.lastKnown,
  }));
  readonly id: string;
  private readonly messages = new Map<number, MessageView>();
  private readonly ranges = new Ranges();
  private heldRevision: number;
  /** Highest revision that was heard of. */
  private heardRevision: number;
  /** Last number at the held revision. */
  private lastSeq: number;
  /** The watermarks from which the times of the held messages are known. */
  private own: Watermarks;
  private other: Watermarks;
  private seenTimesSince: string | null;
  /** Messages with times to load. */
  private untimed: Range | undefined;
  private isLoadingTimes = false;
  private loads: Promise<unknown> = Promise.resolve();
  /** Changes since the present load was asked for. */
  private crossing: Change[] | undefined;

  constructor(
    private readonly api: Pick<Api, 'get'>,
    private readonly party: Party,
    head: ConversationHead,
    private readonly pages: TimelinePages = { shown: 30, changed: 200 },
  ) {
    this.id = head.id;
    this.heldRevision = this.heardRevision = head.revision;
    this.lastSeq = head.lastSeq;
    this.own = head.own;
    this.other = head.other;
    this.seenTimesSince = head.seenTimesSince;
  }

  /** A timeline of what was kept, compared with its head. */
  static restored(
    api: Pick<Api, 'get'>,
    party: Party,
    head: ConversationHead,
    { revision, lastSeq, own, other, seenTimesSince, from, messages }: TimelineSnapshot,
    pages?: TimelinePages,
  ): Timeline {
    const timeline = new Timeline(api, party, { ...head, revision, lastSeq, own, other, seenTimesSince }, pages);
    for (const message of messages) timeline.messages.set(message.seq, message);
    timeline.ranges.add({ from, to: from + messages.length - 1 });
    timeline.compare(head);
    return timeline;
  }

  /** The latest messages, to be kept; undefined while times are missing to them, or what comes before the last ones. */
  snapshot(most: number): TimelineSnapshot | undefined {
    const { heldRevision: revision, lastSeq, own, other, seenTimesSince } = this;
    const range = this.ranges.around(lastSeq);
    if (this.untimed || this.isLoadingTimes || !range) return undefined;
    const from = Math.max(range.from, range.to - most + 1);
    const messages = this.view.value.messages.filter(({ seq }) => seq >= from && seq <= range.to);
    return { revision, lastSeq, own, other, seenTimesSince, from, messages };
  }

  get revision(): number {
    return this.heldRevision;
  }

  /** True when nothing is missing to the held messages. */
  get isComplete(): boolean {
    return this.heldRevision >= this.heardRevision && !this.untimed;
  }

  private get lastKnown(): number {
    return Math.max(this.lastSeq, this.ranges.all.at(-1)?.to ?? 0);
  }

  /** The last number up to which everything after another one is held. */
  heldAfter(seq: number): number {
    return this.ranges.around(seq + 1)?.to ?? seq;
  }

  message(seq: number): MessageView | undefined {
    return this.messages.get(seq);
  }

  /** The message that this party has sent under an id, if it is held. */
  sentAs(clientId: string): MessageView | undefined {
    for (const message of this.messages.values()) {
      if (message.clientId === clientId && message.sender === this.party) return message;
    }
    return undefined;
  }

  // What is heard.

  messageSent({ conversationId: _, ...message }: Told['message.sent']): void {
    this.change((held) => (held.seq === message.seq && held.revision < message.revision ? message : held));
    if (!this.messages.has(message.seq)) this.messages.set(message.seq, message);
    this.ranges.add({ from: message.seq, to: message.seq });
    this.raise(message.revision, message.seq);
    const { deliveredSeq } = message.sender === this.party ? this.other : this.own;
    // When a watermark has passed it already, only a load knows the minute.
    if (message.seq <= deliveredSeq) this.untime({ from: message.seq, to: message.seq });
  }

  messageWithdrawn({ seq, revision, withdrawnAt }: Told['message.withdrawn']): void {
    this.change((held) =>
      held.seq === seq && held.revision < revision
        ? { ...held, body: '', attachments: [], revision, withdrawnAt }
        : held,
    );
    this.raise(revision, 0);
  }

  messagesExpired({ from, to, revision: last, expiredAt }: Told['messages.expired']): void {
    this.change((held) => {
      const revision = last - (to - held.seq);
      if (held.seq < from || held.seq > to || held.revision >= revision) return held;
      return expiredMessage(held, { revision, expiredAt });
    });
    this.raise(last, 0, to - from + 1);
  }

  attachmentChanged({ attachment, message }: Told['attachment.changed']): void {
    if (!message) return;
    const { seq, revision } = message;
    this.change((held) => {
      if (held.seq !== seq || (revision !== undefined && held.revision >= revision)) return held;
      const attachments = held.attachments.map((each) => (each.id === attachment.id ? attachment : each));
      return { ...held, attachments, revision: revision ?? held.revision };
    });
    if (revision !== undefined) this.raise(revision, 0);
  }

  /**
   * Takes the higher watermarks, and gives their minute to the messages that they have passed.
   * @param isNext nothing can have been missed since the held watermarks; otherwise the minutes have to be loaded
   */
  receiptChanged(receipt: Told['receipt.changed'], isNext: boolean): void {
    const { party, at, seenBefore } = receipt;
    const side = party === this.party ? 'own' : 'other';
    const before = this[side];
    const after = higher(before, disclosed(receipt, side, this.seenTimesSince));
    this[side] = after;
    if (!isNext) return this.untimeBetween(before, after);
    const isDisclosed = this.seenTimesSince !== null && at >= this.seenTimesSince;
    const seenFrom = Math.max(before.seenSeq, seenBefore);
    this.change((held) => {
      if (held.sender === party || held.expiredAt !== undefined) return held;
      const isDelivered = held.seq > before.deliveredSeq && held.seq <= after.deliveredSeq;
      const isSeen = isDisclosed && held.seq > seenFrom && held.seq <= after.seenSeq;
      if (!isDelivered && !isSeen) return held;
      return { ...held, ...(isDelivered && { deliveredAt: at }), ...(isSeen && { seenAt: at }) };
    });
  }

  subscriberChanged({ seenTimesSince }: Pick<Told['subscriber.changed'], 'seenTimesSince'>): void {
    if (this.discloseSeenTimes(seenTimesSince)) this.other = { ...this.other, seenSeq: 0 };
  }

  memberChanged(author: Author): void {
    this.change((held) =>
      held.author?.id === author.id && held.author.displayName !== author.displayName ? { ...held, author } : held,
    );
  }

  /** The conversation has come to this revision. */
  hear(revision: number): void {
    this.heardRevision = Math.max(this.heardRevision, revision);
  }

  // What is loaded.

  /** Compares with a head that was loaded, and loads what has changed. */
  catchUp(head: ConversationHead): Promise<void> {
    this.compare(head);
    return this.complete();
  }

  /** Finds out by a head what is missing. */
  private compare(head: ConversationHead): void {
    this.hear(head.revision);
    this.untimeBetween(this.own, head.own);
    this.untimeBetween(this.other, head.other);
    this.own = higher(this.own, head.own);
    const before = this.other;
    this.other = higher(before, head.other);
    if (this.discloseSeenTimes(head.seenTimesSince)) this.other = { ...this.other, seenSeq: head.other.seenSeq };
    this.view.changed();
  }

  /** Loads what is missing to the held messages. */
  complete(): Promise<void> {
    return this.enqueue(async () => {
      while (this.heldRevision < this.heardRevision) await this.loadChanged();
      while (this.untimed) await this.loadTimes();
    });
  }

  /** The latest page. */
  loadLatest(): Promise<void> {
    return this.enqueue(async () => {
      await this.load(`limit=${this.pages.shown}`, ({ items, nextCursor }) => {
        const [first, last] = [items[0]?.seq ?? 1, items.at(-1)?.seq ?? 0];
        this.mergeRange({ from: nextCursor ? first : 1, to: last }, items);
      });
    });
  }

  /** The page before a held number. */
  loadOlder(seq: number): Promise<void> {
    return this.enqueue(async () => {
      const { from } = this.ranges.around(seq) ?? { from: seq };
      // Before a message that is deleted because of its age there is nothing to read.
      if (from === 1 || this.messages.get(from)?.expiredAt !== undefined) return;
      await this.load(`before=${from}&limit=${this.pages.shown}`, ({ items, nextCursor }) =>
        this.mergeRange({ from: nextCursor ? (items[0]?.seq ?? from) : 1, to: from - 1 }, items),
      );
    });
  }

  /** The page after a held number. */
  loadNewer(seq: number): Promise<void> {
    return this.enqueue(async () => {
      const { to } = this.ranges.around(seq) ?? { to: seq };
      await this.loadAfter(to, to + this.pages.shown, this.pages.shown);
    });
  }

  /** The messages around a number, such as a hit of a search. What lies between them and others stays a gap. */
  loadAround(seq: number): Promise<void> {
    return this.enqueue(async () => {
      await this.load(`around=${seq}&limit=${this.pages.shown}`, ({ items }) => {
        if (items.length > 0) this.mergeRange({ from: items[0]!.seq, to: items.at(-1)!.seq }, items);
      });
    });
  }

  /** Everything after a number, up to the end or to another number. */
  loadOnwards(seq: number, upTo = Infinity): Promise<void> {
    return this.enqueue(async () => {
      for (let after = this.heldAfter(seq); after < Math.min(upTo, this.lastKnown);) {
        const before = after;
        await this.loadAfter(after, upTo, this.pages.changed);
        after = this.heldAfter(after);
        if (after === before) return;
      }
    });
  }

  /** Forgets all messages but these. */
  trim(keep: Range): void {
    this.ranges.keep(keep);
    for (const seq of this.messages.keys()) if (!this.ranges.around(seq)) this.messages.delete(seq);
    this.view.changed();
  }

  /** Loads what has changed since the held revision, to the end; only then is a later one held. */
  private async loadChanged(): Promise<void> {
    const known = this.heardRevision;
    const { lastSeq } = this;
    let [revision, last] = [known, lastSeq];
    let query: string | null = `changedAfter=${this.heldRevision}&limit=${this.pages.changed}`;
    while (query !== null) {
      query = await this.load(query, ({ items, nextCursor }) => {
        for (const message of items) {
          if (message.seq > lastSeq || this.ranges.around(message.seq)) this.mergeRange(rangeOf(message), [message]);
          revision = Math.max(revision, message.revision);
          last = Math.max(last, message.seq);
        }
        return nextCursor && `limit=${this.pages.changed}&cursor=${encodeURIComponent(nextCursor)}`;
      });
    }
    this.heldRevision = Math.max(this.heldRevision, revision);
    this.lastSeq = Math.max(this.lastSeq, last);
    this.hear(this.heldRevision);
    this.view.changed();
  }

  /** Times of messages between the old and the new watermarks, which change without a revision. */
  private async loadTimes(): Promise<void> {
    const wanted = this.untimed!;
    this.untimed = undefined;
    this.isLoadingTimes = true;
    try {
      for (const part of this.ranges.within(wanted)) {
        for (let after = part.from - 1; after < part.to;) {
          const before = after;
          after = await this.loadAfter(after, part.to, this.pages.changed);
          if (after === before) break;
        }
      }
    } catch (error) {
      this.untime(wanted);
      throw error;
    } finally {
      this.isLoadingTimes = false;
      this.view.changed();
    }
  }

  /** A page after a number. Gives the last number that is on it. */
  private loadAfter(seq: number, upTo: number, most: number): Promise<number> {
    const limit = Math.max(1, Math.min(most, upTo - seq));
    return this.load(`after=${seq}&limit=${limit}`, ({ items }) => {
      const to = items.at(-1)?.seq ?? seq;
      this.mergeRange({ from: seq + 1, to }, items);
      return to;
    });
  }

  /** Loads a page, brings it up to what was heard meanwhile, and takes it. */
  private async load<Result>(query: string, take: (page: MessageList) => Result): Promise<Result> {
    const crossing: Change[] = [];
    this.crossing = crossing;
    try {
      const page = await this.api.get<MessageList>(`/api/conversations/${this.id}/messages?${query}`);
      const items = page.items.map((message) => crossing.reduce((changed, change) => change(changed), message));
      return take({ ...page, items });
    } finally {
      this.crossing = undefined;
    }
  }

  private mergeRange(range: Range, messages: readonly MessageView[]): void {
    for (const message of messages) this.put(message);
    this.ranges.add(range);
    this.view.changed();
  }

  /** Takes a message; of one that is there already, by its seq, the higher revision wins. */
  private put(message: MessageView): void {
    const held = this.messages.get(message.seq);
    if (!held || message.revision >= held.revision) this.messages.set(message.seq, message);
  }

  /** Raises the held revision by so many changes, if nothing in between is missing. */
  private raise(revision: number, seq: number, changes = 1): void {
    if (revision === this.heldRevision + changes) {
      this.heldRevision = revision;
      this.lastSeq = Math.max(this.lastSeq, seq);
    }
    this.hear(revision);
    this.view.changed();
  }

  /** Changes what is held, and what is being loaded. */
  private change(change: Change): void {
    this.crossing?.push(change);
    for (const [seq, message] of this.messages) {
      const changed = change(message);
      if (changed !== message) this.messages.set(seq, changed);
    }
    this.view.changed();
  }

  /** Drops the times of before a minute. Tells whether it is another one than before. */
  private discloseSeenTimes(since: string | null): boolean {
    if (since === this.seenTimesSince) return false;
    this.seenTimesSince = since;
    this.change((held) => {
      if (held.seenAt === undefined || (since !== null && held.seenAt >= since)) return held;
      const { seenAt: _, ...message } = held;
      return message;
    });
    return true;
  }

  private untimeBetween(before: Watermarks, after: Watermarks): void {
    const low = [
      ...(after.deliveredSeq > before.deliveredSeq ? [before.deliveredSeq] : []),
      ...(after.seenSeq > before.seenSeq ? [before.seenSeq] : []),
    ];
    if (low.length > 0) this.untime({ from: Math.min(...low) + 1, to: Math.max(after.deliveredSeq, after.seenSeq) });
  }

  private untime({ from, to }: Range): void {
    const { untimed = { from, to } } = this;
    this.untimed = { from: Math.min(from, untimed.from), to: Math.max(to, untimed.to) };
  }

  private enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.loads.then(work);
    this.loads = done.catch(() => undefined);
    return done;
  }
}

const rangeOf = ({ seq }: MessageView): Range => ({ from: seq, to: seq });
