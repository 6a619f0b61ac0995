import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Principal } from '../auth/principal.js';
import { limits } from '../contract/limits.js';
import type { PushTest } from '../contract/push.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { HandOvers } from './hand-overs.service.js';
import { type Reachable, reachableQuery } from './push.queries.js';

const tested = defineLimit('pushTestsBySession', {
  points: limits.pushTestsPerTenMinutes,
  seconds: 10 * 60,
  keyedById: true,
});

@Injectable()
export class PushTests {
  constructor(
    private readonly database: DataSource,
    private readonly handOvers: HandOvers,
    private readonly rateLimits: RateLimits,
  ) {}

  /**
   * Pushes a test notification to the device of this session, also in quiet hours: it has been asked for.
   * @throws NotFound when it gets none
   */
  async push({ sessionId }: Principal): Promise<PushTest> {
    await this.rateLimits.count(tested, sessionId);
    const outcome = await this.handOvers.push(
      sessionId,
      async () => (await this.database.query<Reachable[]>(reachableQuery, [sessionId]))[0],
      ({ locale }) => ({ payload: { kind: 'test', locale }, urgency: 'high', topic: 'test' }),
    );
    if (outcome === 'absent') throw new NotFound();
    if (outcome === 'handed over') return { outcome: 'handed_over' };
    return { outcome: outcome === 'gone' ? 'gone' : 'failed' };
  }
}
