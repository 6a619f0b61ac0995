import { errorCatalogue, type Problem } from '../src/contract/errors.js';
import type { MessageView, Party, SentMessage } from '../src/contract/events.js';
import { type Api, Refused } from './api.js';
import { Observable } from './observable.js';
import type { Clock, Lock, Random, Store, Upload } from './ports.js';
import { backOff } from './waiting.js';

export interface Content {
  body: string;
  /** Uploads for this conversation, in their order. */
  attachmentIds?: readonly string[];
  /** Files that are still to be uploaded; they come behind the uploads. */
  files?: readonly LocalFile[];
}

/** A file that is queued with a message. */
export interface LocalFile {
  /** Plain data by which a page shows it while it waits, such as its name and size. */
  readonly about: unknown;
  /** The file as the host has it, which the store keeps. */
  readonly file: unknown;
}

/** A queued file, as the message that it belongs to remembers it. */
export interface QueuedFile {
  /** Names the file in the store: see {@link Outbox.file}. */
  readonly id: string;
  readonly about: unknown;
  /** The attachment, once it is uploaded. */
  readonly attachmentId?: string;
}

/** A message on its way, as it is kept. */
interface Kept extends Omit<Content, 'files'> {
  files?: readonly QueuedFile[];
  clientId: string;
  conversationId: string;
  /** Milliseconds since 1970. */
  queuedAt: number;
  /** Messages of a conversation are sent in this order. */
  order: number;
  /** Attempts that got no answer, or were put off. */
  tries: number;
  /** Times that its files had to be uploaded again. */
  uploads?: number;
  /** Set when it was refused, so that it waits for a person. */
  problem?: Problem;
}

/** `sent`: stored by the service, and about to appear among the messages. */
export interface Outgoing extends Readonly<Kept> {
  readonly state: 'waiting' | 'sending' | 'failed' | 'sent';
  readonly seq?: number;
}

/** Sending rests until {@link Outbox.resume}, because of something that a person has to do first. */
export interface Rest {
  /** Undefined: all of them. */
  readonly conversationId?: string;
  readonly problem: Problem;
}

export interface OutboxView {
  /** In the order in which they are sent. */
  readonly messages: readonly Outgoing[];
  readonly rests: readonly Rest[];
}

export interface OutboxOptions {
  api: Pick<Api, 'sendMessage'>;
  party: Party;
  /** Names the lock: tabs of one account send in turn. */
  account: string;
  store: Store;
  lock: Lock;
  clock: Clock;
  random: Random;
  upload?: Upload | undefined;
  /** The message that this party has stored under an id, as far as it can be found. */
  find: (conversationId: string, clientId: string) => Promise<MessageView | undefined>;
  /** Told when a message is stored. */
  stored: (conversationId: string, sent: Pick<SentMessage, 'seq'>) => void;
  /** Told when the session turns out to have ended. */
  signedOut: () => void;
}

const prefix = 'outbox/';
const keyOf = ({ clientId }: { clientId: string }) => prefix + clientId;
const fileKey = (id: string) => `file/${id}`;
const withoutFiles = ({ files = [] }: Kept) => files.map(({ id }) => [fileKey(id), undefined] as const);
/** Times that files are uploaded again, because they were not sent in time. */
const mostUploads = 5;

/**
 * Messages from the moment they are written until they are stored once. Each has its id, and is kept in the store, before
 * the first attempt, so any attempt can be repeated: by this page, by another tab, or after a restart.
 */
