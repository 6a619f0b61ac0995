import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { Contact } from '../address-book/contact.entity.js';
import { Contacts } from '../address-book/contacts.service.js';
import { isMember, type MemberPrincipal, type Principal } from '../auth/principal.js';
import type { PolicyAudience, PolicyWaiting } from '../contract/consents.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { Policies, type PolicyDocument } from '../policies/policies.service.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { Consents } from './consents.service.js';
import type { OwnPolicyChange, OwnPolicyChanges } from './consents.dto.js';
import { PolicyNotice } from './policy-notice.entity.js';
import { policyChange } from './policy-view.js';

/** Versions that somebody has accepted: for itself, and as a member what its business has. */
export interface AcceptedVersions {
  terms: number;
  privacy: number;
  /** Versions of the business, for a member of the staff: its owner accepts them. */
  business?: { terms: number; privacy: number };
}

/** Newer versions of policies, and whom they have been shown to. */
@Injectable()
export class PolicyChanges {
  constructor(
    @InjectRepository(PolicyNotice) private readonly notices: Repository<PolicyNotice>,
    private readonly consents: Consents,
    private readonly contacts: Contacts,
    private readonly policies: Policies,
    private readonly subscribers: Subscribers,
    forgetting: Forgetting,
  ) {
    forgetting.register({ table: 'policy_notice', contact: 'contact_id' });
  }

  /** Versions that are announced, or in force and still expect something of the principal: accepting, or taking note. */
  async ofPrincipal(principal: Principal): Promise<OwnPolicyChanges> {
    if (isMember(principal)) {
      const accepted = await this.acceptedBy(principal);
      const noticed = await this.noticesShownTo(principal.accountId, [principal.subscriberId]);
      const items = this.documents('subscriber', principal.locale)
        .filter(({ purpose }) => purpose === 'privacy' || principal.role === 'owner' || accepted.business)
        .map((document) => {
          const waitsFor = this.waiting(document, accepted, noticed.get(principal.subscriberId));
          return own(document, waitsFor, []);
        });
      return { items: items.filter(({ waitsFor }) => waitsFor !== null) };
    }
    const contacts = await this.contacts.allOfInterlocutor(principal.interlocutorId);
    const subscriberIds = contacts.map(({ subscriberId }) => subscriberId);
    const noticed = await this.noticesShownTo(principal.accountId, subscriberIds);
    const items = this.documents('interlocutor', principal.locale).flatMap((document) => {
      const waiting = contacts.map((contact) => ({
        id: contact.id,
        waitsFor: this.waiting(document, acceptedOf(contact), noticed.get(contact.subscriberId)),
      }));
      return (['acceptance', 'notice'] as const).flatMap((waitsFor) => {
        const ids = waiting.filter((each) => each.waitsFor === waitsFor).map(({ id }) => id);
        return ids.length > 0 ? [own(document, waitsFor, ids)] : [];
      });
    });
    return { items };
  }

  /** Expectation of a document of somebody who has accepted these versions; `noticed` are those it was shown. */
  waiting(
    document: PolicyDocument,
    accepted: AcceptedVersions,
    noticed: ReadonlySet<string> | undefined,
  ): PolicyWaiting {
    const { audience, purpose, version, effectiveAt } = document;
    const inForce = effectiveAt <= new Date();
    const least = this.policies.versionToAccept(audience, purpose);
    if (inForce && purpose === 'terms' && accepted.business) return accepted.business.terms < least ? 'owner' : null;
    if (purpose === 'terms' && accepted.business) return null;
    if (version > accepted[purpose]) {
      if (inForce && accepted[purpose] < least) return 'acceptance';
      if (!noticed?.has(nameOf(purpose, version, inForce))) return 'notice';
    }
    return inForce && accepted.business && accepted.business[purpose] < least ? 'owner' : null;
  }

  /** The versions that a member has accepted; of staff with those of its business. */
  async acceptedBy(member: MemberPrincipal): Promise<AcceptedVersions> {
    const { termsVersion: terms, privacyVersion: privacy } = await this.subscribers.get(member.subscriberId);
    if (member.role === 'owner') return { terms, privacy };
    return { terms, privacy: await this.consents.privacyVersionOf(member), business: { terms, privacy } };
  }

  /** Names of the versions shown to an account, for each subscriber. */
  async noticesShownTo(accountId: string, subscriberIds: readonly string[]): Promise<Map<string, Set<string>>> {
    const found = await this.notices.findBy({ subscriberId: In([...subscriberIds]), accountId });
    const noticed = new Map<string, Set<string>>();
    for (const { subscriberId, purpose, version, inForce } of found) {
      const names = noticed.get(subscriberId) ?? new Set();
      noticed.set(subscriberId, names.add(nameOf(purpose, version, inForce)));
    }
    return noticed;
  }

  /**
   * Writes down, once for each of its contacts, that the principal was shown a version that is announced or in force.
   * @throws NotFound for a text that is neither
   */
  async note(principal: Principal, policyId: string): Promise<void> {
    const audience = isMember(principal) ? 'subscriber' : 'interlocutor';
    const document = this.policies.inForceById(audience, policyId) ?? this.policies.announcedById(audience, policyId);
    if (!document) throw new NotFound();
    const { purpose, version, locale, effectiveAt } = document;
    const contacts = isMember(principal) ? [] : await this.contacts.allOfInterlocutor(principal.interlocutorId);
    const whose = isMember(principal)
      ? [{ subscriberId: principal.subscriberId, contactId: null }]
      : contacts.map(({ subscriberId, id }) => ({ subscriberId, contactId: id }));
    for (const { subscriberId, contactId } of whose) {
      const identity =
        contactId === null ? {} : this.subscribers.identity(await this.subscribers.get(subscriberId), locale);
      const { sha256: textSha256 } = this.policies.show(document, identity);
      const notice = { subscriberId, id: uuid(), contactId, accountId: principal.accountId, policyId, textSha256 };
      const inForce = effectiveAt <= new Date();
      await this.notices
        .createQueryBuilder()
        .insert()
        .values({ ...notice, purpose, version, inForce, shownAt: new Date() })
        .orIgnore()
        .execute();
    }
  }

  /** The notices that contacts of a subscriber were shown, in the order of the ids: a page behind one. */
  async ofContact(subscriberId: string, contactId: string): Promise<PolicyNotice[]> {
    return this.notices.find({ where: { subscriberId, contactId }, order: { shownAt: 'DESC', id: 'DESC' } });
  }

  private documents(audience: PolicyAudience, locale: string): PolicyDocument[] {
    return [...this.policies.inForce(audience, locale), ...this.policies.announced(audience, locale)];
  }
}

export const acceptedOf = ({ privacyVersion }: Pick<Contact, 'privacyVersion'>): AcceptedVersions => ({
  terms: 0,
  privacy: privacyVersion,
});

const nameOf = (purpose: string, version: number, inForce: boolean) => `${purpose} ${version} ${inForce}`;

function own(document: PolicyDocument, waitsFor: PolicyWaiting, contactIds: string[]): OwnPolicyChange {
  return { ...policyChange(document), inForce: document.effectiveAt <= new Date(), waitsFor, contactIds };
}
