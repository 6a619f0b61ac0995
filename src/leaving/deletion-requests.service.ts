import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { InterlocutorPrincipal } from '../auth/principal.js';
import { Consents } from '../consents/consents.service.js';
import { limits } from '../contract/limits.js';
import { Conversations } from '../conversations/conversations.service.js';
import { Erasures } from '../erasures/erasures.service.js';
import { type Config, CONFIG } from '../platform/config.js';
import { dayMilliseconds } from '../platform/durations.js';
import { inTurns } from '../platform/jobs/in-turns.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { Log } from '../platform/log.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { RightsRequests } from '../rights/requests.service.js';
import type { ListRequests, RequestList, RequestView } from '../rights/rights.dto.js';
import type { NewDeletionRequest } from './leaving.dto.js';

/** Carries out requests whose time is over, and what a crash has left. */
const carryOutDeletions = defineJob('deletion.carry_out', { cron: '* * * * *', expireInSeconds: 600 });

const asked = defineLimit('deletionRequest', {
  points: limits.requestsPerDay,
  seconds: 24 * 60 * 60,
  keyedById: true,
});

const carriedOutAtOnce = 200;

interface ContactId {
  subscriberId: string;
  contactId: string;
}

/** Requests of people to be deleted by a business (Art. 17 GDPR): the conversation is frozen until they are closed. */
@Injectable()
export class DeletionRequests {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly consents: Consents,
    private readonly conversations: Conversations,
    private readonly database: DataSource,
    private readonly erasures: Erasures,
    private readonly jobs: Jobs,
    private readonly log: Log,
    private readonly rateLimits: RateLimits,
    private readonly requests: RightsRequests,
  ) {
    requests.carryOutErasuresBy((contact, { memberId }) => erasures.eraseAtRequest(contact, memberId));
    jobs.handle(carryOutDeletions, () => this.carryOut());
  }

  /**
   * Asks one business, or all of them, to delete what they hold of the person. Asking again changes nothing.
   * @returns the requests that are open, and whether one of them is new
   * @throws NotFound, DomainError `rate_limited`
   */
  async ask(
    principal: InterlocutorPrincipal,
    { contactId, words }: NewDeletionRequest,
  ): Promise<{ items: RequestView[]; made: boolean }> {
    await this.rateLimits.count(asked, principal.accountId);
    if (contactId !== undefined) {
      const { subscriberId } = await this.conversations.access(principal, contactId);
      const { view, made } = await this.askOne(principal, { subscriberId, contactId }, words);
      return { items: [view], made };
    }
    const contacts = await this.database.query<ContactId[]>(
      'SELECT subscriber_id AS "subscriberId", id AS "contactId" FROM contact WHERE interlocutor_id = $1 ORDER BY id',
      [principal.interlocutorId],
    );
    const requests: { view: RequestView; made: boolean }[] = [];
    for (const contact of contacts) {
      try {
        requests.push(await this.askOne(principal, contact, words));
      } catch (error) {
        // A business has erased it in the same moment.
        if (!(error instanceof NotFound)) throw error;
      }
    }
    return { items: requests.map(({ view }) => view), made: requests.some(({ made }) => made) };
  }

  list(principal: InterlocutorPrincipal, ask: ListRequests): Promise<RequestList> {
    return this.requests.list(principal, ask, 'erasure');
  }

  /** @throws NotFound, RequestClosed */
  async takeBack(principal: InterlocutorPrincipal, id: string): Promise<void> {
    const { kind } = await this.requests.get(principal, id);
    if (kind !== 'erasure') throw new NotFound();
    await this.requests.takeBack(principal, id);
  }

  /** Carries out requests that nobody has answered in time. One that is taken back in the same moment is not. */
  async carryOut(now = new Date()): Promise<void> {
    await this.requests.decideUnanswered(now, carriedOutAtOnce);
    // The row goes with the contact: one that is there is still to be carried out.
    const decided = await this.database.query<ContactId[]>(
      `SELECT subscriber_id AS "subscriberId", contact_id AS "contactId" FROM rights_request
       WHERE kind = 'erasure' AND state = 'fulfilled' ORDER BY closed_at LIMIT $1`,
      [carriedOutAtOnce],
    );
    await inTurns(
      decided,
      async (contact) => {
        await this.erasures.eraseAtRequest(contact);
        return false;
      },
      { log: this.log, then: () => Promise.resolve() },
    );
    if (decided.length === carriedOutAtOnce)
      await this.database.transaction((manager) => this.jobs.add(manager, carryOutDeletions, {}));
  }

  private async askOne(
    principal: InterlocutorPrincipal,
    { subscriberId, contactId }: ContactId,
    words: string | undefined,
  ): Promise<{ view: RequestView; made: boolean }> {
    const days = this.config.deletionDays;
    const made = await this.requests.commit({ subscriberId, contactId }, async (manager) => {
      const dueAt = new Date(Date.now() + days * dayMilliseconds);
      const changed = await this.conversations.freezeForDeletion(manager, { subscriberId, id: contactId }, dueAt);
      if (!changed) return undefined;
      const draft = { subscriberId, contactId, kind: 'erasure', words } as const;
      return { changed, id: await this.requests.record(manager, draft, { dueAt }) };
    });
    if (made) {
      await this.requests.tellOfFreeze({ subscriberId, contactId }, made.changed);
      await this.requests.tell(subscriberId, made.id);
    }
    // Somebody who wants to be forgotten wants no promotions: taking the request back brings them not back.
    await this.consents.objectToPromotions(principal, contactId, () => Promise.resolve());
    const id = made?.id ?? (await this.requests.openErasure(subscriberId, contactId));
    if (id === undefined) throw new NotFound();
    return { view: await this.requests.get(principal, id), made: made !== undefined };
  }
}
