import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Actions } from '../actions/actions.service.js';
import { Contacts } from '../address-book/contacts.service.js';
import { Accounts } from '../auth/accounts.service.js';
import { accountKey, type InterlocutorPrincipal, type MemberPrincipal } from '../auth/principal.js';
import { Credentials } from '../credentials/credentials.service.js';
import type { StatedIdentity } from '../interlocutors/identities.js';
import { Interlocutors, type StatedInterlocutor } from '../interlocutors/interlocutors.service.js';
import { Members } from '../members/members.service.js';
import { Log } from '../platform/log.js';
import { ValidationFailed } from '../platform/problems/domain-error.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { businessCounterpart } from '../subscribers/subscriber-view.js';
import type { BusinessChanges } from '../subscribers/subscribers.dto.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import type { InterlocutorChanges, MemberChanges } from './profiles.dto.js';

const segments = ['region', 'province', 'sector'] as const;
const toldBeforePausing = 500;

/** What people and businesses say of themselves, corrected by themselves, wherever it stands. */
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
  ) {}

  /**
   * An interlocutor corrects its own data; every subscriber's copy follows.
   * @throws ValidationFailed
   */
  async editInterlocutor(principal: InterlocutorPrincipal, { locale, ...changes }: InterlocutorChanges): Promise<void> {
    const { interlocutorId, accountId } = principal;
    const username = await this.accounts.username(principal);
    const contacts = await this.database.transaction(async (manager) => {
      if (locale) await this.accounts.setLocale(manager, accountId, locale);
      const { before, after } = await this.interlocutors.restate(manager, interlocutorId, (stated) =>
        changed(stated, changes),
      );
      // What a business gave with an invitation goes too when its person takes it away.
      const taken = segments.filter((segment) => changes[segment] === null);
      if (JSON.stringify(before) === JSON.stringify(after) && taken.length === 0) return [];
      const { email } = after.identity;
      if (email !== before.identity.email) {
        const key = accountKey(principal);
        const addressee = { accountId, key, email, locale: locale ?? principal.locale, username };
        await this.credentials.changeAddress(manager, addressee);
      }
      const stated = segments.filter((segment) => changes[segment] !== undefined);
      return this.contacts.restate(manager, interlocutorId, after, stated);
    });
    for (const contact of contacts) {
      await this.log.afterCommit(async () => {
        const view = await this.contacts.published(contact);
        this.realtime.tell(`subscriber:${contact.subscriberId}`, 'contact.changed', { contact: view });
      });
    }
  }

  /** A member corrects how colleagues call it, and its language. */
  async editMember(member: MemberPrincipal, { displayName, locale }: MemberChanges): Promise<void> {
    const renamed = await this.database.transaction(async (manager) => {
      if (locale) await this.accounts.setLocale(manager, member.accountId, locale);
      return displayName !== undefined && (await this.members.rename(manager, member, displayName));
    });
    if (displayName !== undefined && renamed) this.members.renamed(member, displayName);
  }

  /**
   * The owner corrects the data of the business.
   * @throws ValidationFailed
   */
  async editSubscriber(owner: MemberPrincipal, changes: BusinessChanges): Promise<void> {
    const { subscriberId, accountId, locale } = owner;
    const username = await this.accounts.username(owner);
    const changed = await this.database.transaction(async (manager) => {
      const before = await this.subscribers.edit(manager, subscriberId, changes);
      if (!before) return false;
      await this.actions.record(manager, owner, 'profile.changed');
      const { email } = changes;
      if (email === undefined || email === before.email) return true;
      await this.credentials.changeAddress(manager, { accountId, key: accountKey(owner), email, locale, username });
      return true;
    });
    if (changed) await this.tellOfSubscriber(subscriberId);
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

  /** Each interlocutor hears of its own conversation, and of no other. */
  private async tellOfSubscriber(subscriberId: string): Promise<void> {
    await this.log.afterCommit(() => this.tellEverybodyOf(subscriberId));
  }

  private async tellEverybodyOf(subscriberId: string): Promise<void> {
    const subscriber = await this.subscribers.get(subscriberId);
    const hasLogo = await this.subscribers.hasLogo(subscriberId);
    const seenTimesSince = subscriber.seenTimesSince?.toISOString() ?? null;
    const seenAt = (path: string) => businessCounterpart(subscriber, hasLogo ? path : null);
    this.realtime.tell(`subscriber:${subscriberId}`, 'subscriber.changed', {
      conversationId: null,
      counterpart: seenAt('/api/subscriber/logo'),
      seenTimesSince,
    });
    const links = await this.contacts.links(subscriberId);
    for (const [index, { id, interlocutorId }] of links.entries()) {
      if (index % toldBeforePausing === toldBeforePausing - 1) await new Promise(setImmediate);
      const counterpart = seenAt(`/api/conversations/${id}/logo`);
      const told = { conversationId: id, counterpart, seenTimesSince };
      this.realtime.tell(`interlocutor:${interlocutorId}`, 'subscriber.changed', told);
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
