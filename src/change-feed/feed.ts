import type { DataSource, EntityManager } from 'typeorm';
import { NIL } from 'uuid';
import type { Log } from '../platform/log.js';
import { Turns } from '../platform/turns.js';
import {
  addConsumerQuery,
  advanceQuery,
  beginQuery,
  begunQuery,
  behindQuery,
  type ChangeRow,
  changesQuery,
  checkpointQuery,
  claimBroadcastsQuery,
  claimQuery,
  consumerQuery,
  type ConversationRef,
  type ProgressRow,
  restartQuery,
  shareQuery,
} from './change-feed.queries.js';
import type { BegunBroadcast, Change, Consumer } from './consumers.js';

/** Changes handed on at once, and conversations whose changes are read at once. */
const changesAtOnce = 500;
const conversationsAtOnce = 50;
const behindAtOnce = 1_000;
const broadcastsAtOnce = 50;
/** Changes that wait in memory; of more only the conversations are compared later. */
const hintsWaiting = 10_000;
const hintBytesWaiting = 16 * 1024 * 1024;
/** Under load batches begin this far apart, because larger ones cost less. */
const batchMilliseconds = 250;
/** Interval of comparing with the database, and the time that a hint has before its conversation counts as missed. */
const comparedMilliseconds = 10_000;
const graceMilliseconds = 2_000;
const backOff = { first: 500, most: 30_000 };
/** A consumer is reported as behind, in the log too, from here on. */
const behindSeconds = 30;
/** A checkpoint older than this has the conversations compared along their primary key. */
const recentMilliseconds = 24 * 60 * 60 * 1000;

/** Limits a process to one transaction of its consumers at a time: several would take the processors that messages need. */
export const consumersInTurn = (): Turns =>
  new Turns({
    concurrency: 1,
    concurrencyPerAsker: 1,
    waiting: 1_000,
    waitingPerAsker: 1_000,
    of: 'batches of changes',
  });

/** The changes of one conversation, in their order. */
interface Run extends ConversationRef {
  changes: Change[];
}

/**
 * Hands the changes of conversations to one consumer. Hints tell of them right after the commit; when hints were dropped, lost
 * by a crash, or given to another node that went away, comparing with the revisions of conversations finds what is behind.
 */
export class Feed {
  private hints: Change[] = [];
  private hintBytes = 0;
  /** Arrival of the oldest hint. */
  private hintedSince = 0;
  /** Time since which something is known to wait. */
  private waitingSince: number | undefined;
  private reportedBehind = false;
  /** Set when something may have been missed, so that all is compared at once. */
  private missed = true;
  private broadcastsHinted = false;
  private comparedAt = 0;
  private failures = 0;
  private wake: (() => void) | undefined;
  private ending = false;
  private working: Promise<void> | undefined;

  /** A manager of its own, so that nothing which concerns those of requests concerns it. */
  private readonly transactions: EntityManager;

  constructor(
    private readonly consumer: Consumer,
    private readonly database: DataSource,
    private readonly log: Log,
    private readonly turns = consumersInTurn(),
  ) {
    this.transactions = database.createEntityManager();
  }

  get name(): string {
    return this.consumer.name;
  }

  /** Seconds of waiting. */
  get behindSeconds(): number {
    return this.waitingSince === undefined ? 0 : (performance.now() - this.waitingSince) / 1000;
  }

  /** Takes note of a change, which is dropped when too many wait. Costs its caller nothing. */
  hint(change: Change): void {
    if (this.ending) return;
    const bytes = change.state === 'stored' ? change.body.length : 0;
    if (this.hints.length >= hintsWaiting || this.hintBytes + bytes > hintBytesWaiting) {
      this.missed = true;
    } else {
      if (this.hints.length === 0) this.hintedSince = performance.now();
      this.hints.push(change);
      this.hintBytes += bytes;
    }
    this.waitingSince ??= performance.now();
    this.wake?.();
  }

  hintBroadcast(): void {
    this.broadcastsHinted = true;
    this.waitingSince ??= performance.now();
    this.wake?.();
  }

  start(): void {
    this.working = this.work();
  }

