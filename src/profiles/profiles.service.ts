import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Actions } from '../actions/actions.service.js';
import { Contacts } from '../address-book/contacts.service.js';
import { Accounts } from '../auth/accounts.service.js';
import { Credentials, passwordMissing } from '../auth/credentials.service.js';
import {
  accountKey,
  type InterlocutorPrincipal,
  isMember,
  type MemberPrincipal,
  type Principal,
} from '../auth/principal.js';
import { principalView } from '../auth/principal-view.js';
import { interlocutorView } from '../interlocutors/interlocutor-view.js';
import type { StatedIdentity } from '../interlocutors/identities.js';
import { Interlocutors, type StatedInterlocutor } from '../interlocutors/interlocutors.service.js';
import { Members } from '../members/members.service.js';
import { Log } from '../platform/log.js';
import { ValidationFailed } from '../platform/problems/domain-error.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { UnknownOutcomes } from '../platform/realtime/unknown-outcomes.js';
import { rooms } from '../platform/realtime/rooms.js';
import { sameMailbox } from '../platform/validation/email-addresses.js';
import { businessCounterpart, subscriberView } from '../subscribers/subscriber-view.js';
import type { BusinessChanges } from '../subscribers/subscribers.dto.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import type { InterlocutorChanges, MemberChanges, Profile } from './profiles.dto.js';

const segments = ['region', 'province', 'sector'] as const;
const toldBeforePausing = 500;

/** Corrections that people and businesses make to their own data, everywhere it is stored. */
@Injectable()
export class Profiles {
  constructor(
    private readonly database: DataSource,
    private readonly accounts: Accounts,
    private readonly actions: Actions,
    private readonly contacts: Contacts,
    private readonly credentials: Credentials,
    private readonly interlocutors: Interlocutors,
    private readonly log: Log,
    private readonly members: Members,
    private readonly realtime: Realtime,
    private readonly subscribers: Subscribers,
    private readonly unknownOutcomes: UnknownOutcomes,
  ) {}

  /** The own profile of a member or an interlocutor. */
  async of(principal: Principal): Promise<Profile> {
    const username = await this.accounts.username(principal);
    const emailVerified = await this.accounts.hasVerifiedEmail(principal.accountId);
    const own = { username, emailVerified, locale: principal.locale, principal: principalView(principal) };
    if (!isMember(principal)) {
      const stated = await this.interlocutors.get(principal.interlocutorId);
      return { ...own, interlocutor: interlocutorView(principal.interlocutorId, username, stated) };
    }
    const subscriber = await this.subscribers.get(principal.subscriberId);
    const hasLogo = await this.subscribers.hasLogo(subscriber.id);
    return { ...own, ...(await this.members.ownData(principal)), subscriber: subscriberView(subscriber, hasLogo) };
  }

  /**
   * An interlocutor corrects its own data; every subscriber's copy follows. Another spelling of its address is no other address.
   * @throws ValidationFailed, PasswordWrong, DomainError `rate_limited`
   */
  async editInterlocutor(
    principal: InterlocutorPrincipal,
    { locale, currentPassword, ...changes }: InterlocutorChanges,
    network: string,
  ): Promise<void> {
    const { interlocutorId, accountId, kind } = principal;
    const { email: known } = (await this.interlocutors.get(interlocutorId)).identity;
    const allowed = changes.email !== undefined && !sameMailbox(changes.email, known) ? changes.email : undefined;
    if (allowed !== undefined) {
      await this.credentials.allowAddressChange(principal, { email: allowed, currentPassword, network });
    }
    const username = await this.accounts.username(principal);
    let isChanged = false;
    const contacts = await this.database.transaction(async (manager) => {
      isChanged = locale !== undefined && (await this.accounts.setLocale(manager, accountId, locale));
      const { before, after } = await this.interlocutors.restate(manager, interlocutorId, (stated) =>
        changed(stated, changes),
      );
      // What a business gave with an invitation goes too when its person takes it away.
      const taken = segments.filter((segment) => changes[segment] === null);
      if (JSON.stringify(before) === JSON.stringify(after) && taken.length === 0) return [];
      isChanged = true;
      const { email } = after.identity;
      const stated = segments.filter((segment) => changes[segment] !== undefined);
      const former = before.identity.email;
      if (sameMailbox(email, former)) {
        return this.contacts.restate(manager, interlocutorId, after, { segments: stated });
      }
      // Another device has changed the address in this moment: what was allowed was no change then.
      if (email !== allowed) throw passwordMissing();
      const key = accountKey(principal);
      const addressee = { accountId, kind, key, email, locale: locale ?? principal.locale, username };
      await this.credentials.changeAddress(manager, addressee, former);
      return this.contacts.restate(manager, interlocutorId, after, { segments: stated, emailVerified: false });
    });
    if (isChanged) this.tellOf(accountId);
    await this.contacts.tellOf(contacts);
  }

  /** A member corrects how colleagues call it, and its language. */
  async editMember(member: MemberPrincipal, { displayName, locale }: MemberChanges): Promise<void> {
    let isChanged = false;
    const renamed = await this.database.transaction(async (manager) => {
      isChanged = locale !== undefined && (await this.accounts.setLocale(manager, member.accountId, locale));
      return displayName !== undefined && (await this.members.rename(manager, member, displayName));
    });
    if (isChanged || renamed) this.tellOf(member.accountId);
    if (displayName !== undefined && renamed) this.members.renamed(member, displayName);
  }

