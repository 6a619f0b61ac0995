import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Actions } from '../actions/actions.service.js';
import { Accounts } from '../auth/accounts.service.js';
import { lookUps } from '../auth/joining-limits.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { Consents } from '../consents/consents.service.js';
import type { ErrorCode } from '../contract/errors.js';
import { limits } from '../contract/limits.js';
import { type Config, CONFIG } from '../platform/config.js';
import { dayMilliseconds } from '../platform/durations.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { defineMail } from '../platform/mail/mail-kinds.js';
import { Outbox } from '../platform/mail/outbox.js';
import { DomainError, NotFound } from '../platform/problems/domain-error.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { sameMailbox } from '../platform/validation/email-addresses.js';
import { Vault } from '../platform/vault/vault.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { memberKey, openOfMember, sealOfMember } from './member-seals.js';
import { type MemberState, stateOf } from './member-state.js';
import { Member } from './member.entity.js';
import type { InvitedMember, NewMember } from './members.dto.js';
import { Members } from './members.service.js';

const codeBytes = 16;

const purgeInvitations = defineJob('members.purge', { cron: '29 * * * *' });

const memberInvitation = defineMail('member_invitation', 'invitation', { priority: 'bulk' });

/** Mails that invite members, of a subscriber. */
const invitationMails = defineLimit('memberInvitation', {
  points: limits.memberInvitationMailsPerDay,
  seconds: 24 * 60 * 60,
});

/** Invitations to act for a subscriber. */
@Injectable()
export class MemberInvitations {
  private readonly address: string;

  constructor(
    @InjectRepository(Member) private readonly invited: Repository<Member>,
    @Inject(CONFIG) config: Config,
    private readonly accounts: Accounts,
    private readonly actions: Actions,
    private readonly consents: Consents,
    jobs: Jobs,
    private readonly rateLimits: RateLimits,
    private readonly members: Members,
    private readonly outbox: Outbox,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {
    this.address = `${config.publicUrl.origin}/members/`;
    jobs.handle(purgeInvitations, () => this.purge());
  }

  /**
   * Invites somebody to act for the subscriber. The link goes out by mail once the owner's own address is verified;
   * before, the owner hands it over.
   * @throws ConsentRequired, DomainError `members_limit`, `already_a_member`, `rate_limited`
   */
  async invite(owner: MemberPrincipal, { email, displayName, locale }: NewMember): Promise<InvitedMember> {
    const { subscriberId } = owner;
    const subscriber = await this.subscribers.get(subscriberId);
    this.consents.requireOfSubscriber(subscriber);
    const id = uuid();
    const code = randomBytes(codeBytes).toString('base64url');
    const url = this.address + code;
    const key = memberKey(subscriberId);
    const createdAt = new Date();
    const expiresAt = new Date(createdAt.getTime() + limits.memberInvitationDays * dayMilliseconds);
    const invited: Member = {
      subscriberId,
      id,
      accountId: null,
      role: 'staff',
      displayName:
        displayName === undefined
          ? null
          : await sealOfMember(this.vault, { subscriberId, id }, 'display_name', displayName),
      email: await sealOfMember(this.vault, { subscriberId, id }, 'email', email),
      codeHash: this.codeHash(code),
      expiresAt,
      createdAt,
      joinedAt: null,
      removedAt: null,
    };
    const mailed = await this.accounts.hasVerified(owner.accountId, subscriber.email);
    await this.invited.manager.transaction(async (manager) => {
      await this.requirePlaceFor(manager, subscriberId, email);
      await manager.insert(Member, invited);
      await this.actions.record(manager, owner, 'member.invited', id);
      if (!mailed) return;
      await this.countMail(subscriberId);
      await this.outbox.post(manager, {
        key,
        about: id,
        to: email,
        locale: locale ?? subscriber.locale,
        mail: memberInvitation,
        values: { businessName: subscriber.businessName, url },
        notAfter: expiresAt,
      });
    });
    return { id, url, expiresAt: expiresAt.toISOString(), mail: mailed ? 'sent_soon' : 'none' };
  }

  /** @throws NotFound for a code that never was one, DomainError `invitation_…` for one that does not hold any more */
  async invitedBy(code: string, network: string): Promise<Member> {
    await this.rateLimits.count(lookUps, network);
    const member = await this.invited.findOneBy({ codeHash: this.codeHash(code) });
    if (!member) throw new NotFound();
    requireInvited(member);
    return member;
  }

  /** Counted and compared under a lock. The addresses are sealed; of fifty at most each can be opened. */
  private async requirePlaceFor(manager: EntityManager, subscriberId: string, email: string): Promise<void> {
    await this.subscribers.lock(manager, subscriberId);
    const present = await this.members.present(manager, subscriberId);
    if (present.length >= limits.membersMax) throw new DomainError('members_limit', { detail: membersLimit });
    for (const member of present) {
      const known = await openOfMember(this.vault, member, 'email');
      if (known !== null && sameMailbox(known, email)) {
        throw new DomainError('already_a_member', { detail: alreadyAMember });
      }
    }
  }

  /** @throws DomainError `rate_limited`, with which the invitation is not made */
  private async countMail(subscriberId: string): Promise<void> {
    try {
      await this.rateLimits.count(invitationMails, subscriberId);
    } catch (error) {
      if (!(error instanceof DomainError) || error.data.retryAfter === undefined) throw error;
      const { retryAfter } = error.data;
      const hours = Math.ceil(retryAfter / 3600);
      const detail = `You can send at most ${limits.memberInvitationMailsPerDay} mails that invite members in 24 hours. Try again in ${hours === 1 ? 'an hour' : `${hours} hours`}.`;
      throw new DomainError('rate_limited', { detail, retryAfter });
    }
  }

  /** @returns what is stored of a code */
  codeHash(code: string): Buffer {
    return this.vault.lookupHash('member_invitation', code);
  }

  /** Deletes names and addresses of invited members who did not join in time. */
  private async purge(): Promise<void> {
    await this.invited.query(
      `UPDATE member SET email = NULL, display_name = NULL
       WHERE joined_at IS NULL AND email IS NOT NULL AND expires_at <= $1`,
      [new Date()],
    );
  }
}

const alreadyAMember =
  'A member or an invited member already has this address. To send a new invitation, revoke the old one first.';

const membersLimit = `A business can have at most ${limits.membersMax} members, including those invited. Remove one first.`;

const used = {
  code: 'invitation_used',
  detail: 'This invitation has been used. Sign in if it was you, or ask the business for a new one.',
} as const;
const refusals: Record<Exclude<MemberState, 'invited'>, { code: ErrorCode; detail: string }> = {
  active: used,
  removed: used,
  revoked: {
    code: 'invitation_revoked',
    detail: 'The business has revoked this invitation. Ask it for a new one.',
  },
  expired: { code: 'invitation_expired', detail: 'This invitation has expired. Ask the business for a new one.' },
};

/** @throws DomainError that says why the invitation is no longer valid */
export function requireInvited(member: Member): void {
  const state = stateOf(member);
  if (state !== 'invited') throw new DomainError(refusals[state].code, { detail: refusals[state].detail });
}
