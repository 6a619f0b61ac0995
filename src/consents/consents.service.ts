import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, IsNull, LessThan, MoreThan, Not, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { BoundedCache } from '../platform/bounded-cache.js';
import { Actions } from '../actions/actions.service.js';
import type { Contact } from '../address-book/contact.entity.js';
import { Contacts } from '../address-book/contacts.service.js';
import { AccountLog } from '../auth/account-log.service.js';
import { isMember, type InterlocutorPrincipal, type MemberPrincipal, type Principal } from '../auth/principal.js';
import type { ConsentBasis, ConsentOccasion, PolicyAudience, PolicyPurpose } from '../contract/consents.js';
import type { FieldError } from '../contract/errors.js';
import type { ConsentPurpose } from '../contract/events.js';
import { openPage } from '../platform/cursors.js';
import { NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import { lockHashes } from '../platform/locks.js';
import { Log } from '../platform/log.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';
import { Policies, type PolicyDocument, type PolicyIdentity, type ShownPolicy } from '../policies/policies.service.js';
import { Subscriber } from '../subscribers/subscriber.entity.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { Consent } from './consent.entity.js';
import type { NamedConsent } from './consent-view.js';
import { type GivenConsent, ListConsents } from './consents.dto.js';
import { refuseStopped } from '../subscribers/subscribers.errors.js';
import { ConsentRequired, PolicyChanged } from './consents.errors.js';

/** One checkbox, with the policy as it was shown beside it. */
export interface Acceptance {
  purpose: ConsentPurpose;
  given: boolean;
  shown: ShownPolicy;
}

export interface ConsentRecord {
  subscriberId: string;
  contactId: string | null;
  accountId: string;
  how: ConsentOccasion;
  acceptances: readonly Acceptance[];
  recordedAt: Date;
}

/** Purposes that must be accepted to take part; promotions is optional. */
export const isRequired = (purpose: ConsentPurpose) => purpose !== 'promotions';

const basisOf: Record<ConsentPurpose, ConsentBasis> = {
  terms: 'contract',
  privacy: 'acknowledgement',
  promotions: 'consent',
};

/** A policy as it is shown, with the version that is announced to take its place. */
export type OfferedPolicy = ShownPolicy & { next: PolicyDocument | undefined };

@Injectable()
export class Consents {
  /** Versions of the privacy notice that members of the staff have accepted, which only rise. */
  private readonly staffAccepted = new BoundedCache<string, number>(10_000);

  constructor(
    @InjectRepository(Consent) private readonly consents: Repository<Consent>,
    private readonly accountLog: AccountLog,
    private readonly actions: Actions,
    private readonly contacts: Contacts,
    private readonly policies: Policies,
    private readonly subscribers: Subscribers,
    private readonly log: Log,
    private readonly realtime: Realtime,
  ) {}

  /** Operator of this installation. */
  get host(): { name: string; address: string; contact: string; deletionDays: number } {
    return this.policies.host;
  }

  /** The policies for registering a subscriber. */
  shownToSubscribers(locale: string): OfferedPolicy[] {
    return this.show('subscriber', locale, {});
  }

  /** The policies for joining as staff, without the terms, which the owner accepts. */
  shownToMembers(locale: string): OfferedPolicy[] {
    return this.shownToSubscribers(locale).filter(({ document }) => document.purpose === 'privacy');
  }

  /** The policies for joining a subscriber, with that subscriber as the controller. */
  shownToInterlocutors(subscriber: Subscriber, locale: string): OfferedPolicy[] {
    return this.show('interlocutor', locale, this.subscribers.identity(subscriber, locale));
  }

  /** The policies for subscribers that are announced. */
  announcedToSubscribers(locale: string): ShownPolicy[] {
    return this.policies.announced('subscriber', locale).map((document) => this.policies.show(document, {}));
  }

  /** The same for interlocutors of a subscriber. */
  announcedToInterlocutors(subscriber: Subscriber, locale: string): ShownPolicy[] {
    const identity = this.subscribers.identity(subscriber, locale);
    return this.policies.announced('interlocutor', locale).map((document) => this.policies.show(document, identity));
  }

  /**
   * Checks the consents of a registration against the policies in force.
   * @throws ConsentRequired, PolicyChanged
   */
  checkRegistration(given: GivenConsent[]): Acceptance[] {
    return this.check('subscriber', given, () => ({}));
  }

  /** The same for joining as staff: the privacy notice alone. */
  checkMember(given: GivenConsent[]): Acceptance[] {
    const own = given.filter(({ purpose }) => purpose === 'privacy');
    return this.check('subscriber', own, () => ({}), ['privacy']);
  }

  /** The same for joining a subscriber. */
  checkJoining(subscriber: Subscriber, given: GivenConsent[]): Acceptance[] {
    return this.check('interlocutor', given, (locale) => this.subscribers.identity(subscriber, locale));
  }

  /** Writes consents down, with the texts and the words as they were shown. */
  async record(manager: EntityManager, { acceptances, ...whose }: ConsentRecord): Promise<void> {
    for (const { purpose, given, shown } of acceptances) {
      const { document, text } = shown;
      const words = shown.checkboxes[purpose]!;
      const consent: Consent = {
        ...whose,
        id: uuid(),
        purpose,
        given,
        basis: basisOf[purpose],
        policyId: document.id,
        policyVersion: document.version,
        locale: document.locale,
        textSha256: shown.sha256,
        wordsSha256: createHash('sha256').update(words, 'utf8').digest(),
      };
      await manager.query(
        `INSERT INTO shown_text (subscriber_id, sha256, text) VALUES ($1, $2, $3), ($1, $4, $5) ON CONFLICT DO NOTHING`,
        [whose.subscriberId, consent.textSha256, text, consent.wordsSha256, words],
      );
      await manager.insert(Consent, consent);
    }
    await this.logAll(manager, { acceptances, ...whose });
  }

  /** @throws SubscriberPaused, SubscriberClosing, and ConsentRequired when a newer policy waits for this subscriber */
  requireOfSubscriber(
    subscriber: Pick<Subscriber, 'termsVersion' | 'privacyVersion' | 'pausedAt' | 'closingAskedAt'>,
  ): void {
    refuseStopped(subscriber);
    this.requireAcceptance(subscriber);
  }

  /**
   * The same, and for a member of the staff that it has accepted the privacy notice itself.
   * @throws SubscriberPaused, SubscriberClosing, ConsentRequired
   */
  async requireOfMember(
    member: MemberPrincipal,
    subscriber: Parameters<Consents['requireOfSubscriber']>[0],
    manager = this.consents.manager,
  ): Promise<void> {
    this.requireOfSubscriber(subscriber);
    if (!(await this.hasAccepted(member, manager))) throw new ConsentRequired();
  }

  /** Tells if a member has accepted what it has to accept itself; the owner does that for the subscriber. */
  async hasAccepted(member: MemberPrincipal, manager = this.consents.manager): Promise<boolean> {
    if (member.role === 'owner') return true;
    const least = this.policies.versionToAccept('subscriber', 'privacy');
    if ((this.staffAccepted.get(member.memberId) ?? 0) >= least) return true;
    return (await this.privacyVersionOf(member, manager)) >= least;
  }

  /** The newest privacy notice that a member of the staff has accepted itself. */
  async privacyVersionOf(
    { subscriberId, accountId, memberId }: MemberPrincipal,
    manager = this.consents.manager,
  ): Promise<number> {
    const [newest] = await manager.find(Consent, {
      where: { subscriberId, accountId, contactId: IsNull(), purpose: 'privacy', given: true },
      order: { policyVersion: 'DESC' },
      take: 1,
    });
    const version = newest?.policyVersion ?? 0;
    this.staffAccepted.set(memberId, version);
    return version;
  }

  /** @throws ConsentRequired when a newer policy waits for this subscriber */
  requireAcceptance({ termsVersion, privacyVersion }: Pick<Subscriber, 'termsVersion' | 'privacyVersion'>): void {
    const { subscriber } = this.versionsToAccept();
    if (termsVersion < subscriber.terms || privacyVersion < subscriber.privacy) throw new ConsentRequired();
  }

  /** Policy versions that a contact and a subscriber must have accepted before they send. */
  versionsToAccept(): { contact: { privacy: number }; subscriber: { terms: number; privacy: number } } {
    const versionOf = (audience: PolicyAudience, purpose: PolicyPurpose) =>
      this.policies.versionToAccept(audience, purpose);
    return {
      contact: { privacy: versionOf('interlocutor', 'privacy') },
      subscriber: { terms: versionOf('subscriber', 'terms'), privacy: versionOf('subscriber', 'privacy') },
    };
  }

  /** The policy in force by which a contact says yes or no to promotions. */
  promotionsPolicyId(locale: string): string {
    return this.policies.inForce('interlocutor', locale).find(({ checkboxes }) => checkboxes.promotions)!.id;
  }

  /** Every consent of the principal, newest first, with the business it concerns. */
  async list(
    principal: Principal,
    wanted: ListConsents,
  ): Promise<{ consents: NamedConsent[]; nextCursor: string | null }> {
    const own = isMember(principal)
      ? [{ subscriberId: principal.subscriberId, accountId: principal.accountId }]
      : await this.consentsOfContacts(principal);
    return this.page(own, wanted);
  }

  private async page(
    own: { subscriberId: string; accountId?: string; contactId?: string }[],
    wanted: ListConsents,
  ): Promise<{ consents: NamedConsent[]; nextCursor: string | null }> {
    const { ask, position, next } = openPage(ListConsents, wanted, ['time', 'id']);
    if (own.length === 0) return { consents: [], nextCursor: null };
    const found = await this.consents.find({
      where: position ? own.flatMap((each) => behind(each, position as [string, string])) : own,
      order: { recordedAt: 'DESC', id: 'DESC' },
      take: ask.limit + 1,
    });
    const page = found.slice(0, ask.limit);
    const names = new Map<string, string>();
    for (const { subscriberId } of own)
      names.set(subscriberId, (await this.subscribers.get(subscriberId)).businessName);
    const consents = page.map((consent) => ({ consent, businessName: names.get(consent.subscriberId)! }));
    const last = page.at(-1);
    const more = last && found.length > ask.limit;
    return { consents, nextCursor: more ? next([last.recordedAt.toISOString(), last.id]) : null };
  }

  /**
   * The consents of a contact, newest first, with the words that it saw.
   * @throws NotFound when it is not a contact of this subscriber
   */
  async ofContact(
    { subscriberId }: MemberPrincipal,
    contactId: string,
    wanted: ListConsents,
  ): Promise<{ consents: (NamedConsent & { words: string })[]; nextCursor: string | null }> {
    await this.contacts.get({ subscriberId }, contactId);
    const { consents, nextCursor } = await this.page([{ subscriberId, contactId }], wanted);
    const texts = await this.shownTexts(consents.map(({ consent }) => consent));
    const wordsOf = ({ wordsSha256 }: Consent) => texts.get(wordsSha256.toString('hex')) ?? '';
    return { consents: consents.map((each) => ({ ...each, words: wordsOf(each.consent) })), nextCursor };
  }

  /** One consent of the principal, with the text and the words as they were shown. @throws NotFound */
  async shown(principal: Principal, id: string): Promise<NamedConsent & { text: string; words: string }> {
    const own = isMember(principal)
      ? [{ subscriberId: principal.subscriberId, accountId: principal.accountId }]
      : await this.consentsOfContacts(principal);
    const consent = own.length === 0 ? null : await this.consents.findOneBy(own.map((whose) => ({ ...whose, id })));
    if (!consent) throw new NotFound();
    const texts = await this.shownTexts([consent]);
    const textOf = (sha256: Buffer) => texts.get(sha256.toString('hex')) ?? '';
    const { businessName } = await this.subscribers.get(consent.subscriberId);
    return { consent, businessName, text: textOf(consent.textSha256), words: textOf(consent.wordsSha256) };
  }

  /** Everything that contacts of a subscriber have given and withdrawn, in the order of the ids: a page behind one. */
  async ofContacts(subscriberId: string, after: string, limit: number): Promise<NamedConsent[]> {
    const { businessName } = await this.subscribers.get(subscriberId);
    const found = await this.consents.find({
      where: { subscriberId, contactId: Not(IsNull()), id: MoreThan(after) },
      order: { id: 'ASC' },
      take: limit,
    });
    return found.map((consent) => ({ consent, businessName }));
  }

  /** The texts and words of consents as they were shown, by their SHA-256 in hexadecimal. */
  async shownTexts(consents: readonly Consent[]): Promise<Map<string, string>> {
    const texts = new Map<string, string>();
    for (const subscriberId of new Set(consents.map((each) => each.subscriberId))) {
      const hashes = consents
        .filter((each) => each.subscriberId === subscriberId)
        .flatMap(({ textSha256, wordsSha256 }) => [textSha256, wordsSha256]);
      const rows = await this.consents.query<{ hash: string; text: string }[]>(
        `SELECT encode(sha256, 'hex') AS hash, text FROM shown_text WHERE subscriber_id = $1 AND sha256 = ANY ($2)`,
        [subscriberId, hashes],
      );
      for (const { hash, text } of rows) texts.set(hash, text);
    }
    return texts;
  }

  /**
   * The owner accepts a newer policy for its subscriber, and a member of the staff the privacy notice for itself, also one
   * that is only announced. Acceptances are not withdrawn one by one: who does not agree any more closes the account.
   * @throws NotFound for terms and staff, PolicyChanged, ValidationFailed
   */
  async changeOfMember(member: MemberPrincipal, given: boolean, consent: GivenConsent): Promise<void> {
    const { subscriberId, accountId } = member;
    if (member.role !== 'owner' && consent.purpose !== 'privacy') throw new NotFound();
    const acceptance = this.accept('subscriber', consent, () => ({}), 'early');
    refuseWithdrawalOf(acceptance, given);
    const recordedAt = new Date();
    const changed = await this.consents.manager.transaction(async (manager) => {
      if (!(await this.isNewAcceptance(manager, member, acceptance))) return false;
      await this.record(manager, {
        subscriberId,
        contactId: null,
        accountId,
        how: 'settings',
        acceptances: [acceptance],
        recordedAt,
      });
      return true;
    });
    if (changed && member.role === 'owner') this.tell(subscriberId, undefined, acceptance, recordedAt);
    if (changed && member.role !== 'owner') this.tellAccount(accountId, acceptance, recordedAt);
  }

  /**
   * Ends promotions, as a withdrawal of the consent does.
   * @param record writes the objection down, in the same transaction and also where there was no consent to end
   * @throws NotFound
   */
  async objectToPromotions(
    principal: InterlocutorPrincipal,
    contactId: string,
    record: (manager: EntityManager) => Promise<void>,
  ): Promise<void> {
    const policyId = this.promotionsPolicyId(principal.locale);
    await this.changeOfContact(principal, contactId, false, { policyId, purpose: 'promotions' }, record);
  }

  /**
   * An interlocutor accepts a newer policy of one of its subscribers, or says yes or no to its promotions.
   * @param also done in the same transaction, whether that changes anything or not
   * @throws NotFound, PolicyChanged, ValidationFailed
   */
  async changeOfContact(
    { interlocutorId, accountId }: InterlocutorPrincipal,
    contactId: string,
    given: boolean,
    consent: GivenConsent,
    also?: (manager: EntityManager) => Promise<void>,
  ): Promise<void> {
    const { contact, subscriber } = await this.ownContact(interlocutorId, contactId);
    const { subscriberId } = contact;
    const identity = (locale: string) => this.subscribers.identity(subscriber, locale);
    const named = given ? consent : this.withdrawable('interlocutor', consent);
    const acceptance = { ...this.accept('interlocutor', named, identity, 'early'), given };
    refuseWithdrawalOf(acceptance, given);
    const { version } = acceptance.shown.document;
    const recordedAt = await this.consents.manager.transaction(async (manager) => {
      const changedAt =
        acceptance.purpose === 'promotions'
          ? await this.contacts.setPromotions(manager, contact, given)
          : (await this.contacts.acceptPrivacy(manager, contact, version)) && new Date();
      await also?.(manager);
      if (!changedAt) return undefined;
      const record = { subscriberId, contactId, accountId, how: 'settings', acceptances: [acceptance] } as const;
      await this.record(manager, { ...record, recordedAt: changedAt });
      return changedAt;
    });
    if (!recordedAt) return;
    await this.log.attempt(async () => void (await this.contacts.published(contact)));
    this.tell(subscriberId, contact, acceptance, recordedAt);
  }

  /** @throws NotFound when it is not a contact of this interlocutor */
  async ownContact(interlocutorId: string, contactId: string): Promise<{ contact: Contact; subscriber: Subscriber }> {
    const contact = await this.contacts.ofInterlocutor(interlocutorId, contactId);
    return { contact, subscriber: await this.subscribers.get(contact.subscriberId) };
  }

  private show(audience: PolicyAudience, locale: string, identity: PolicyIdentity): OfferedPolicy[] {
    const announced = this.policies.announced(audience, locale);
    return this.policies.inForce(audience, locale).map((document) => ({
      ...this.policies.show(document, identity),
      next: announced.find(({ purpose }) => purpose === document.purpose),
    }));
  }

  /** Writes consents into the log of the subscriber, and into that of the person's account. */
  private async logAll(
    manager: EntityManager,
    { subscriberId, contactId, accountId, acceptances }: ConsentRecord,
  ): Promise<void> {
    const [member] =
      contactId === null
        ? await manager.query<{ id: string }[]>('SELECT id FROM member WHERE subscriber_id = $1 AND account_id = $2', [
            subscriberId,
            accountId,
          ])
        : [];
    for (const { purpose, given } of acceptances) {
      const kind = isRequired(purpose) ? 'policy.accepted' : given ? 'consent.given' : 'consent.withdrawn';
      await this.actions.record(manager, { subscriberId, memberId: member?.id ?? null }, kind, contactId);
      if (contactId !== null) await this.accountLog.record(manager, accountId, kind, contactId);
    }
  }

  private async isNewAcceptance(
    manager: EntityManager,
    member: MemberPrincipal,
    { purpose, shown }: Acceptance,
  ): Promise<boolean> {
    const { version } = shown.document;
    if (member.role === 'owner') {
      const accepted = { purpose: purpose === 'terms' ? 'terms' : 'privacy', version } as const;
      return this.subscribers.acceptPolicy(manager, member.subscriberId, accepted);
    }
    // Two devices of the member that accept in one moment record it once.
    await lockHashes(manager, [createHash('sha256').update(member.memberId).digest()]);
    return (await this.privacyVersionOf(member, manager)) < version;
  }

  private check(
    audience: PolicyAudience,
    given: GivenConsent[],
    identity: (locale: string) => PolicyIdentity,
    purposes: readonly PolicyPurpose[] = ['terms', 'privacy'],
  ): Acceptance[] {
    const acceptances = given.map((consent) => this.accept(audience, consent, identity));
    const missing = this.policies
      .inForce(audience, 'en')
      .filter(
        ({ purpose }) =>
          purposes.includes(purpose) && !acceptances.some((acceptance) => acceptance.purpose === purpose),
      )
      .map(({ purpose }): FieldError => ({
        field: 'consents',
        code: 'consent_required',
        message: `Accept the ${policyNames[purpose]}.`,
      }));
    if (missing.length > 0) throw new ConsentRequired(missing);
    return acceptances.filter(
      ({ purpose }, index) => acceptances.findIndex((other) => other.purpose === purpose) === index,
    );
  }

  /** Withdrawing always works: whatever text it names, it is the one in force that is withdrawn from. */
  private withdrawable(audience: PolicyAudience, { policyId, purpose }: GivenConsent): GivenConsent {
    if (this.policies.inForceById(audience, policyId)) return { policyId, purpose };
    const document = this.policies.inForce(audience, 'it').find(({ checkboxes }) => checkboxes[purpose]);
    return { policyId: document?.id ?? policyId, purpose };
  }

  private accept(
    audience: PolicyAudience,
    consent: GivenConsent,
    identity: (locale: string) => PolicyIdentity,
    when: 'in force' | 'early' = 'in force',
  ): Acceptance {
    const { policyId, purpose, sha256 } = consent;
    const isEarly = when === 'early' && isRequired(purpose);
    const document =
      this.policies.inForceById(audience, policyId) ??
      (isEarly ? this.policies.announcedById(audience, policyId) : undefined);
    if (!document || !document.checkboxes[purpose]) throw new PolicyChanged();
    const shown = this.policies.show(document, identity(document.locale));
    if (sha256 !== undefined && sha256 !== shown.sha256.toString('hex')) throw new PolicyChanged();
    return { purpose, given: true, shown };
  }

  private async consentsOfContacts({ interlocutorId }: InterlocutorPrincipal) {
    const contacts = await this.contacts.allOfInterlocutor(interlocutorId);
    return contacts.map(({ subscriberId, id }) => ({ subscriberId, contactId: id }));
  }

  private tellAccount(accountId: string, { purpose, given, shown }: Acceptance, at: Date): void {
    this.realtime.tell(rooms.ofAccount(accountId), 'consent.changed', {
      ...{ conversationId: null, purpose, given },
      ...{ policyVersion: shown.document.version, at: at.toISOString() },
    });
  }

  private tell(
    subscriberId: string,
    contact: Contact | undefined,
    { purpose, given, shown }: Acceptance,
    at: Date,
  ): void {
    const event = { purpose, given, policyVersion: shown.document.version, at: at.toISOString() };
    if (!contact)
      return this.realtime.tell(rooms.ofSubscriber(subscriberId), 'consent.changed', {
        conversationId: null,
        ...event,
      });
    this.realtime.tell(
      [rooms.ofSubscriber(subscriberId), rooms.ofInterlocutor(contact.interlocutorId)],
      'consent.changed',
      {
        conversationId: contact.id,
        ...event,
      },
    );
  }
}

const policyNames = { terms: 'terms of service', privacy: 'privacy notice' };

function refuseWithdrawalOf({ purpose }: Acceptance, given: boolean): void {
  if (given || !isRequired(purpose)) return;
  const message =
    'You cannot withdraw this acceptance while you use the service. To withdraw it, ask for the deletion of your data.';
  throw new ValidationFailed([{ field: 'given', code: 'acceptance_required', message }]);
}

/** Condition for the part of the list behind a place, newest first. */
function behind<Whose extends object>(whose: Whose, [recordedAt, id]: [string, string]) {
  const time = new Date(recordedAt);
  return [
    { ...whose, recordedAt: LessThan(time) },
    { ...whose, recordedAt: time, id: LessThan(id) },
  ];
}