  /**
   * The owner corrects the data of the business. Another spelling of its address is no other address.
   * @throws ValidationFailed, PasswordWrong, DomainError `rate_limited`
   */
  async editSubscriber(
    owner: MemberPrincipal,
    { currentPassword, ...changes }: BusinessChanges,
    network: string,
  ): Promise<void> {
    const { subscriberId, accountId, locale } = owner;
    const { email: known } = await this.subscribers.get(subscriberId);
    const { email } = changes;
    const allowed = email !== undefined && !sameMailbox(email, known);
    if (allowed) await this.credentials.allowAddressChange(owner, { email, currentPassword, network });
    const username = await this.accounts.username(owner);
    const changed = await this.database.transaction(async (manager) => {
      const before = await this.subscribers.edit(manager, subscriberId, changes);
      if (!before) return false;
      await this.actions.record(manager, owner, 'profile.changed');
      if (email === undefined || sameMailbox(email, before.email)) return true;
      if (!allowed) throw passwordMissing();
      const timeZone = changes.timeZone ?? before.timeZone;
      const addressee = { accountId, kind: owner.kind, key: accountKey(owner), email, locale, timeZone, username };
      await this.credentials.changeAddress(manager, addressee, before.email);
      return true;
    });
    if (!changed) return;
    this.tellOf(accountId);
    await this.tellOfSubscriber(subscriberId);
  }

  /** @throws DomainError `too_large`, `media_type_refused`, `logo_…`, `rate_limited` or `overloaded` */
  async setLogo(owner: MemberPrincipal, upload: Buffer): Promise<void> {
    const logo = await this.subscribers.drawLogo(upload, owner.subscriberId);
    await this.database.transaction(async (manager) => {
      await this.subscribers.setLogo(manager, owner.subscriberId, logo);
      await this.actions.record(manager, owner, 'logo.changed');
    });
    await this.tellOfSubscriber(owner.subscriberId);
  }

  async removeLogo(owner: MemberPrincipal): Promise<void> {
    const removed = await this.database.transaction(async (manager) => {
      const there = await this.subscribers.removeLogo(manager, owner.subscriberId);
      if (there) await this.actions.record(manager, owner, 'logo.removed');
      return there;
    });
    if (removed) await this.tellOfSubscriber(owner.subscriberId);
  }

  /** Does work in a transaction of which everybody is to hear who talks with a business, whatever becomes of its commit. */
  commitOfSubscriber<Result>(subscriberId: string, work: (manager: EntityManager) => Promise<Result>): Promise<Result> {
    const concerned = async () => {
      const links = await this.contacts.links(subscriberId);
      return [
        rooms.ofSubscriber(subscriberId),
        ...links.map(({ interlocutorId }) => rooms.ofInterlocutor(interlocutorId)),
      ];
    };
    return this.unknownOutcomes.guard(concerned, () => this.database.transaction(work));
  }

  /** Each interlocutor hears of its own conversation, and of no other. */
  async tellOfSubscriber(subscriberId: string): Promise<void> {
    await this.log.attempt(() => this.tellEverybodyOf(subscriberId));
  }

  private tellOf(accountId: string): void {
    this.realtime.tell(rooms.ofAccount(accountId), 'profile.changed', {});
  }

  private async tellEverybodyOf(subscriberId: string): Promise<void> {
    const subscriber = await this.subscribers.get(subscriberId);
    const hasLogo = await this.subscribers.hasLogo(subscriberId);
    const seenTimesSince = subscriber.seenTimesSince?.toISOString() ?? null;
    const seenAt = (path: string) => businessCounterpart(subscriber, hasLogo ? path : null);
    this.realtime.tell(rooms.ofSubscriber(subscriberId), 'subscriber.changed', {
      conversationId: null,
      counterpart: seenAt('/api/subscriber/logo'),
      seenTimesSince,
    });
    const links = await this.contacts.links(subscriberId);
    for (const [index, { id, interlocutorId }] of links.entries()) {
      if (index % toldBeforePausing === toldBeforePausing - 1) await new Promise(setImmediate);
      const counterpart = seenAt(`/api/conversations/${id}/logo`);
      const told = { conversationId: id, counterpart, seenTimesSince };
      this.realtime.tell(rooms.ofInterlocutor(interlocutorId), 'subscriber.changed', told);
    }
  }
}

/** @throws ValidationFailed for a person's name on a company, or the other way round */
function changed(before: StatedInterlocutor, changes: Omit<InterlocutorChanges, 'locale'>): StatedInterlocutor {
  const { identity } = before;
  const company = identity.companyName !== undefined;
  const foreign = (company ? (['firstName', 'surname'] as const) : (['companyName', 'companyType'] as const)).find(
    (field) => changes[field] !== undefined && changes[field] !== null,
  );
  if (foreign) {
    const message = company ? `A company has no ${foreign}.` : `A person has no ${foreign}.`;
    throw new ValidationFailed([{ field: foreign, code: 'exclusive', message }]);
  }
  const email = changes.email ?? identity.email;
  const names: Omit<StatedIdentity, 'email'> = company
    ? {
        companyName: changes.companyName ?? identity.companyName,
        companyType: changes.companyType ?? identity.companyType,
      }
    : { firstName: changes.firstName ?? identity.firstName, surname: changes.surname ?? identity.surname };
  const segment = (field: 'region' | 'province' | 'sector') =>
    changes[field] === undefined ? before[field] : changes[field] || null;
  return {
    identity: { ...names, email },
    region: segment('region'),
    province: segment('province'),
    sector: segment('sector'),
  };
}
