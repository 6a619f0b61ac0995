import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { lookUps } from '../auth/joining-limits.js';
import type { ErrorCode } from '../contract/errors.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { DomainError, NotFound } from '../platform/problems/domain-error.js';
import { RateLimits } from '../platform/rate-limits.js';
import { Vault } from '../platform/vault/vault.js';
import { type MemberState, stateOf } from './member-state.js';
import { Member } from './member.entity.js';

const purgeInvitations = defineJob('members.purge', { cron: '29 * * * *' });

/** People invited to act for a subscriber, found by the code of their link. */
@Injectable()
export class InvitedMembers {
  constructor(
    @InjectRepository(Member) private readonly invited: Repository<Member>,
    jobs: Jobs,
    private readonly rateLimits: RateLimits,
    private readonly vault: Vault,
  ) {
    jobs.handle(purgeInvitations, () => this.purge());
  }

  /** @throws NotFound for an unknown code, DomainError `invitation_…` for one that is no longer valid */
  async byCode(code: string, network: string): Promise<Member> {
    await this.rateLimits.count(lookUps, network);
    const member = await this.invited.findOneBy({ codeHash: this.codeHash(code) });
    if (!member) throw new NotFound();
    requireInvited(member);
    return member;
  }

  /** @returns the keyed hash that is stored instead of a code */
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
