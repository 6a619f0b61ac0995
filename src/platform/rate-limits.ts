import { createHmac, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { limits } from '../contract/limits.js';
import { type Config, CONFIG } from './config.js';
import { DomainError } from './problems/domain-error.js';

export type Limit =
  | 'message'
  | 'accountMessage'
  | 'receipt'
  | 'accountReceipt'
  | 'unknownToken'
  | 'consent'
  | 'signInByNameAndAddress'
  | 'signInByName'
  | 'signInByAddress'
  | 'import'
  | 'join'
  | 'lookUp'
  | 'verificationMail'
  | 'verificationByAddress'
  | 'verificationAskedByAddress'
  | 'verificationAskedByAddressAndNetwork'
  | 'memberInvitation'
  | 'resetByAddress'
  | 'resetByName'
  | 'passwordChange';

/** An account may send as much as so many of its devices together, however many it has. */
const devicesAtOnce = 2;

/** Mails that anybody can have sent to one account. */
const mailsPerHour = 5;

const countedOften: ReadonlySet<Limit> = new Set(['message', 'accountMessage', 'receipt', 'accountReceipt']);

/**
 * Counts attempts in memory. Keys are HMACs under a key of this process, or ids of sessions and accounts: no name or network
 * address is kept.
 */
@Injectable()
export class RateLimits {
  private readonly secret = randomBytes(32);
  private readonly limiters: Record<Limit, RateLimiterMemory>;

  constructor(@Inject(CONFIG) config: Config) {
    const signIns = config.signInsPerQuarterHour;
    const limiter = (points: number, duration: number) => new RateLimiterMemory({ points, duration });
    this.limiters = {
      message: limiter(config.messagesPerMinute, 60),
      accountMessage: limiter(config.messagesPerMinute * devicesAtOnce, 60),
      receipt: limiter(config.messagesPerMinute * 10, 60),
      accountReceipt: limiter(config.messagesPerMinute * 10 * devicesAtOnce, 60),
      unknownToken: limiter(limits.unknownTokensPerMinute, 60),
      consent: limiter(60, 60 * 60),
      signInByNameAndAddress: limiter(signIns, 15 * 60),
      signInByName: limiter(signIns * 5, 15 * 60),
      signInByAddress: limiter(signIns * 10, 15 * 60),
      import: limiter(limits.importsPerHour, 60 * 60),
      join: limiter(config.joinsPerHour, 60 * 60),
      lookUp: limiter(config.joinsPerHour * 10, 60 * 60),
      verificationMail: limiter(limits.verificationMailsPerHour, 60 * 60),
      verificationByAddress: limiter(limits.verificationMailsToAddress, 60 * 60),
      verificationAskedByAddress: limiter(limits.verificationMailsAskedToAddress, 60 * 60),
      verificationAskedByAddressAndNetwork: limiter(limits.verificationMailsAskedToAddress / 2, 60 * 60),
      memberInvitation: limiter(limits.memberInvitationMailsPerDay, 24 * 60 * 60),
      resetByAddress: limiter(signIns * 10, 15 * 60),
      resetByName: limiter(mailsPerHour, 60 * 60),
      passwordChange: limiter(signIns, 15 * 60),
    };
  }

  /** @throws DomainError `rate_limited` with the seconds to wait */
  async count(limit: Limit, ...key: string[]): Promise<void> {
    try {
      await this.limiters[limit].consume(this.keyOf(limit, key));
    } catch (refusal) {
      if (refusal instanceof Error) throw refusal;
      throw tooMany(refusal as RateLimiterRes, this.limiters[limit].duration);
    }
  }

  /**
   * Refuses what would be one too many, without counting anything.
   * @throws DomainError `rate_limited` with the seconds to wait
   */
  async requireRoom(limit: Limit, ...key: string[]): Promise<void> {
    const limiter = this.limiters[limit];
    const counted = await limiter.get(this.keyOf(limit, key));
    if (counted && counted.consumedPoints >= limiter.points) throw tooMany(counted, limiter.duration);
  }

  /** Counts too, for what is passed over in silence when there was too much of it. */
  async allows(limit: Limit, ...key: string[]): Promise<boolean> {
    try {
      await this.count(limit, ...key);
      return true;
    } catch (refusal) {
      if (refusal instanceof DomainError) return false;
      throw refusal;
    }
  }

  /** Takes back a count: of an attempt that was no failure. */
  async giveBack(limit: Limit, ...key: string[]): Promise<void> {
    await this.limiters[limit].reward(this.keyOf(limit, key));
  }

  async forget(limit: Limit, ...key: string[]): Promise<void> {
    await this.limiters[limit].delete(this.keyOf(limit, key));
  }

  /** The id of a session or an account names nobody, and is counted with every message. */
  private keyOf(limit: Limit, key: string[]): string {
    return countedOften.has(limit) ? key[0]! : this.hashed(key);
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