  /** Ends after the work in progress; the next start continues from there. */
  async end(): Promise<void> {
    this.ending = true;
    this.wake?.();
    await this.working;
  }

  /** Sees everything that can be seen now; for a command, beside the service or without it. */
  async catchUp(): Promise<void> {
    do {
      this.missed = true;
      await this.compare();
      // Another node is at something: it is looked at again.
      if (this.missed && !this.ending) await new Promise((resolve) => setTimeout(resolve, batchMilliseconds));
    } while (this.missed && !this.ending);
  }

  /** Makes consumers see every change again from the first on, on whichever node works. */
  async startOver(): Promise<void> {
    await this.database.query(restartQuery, [this.name]);
    this.missed = true;
  }

  /** True while everything is seen for the first time, or again. */
  async isBeginning(): Promise<boolean> {
    return (await this.standing()).checkpoint.getTime() === 0;
  }

  /** The share of conversations that were seen, from 0 to 1. */
  async share(): Promise<number> {
    const { generation } = await this.standing();
    const [row] = await this.database.query<[{ conversations: number; seen: number }]>(shareQuery, [
      this.name,
      generation,
    ]);
    return row.conversations === 0 ? 1 : row.seen / row.conversations;
  }

  private async work(): Promise<void> {
    let pause = 0;
    while (!this.ending) {
      const begun = performance.now();
      try {
        await this.workOnce();
        this.failures = 0;
        pause = this.idle() ? Infinity : Math.max(0, begun + batchMilliseconds - performance.now());
        while (pause < Infinity && this.canWait(begun)) {
          await this.rest(pause);
          pause = batchMilliseconds;
        }
      } catch (error) {
        this.missed = true;
        this.waitingSince ??= begun;
        this.log.failure(error, { consumer: this.name });
        pause = Math.min(backOff.most, backOff.first * 2 ** this.failures++);
      }
      this.tellLag();
      if (this.ending) return;
      await this.rest(pause);
    }
  }

  private async workOnce(): Promise<void> {
    if (this.hints.length > 0) await this.applyHints();
    if (this.broadcastsHinted) {
      this.broadcastsHinted = false;
      await this.seeBroadcasts();
    }
    const due = performance.now() - this.comparedAt >= comparedMilliseconds;
    if (this.hints.length === 0 ? this.missed || due : due) await this.compare();
    if (this.missed || this.broadcastsHinted) return;
    this.waitingSince = this.hints.length > 0 ? this.hintedSince : undefined;
  }

  /** True while the next batch may grow: its interval is not over, and nothing waits but hints, fewer than a full batch. */
  private canWait(begun: number): boolean {
    const { minInterval = batchMilliseconds } = this.consumer;
    const hasTime = performance.now() + batchMilliseconds <= begun + minInterval;
    return hasTime && this.hints.length < changesAtOnce && !this.missed && !this.broadcastsHinted && !this.ending;
  }

  private idle(): boolean {
    return this.hints.length === 0 && !this.missed && !this.broadcastsHinted;
  }

  /** Sleeps for that long; if there is nothing to do, until the next hint or comparison. */
  private async rest(milliseconds: number): Promise<void> {
    const idle = milliseconds === Infinity;
    if (idle && !this.idle()) return;
    const most = idle ? Math.max(0, this.comparedAt + comparedMilliseconds - performance.now()) : milliseconds;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, most);
      this.wake = () => {
        // Hints that come while it rests between two batches make the next one larger.
        if (!idle && !this.ending) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
  }

  private tellLag(): void {
    const behind = this.behindSeconds >= behindSeconds;
    if (behind === this.reportedBehind) return;
    this.reportedBehind = behind;
    if (behind) this.log.warning('consumer behind', { consumer: this.name, seconds: Math.round(this.behindSeconds) });
    else this.log.info('consumer up to date again', { consumer: this.name });
  }

  private async applyHints(): Promise<void> {
    const some = this.hints.splice(0, changesAtOnce);
    for (const hint of some) this.hintBytes -= hint.state === 'stored' ? hint.body.length : 0;
    const runs = new Map<string, Run>();
    for (const change of some) {
      const { subscriberId, conversationId } = change;
      const run = runs.get(conversationId);
      if (run) run.changes.push(change);
      else runs.set(conversationId, { subscriberId, conversationId, changes: [change] });
    }
    await this.consumer.prepare?.(some);
    const { generation } = await this.standing();
    const behind = await this.inTransaction((manager) => this.seeRuns(manager, [...runs.values()], generation));
    await this.seeAllOf(behind, generation);
  }

