import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Accounts } from '../auth/accounts.service.js';
import type { MemberPrincipal } from '../auth/principal.js';
import type { Locale } from '../contract/common.js';
import { limits } from '../contract/limits.js';
import { type Config, CONFIG } from '../platform/config.js';
import { defineMail } from '../platform/mail/mail-kinds.js';
import { Outbox } from '../platform/mail/outbox.js';
import { DomainError } from '../platform/problems/domain-error.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import type { Subscriber } from '../subscribers/subscriber.entity.js';
import { memberKey } from './member-seals.js';

const memberInvitation = defineMail('member_invitation', 'invitation', { priority: 'bulk' });

/** Mails that invite members, of a subscriber. */
const invitationMails = defineLimit('memberInvitation', {
  points: limits.memberInvitationMailsPerDay,
  seconds: 24 * 60 * 60,
});

interface InvitationMail {
  /** Id of the invited member. */
  id: string;
  email: string;
  url: string;
  locale: Locale | undefined;
  expiresAt: Date;
}

/** Mails with the links that invite members. */
@Injectable()
export class MemberInvitationMails {
  private readonly address: string;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly accounts: Accounts,
    private readonly outbox: Outbox,
    private readonly rateLimits: RateLimits,
  ) {
    this.address = `${config.publicUrl.origin}/members/`;
  }

  link(code: string): string {
    return this.address + code;
  }

  /** True once the owner's own address is verified: a business sends no mail before. */
  maySend({ accountId }: MemberPrincipal, { email }: Subscriber): Promise<boolean> {
    return this.accounts.hasVerified(accountId, email);
  }

  /** @throws DomainError `rate_limited`, with which the invitation is not made */
  async post(manager: EntityManager, subscriber: Subscriber, mail: InvitationMail): Promise<void> {
    await this.count(subscriber.id);
    await this.outbox.post(manager, {
      key: memberKey(subscriber.id),
      about: mail.id,
      to: mail.email,
      locale: mail.locale ?? subscriber.locale,
      mail: memberInvitation,
      values: { businessName: subscriber.businessName, url: mail.url },
      notAfter: mail.expiresAt,
    });
  }

  private async count(subscriberId: string): Promise<void> {
    try {
      await this.rateLimits.count(invitationMails, subscriberId);
    } catch (error) {
      if (!(error instanceof DomainError) || error.data.retryAfter === undefined) throw error;
      const { retryAfter } = error.data;
      const hours = Math.ceil(retryAfter / 3600);
      const detail = `You can send at most ${limits.memberInvitationMailsPerDay} invitations to members in 24 hours. Try again in ${hours === 1 ? 'an hour' : `${hours} hours`}.`;
      throw new DomainError('rate_limited', { detail, retryAfter });
    }
  }
}
