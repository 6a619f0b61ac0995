import { createHmac, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { type Config, CONFIG } from './config.js';
import { DomainError } from './problems/domain-error.js';

/** Limit of attempts in a period, as a slice defines it. */
export interface LimitKind {
  name: string;
  points: number | ((config: Config) => number);
  seconds: number;
  /** Set where the key is the id of a session or an account: it names nobody, and is counted with every message unhashed. */
  keyedById?: true;
}

/** Every limit that a slice defines. */
const limitKinds = new Map<string, LimitKind>();

/** @throws Error for a name that is taken */
export function defineLimit(name: string, options: Omit<LimitKind, 'name'>): LimitKind {
  if (limitKinds.has(name)) throw new Error(`two limits are called ${name}`);
  const kind = { name, ...options };
  limitKinds.set(name, kind);
  return kind;
}

/** Limits of one kind of request: for each session, and for each account over all its sessions. */
export interface SenderLimits {
  session: LimitKind;
  account: LimitKind;
}

const limitsByEvent = new Map<string, SenderLimits>();

/** Limits a socket event, which counts before it is read. The slice that handles the event calls this. */
export function limitEvent(event: string, limits: SenderLimits): SenderLimits {
  limitsByEvent.set(event, limits);
  return limits;
}

/** @throws Error for a limit that no slice defines */
export function limitNamed(name: string): LimitKind {
  const kind = limitKinds.get(name);
  if (!kind) throw new Error(`no slice defines the limit ${name}`);
  return kind;
}

/**
 * Counts attempts in memory. Keys are HMACs under a key of this process, or ids of sessions and accounts: no name or network
 * address is kept.
 */
@Injectable()
export class RateLimits {
  private readonly secret = randomBytes(32);
  private readonly limiters = new Map<string, RateLimiterMemory>();

  constructor(@Inject(CONFIG) config: Config) {
    for (const { name, points, seconds } of limitKinds.values()) {
      const most = typeof points === 'number' ? points : points(config);
      this.limiters.set(name, new RateLimiterMemory({ points: most, duration: seconds }));
    }
  }

  /** @throws DomainError `rate_limited` with the seconds to wait */
  async count(limit: LimitKind, ...key: string[]): Promise<void> {
    const limiter = this.limiterOf(limit);
    try {
      await limiter.consume(this.keyOf(limit, key));
    } catch (refusal) {
      if (refusal instanceof Error) throw refusal;
      throw tooMany(refusal as RateLimiterRes, limiter.duration);
    }
  }

  /**
   * Counts an event of a socket. An unknown event counts against the limits of the first known one.
   * @throws DomainError `rate_limited`
   */
  countEvent(event: string, sender: { sessionId: string; accountId: string }): Promise<void> {
    const [first] = limitsByEvent.values();
    const limits = limitsByEvent.get(event) ?? first;
    if (!limits) throw new Error('no event is limited');
    return this.countSender(limits, sender);
  }

  /** @throws DomainError `rate_limited` */
  async countSender(
    { session, account }: SenderLimits,
    { sessionId, accountId }: { sessionId: string; accountId: string },
  ): Promise<void> {
    await this.count(session, sessionId);
    await this.count(account, accountId);
  }

  /** Counts likewise, where an excess is dropped without an error. */
  async allows(limit: LimitKind, ...key: string[]): Promise<boolean> {
    try {
      await this.count(limit, ...key);
      return true;
    } catch (refusal) {
      if (refusal instanceof DomainError) return false;
      throw refusal;
    }
  }

  /** Takes back a count: of an attempt that was no failure. */
  async giveBack(limit: LimitKind, ...key: string[]): Promise<void> {
    await this.limiterOf(limit).reward(this.keyOf(limit, key));
  }

  async forget(limit: LimitKind, ...key: string[]): Promise<void> {
    await this.limiterOf(limit).delete(this.keyOf(limit, key));
  }

  private limiterOf(limit: LimitKind): RateLimiterMemory {
    return this.limiters.get(limit.name)!;
  }

  private keyOf(limit: LimitKind, key: string[]): string {
    return limit.keyedById ? key[0]! : this.hashed(key);
  }

  private hashed(key: string[]): string {
    return createHmac('sha256', this.secret).update(JSON.stringify(key)).digest('base64url');
  }
}

/** @param duration of the limit, in seconds */
function tooMany({ msBeforeNext }: RateLimiterRes, duration: number): DomainError {
  // The clock may have been set back since; counts are forgotten by a timer, which does not mind.
  const retryAfter = Math.min(duration, Math.max(1, Math.ceil(msBeforeNext / 1000)));
  return new DomainError('rate_limited', {
    detail: `Too many attempts. Try again in ${inWords(retryAfter)}.`,
    retryAfter,
  });
}

function inWords(seconds: number): string {
  return seconds < 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
}
