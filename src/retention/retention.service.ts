import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Actions } from '../actions/actions.service.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { limits } from '../contract/limits.js';
import { Expiries } from '../conversations/expiries.service.js';
import { DomainError } from '../platform/problems/domain-error.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { Profiles } from '../profiles/profiles.service.js';
import { isNameOf } from '../subscribers/business.js';
import { retentionOf } from '../subscribers/subscriber-view.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import type { RetentionConfirmation, RetentionPreview, RetentionSetting, SetRetention } from './retention.dto.js';
import { lastRunsQuery, type RunViewRow, termQuery } from './retention.queries.js';

/** A preview counts messages one by one. */
const previewed = defineLimit('retentionPreview', { points: 120, seconds: 60 * 60, keyedById: true });

const runsShown = 12;

/** The time for which a business keeps messages, which its owner sets. */
@Injectable()
export class Retention {
  constructor(
    private readonly actions: Actions,
    private readonly database: DataSource,
    private readonly expiries: Expiries,
    private readonly profiles: Profiles,
    private readonly rateLimits: RateLimits,
    private readonly subscribers: Subscribers,
  ) {}

  async get({ subscriberId }: MemberPrincipal): Promise<RetentionSetting> {
    const retention = retentionOf(await this.subscribers.get(subscriberId));
    const runs = await this.database.query<RunViewRow[]>(lastRunsQuery, [subscriberId, runsShown]);
    return {
      retention,
      runs: runs.map(({ before, startedAt, finishedAt, ...run }) => ({
        ...run,
        before: before.toISOString(),
        startedAt: startedAt.toISOString(),
        finishedAt: finishedAt?.toISOString() ?? null,
      })),
    };
  }

  /** @throws DomainError `rate_limited` */
  async preview({ subscriberId, accountId }: MemberPrincipal, months: number): Promise<RetentionPreview> {
    await this.rateLimits.count(previewed, accountId);
    const [{ from, before }] = await this.database.query<[{ from: Date; before: Date }]>(termQuery, [
      new Date(),
      limits.retentionNoticeDays,
      months,
    ]);
    const old = await this.expiries.countOld(subscriberId, before);
    return { months, from: from.toISOString(), before: before.toISOString(), ...old };
  }

  /**
   * Sets the number of months for which messages are kept. A shorter time than before must be confirmed and takes effect some
   * days later, so that both parties learn of it; a longer one takes effect at once.
   * @throws DomainError `confirmation_wrong`, `rate_limited`
   */
  async set(owner: MemberPrincipal, { months, confirmation }: SetRetention): Promise<RetentionSetting> {
    const { subscriberId } = owner;
    const preview = months === null ? undefined : await this.preview(owner, months);
    const changed = await this.profiles.commitOfSubscriber(subscriberId, async (manager) => {
      await this.subscribers.lock(manager, subscriberId);
      const before = await this.subscribers.getWithin(manager, subscriberId);
      if (before.retentionMonths === months) return false;
      if (!preview) await this.subscribers.retain(manager, subscriberId, null);
      else {
        const shorter = before.retentionMonths === null || preview.months < before.retentionMonths;
        if (shorter) requireConfirmed(confirmation, preview, before.businessName);
        const from = shorter ? new Date(preview.from) : before.retentionFrom!;
        await this.subscribers.retain(manager, subscriberId, { months: preview.months, from });
      }
      await this.actions.record(manager, owner, 'retention.changed');
      return true;
    });
    if (changed) await this.profiles.tellOfSubscriber(subscriberId);
    return this.get(owner);
  }
}

const inEnglish = (count: number) => (count === 1 ? '1 message' : `${count.toLocaleString('en')} messages`);

/** @throws DomainError `confirmation_wrong` when the number or the name is missing, or is not that of what would be deleted */
function requireConfirmed(
  confirmation: RetentionConfirmation | undefined,
  { messages }: RetentionPreview,
  businessName: string,
): void {
  if (confirmation?.messages === messages && isNameOf(confirmation.businessName, businessName)) return;
  throw new DomainError('confirmation_wrong', {
    detail: `Nothing was changed. This would delete ${inEnglish(messages)} of "${businessName}" for good: to go ahead, confirm with exactly this number and this name.`,
  });
}
