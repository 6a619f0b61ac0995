import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';

/** Something a session has asked for. */
interface Work {
  /** Resolves when it can no longer store anything. */
  done: Promise<void>;
  finish: () => void;
  cut: () => void;
}

/** Work that has begun: call `finished` when it has been dealt with, `left` when its answer has left or never will. */
export interface BegunWork {
  finished: () => void;
  left: () => void;
}

/** Longest time that the end of a session waits for what the session has asked for; statements are cut sooner. */
const patienceMilliseconds = 60_000;

/**
 * Tracks each session's work in progress, so that nothing of it is stored or handed over once the end of the session has been
 * answered.
 */
@Injectable()
export class SessionWork {
  /** Sessions that ended recently: work that was authenticated just before, and has not begun yet, is refused by them. */
  private readonly ended = new LRUCache<string, true>({ max: 100_000, ttl: 5 * 60 * 1000 });
  private readonly underWay = new Map<string, Set<Work>>();
  private readonly works = new WeakMap<object, Work>();

  hasEnded(sessionId: string): boolean {
    return this.ended.has(sessionId);
  }

  /**
   * Notes that a session has begun something.
   * @param cut takes back what of its answer has not been handed over when the session ends
   * @param asked stands for it when it ends sessions itself: see {@link end}
   * @returns undefined when the session has ended: nothing may begin
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
