import type { ConversationList } from '../src/contract/conversations.js';
import type { Author, ConversationHead, MessageView, Party, Told, ToldEvent } from '../src/contract/events.js';
import { limits } from '../src/contract/limits.js';
import { Api, Refused } from './api.js';
import { Drafts } from './drafts.js';
import { Heads } from './heads.js';
import { type Keepable, Keeper, prefix as keptPrefix } from './keeper.js';
import { Link, type LinkState } from './link.js';
import { MemoryLock, MemoryStore } from './memory.js';
import { Observable } from './observable.js';
import { type Content, Outbox, type Outgoing, type OutboxView } from './outbox.js';
import type { Ports, Store } from './ports.js';
import { Receipts } from './receipts.js';
import { Timeline, type TimelinePages, type TimelineSnapshot, type TimelineView } from './timeline.js';
import { backOff, pause } from './waiting.js';

export interface EngineOptions extends Ports {
  /** Party whose device this is. */
  party: Party;
  /** Names what tabs of one account share. */
  account: string;
  /** Id of the session, by which its end is recognised when another device ends it. */
  sessionId?: string;
  /** Loads undelivered messages of conversations that nobody has opened, so that they count as delivered; true unless given. */
  loadsUndelivered?: boolean;
  pages?: Partial<TimelinePages> & { heads?: number };
  /** Keeps the list and so many of the latest messages of each conversation in the store, to be shown without a network. */
  keepsMessages?: number;
  /** Keys under which the host has stored more about a conversation: it goes with the conversation. */
  keysOf?: (conversationId: string) => readonly string[];
}

export interface EngineView {
  readonly link: LinkState;
  readonly heads: readonly ConversationHead[];
  readonly outbox: OutboxView;
  /** Total of unread messages. */
  readonly unread: number;
}

export interface ConversationView extends TimelineView {
  /** Undefined until it is known. */
  readonly head: ConversationHead | undefined;
  /** Own messages on their way, which are not among the messages yet. */
  readonly outgoing: readonly Outgoing[];
}

/** Version of the stored shape, raised with every change: a page ignores what another version has stored. */
const keptVersion = 1;

/** Time in which entries of a broadcast are gathered before they are asked for, in milliseconds. */
const entriesGatheredFor = 500;

/**
 * A client of the service as docs/events.md describes it. It keeps the list of conversations and the messages of opened ones up
 * to date, live and after any absence, and sends each message once. Its state equals a fresh load.
 */
export class Engine {
  readonly link: Link;
  readonly heads: Heads;
  readonly outbox: Outbox;
  readonly drafts: Drafts;
  readonly receipts: Receipts;
  readonly api: Api;
  readonly view: Observable<EngineView>;
  private readonly store: Store;
  private readonly timelines = new Map<string, Timeline>();
  private readonly views = new Map<string, Observable<ConversationView>>();
  private readonly repairs = new Map<string, Promise<void>>();
  private readonly listeners = new Set<(event: ToldEvent, payload: unknown) => void>();
  private readonly pages: TimelinePages & { heads: number };
  /** Changes whenever something changes that is kept. */
  private readonly holdings = new Observable<unknown>(() => ({}));
  private readonly keeper: Keeper | undefined;
  private gathering = false;
  private wantsUndelivered = false;
  private loadingUndelivered = false;