  /**
   * Runs work when it is this consumer's turn. The commit does not wait for the disk: a crash may lose the last commits, but
   * effects and progress together, so these changes are seen again.
   */
  private inTransaction<Result>(work: (manager: EntityManager) => Promise<Result>): Promise<Result> {
    return this.turns.run(this.name, () =>
      this.transactions.transaction(async (manager) => {
        await manager.query('SET LOCAL synchronous_commit = off');
        return work(manager);
      }),
    );
  }

  /** @returns conversations of which the hints do not tell all that was not seen */
  private async seeRuns(manager: EntityManager, runs: readonly Run[], generation: number): Promise<ConversationRef[]> {
    const progress = await this.claim(manager, runs, generation);
    const behind: ConversationRef[] = [];
    const advanced: ProgressRow[] = [];
    const changes: Change[] = [];
    for (const run of runs) {
      const seen = progress.get(run.conversationId);
      // Another node is at it; what it leaves is found by comparing.
      if (seen === undefined) {
        this.missed = true;
        continue;
      }
      const unseen = run.changes.filter(({ revision }) => revision > seen).sort((a, b) => a.revision - b.revision);
      if (unseen.some(({ revision }, index) => revision !== seen + 1 + index)) behind.push(run);
      else if (unseen.length > 0) {
        changes.push(...unseen);
        advanced.push({ ...run, revision: seen + unseen.length });
      }
    }
    await this.seeAndAdvance(manager, changes, advanced);
    return behind;
  }

  /** Reads and sees all changes of conversations, some at a time. */
  private async seeAllOf(conversations: readonly ConversationRef[], generation: number): Promise<void> {
    let rest = [...conversations];
    while (rest.length > 0 && !this.ending) {
      const some = rest.slice(0, conversationsAtOnce);
      const further = await this.inTransaction((manager) => this.seeStored(manager, some, generation));
      rest = [...rest.slice(conversationsAtOnce), ...further];
    }
    if (rest.length > 0) this.missed = true;
  }

  /** @returns conversations with more changes */
  private async seeStored(
    manager: EntityManager,
    conversations: readonly ConversationRef[],
    generation: number,
  ): Promise<ConversationRef[]> {
    const progress = await this.claim(manager, conversations, generation);
    const claimed = conversations.filter(({ conversationId }) => progress.has(conversationId));
    if (claimed.length < conversations.length) this.missed = true;
    const each = Math.ceil(changesAtOnce / Math.max(1, claimed.length));
    const rows = await manager.query<ChangeRow[]>(changesQuery(each), [
      claimed.map(({ subscriberId }) => subscriberId),
      claimed.map(({ conversationId }) => conversationId),
      claimed.map(({ conversationId }) => progress.get(conversationId)!),
    ]);
    const changes: Change[] = [];
    const ends = new Map<string, ProgressRow & { count: number }>();
    for (const row of rows) {
      const { subscriberId, conversationId, head, seq, revision } = row;
      const end = ends.get(conversationId) ?? { subscriberId, conversationId, revision: head, count: 0 };
      ends.set(conversationId, end);
      if (seq === null) continue;
      changes.push(changeOf({ ...row, seq }));
      end.count++;
      end.revision = end.count === each ? revision : Math.max(head, revision);
    }
    const advanced = [...ends.values()];
    await this.seeAndAdvance(manager, changes, advanced);
    return advanced.filter(({ count }) => count === each);
  }

  private async seeAndAdvance(
    manager: EntityManager,
    changes: Change[],
    advanced: readonly ProgressRow[],
  ): Promise<void> {
    if (changes.length > 0) await this.consumer.see(manager, changes);
    if (advanced.length === 0) return;
    await manager.query(advanceQuery, [
      this.name,
      advanced.map(({ subscriberId }) => subscriberId),
      advanced.map(({ conversationId }) => conversationId),
      advanced.map(({ revision }) => revision),
    ]);
  }

