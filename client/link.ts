import type { Problem } from '../src/contract/errors.js';
import { Refused } from './api.js';
import { Observable } from './observable.js';
import type { Clock, Random, Socket } from './ports.js';
import { backOff, pause } from './waiting.js';

/** `catching-up`: connected, and what was missed is being loaded. `offline` comes five seconds after the loss. */
export type LinkState =
  | { readonly name: 'connecting' }
  | { readonly name: 'catching-up' }
  | { readonly name: 'live' }
  | { readonly name: 'offline'; readonly since: number }
  | { readonly name: 'signed-out' };

/** Work that a link has done when it is time. */
export interface LinkWork {
  /** Loads what changed since a time, everything without one; gives the time to begin with next time, once all is done. */
  catchUp(syncedAt: string | undefined): Promise<string>;
  /** The present time to synchronise from. */
  horizon(syncedAt: string): Promise<string>;
  /** True when nothing is missing to what was heard. */
  isComplete(): boolean;
  connected(): void;
  /** Nothing is missing any more of what came before this connection. */
  live(): void;
  lost(): void;
  signedOut(): void;
}

const second = 1_000;
const minute = 60 * second;
export const shownOfflineAfter = 5 * second;
/** Interval in which `syncedAt` moves on, and the time in which a lost connection may go unnoticed. */
export const movedOnEvery = 5 * minute;
const lossNoticedWithin = minute;

/** The connection, and what has to be done around it: after every connect a client catches up, first of all. */
export class Link {
  readonly state = new Observable<LinkState>(() => this.shown);
  private shown: LinkState = { name: 'connecting' };
  private syncedAt: string | undefined;
  /** Counts connections. */
  private connection = 0;
  /** The connection from whose start on everything is held. */
  private caughtUp = 0;
  private catching = false;
  private again = false;
  private refusals = 0;
  private lostAt: number | undefined;
  private ended = false;
  private waking: { timer: unknown } | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly work: LinkWork,
  ) {
    socket.on('connect', () => this.connected());
    socket.on('disconnect', (reason: string) => this.disconnected(reason));
    socket.on('connect_error', (error: Error & { data?: Partial<Problem> }) => this.refused(error.data));
  }

  /** True when nothing that was told on this connection has been missed. */
  get isTrusted(): boolean {
    return this.socket.connected && this.caughtUp === this.connection;
  }

  /** The time to synchronise from: all that has changed before it is held. Undefined before the first load. */
  get heldSince(): string | undefined {
    return this.syncedAt;
  }

  /** @param heldSince when what is held was kept by an earlier page */
  start(heldSince?: string): void {
    this.syncedAt = heldSince;
    this.lostAt = this.clock.now();
    this.offlineLater();
    this.socket.connect();
    this.moveOnLater();
  }

  stop(): void {
    this.ended = true;
    this.socket.disconnect();
  }

  /** The session has ended: nothing more is asked or heard. */
  signOut(): void {
    if (this.ended) return;
    this.stop();
    this.show({ name: 'signed-out' });
    this.work.signedOut();
  }

  /**
   * The device has woken up, or its network is back: looks for what was missed, or connects at once.
   * @param slept for longer than the service waits for a sign of life: the connection only seems to be there, and is made anew
   */
  poke(slept = false): void {
    if (this.ended) return;
    if (slept && this.socket.connected) {
      this.socket.disconnect();
      return void this.socket.connect();
    }
    if (this.socket.connected) return void this.catchUp();
    if (this.waking) this.connectNow();
  }

  /** Catches up, or has it done once more when it is under way. */
  refresh(): void {
    if (this.socket.connected) void this.catchUp();
  }

  private connected(): void {
    this.connection++;
    this.refusals = 0;
    this.lostAt = undefined;
    this.work.connected();
    void this.catchUp();
  }

  private disconnected(reason: string): void {
    this.lostAt = this.clock.now();
    this.work.lost();
    if (this.ended) return;
    this.show({ name: 'connecting' });
    this.offlineLater();
    // The library does so by itself after every other reason.
    if (reason === 'io server disconnect') this.connectLater(backOff(1, this.random));
  }

  private refused(problem: Partial<Problem> | undefined): void {
    if (problem?.code === 'unauthenticated') return this.signOut();
    if (this.ended || this.socket.active) return;
    this.refusals++;
    const wait = (problem?.retryAfter ?? 0) * second;
    this.connectLater(Math.max(wait, backOff(this.refusals, this.random)));
  }

  private connectLater(milliseconds: number): void {
    if (this.waking) return;
    this.waking = { timer: this.clock.setTimeout(() => this.connectNow(), milliseconds) };
  }

  /** Connects where the library does not: a second admission on one connection would end it. */
  private connectNow(): void {
    this.clock.clearTimeout(this.waking?.timer);
    this.waking = undefined;
    if (!this.ended && !this.socket.active) this.socket.connect();
  }

  private offlineLater(): void {
    const since = this.lostAt!;
    const show = () => {
      if (this.lostAt === since && !this.ended) this.show({ name: 'offline', since });
    };
    this.clock.setTimeout(show, shownOfflineAfter);
  }

  /** Never twice at once: what is asked for meanwhile is done afterwards, for it has to begin after that. */
  private async catchUp(): Promise<void> {
    this.again = true;
    if (this.catching) return;
    this.catching = true;
    let failures = 0;
    while (this.again && this.socket.connected && !this.ended) {
      this.again = false;
      const { connection } = this;
      if (!this.isTrusted) this.show({ name: 'catching-up' });
      try {
        this.syncedAt = await this.work.catchUp(this.syncedAt);
        failures = 0;
        this.caughtUp = connection;
        if (!this.isTrusted) continue;
        this.show({ name: 'live' });
        this.work.live();
      } catch (error) {
        this.again = true;
        if (error instanceof Refused && error.problem.code === 'unauthenticated') this.signOut();
        else if (this.connection === connection && this.socket.connected)
          await pause(this.clock, backOff(++failures, this.random));
      }
    }
    this.catching = false;
  }

  private moveOnLater(): void {
    this.clock.setTimeout(() => void this.moveOn(), movedOnEvery);
  }

  /**
   * Moves the time to begin with on, as far as everything before was told on this connection: one that is lost is noticed
   * within 45 seconds.
   */
  private async moveOn(): Promise<void> {
    if (this.ended) return;
    this.moveOnLater();
    const { connection, syncedAt } = this;
    if (!this.isTrusted || syncedAt === undefined) return;
    const horizon = await this.work.horizon(syncedAt).catch(() => undefined);
    if (horizon === undefined) return;
    await pause(this.clock, lossNoticedWithin);
    const isSame = this.connection === connection && this.isTrusted;
    if (isSame && this.syncedAt === syncedAt && this.work.isComplete()) this.syncedAt = horizon;
  }

  private show(state: LinkState): void {
    if (this.ended && state.name !== 'signed-out') return;
    this.shown = state;
    this.state.changed();
  }
}