  constructor(private readonly options: EngineOptions) {
    const { http, socket, clock, random, party, account } = options;
    const { store = new MemoryStore(), lock = new MemoryLock() } = options;
    this.store = store;
    this.pages = { heads: limits.pageMax, shown: 30, changed: 200, ...options.pages };
    this.api = new Api(http, socket, clock);
    this.heads = new Heads(party, (id) => this.unreadIn(id));
    this.drafts = new Drafts({ account, store, lock, clock });
    this.outbox = new Outbox({
      ...{ api: this.api, party, account, store, lock, clock, random, upload: options.upload },
      find: (id, clientId) => this.find(id, clientId),
      stored: (id) => this.shown(id),
      signedOut: () => this.link.signOut(),
    });
    this.receipts = new Receipts({
      ...{ api: this.api, clock, random },
      held: (id) => this.received(id),
      canSend: () => socket.connected,
      beyond: (id) => this.missed(id),
    });
    this.link = new Link(socket, clock, random, {
      catchUp: (syncedAt) => this.catchUp(syncedAt),
      horizon: async (syncedAt) => (await this.list(`changedSince=${encodeURIComponent(syncedAt)}&limit=1`)).syncedAt,
      isComplete: () => this.isComplete,
      connected: () => this.outbox.connected(),
      live: () => this.live(),
      lost: () => this.api.abandon(),
      signedOut: () => {
        this.outbox.stop();
        this.keeper?.stop();
      },
    });
    this.holdings.madeOf(this.heads.list);
    if (options.keepsMessages !== undefined) {
      const { holdings: watched } = this;
      this.keeper = new Keeper({ account, store, lock, clock, watched, state: () => this.keepable() });
    }
    for (const event of Object.keys(this.rules) as ToldEvent[]) {
      socket.on(event, (payload: never) => this.told(event, payload));
    }
    const parts = { link: this.link.state, heads: this.heads.list, outbox: this.outbox.view };
    const view = (): EngineView => ({
      link: parts.link.value,
      heads: parts.heads.value,
      outbox: parts.outbox.value,
      unread: parts.heads.value.reduce((sum, { unread }) => sum + unread, 0),
    });
    this.view = new Observable(view, Object.values(parts));
  }

  /** Takes what waits in the store, and connects. */
  async start(): Promise<void> {
    const [heldSince] = await Promise.all([this.restore(), this.outbox.refresh(), this.drafts.refresh()]);
    this.outbox.flush();
    this.link.start(heldSince);
    this.keeper?.start();
  }

  async stop(): Promise<void> {
    this.outbox.stop();
    this.link.stop();
    this.keeper?.stop();
    await this.drafts.flush();
  }

  /** Ends everything at once, without storing what is not stored yet: the device is to forget it. */
  abandon(): void {
    this.outbox.stop();
    this.link.stop();
    this.keeper?.stop();
    this.drafts.abandon();
  }

  /** Calls at once, and after every change, as a Svelte store does. */
  subscribe(watcher: (view: EngineView) => void): () => void {
    return this.view.subscribe(watcher);
  }

  /** One conversation with its messages; they are loaded by {@link open}. */
  conversation(id: string): Observable<ConversationView> {
    let view = this.views.get(id);
    if (!view) {
      view = new Observable(() => this.conversationView(id), [this.heads.list, this.outbox.view]);
      const timeline = this.timelines.get(id);
      if (timeline) view.madeOf(timeline.view);
      this.views.set(id, view);
    }
    return view;
  }

  /** Opens a conversation: at its end, or around a message. */
  async open(id: string, { around }: { around?: number } = {}): Promise<void> {
    const timeline = await this.timeline(id);
    await (around === undefined ? timeline.loadLatest() : timeline.loadAround(around));
    this.changed(id);
  }

  /** Loads the page before or after a held message. */
  async load(id: string, direction: 'older' | 'newer', seq: number): Promise<void> {
    const timeline = await this.timeline(id);
    await (direction === 'older' ? timeline.loadOlder(seq) : timeline.loadNewer(seq));
    this.changed(id);
  }

  /** Keeps only the latest held messages of a conversation that is no longer shown. */
  close(id: string, most = 200): void {
    const timeline = this.timelines.get(id);
    const last = timeline?.view.value.lastSeq ?? 0;
    timeline?.trim({ from: last - most + 1, to: last });
  }

  /**
   * Queues a message, and ends the draft of its conversation. Resolves with its clientId once both are stored here; from
   * then on it is sent, whatever happens.
   */
  async send(conversationId: string, content: Content): Promise<string> {
    const draft = this.drafts.get(conversationId);
    const ended = this.drafts.end(conversationId);
    try {
      return await this.outbox.add(conversationId, content, ended);
    } catch (error) {
      if (draft && !this.drafts.get(conversationId)) {
        this.drafts.set(conversationId, draft.text, draft.attachmentIds);
      }
      throw error;
    }
  }

  /** Withdraws an own message. Rejects with Refused or Unanswered; to do it again changes nothing. */
  async withdraw(conversationId: string, seq: number): Promise<void> {
    await this.api.delete(`/api/conversations/${conversationId}/messages/${seq}`);
  }