export class Outbox {
  readonly view = new Observable<OutboxView>(() => ({ messages: this.outgoing(), rests: [...this.rests.values()] }));
  private readonly kept = new Map<string, Kept>();
  private readonly sent = new Map<string, { message: Kept; seq: number }>();
  private readonly sending = new Set<string>();
  /** Conversations that are being sent in: one message at a time in each. */
  private readonly lanes = new Map<string, Promise<void>>();
  private readonly rests = new Map<string, Rest>();
  /** Times of the next attempts. */
  private readonly retryAt = new Map<string, number>();
  private quietUntil = 0;
  private lastOrder = 0;
  private holdsLock = false;
  private awaitsLock = false;
  private ended = false;
  private writes: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: OutboxOptions) {}

  /** Reads what waits in the store: at the start, and when another tab has changed it. */
  refresh(): Promise<void> {
    return this.inTurn(() => this.read());
  }

  /**
   * Queues a message. Resolves with its clientId once it is kept; from then on it is sent, whatever happens.
   * @param beside what is written together with it, such as the end of its draft
   */
  async add(
    conversationId: string,
    { body, attachmentIds, files = [] }: Content,
    beside: readonly (readonly [string, unknown])[] = [],
  ): Promise<string> {
    const clientId = this.options.random.id();
    const queued = files.map(({ about }): QueuedFile => ({ id: this.options.random.id(), about }));
    await this.inTurn(async () => {
      // Behind what other tabs have queued.
      await this.read();
      const queuedAt = this.options.clock.now();
      const message: Kept = {
        ...{ clientId, conversationId, body, queuedAt, order: this.nextOrder(), tries: 0 },
        ...(attachmentIds?.length && { attachmentIds: [...attachmentIds] }),
        ...(queued.length > 0 && { files: queued }),
      };
      const stored = files.map(({ file }, index) => [fileKey(queued[index]!.id), file] as const);
      await this.options.store.put([...stored, [keyOf(message), message], ...beside]);
      this.keep(message);
      this.view.changed();
    });
    this.flush();
    return clientId;
  }

  /** Sends what waits, as far as it is its time: under the lock, and with one message of each conversation under way. */
  flush(): void {
    if (this.ended) return;
    if (this.holdsLock) return this.startLanes();
    if (this.awaitsLock || this.kept.size === 0) return;
    this.awaitsLock = true;
    const turn = async () => {
      // Another tab may have sent some, or left some behind.
      await this.refresh();
      [this.awaitsLock, this.holdsLock] = [false, true];
      this.startLanes();
      while (this.lanes.size > 0) await Promise.all(this.lanes.values());
      this.holdsLock = false;
    };
    this.options.lock.request(`outbox:${this.options.account}`, turn).catch(() => {
      [this.awaitsLock, this.holdsLock] = [false, false];
      this.flushAt(this.options.clock.now() + backOff(1, this.options.random));
    });
  }

  /** The network is back: what waits for its next attempt is tried at once. */
  connected(): void {
    this.retryAt.clear();
    this.flush();
  }

  /** Goes on after what a rest asked for is done. */
  resume(conversationId?: string): void {
    if (conversationId === undefined) this.rests.clear();
    else this.rests.delete(conversationId);
    this.view.changed();
    this.flush();
  }

  /** Sends a failed message again, behind those that wait already. */
  async retry(clientId: string): Promise<void> {
    await this.inTurn(async () => {
      const failed = this.kept.get(clientId);
      if (!failed?.problem) return;
      const { problem, ...message } = failed;
      const isTaken = problem.code === 'client_id_reused';
      const again: Kept = {
        ...message,
        clientId: isTaken ? this.options.random.id() : clientId,
        order: this.nextOrder(),
        tries: 0,
      };
      await this.options.store.put([...(isTaken ? [[keyOf(failed), undefined] as const] : []), [keyOf(again), again]]);
      this.kept.delete(clientId);
      this.keep(again);
      this.view.changed();
    });
    this.flush();
  }

  /** Takes a failed message out, to be edited or deleted. Gives its content; undefined when it has not failed. */
  discard(clientId: string): Promise<Content | undefined> {
    return this.inTurn(async () => {
      const failed = this.kept.get(clientId);
      if (!failed?.problem) return undefined;
      const files: LocalFile[] = [];
      for (const { id, about } of failed.files ?? []) files.push({ about, file: await this.file(id) });
      await this.options.store.put([[keyOf(failed), undefined], ...withoutFiles(failed)]);
      this.kept.delete(clientId);
      this.view.changed();
      const { body, attachmentIds } = failed;
      return { body, ...(attachmentIds && { attachmentIds }), ...(files.length > 0 && { files }) };
    });
  }

  /** A queued file, as it was given; undefined when it is gone. */
  file(id: string): Promise<unknown> {
    return this.options.store.get(fileKey(id));
  }

  /** A stored message: recognised by sender and clientId, one that waits needs no further attempt. */
  async recognise(conversationId: string, message: MessageView): Promise<void> {
    const waits = this.kept.get(message.clientId);
    if (message.sender !== this.options.party || waits?.conversationId !== conversationId) return;
    await this.settle(waits, message.seq);
  }

  /** Messages up to this one are among those of the conversation. */
  shown(conversationId: string, lastSeq: number): void {
    for (const [clientId, { message, seq }] of this.sent) {
      if (message.conversationId !== conversationId || seq > lastSeq) continue;
      this.sent.delete(clientId);
      this.view.changed();
    }
  }

  /** Conversations that were erased, and with them what was to be sent there. */
  forget(conversationIds: readonly string[]): Promise<void> {
    return this.inTurn(async () => {
      const gone = [...this.kept.values()].filter((each) => conversationIds.includes(each.conversationId));
      const keys = gone.flatMap((each) => [[keyOf(each), undefined] as const, ...withoutFiles(each)]);
      if (gone.length > 0) await this.options.store.put(keys);
      for (const { clientId } of gone) this.kept.delete(clientId);
      for (const id of conversationIds) this.rests.delete(id);
      this.view.changed();
    });
  }

  of(conversationId: string): Outgoing[] {
    return this.view.value.messages.filter((each) => each.conversationId === conversationId);
  }

  /** Starts no further attempt. What waits stays in the store. */
  stop(): void {
    this.ended = true;
  }

  private async read(): Promise<void> {
    const entries = await this.options.store.entries(prefix);
    this.kept.clear();
    for (const [, value] of entries) this.keep(value as Kept);
    this.view.changed();
  }

  private startLanes(): void {
    if (this.ended) return;
    for (const { conversationId } of this.kept.values()) {
      if (this.lanes.has(conversationId) || !this.next(conversationId)) continue;
      this.lanes.set(conversationId, this.sendIn(conversationId));
    }
  }

  /** Sends one message after the other, until none is left or one has to wait. */
  private async sendIn(conversationId: string): Promise<void> {
    for (let next = this.next(conversationId); next && !this.ended; next = this.next(conversationId)) {
      await this.attempt(next);
    }
    this.lanes.delete(conversationId);
  }

  /** The next message to be sent in a conversation, if it is its time. A failed one holds up no other. */
  private next(conversationId: string): Kept | undefined {
    const isResting = this.rests.has('') || this.rests.has(conversationId);
    const waiting = this.sorted().find((each) => each.conversationId === conversationId && !each.problem);
    const time = Math.max(this.quietUntil, this.retryAt.get(waiting?.clientId ?? '') ?? 0);
    return isResting || time > this.options.clock.now() ? undefined : waiting;
  }

  private async attempt(message: Kept): Promise<void> {
    const { clientId, conversationId, body } = message;
    this.sending.add(clientId);
    this.view.changed();
    try {
      const attachmentIds = await this.attachmentIds(message);
      const files = attachmentIds.length > 0 ? { attachmentIds } : {};
      const { seq } = await this.options.api.sendMessage({ conversationId, clientId, body, ...files });
      await this.settle(message, seq);
    } catch (error) {
      const known = this.kept.get(clientId) ?? message;
      if (error instanceof Refused) await this.refused(known, error.problem);
      else await this.defer(known);
    } finally {
      this.sending.delete(clientId);
      this.view.changed();
    }
  }

  /** The attachments of a message, of which those that wait here are uploaded. Each is remembered, to be uploaded once. */
  private async attachmentIds(message: Kept): Promise<string[]> {
    const { conversationId, attachmentIds = [] } = message;
    const files = [...(message.files ?? [])];
    for (const [index, queued] of files.entries()) {
      if (queued.attachmentId !== undefined) continue;
      const file = await this.file(queued.id);
      if (file === undefined || !this.options.upload) throw new Refused(lost);
      files[index] = { ...queued, attachmentId: await this.options.upload(conversationId, file, queued.about) };
      // Before it is sent: another attempt has to send the same.
      await this.remember({ ...message, files: [...files] });
    }
    return [...attachmentIds, ...files.map(({ attachmentId }) => attachmentId!)];
  }

  private async refused(message: Kept, problem: Problem): Promise<void> {
    const { code, retryAfter } = problem;
    // What was uploaded and not sent in time is gone; here it is still.
    const { files = [], uploads = 0 } = message;
    if (code === 'attachment_not_found' && files.some(isUploaded) && uploads < mostUploads) {
      return this.defer({ ...message, uploads: uploads + 1, files: files.map(({ id, about }) => ({ id, about })) });
    }
    if (code === 'client_id_reused') return this.compare(message, problem);
    if (code === 'unauthenticated') this.options.signedOut();
    if (code === 'consent_required' || code === 'unauthenticated') return this.rest(message.conversationId, problem);
    if (!canSucceedLater(problem)) return this.fail(message, problem);
    if (retryAfter === undefined) return this.defer(message);
    this.quietUntil = this.options.clock.now() + retryAfter * 1_000;
    this.flushAt(this.quietUntil);
  }

  /** The same content under this id is this message, stored by an attempt that nobody remembers. */
  private async compare(message: Kept, problem: Problem): Promise<void> {
    try {
      const stored = await this.options.find(message.conversationId, message.clientId);
      if (stored && isSameContent(stored, message)) await this.settle(message, stored.seq);
      else await this.fail(message, problem);
    } catch {
      await this.defer(message);
    }
  }

  /**
   * A business accepts for all its conversations. A person does so with each business: not accepting one's policy keeps
   * nobody from writing to the others.
   */
  private rest(conversationId: string, problem: Problem): void {
    const isOfAll = this.options.party === 'subscriber' || problem.code === 'unauthenticated';
    if (isOfAll) this.rests.set('', { problem });
    else this.rests.set(conversationId, { conversationId, problem });
    this.view.changed();
  }

  private async defer(message: Kept): Promise<void> {
    const tries = message.tries + 1;
    const at = this.options.clock.now() + backOff(tries, this.options.random);
    this.retryAt.set(message.clientId, at);
    await this.change({ ...message, tries });
    this.flushAt(at);
  }

  private fail(message: Kept, problem: Problem): Promise<void> {
    return this.change({ ...message, problem });
  }

  /** Keeps what has become of a message, in the store as well if that is possible. */
  private async change(message: Kept): Promise<void> {
    await this.remember(message).catch(() => undefined);
  }

  /** Keeps what has become of a message, unless it was settled meanwhile. Rejects when the store does not take it. */
  private remember(message: Kept): Promise<void> {
    return this.inTurn(async () => {
      if (!this.kept.has(message.clientId)) return;
      this.keep(message);
      this.view.changed();
      await this.options.store.put([[keyOf(message), message]]);
    });
  }

  private async settle(message: Kept, seq: number): Promise<void> {
    await this.inTurn(async () => {
      // If it stays in the store, another attempt is acknowledged in the same way.
      const done = [[keyOf(message), undefined] as const, ...withoutFiles(message)];
      await this.options.store.put(done).catch(() => undefined);
      this.retryAt.delete(message.clientId);
      if (this.kept.delete(message.clientId)) this.sent.set(message.clientId, { message, seq });
      this.view.changed();
    });
    this.options.stored(message.conversationId, { seq });
  }

  private flushAt(time: number): void {
    const { clock } = this.options;
    clock.setTimeout(() => this.flush(), Math.max(0, time - clock.now()));
  }

  private keep(message: Kept): void {
    this.kept.set(message.clientId, message);
    this.lastOrder = Math.max(this.lastOrder, message.order);
  }

  private nextOrder(): number {
    return Math.max(this.lastOrder + 1, this.options.clock.now());
  }

  private sorted(): Kept[] {
    return [...this.kept.values()].sort((a, b) => a.order - b.order || (a.clientId < b.clientId ? -1 : 1));
  }

  private outgoing(): Outgoing[] {
    const sent = [...this.sent.values()].map(({ message, seq }) => ({ ...message, state: 'sent' as const, seq }));
    const waiting = this.sorted().map((message) => ({ ...message, state: this.stateOf(message) }));
    return [...sent.sort((a, b) => a.seq - b.seq), ...waiting];
  }

  private stateOf({ clientId, problem }: Kept): Outgoing['state'] {
    if (problem) return 'failed';
    return this.sending.has(clientId) ? 'sending' : 'waiting';
  }

  /** The store is read and written in the order of the calls. */
  private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.writes.then(work);
    this.writes = done.catch(() => undefined);
    return done;
  }
}

const isUploaded = ({ attachmentId }: QueuedFile) => attachmentId !== undefined;

/** The device keeps a file of a message no more. */
const lost: Problem = {
  type: 'about:blank',
  ...{ title: errorCatalogue.attachment_lost.title, status: errorCatalogue.attachment_lost.status },
  ...{ code: 'attachment_lost', detail: 'This device has lost a file of this message.', requestId: '' },
};

function canSucceedLater({ code, status }: Problem): boolean {
  // A newer service may have codes that are not in this catalogue.
  const known = errorCatalogue[code] as { retry: string } | undefined;
  return known ? known.retry === 'later' : status >= 500 || status === 429;
}

function isSameContent(stored: MessageView, { body, attachmentIds = [], files = [] }: Kept): boolean {
  if (stored.withdrawnAt !== undefined) return true;
  const ids = [...attachmentIds, ...files.map(({ attachmentId }) => attachmentId)];
  return stored.body === body && stored.attachments.map(({ id }) => id).join() === ids.join();
}
