import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Actions } from '../actions/actions.service.js';
import { isMember, type Principal } from '../auth/principal.js';
import type { Restriction } from '../contract/events.js';
import { Conversations } from '../conversations/conversations.service.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { UnknownOutcomes } from '../platform/realtime/unknown-outcomes.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { mailOfRestriction } from './notices.service.js';
import { RightsRequests } from './requests.service.js';

const restricted = defineLimit('restriction', { points: 600, seconds: 60 * 60, keyedById: true });

/** Conversations that a party has frozen (Art. 18 GDPR): kept and read, but nothing is sent in them. */
@Injectable()
export class Restrictions {
  constructor(
    private readonly actions: Actions,
    private readonly conversations: Conversations,
    private readonly database: DataSource,
    private readonly jobs: Jobs,
    private readonly rateLimits: RateLimits,
    private readonly realtime: Realtime,
    private readonly requests: RightsRequests,
    private readonly unknownOutcomes: UnknownOutcomes,
  ) {}

  /**
   * Restricts a conversation for the principal's party, or lifts that party's restriction; the other party's is independent.
   * @returns the restrictions in force
   * @throws NotFound, DomainError `rate_limited`
   */
  async set(principal: Principal, conversationId: string, wanted: boolean): Promise<Restriction[]> {
    const own = await this.conversations.access(principal, conversationId);
    await this.rateLimits.count(restricted, principal.accountId);
    const { subscriberId } = own;
    const both = Object.values(own.rooms);
    const changed = await this.unknownOutcomes.guard(
      () => both,
      () =>
        this.database.transaction(async (manager) => {
          const outcome = await this.conversations.restrict(manager, own, wanted);
          if (!outcome) return undefined;
          const contact = { subscriberId, contactId: conversationId };
          let requestId: string | undefined;
          if (isMember(principal)) {
            const kind = wanted ? 'conversation.restricted' : 'conversation.unrestricted';
            await this.actions.record(manager, principal, kind, conversationId);
            await this.jobs.add(manager, mailOfRestriction, { ...contact, what: wanted ? 'set' : 'lifted' });
          } else if (wanted) {
            const request = { ...contact, kind: 'restriction' } as const;
            requestId = await this.requests.record(manager, request, { fulfilled: true });
            await this.jobs.add(manager, mailOfRestriction, { ...contact, what: 'asked' });
          }
          return { ...outcome, requestId };
        }),
    );
    if (!changed) return (await this.conversations.head(principal, conversationId)).restrictions;
    const { restrictions, deletion, changedAt, requestId } = changed;
    this.realtime.tell(both, 'restriction.changed', {
      conversationId,
      restrictions,
      deletion,
      changedAt: changedAt.toISOString(),
    });
    if (requestId) await this.requests.tell(subscriberId, requestId);
    return restrictions;
  }
}
