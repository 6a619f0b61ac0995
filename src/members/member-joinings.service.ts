import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Actions } from '../actions/actions.service.js';
import { Accounts } from '../auth/accounts.service.js';
import { Credentials } from '../auth/credentials.service.js';
import { joins } from '../auth/joining-limits.js';
import { passwordError, verifyPassword } from '../auth/passwords.js';
import { type OpenedSession, Sessions } from '../auth/sessions.service.js';
import { Consents } from '../consents/consents.service.js';
import type { VerificationMail } from '../contract/accounts.js';
import { limits } from '../contract/limits.js';
import { DomainError, ValidationFailed } from '../platform/problems/domain-error.js';
import { RateLimits } from '../platform/rate-limits.js';
import { Vault } from '../platform/vault/vault.js';
import { InvitedMembers, requireInvited } from './invited-members.service.js';
import { memberKey, openOfMember, sealOfMember } from './member-seals.js';
import { Member } from './member.entity.js';
import type { MemberJoining, MemberView } from './members.dto.js';
import { Members } from './members.service.js';

export interface MemberWhoJoined {
  member: MemberView;
  session: OpenedSession;
  verificationMail?: VerificationMail;
}

/** Acceptances of invitations to act for a subscriber. */
@Injectable()
export class MemberJoinings {
  constructor(
    @InjectRepository(Member) private readonly joined: Repository<Member>,
    private readonly accounts: Accounts,
    private readonly actions: Actions,
    private readonly consents: Consents,
    private readonly credentials: Credentials,
    private readonly invited: InvitedMembers,
    private readonly members: Members,
    private readonly rateLimits: RateLimits,
    private readonly sessions: Sessions,
    private readonly vault: Vault,
  ) {}

  /**
   * Turns an invited person into a member of the subscriber, with an account of their own.
   * Sent again within ten minutes it is answered as the first time, with another session.
   * @throws NotFound, ConsentRequired, PolicyChanged, UsernameTaken, ValidationFailed, DomainError `invitation_…`
   */
  async join(code: string, joining: MemberJoining, network: string): Promise<MemberWhoJoined> {
    await this.rateLimits.count(joins, network);
    try {
      return await this.joinAnew(code, joining, network);
    } catch (error) {
      const used = error instanceof DomainError && error.code === 'invitation_used';
      const repeated = used && (await this.repeat(code, joining, network));
      if (repeated) return repeated;
      throw error;
    }
  }

  private async joinAnew(
    code: string,
    { displayName, username, password, locale, device, consents }: MemberJoining,
    network: string,
  ): Promise<MemberWhoJoined> {
    const { subscriberId, id } = await this.invited.byCode(code, network);
    refuseWeakPassword(password, [username, ...displayName.split(/\s+/)]);
    const acceptances = this.consents.checkMember(consents);
    const passwordHash = await this.accounts.hashPassword(password, network);
    const name = await sealOfMember(this.vault, { subscriberId, id }, 'display_name', displayName);
    const [accountId, key, joinedAt] = [uuid(), memberKey(subscriberId), new Date()];
    const made = await this.joined.manager.transaction(async (manager) => {
      const member = await this.members.locked(manager, subscriberId, id);
      requireInvited(member);
      const account = { id: accountId, kind: 'member', subscriberId, key, username, passwordHash, locale } as const;
      await this.accounts.create(manager, account);
      const changes = { accountId, displayName: name, joinedAt };
      await manager.update(Member, { subscriberId, id }, changes);
      const record = { subscriberId, contactId: null, accountId, acceptances, recordedAt: joinedAt };
      await this.consents.record(manager, { ...record, how: 'joining' });
      await this.actions.record(manager, { subscriberId, memberId: id }, 'member.joined', id);
      const session = await this.sessions.create(manager, accountId, { key, device });
      const email = await openOfMember(this.vault, member, 'email');
      if (!email) return { email, session };
      const addressee = { accountId, kind: 'member' as const, key, email, locale, username };
      return { email, session, verificationMail: await this.credentials.requestVerification(manager, addressee) };
    });
    this.members.tell(subscriberId, { id, displayName });
    const { email, session, ...mail } = made;
    const joined = {
      id,
      role: 'staff',
      displayName,
      username,
      joinedAt: joinedAt.toISOString(),
      state: 'active',
    } as const;
    return { member: { ...joined, email: email ?? '' }, session, ...mail };
  }

  /** @returns the member who joined minutes ago with this code, username and password; undefined for anybody else */
  private async repeat(code: string, { username, password, device }: MemberJoining, network: string) {
    const member = await this.joined.findOneBy({ codeHash: this.invited.codeHash(code) });
    const since = Date.now() - limits.joiningRepeatedMinutes * 60 * 1000;
    if (!member?.accountId || !member.joinedAt || member.joinedAt.getTime() <= since) return undefined;
    const account = (await this.accounts.candidates(username)).find(({ id }) => id === member.accountId);
    if (!account) return undefined;
    const [matches] = await verifyPassword(password, [account.passwordHash], network);
    if (!matches) return undefined;
    const { id, passwordHash } = account;
    const session = await this.joined.manager.transaction(async (manager) =>
      (await this.accounts.holdsPassword(manager, id, passwordHash))
        ? this.sessions.create(manager, id, { key: memberKey(member.subscriberId), device })
        : undefined,
    );
    return session && { member: await this.members.view(member), session };
  }
}

function refuseWeakPassword(password: string, personal: string[]): void {
  const refused = passwordError(password, personal);
  if (refused) throw new ValidationFailed([{ field: 'password', ...refused }]);
}