  /** The person has had a message on the screen, and so all before it. */
  seen(conversationId: string, seq: number): void {
    this.receipts.seen(conversationId, seq);
  }

  /** The device has woken up, or its network is back. @param slept for a minute or more, in which its connection has died */
  poke({ slept = false } = {}): void {
    this.link.poke(slept);
  }

  /** Calls back with every event, after the engine has applied it, for state outside the engine. */
  onTold(listener: <Event extends ToldEvent>(event: Event, payload: Told[Event]) => void): () => void {
    const own = listener as (event: ToldEvent, payload: unknown) => void;
    this.listeners.add(own);
    return () => void this.listeners.delete(own);
  }

  /** True when nothing is missing to what was heard. */
  get isComplete(): boolean {
    return this.incomplete().length === 0 && !this.gathering;
  }

  private told<Event extends ToldEvent>(event: Event, payload: Told[Event]): void {
    this.rules[event](payload);
    for (const listener of this.listeners) listener(event, payload);
    for (const id of this.incomplete()) this.missed(id);
  }

  /** The rules of docs/events.md for events. The timeline comes first, because the head counts what it holds. */
  private readonly rules: { [Event in ToldEvent]: (payload: Told[Event]) => void } = {
    'message.sent': (sent) => {
      const { conversationId: id, revision } = sent;
      const head = this.heads.get(id);
      // The message counts as held, so that it is delivered; nothing is loaded for an unopened conversation.
      if (head?.revision === revision - 1) this.held(head);
      this.timelines.get(id)?.messageSent(sent);
      this.heads.messageSent(sent);
      // Nothing counts as delivered above own broadcasts that were left out.
      if (head && head.own.deliveredSeq < head.lastSeq && !this.isUndelivered(head)) void this.loadUndelivered();
      void this.outbox.recognise(id, sent);
      this.changed(id);
    },
    'message.withdrawn': (withdrawn) => {
      this.timelines.get(withdrawn.conversationId)?.messageWithdrawn(withdrawn);
      this.heads.messageWithdrawn(withdrawn);
      this.changed(withdrawn.conversationId);
    },
    'messages.expired': (expired) => {
      this.timelines.get(expired.conversationId)?.messagesExpired(expired);
      this.heads.messagesExpired(expired);
      this.changed(expired.conversationId);
    },
    'attachment.changed': (changed) => {
      if (!changed.message) return;
      this.timelines.get(changed.message.conversationId)?.attachmentChanged(changed);
      this.heads.attachmentChanged(changed);
      this.changed(changed.message.conversationId);
    },
    'receipt.changed': (risen) => {
      this.timelines.get(risen.conversationId)?.receiptChanged(risen, this.link.isTrusted);
      this.heads.receiptChanged(risen);
      this.changed(risen.conversationId);
    },
    'conversation.answered': (answered) => this.heads.conversationAnswered(answered),
    'contact.joined': (joined) => this.heads.contactJoined(joined),
    'contact.changed': (changed) => this.heads.contactChanged(changed),
    'contact.erased': ({ conversationIds }) => this.forget(conversationIds),
    'subscriber.changed': (changed) => {
      for (const timeline of this.timelines.values()) {
        if (changed.conversationId === null || changed.conversationId === timeline.id) {
          timeline.subscriberChanged(changed);
        }
      }
      this.heads.subscriberChanged(changed);
    },
    'member.changed': (author) => this.rename(author),
    'member.removed': ({ id }) => this.heads.memberRemoved(id),
    'labels.changed': (labels) => this.heads.labelsChanged(labels),
    'consent.changed': ({ conversationId, purpose, given }) => {
      if (given && purpose !== 'promotions') this.outbox.resume(conversationId ?? undefined);
    },
    'broadcast.progressed': ({ entries }) => {
      for (const { conversationId, revision } of entries) {
        this.timelines.get(conversationId)?.hear(revision);
        this.heads.hear(conversationId, revision);
      }
      if (entries.length > 0) this.gather();
    },
    // It may come in another order than it was stored in: the head says how it stands.
    'restriction.changed': ({ conversationId }) => this.heads.miss(conversationId),
    'claim.changed': ({ conversationId }) => this.heads.miss(conversationId),
    // The engine holds nothing of these.
    'request.changed': () => undefined,
    'quick-replies.changed': () => undefined,
    'notification-settings.changed': () => undefined,
    'profile.changed': () => undefined,
    'erasure-proposals.changed': () => undefined,
    'export.progressed': () => undefined,
    'broadcast.reported': () => undefined,
    'import.progressed': () => undefined,
    'session.ended': ({ id }) => {
      if (id === this.options.sessionId) this.link.signOut();
    },
  };

