import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, In, IsNull, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { BoundedCache } from '../platform/bounded-cache.js';
import { Actions } from '../actions/actions.service.js';
import { AccountHolders, type StatedHolder } from '../auth/account-holders.service.js';
import type { Account } from '../auth/account.entity.js';
import { Accounts } from '../auth/accounts.service.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { Sessions } from '../auth/sessions.service.js';
import type { Author } from '../contract/events.js';
import { openPage } from '../platform/cursors.js';
import { Outbox } from '../platform/mail/outbox.js';
import { DomainError, NotFound } from '../platform/problems/domain-error.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';
import { Vault } from '../platform/vault/vault.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { memberKey, openOfMember, sealOfMember } from './member-seals.js';
import { stateOf } from './member-state.js';
import { Member } from './member.entity.js';
import { type AuthorList, ListAuthors, ListMembers, type MemberList, type MemberView } from './members.dto.js';

/** Work in the transaction that removes a member; the function that it returns is called after the commit. */
export type AtRemoval = (manager: EntityManager, subscriberId: string, memberId: string) => Promise<() => void>;

/** The people who act for a subscriber. */
@Injectable()
export class Members {
  private readonly atRemoval: AtRemoval[] = [];
  /** Members who write, with their names: bounded as open keys are, in number and time. */
  private readonly writing = new BoundedCache<string, Promise<Author>>(10_000, { ttl: 60_000 });