  /** Locks the progress in conversations; those that another node works on are left out. */
  private async claim(
    manager: EntityManager,
    conversations: readonly ConversationRef[],
    generation: number,
  ): Promise<Map<string, number>> {
    const parameters = (of: readonly ConversationRef[]) => [
      this.name,
      generation,
      of.map(({ subscriberId }) => subscriberId),
      of.map(({ conversationId }) => conversationId),
    ];
    const rows = await manager.query<ProgressRow[]>(claimQuery, parameters(conversations));
    const progress = new Map(rows.map(({ conversationId, revision }) => [conversationId, revision]));
    const absent = conversations.filter(({ conversationId }) => !progress.has(conversationId));
    if (absent.length === 0) return progress;
    const begun = await manager.query<ProgressRow[]>(beginQuery, parameters(absent));
    for (const { conversationId, revision } of begun) progress.set(conversationId, revision);
    return progress;
  }

  private async seeBroadcasts(): Promise<void> {
    const { generation, checkpoint } = await this.standing();
    for (;;) {
      const begun = await this.database.query<BegunBroadcast[]>(begunQuery(broadcastsAtOnce), [
        this.name,
        generation,
        checkpoint,
      ]);
      if (begun.length > 0) {
        await this.inTransaction(async (manager) => {
          const claimed = await manager.query<{ id: string }[]>(claimBroadcastsQuery, [
            this.name,
            generation,
            begun.map(({ subscriberId }) => subscriberId),
            begun.map(({ id }) => id),
          ]);
          const ids = new Set(claimed.map(({ id }) => id));
          const own = begun.filter(({ id }) => ids.has(id));
          if (own.length > 0) await this.consumer.seeBroadcasts(manager, own);
        });
      }
      if (begun.length < broadcastsAtOnce || this.ending) return;
    }
  }

  /** Finds what is behind by comparing with the revisions of conversations, sees it, and moves the checkpoint on. */
  private async compare(): Promise<void> {
    const all = this.missed;
    this.missed = false;
    const { generation, checkpoint } = await this.standing();
    // Whatever is not visible yet is stamped at this time or later.
    const [{ horizon }] = await this.database.query<[{ horizon: Date }]>('SELECT sync_horizon() AS horizon');
    // What changed just now has a hint under way.
    const until = all ? horizon : new Date(horizon.getTime() - graceMilliseconds);
    if (until > checkpoint) {
      const recent = until.getTime() - checkpoint.getTime() < recentMilliseconds;
      let [subscriber, conversation]: [string, string] = [NIL, NIL];
      for (;;) {
        const behind = await this.database.query<ConversationRef[]>(
          behindQuery(recent ? 'recent' : 'all', behindAtOnce),
          [this.name, generation, checkpoint, until, ...(recent ? [] : [subscriber, conversation])],
        );
        if (behind.length > 0) {
          this.waitingSince ??= performance.now();
          this.tellLag();
          await this.seeAllOf(behind, generation);
        }
        if (behind.length < behindAtOnce || this.ending || this.missed) break;
        const last = behind.at(-1)!;
        [subscriber, conversation] = [last.subscriberId, last.conversationId];
      }
    }
    await this.seeBroadcasts();
    this.comparedAt = performance.now();
    if (this.ending || this.missed) return;
    await this.database.query(checkpointQuery, [this.name, generation, until]);
  }

  private async standing(): Promise<{ generation: number; checkpoint: Date }> {
    for (;;) {
      const [row] = await this.database.query<{ generation: number; checkpoint: Date }[]>(consumerQuery, [this.name]);
      if (row) return row;
      await this.database.query(addConsumerQuery, [this.name]);
    }
  }
}

function changeOf(row: ChangeRow & { seq: number }): Change {
  const { subscriberId, conversationId, seq, revision } = row;
  const place = { subscriberId, conversationId, seq, revision };
  if (row.withdrawn) return { ...place, state: 'withdrawn' };
  const { sender, authorId, clientId, sentAt, body, files } = row;
  return { ...place, state: 'stored', sender, authorId, clientId: clientId!, sentAt, body: body!, files };
}