  /** Goes on with everything that had to wait until nothing is missing any more. */
  private live(): void {
    this.holdings.changed();
    for (const id of this.incomplete()) this.missed(id);
    for (const id of this.timelines.keys()) this.receipts.held(id);
    for (const { conversationId } of this.outbox.view.value.messages) this.shown(conversationId);
    void this.loadUndelivered();
  }

  /** One request does for many entries of a broadcast. */
  private gather(): void {
    if (this.gathering) return;
    this.gathering = true;
    this.options.clock.setTimeout(() => {
      this.gathering = false;
      this.link.refresh();
    }, entriesGatheredFor);
  }

  /** The first load, and what has to be done after an absence. Gives the time to begin with next time. */
  private async catchUp(syncedAt: string | undefined): Promise<string> {
    let walk = await this.walk(syncedAt);
    const isWhole = syncedAt === undefined || walk.erased === null;
    if (walk.erased === null) walk = await this.walk(undefined);
    const there = new Set(walk.ids);
    // What has moved to the front meanwhile has passed the pages that were still to come.
    if (walk.pages > 1) {
      walk = await this.walk(walk.syncedAt);
      // The service has just forgotten what was erased: each of them may be gone.
      if (walk.erased === null) for (const id of there) this.heads.miss(id);
      for (const id of walk.ids) there.add(id);
    }
    // It may be gone, or have moved past every page; an answer from before an absence may have come meanwhile.
    if (isWhole) for (const id of this.heads.ids()) if (!there.has(id)) this.heads.miss(id);
    await this.loadNames();
    for (const id of this.incomplete()) await this.repair(id);
    return walk.syncedAt;
  }

  private async walk(since: string | undefined) {
    const asked = since === undefined ? '' : `changedSince=${encodeURIComponent(since)}&`;
    const walk = { pages: 0, syncedAt: '', ids: [] as string[], erased: [] as string[] | null };
    let moment = this.heads.moment();
    for await (const page of this.api.pages<ConversationList>(`/api/conversations?${asked}limit=${this.pages.heads}`)) {
      walk.pages++;
      walk.syncedAt ||= page.syncedAt;
      if (page.erased === null) walk.erased = null;
      this.forget(page.erased ?? []);
      for (const head of page.items) {
        walk.ids.push(head.id);
        const caughtUp = this.take(head, moment);
        if (caughtUp) await caughtUp;
      }
      moment = this.heads.moment();
    }
    return walk;
  }

  /**
   * Takes a loaded head, and loads what has changed in its conversation if that is held. Only then there is something to wait for:
   * many heads that are taken in one turn change the list, which is sorted anew with each change, once.
   */
  private take(head: ConversationHead, moment: number): Promise<void> | undefined {
    this.heads.take(head, moment);
    const timeline = this.timelines.get(head.id);
    if (!timeline) return void this.changed(head.id);
    return this.unlessGone(head.id, () => timeline.catchUp(head)).then(() => this.changed(head.id));
  }

  /** Names and labels raise no revision. */
  private async loadNames(): Promise<void> {
    if (this.options.party === 'interlocutor') return;
    for await (const { items } of this.api.pages<Names>('/api/authors')) items.forEach((author) => this.rename(author));
    const labels = [];
    for await (const { items } of this.api.pages<Names>('/api/labels')) labels.push(...items);
    this.heads.labelsChanged({ items: labels });
  }

  private list(query: string): Promise<ConversationList> {
    return this.api.get(`/api/conversations?${query}`);
  }

  private incomplete(): string[] {
    const timelines = [...this.timelines.values()].filter(({ isComplete }) => !isComplete).map(({ id }) => id);
    return [...new Set([...this.heads.missing(), ...timelines])];
  }