  constructor(
    @InjectRepository(Member) private readonly members: Repository<Member>,
    private readonly accounts: Accounts,
    private readonly actions: Actions,
    holders: AccountHolders,
    private readonly outbox: Outbox,
    private readonly realtime: Realtime,
    private readonly sessions: Sessions,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {
    holders.register('member', {
      select: 'SELECT id, role FROM member WHERE subscriber_id = account.subscriber_id AND account_id = account.id',
      keyOf: async ({ subscriberId }) => memberKey(subscriberId!),
      stated: (account) => this.stated(account),
    });
  }

  /** Registers work for the removal of a member; to be called before the application has started. */
  onRemoval(work: AtRemoval): void {
    this.atRemoval.push(work);
  }

  /** Lists the members and the invited, in the order of their creation. */
  async list({ subscriberId }: MemberPrincipal, wanted: ListMembers): Promise<MemberList> {
    const { ask, position, next } = openPage(ListMembers, wanted, ['id']);
    const present = await this.present(this.members.manager, subscriberId);
    const { page, more } = pageBehind(present, position?.[0], ask.limit);
    const items = await Promise.all(page.map((member) => this.view(member)));
    return { items, nextCursor: more ? next([items.at(-1)!.id]) : null };
  }

  /** Adds the owner of a new subscriber, in the transaction that registers it. */
  async addOwner(
    manager: EntityManager,
    { subscriberId, accountId, joinedAt }: { subscriberId: string; accountId: string; joinedAt: Date },
  ): Promise<void> {
    const owner = { subscriberId, id: uuid(), accountId, role: 'owner', createdAt: joinedAt, joinedAt } as const;
    await manager.insert(Member, owner);
  }

  /**
   * Removes a member, or revokes the invitation of one who has not joined. When this resolves their devices get nothing
   * more; the name stays on what they wrote.
   * @throws NotFound, DomainError `owner_stays`
   */
  async remove(owner: MemberPrincipal, id: string): Promise<void> {
    const { subscriberId } = owner;
    const ended = await this.members.manager.transaction(async (manager) => {
      const member = await this.locked(manager, subscriberId, id);
      if (member.role === 'owner') throw new DomainError('owner_stays', { detail: ownerStays });
      if (member.removedAt) throw new NotFound();
      const { accountId } = member;
      const gone = { accountId: null, email: null, removedAt: new Date(), ...(!accountId && { displayName: null }) };
      await manager.update(Member, { subscriberId, id }, gone);
      await this.actions.record(manager, owner, accountId ? 'member.removed' : 'invitation.revoked', id);
      await this.outbox.withdraw(manager, memberKey(subscriberId), accountId ?? id);
      if (!accountId) return undefined;
      const sessionIds = await this.sessions.revokeAll(manager, accountId);
      await this.accounts.remove(manager, accountId);
      const afterCommit = [];
      for (const work of this.atRemoval) afterCommit.push(await work(manager, subscriberId, id));
      return { accountId, sessionIds, afterCommit };
    });
    if (!ended) return;
    await this.sessions.silence(ended.accountId, ended.sessionIds, owner);
    for (const each of ended.afterCommit) each();
  }

  /**
   * Renames the asking member in a transaction; call {@link renamed} after its commit to tell the devices.
   * @returns whether it had another one
   */
  async rename(manager: EntityManager, { subscriberId, memberId }: MemberPrincipal, name: string): Promise<boolean> {
    const which = { subscriberId, id: memberId };
    const member = await manager.findOneOrFail(Member, { where: which, lock: { mode: 'for_no_key_update' } });
    if ((await this.nameOf(member)) === name) return false;
    const displayName = await sealOfMember(this.vault, { subscriberId, id: memberId }, 'display_name', name);
    await manager.update(Member, which, { displayName });
    return true;
  }

  renamed({ subscriberId, memberId }: MemberPrincipal, displayName: string): void {
    this.writing.set(memberId, Promise.resolve({ id: memberId, displayName }));
    this.tell(subscriberId, { id: memberId, displayName });
  }

  /** The member who asks, as the author of what it writes. */
  author({ subscriberId, memberId: id }: MemberPrincipal): Promise<Author> {
    let known = this.writing.get(id);
    if (!known) {
      known = this.authors(subscriberId, [id]).then(([author]) => author ?? { id, displayName: null });
      this.writing.set(id, known);
      known.catch(() => this.writing.delete(id));
    }
    return known;
  }

  /** The name and the address of the member who asks; the owner's address is that of the business. */
  async ownData({
    subscriberId,
    memberId,
  }: MemberPrincipal): Promise<{ displayName: string | null; email: string | null }> {
    const member = await this.members.findOneByOrFail({ subscriberId, id: memberId });
    return { displayName: await this.nameOf(member), email: await this.emailOf(member) };
  }

  /** A page of the names of all present and former members of the subscriber, in the order of their ids. */
  async listAuthors({ subscriberId }: MemberPrincipal, wanted: ListAuthors): Promise<AuthorList> {
    const { ask, position, next } = openPage(ListAuthors, wanted, ['id']);
    const { page, more } = pageBehind(await this.authors(subscriberId), position?.[0], ask.limit);
    return { items: page, nextCursor: more ? next([page.at(-1)!.id]) : null };
  }

  /** All present and former members of the subscriber, by the id on their messages. */
  async authors(subscriberId: string, ids?: string[]): Promise<Author[]> {
    const members = await this.members.find({
      where: { subscriberId, ...(ids && { id: In(ids) }) },
      order: { id: 'ASC' },
    });
    return Promise.all(
      members
        .filter(({ joinedAt }) => joinedAt)
        .map(async (member) => ({ id: member.id, displayName: await this.nameOf(member) })),
    );
  }

  /** Members who act for the subscriber, and those invited to. */
  async present(manager: EntityManager, subscriberId: string): Promise<Member[]> {
    const members = await manager.find(Member, { where: { subscriberId, removedAt: IsNull() }, order: { id: 'ASC' } });
    return members.filter((member) => ['active', 'invited'].includes(stateOf(member)));
  }

  /**
   * Locks a member until the transaction ends.
   * @throws NotFound
   */
  async locked(manager: EntityManager, subscriberId: string, id: string): Promise<Member> {
    const member = await manager.findOne(Member, {
      where: { subscriberId, id },
      lock: { mode: 'pessimistic_write' },
    });
    if (!member) throw new NotFound();
    return member;
  }

  async view(member: Member): Promise<MemberView> {
    const { subscriberId, id, accountId, role, joinedAt, expiresAt } = member;
    const invited = stateOf(member) === 'invited';
    return {
      id,
      role,
      displayName: await this.nameOf(member),
      ...(accountId && { username: await this.accounts.usernameOf(accountId, memberKey(subscriberId)) }),
      email: (await this.emailOf(member)) ?? '',
      joinedAt: joinedAt?.toISOString() ?? null,
      state: invited ? 'invited' : 'active',
      ...(invited && expiresAt && { expiresAt: expiresAt.toISOString() }),
    };
  }

  /** Tells the devices of the subscriber that a member has joined, or is called otherwise. */
  tell(subscriberId: string, author: Author): void {
    this.realtime.tell(rooms.ofSubscriber(subscriberId), 'member.changed', author);
  }

  /** The owner's address is that of the business; staff have their own. */
  private async stated({ subscriberId, id: accountId }: Account): Promise<StatedHolder | undefined> {
    const member = await this.members.findOneBy({ subscriberId: subscriberId!, accountId });
    if (!member) return undefined;
    const { email, businessName, timeZone } = await this.subscribers.get(subscriberId!);
    const displayName = (await this.nameOf(member)) ?? undefined;
    if (member.role === 'owner') return { email, timeZone, names: [businessName, displayName] };
    const own = await openOfMember(this.vault, member, 'email');
    return own === null ? undefined : { email: own, timeZone, names: [displayName] };
  }

  private nameOf(member: Member): Promise<string | null> {
    return openOfMember(this.vault, member, 'display_name');
  }

  private async emailOf(member: Member): Promise<string | null> {
    if (member.role === 'owner') return (await this.subscribers.get(member.subscriberId)).email;
    return openOfMember(this.vault, member, 'email');
  }
}

/** The page behind an id, of a few items in the order of their ids. */
function pageBehind<Item extends { id: string }>(items: Item[], after: string | number | undefined, limit: number) {
  const rest = after === undefined ? items : items.filter(({ id }) => id > String(after));
  return { page: rest.slice(0, limit), more: rest.length > limit };
}

const ownerStays = 'The owner cannot be removed, because a business always has one.';
