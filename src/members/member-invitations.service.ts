import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Actions } from '../actions/actions.service.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { Consents } from '../consents/consents.service.js';
import { limits } from '../contract/limits.js';
import { dayMilliseconds } from '../platform/durations.js';
import { DomainError } from '../platform/problems/domain-error.js';
import { sameMailbox } from '../platform/validation/email-addresses.js';
import { Vault } from '../platform/vault/vault.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { InvitedMembers } from './invited-members.service.js';
import { MemberInvitationMails } from './member-invitation-mails.service.js';
import { openOfMember, sealOfMember } from './member-seals.js';
import { Member } from './member.entity.js';
import type { InvitedMember, NewMember } from './members.dto.js';
import { Members } from './members.service.js';

const codeBytes = 16;

/** Invitations to act for a subscriber. */
@Injectable()
export class MemberInvitations {
  constructor(
    @InjectRepository(Member) private readonly invited: Repository<Member>,
    private readonly actions: Actions,
    private readonly consents: Consents,
    private readonly invitedMembers: InvitedMembers,
    private readonly mails: MemberInvitationMails,
    private readonly members: Members,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {}

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
    const url = this.mails.link(code);
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
      codeHash: this.invitedMembers.codeHash(code),
      expiresAt,
      createdAt,
      joinedAt: null,
      removedAt: null,
    };
    const mailed = await this.mails.maySend(owner, subscriber);
    await this.invited.manager.transaction(async (manager) => {
      await this.requirePlaceFor(manager, subscriberId, email);
      await manager.insert(Member, invited);
      await this.actions.record(manager, owner, 'member.invited', id);
      if (mailed) await this.mails.post(manager, subscriber, { id, email, url, locale, expiresAt });
    });
    return { id, url, expiresAt: expiresAt.toISOString(), mail: mailed ? 'sent_soon' : 'none' };
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
}

const alreadyAMember =
  'A member or an invited member already has this address. To send a new invitation, revoke the old one first.';

const membersLimit = `A business can have at most ${limits.membersMax} members, including those invited. Remove one first.`;
