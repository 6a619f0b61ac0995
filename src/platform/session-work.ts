import { Injectable } from '@nestjs/common';
import { BoundedCache } from './bounded-cache.js';

/** A request of a session. */
interface Work {
  /** Resolves when it can no longer store anything. */
  done: Promise<void>;
  finish: () => void;
  cut: () => void;
}

/** Work in progress: call `finished` when it has been handled, and `left` when its answer has been sent or never will be. */
export interface BegunWork {
  finished: () => void;
  left: () => void;
}

/** Maximum time that the end of a session waits for its requests; statements are cut sooner. */
const patienceMilliseconds = 60_000;

/**
 * Tracks each session's work in progress, so that nothing of it is stored or handed over once the end of the session has been
 * answered.
 */
@Injectable()
export class SessionWork {
  /** Recently ended sessions: work authenticated just before the end, but not started yet, is refused. */
  private readonly ended = new BoundedCache<string, true>(100_000, { ttl: 5 * 60 * 1000 });
  private readonly underWay = new Map<string, Set<Work>>();
  private readonly works = new WeakMap<object, Work>();

  hasEnded(sessionId: string): boolean {
    return this.ended.has(sessionId);
  }

  /**
   * Registers work of a session.
   * @param cut drops the unsent part of its answer when the session ends
   * @param asked identifies the work if it ends sessions itself: see {@link end}
   * @returns undefined if the session has ended, so that no work may start
   */
  begin(sessionId: string, cut: () => void, asked?: object): BegunWork | undefined {
    if (this.ended.has(sessionId)) return undefined;
    let finish!: () => void;
    const done = new Promise<void>((resolve) => (finish = resolve));
    const work = { done, finish, cut };
    const works = this.underWay.get(sessionId) ?? new Set();
    this.underWay.set(sessionId, works.add(work));
    if (asked) this.works.set(asked, work);
    let parts = 2;
    const over = () => {
      parts--;
      if (parts > 0) return;
      works.delete(work);
      if (works.size === 0 && this.underWay.get(sessionId) === works) this.underWay.delete(sessionId);
    };
    const finished = () => {
      finish();
      over();
    };
    return { finished, left: over };
  }

  /**
   * Refuses new work of a session, cuts its answers, and waits for the rest.
   * @param by the work that ends it, if it was begun as `asked`: it is no longer waited for, because two sessions that end each
   *   other would wait for each other
   */
  async end(sessionId: string, by: object | undefined): Promise<void> {
    this.ended.set(sessionId, true);
    const ending = by && this.works.get(by);
    ending?.finish();
    const works = [...(this.underWay.get(sessionId) ?? [])].filter((work) => work !== ending);
    if (works.length === 0) return;
    for (const work of works) work.cut();
    let patience: NodeJS.Timeout | undefined;
    const tired = new Promise<void>((resolve) => (patience = setTimeout(resolve, patienceMilliseconds)));
    await Promise.race([Promise.all(works.map(({ done }) => done)), tired]);
    clearTimeout(patience);
  }
}