  /** Something of a conversation is missing: loads it, unless the next connection has to do that. */
  private missed(id: string): void {
    if (this.gathering || !this.link.isTrusted) return;
    this.repair(id).then(
      () => this.loadUndelivered(),
      async () => {
        await pause(this.options.clock, backOff(1, this.options.random));
        if (this.incomplete().includes(id)) this.missed(id);
      },
    );
  }

  /** Loads what is missing of a conversation, once at a time. */
  private repair(id: string): Promise<void> {
    const going = this.repairs.get(id);
    if (going) return going;
    const done = this.unlessGone(id, async () => {
      for (let rounds = 0; rounds < 5 && this.incomplete().includes(id); rounds++) {
        const moment = this.heads.moment();
        const head = await this.api.get<ConversationHead>(`/api/conversations/${id}`);
        await this.take(head, moment);
        await this.timelines.get(id)?.complete();
      }
    }).finally(() => this.repairs.delete(id));
    this.repairs.set(id, done);
    return done;
  }

  /** Does something with a conversation, which is forgotten if it is not there any more. */
  private async unlessGone(id: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refused) || error.problem.code !== 'not_found') throw error;
      this.forget([id]);
    }
  }

  /** These conversations are gone, with all that is held of them. */
  private forget(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.heads.forget(ids);
    this.receipts.forget(ids);
    for (const id of ids) this.timelines.delete(id);
    void this.outbox.forget(ids).catch(() => undefined);
    void this.drafts.forget(ids).catch(() => undefined);
    const further = ids.flatMap((id) => this.options.keysOf?.(id) ?? []);
    void this.store.put(further.map((key) => [key, undefined] as const)).catch(() => undefined);
    void this.keeper?.forget(ids.flatMap((id) => [headKey(id), timelineKey(id)])).catch(() => undefined);
  }

  private rename(author: Author): void {
    for (const timeline of this.timelines.values()) timeline.memberChanged(author);
    this.heads.memberChanged(author);
  }

  private async timeline(id: string): Promise<Timeline> {
    if (!this.heads.get(id)) {
      const moment = this.heads.moment();
      this.heads.take(await this.api.get<ConversationHead>(`/api/conversations/${id}`), moment);
      // A later question may have been answered before.
      if (this.heads.isMissing(id)) this.missed(id);
    }
    return this.held(this.heads.get(id)!);
  }

  private held(head: ConversationHead): Timeline {
    const known = this.timelines.get(head.id);
    if (known) return known;
    const timeline = new Timeline(this.api, this.options.party, head, this.pages);
    return this.hold(timeline);
  }

  private hold(timeline: Timeline): Timeline {
    this.timelines.set(timeline.id, timeline);
    this.views.get(timeline.id)?.madeOf(timeline.view);
    this.holdings.madeOf(timeline.view);
    return timeline;
  }

  /** All that a device keeps, as it is at this moment. */
  private keepable(): Keepable[] | undefined {
    const { heldSince } = this.link;
    const most = this.options.keepsMessages ?? 0;
    if (heldSince === undefined) return undefined;
    const synced = { key: syncedKey, source: heldSince, value: () => ({ version: keptVersion, heldSince }) };
    const heads = this.heads.list.value.map((head) => ({ key: headKey(head.id), source: head, value: () => head }));
    const timelines = [...this.timelines.values()].map((timeline) => ({
      key: timelineKey(timeline.id),
      source: timeline.view.value,
      value: () => timeline.snapshot(most),
    }));
    return [synced, ...heads, ...timelines];
  }

  /** Takes what an earlier page has kept. Gives the time to synchronise from. */
  private async restore(): Promise<string | undefined> {
    if (!this.keeper) return undefined;
    const { party } = this.options;
    const kept = new Map(await this.store.entries(keptPrefix));
    const synced = kept.get(keptPrefix + syncedKey) as { version: number; heldSince: string } | undefined;
    if (synced?.version !== keptVersion) return undefined;
    const moment = this.heads.moment();
    for (const [key, value] of kept) {
      if (!key.startsWith(keptPrefix + headKey(''))) continue;
      const head = value as ConversationHead;
      this.heads.take(head, moment);
      const snapshot = kept.get(keptPrefix + timelineKey(head.id)) as TimelineSnapshot | undefined;
      if (snapshot) this.hold(Timeline.restored(this.api, party, head, snapshot, this.pages));
    }
    return synced.heldSince;
  }

  /** Loads, one conversation after the other, messages that this party has not received on any device. */
  private async loadUndelivered(): Promise<void> {
    this.wantsUndelivered = this.options.loadsUndelivered !== false;
    if (this.loadingUndelivered) return;
    this.loadingUndelivered = true;
    while (this.wantsUndelivered && this.link.isTrusted) {
      this.wantsUndelivered = false;
      const undelivered = this.heads.list.value.filter((head) => this.isUndelivered(head));
      try {
        for (const { id } of undelivered) await this.loadUndeliveredOf(id);
      } catch {
        this.wantsUndelivered = true;
        await pause(this.options.clock, backOff(1, this.options.random));
      }
    }
    this.loadingUndelivered = false;
  }

  /** Leaves out conversations that nothing but a broadcast of this party has reached since: there may be thousands. */
  private isUndelivered({ own, lastSeq, lastKind, lastSender, unread }: ConversationHead): boolean {
    if (own.deliveredSeq >= lastSeq) return false;
    return unread > 0 || lastKind !== 'broadcast' || lastSender !== this.options.party;
  }

  private async loadUndeliveredOf(id: string): Promise<void> {
    const head = this.heads.get(id);
    if (!head || !this.isUndelivered(head)) return;
    await this.unlessGone(id, () => this.held(head).loadOnwards(head.own.deliveredSeq, head.lastSeq));
    this.changed(id);
  }

  /** Something of a conversation has changed. */
  private changed(id: string): void {
    const timeline = this.timelines.get(id);
    this.shown(id);
    for (const { clientId } of this.outbox.of(id)) {
      const stored = timeline?.sentAs(clientId);
      if (stored) void this.outbox.recognise(id, stored);
    }
    this.receipts.held(id);
  }

  /** A sent message that is among the others is on its way no more, nor is one whose conversation is gone. */
  private shown(id: string): void {
    const head = this.heads.get(id);
    this.outbox.shown(id, head ? head.lastSeq : this.link.isTrusted ? Infinity : 0);
  }

  private conversationView(id: string): ConversationView {
    const timeline = this.timelines.get(id);
    const head = this.heads.get(id);
    const { messages, ranges, lastSeq } = timeline?.view.value ?? { messages: [], ranges: [], lastSeq: 0 };
    const outgoing = this.outbox.of(id).filter(({ clientId }) => !timeline?.sentAs(clientId));
    return { head, messages, ranges, lastSeq: Math.max(lastSeq, head?.lastSeq ?? 0), outgoing };
  }

  private unreadIn(id: string): number | undefined {
    const timeline = this.timelines.get(id);
    const head = this.heads.get(id);
    if (!timeline?.isComplete || !head || timeline.heldAfter(head.own.seenSeq) < head.lastSeq) return undefined;
    // What the head has not heard of yet is counted when it does.
    const unseen = timeline.view.value.messages.filter(({ seq }) => head.own.seenSeq < seq && seq <= head.lastSeq);
    const isUnread = ({ sender, withdrawnAt, expiredAt }: MessageView) =>
      sender !== this.options.party && withdrawnAt === undefined && expiredAt === undefined;
    return unseen.filter(isUnread).length;
  }

  /** The watermarks of this party, and up to which of the other's messages everything above them is held. */
  private received(id: string) {
    const head = this.heads.get(id);
    if (!head) return undefined;
    const { deliveredSeq } = head.own;
    const timeline = this.timelines.get(id);
    let upTo = timeline?.heldAfter(deliveredSeq) ?? deliveredSeq;
    while (upTo > deliveredSeq && timeline?.message(upTo)?.sender === this.options.party) upTo--;
    return { own: head.own, upTo };
  }

  private async find(id: string, clientId: string): Promise<MessageView | undefined> {
    const timeline = await this.timeline(id);
    if (!timeline.sentAs(clientId)) await timeline.loadLatest();
    return timeline.sentAs(clientId);
  }
}

const syncedKey = 'synced';
const headKey = (id: string) => `head/${id}`;
const timelineKey = (id: string) => `timeline/${id}`;

type Names = { items: Author[]; nextCursor: string | null };
