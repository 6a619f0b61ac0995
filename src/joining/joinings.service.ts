import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { Contact } from '../address-book/contact.entity.js';
import { Contacts } from '../address-book/contacts.service.js';
import { Accounts } from '../auth/accounts.service.js';
import { passwordError } from '../auth/passwords.js';
import type { InterlocutorPrincipal } from '../auth/principal.js';
import { type OpenedSession, Sessions } from '../auth/sessions.service.js';
import type { GivenConsent } from '../consents/consents.dto.js';
import { type Acceptance, Consents } from '../consents/consents.service.js';
import { Conversations } from '../conversations/conversations.service.js';
import { Credentials } from '../credentials/credentials.service.js';
import type { StatedIdentity } from '../interlocutors/identities.js';
import { Interlocutors, type StatedInterlocutor } from '../interlocutors/interlocutors.service.js';
import type { Invitation } from '../invitations/invitation.entity.js';
import { Invitations } from '../invitations/invitations.service.js';
import { Log } from '../platform/log.js';
import { DomainError, ValidationFailed } from '../platform/problems/domain-error.js';
import { RateLimits } from '../platform/rate-limits.js';
import { Realtime } from '../platform/realtime/realtime.js';
import type { KeyRef } from '../platform/vault/keyring.js';
import { Vault } from '../platform/vault/vault.js';
import type { Subscriber } from '../subscribers/subscriber.entity.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import type { Joining } from './joining.dto.js';

/** Who joined, and the contact that came about or was there already. */
export interface JoinedInterlocutor {
  interlocutorId: string;
  username: string;
  stated: StatedInterlocutor;
  contact: Contact;
  businessName: string;
  session?: OpenedSession;
}

/** The same person joined on another device in the same moment: nothing of this attempt is kept. */
class AlreadyJoined extends DomainError {
  constructor() {
    super('unavailable');
  }
}

interface WantedContact {
  invitation: Invitation;
  contactId: string;
  interlocutorId: string;
  accountId: string;
  stated: StatedInterlocutor;
  acceptances: Acceptance[];
}

/** Turns an accepted invitation into a contact: no other way leads into an address book. */
@Injectable()
export class Joinings {
  constructor(
    private readonly database: DataSource,
    private readonly accounts: Accounts,
    private readonly consents: Consents,
    private readonly contacts: Contacts,
    private readonly conversations: Conversations,
    private readonly credentials: Credentials,
    private readonly interlocutors: Interlocutors,
    private readonly invitations: Invitations,
    private readonly limits: RateLimits,
    private readonly log: Log,
    private readonly realtime: Realtime,
    private readonly sessions: Sessions,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {}

  /**
   * A new interlocutor joins: account, contact, conversation, consents and session come about together or not at all.
   * @throws NotFound, ConsentRequired, ValidationFailed, DomainError `invitation_…`, `rate_limited`
   */
  async join(code: string, joining: Joining, network: string): Promise<JoinedInterlocutor> {
    await this.limits.count('join', network);
    const { invitation, subscriber } = await this.activeInvitation(code);
    const { password, locale, username: wish, device } = joining;
    const stated = statedBy(joining);
    refuseWeakPassword(password, wish, stated.identity);
    const acceptances = this.consents.checkJoining(subscriber, joining.consents);
    const passwordHash = await this.accounts.hashPassword(password, network);
    const [interlocutorId, accountId, contactId] = [uuid(), uuid(), contactIdOf(invitation)];
    const key = { scope: 'interlocutor', id: interlocutorId } as const;
    const made = await this.withKeys(invitation, contactId, [key], () =>
      this.database.transaction(async (manager) => {
        const account = { id: accountId, kind: 'interlocutor', subscriberId: null, key, passwordHash, locale } as const;
        const username = await this.accounts.createWithFreeUsername(manager, account, wish, stated.identity);
        await this.interlocutors.create(manager, interlocutorId, accountId, stated);
        const wanted = { invitation, contactId, interlocutorId, accountId, stated, acceptances };
        const contact = await this.createContact(manager, wanted);
        const { email } = stated.identity;
        await this.credentials.requestVerification(manager, { accountId, key, email, locale, username });
        return { contact, username, session: await this.sessions.open(manager, accountId, { key, device }) };
      }),
    );
    await this.tell(made.contact);
    return { interlocutorId, stated, businessName: subscriber.businessName, ...made };
  }

  /**
   * An interlocutor who is signed in joins another subscriber. Joining the same one again changes nothing.
   * @throws NotFound, ConsentRequired, DomainError `invitation_…`, `rate_limited`
   */
  async joinAgain(principal: InterlocutorPrincipal, code: string, given: GivenConsent[]): Promise<JoinedInterlocutor> {
    const { interlocutorId, accountId } = principal;
    await this.limits.count('join', accountId);
    const { subscriberId } = await this.invitations.byCode(code);
    const username = await this.accounts.username(principal);
    const stated = await this.interlocutors.get(interlocutorId);
    const known = await this.contacts.between(subscriberId, interlocutorId);
    const { businessName } = await this.subscribers.get(subscriberId);
    if (known) return { interlocutorId, username, stated, contact: known, businessName };
    const { invitation, subscriber } = await this.activeInvitation(code);
    const acceptances = this.consents.checkJoining(subscriber, given);
    const contactId = contactIdOf(invitation);
    const contact = await this.withKeys(invitation, contactId, [], () =>
      this.database.transaction(async (manager) => {
        // Held, so that a correction made in the same moment reaches this contact too.
        const held = await this.interlocutors.held(manager, interlocutorId);
        const wanted = { invitation, contactId, interlocutorId, accountId, stated: held, acceptances };
        return this.createContact(manager, wanted);
      }),
    ).catch((error: unknown) => {
      if (error instanceof AlreadyJoined) return undefined;
      throw error;
    });
    if (contact) await this.tell(contact);
    const joined = contact ?? (await this.contacts.between(subscriberId, interlocutorId))!;
    return { interlocutorId, username, stated, contact: joined, businessName };
  }

  private async activeInvitation(code: string): Promise<{ invitation: Invitation; subscriber: Subscriber }> {
    const invitation = await this.invitations.byCode(code);
    this.invitations.requireActive(invitation);
    return { invitation, subscriber: await this.subscribers.get(invitation.subscriberId) };
  }

  /** Makes the keys first, because sealing needs them, and destroys them when nothing came of it. */
  private async withKeys<Result>(
    { kind }: Invitation,
    contactId: string,
    others: KeyRef[],
    work: () => Promise<Result>,
  ): Promise<Result> {
    // A personal invitation's key is there already, and stays for another try.
    const made: KeyRef[] = kind === 'open' ? [...others, { scope: 'contact', id: contactId }] : others;
    await this.vault.createKeys(...made);
    return this.vault.destroyingOnRefusal(made, work);
  }

  /** @throws AlreadyJoined when the interlocutor is a contact of this subscriber already; DomainError `invitation_…` */
  private async createContact(manager: EntityManager, wanted: WantedContact): Promise<Contact> {
    const { invitation, contactId, interlocutorId, accountId, stated, acceptances } = wanted;
    const { subscriberId } = invitation;
    const joinedAt = new Date();
    await this.invitations.use(manager, invitation);
    const { suggestion: imported = {} } = await this.invitations.personOf(invitation);
    const contact = await this.contacts.add(manager, {
      subscriberId,
      id: contactId,
      interlocutorId,
      stated: {
        identity: stated.identity,
        region: stated.region ?? imported.region ?? null,
        province: stated.province ?? imported.province ?? null,
        sector: stated.sector ?? imported.sector ?? null,
      },
      promotions: acceptances.some(({ purpose }) => purpose === 'promotions'),
      privacyVersion: acceptances.find(({ purpose }) => purpose === 'privacy')!.shown.document.version,
      externalId: imported.externalId,
      note: imported.note,
      phone: imported.phone,
      labels: imported.labels,
      joinedAt,
    });
    if (!contact) throw new AlreadyJoined();
    await this.conversations.begin(manager, subscriberId, contactId);
    const record = { subscriberId, contactId, accountId, how: 'joining', acceptances, recordedAt: joinedAt } as const;
    await this.consents.record(manager, record);
    return contact;
  }

  /** What has been committed stands, also when it cannot be told: the next sync finds it. */
  private async tell(contact: Contact): Promise<void> {
    await this.log.afterCommit(() => this.tellBoth(contact));
  }

  private async tellBoth(contact: Contact): Promise<void> {
    const { subscriberId, interlocutorId, id } = contact;
    const view = await this.contacts.published(contact);
    const seenBySubscriber = await this.conversations.head({ kind: 'member', subscriberId }, id);
    const seenByInterlocutor = await this.conversations.head({ kind: 'interlocutor', interlocutorId }, id);
    this.realtime.tell(`subscriber:${subscriberId}`, 'contact.joined', {
      conversation: seenBySubscriber,
      contact: view,
    });
    this.realtime.tell(`interlocutor:${interlocutorId}`, 'contact.joined', { conversation: seenByInterlocutor });
  }
}

/** A personal invitation becomes the contact, key and all. */
const contactIdOf = ({ kind, id }: Invitation) => (kind === 'personal' ? id : uuid());

/** @throws ValidationFailed for a person and a company at once: one of the two would be lost */
function statedBy(joining: Joining): StatedInterlocutor {
  const { firstName, surname, companyName, companyType, email, region, province, sector } = joining;
  if (companyName !== undefined && (firstName !== undefined || surname !== undefined)) {
    const message = 'State a person or a company, not both.';
    throw new ValidationFailed([{ field: 'companyName', code: 'exclusive', message }]);
  }
  const identity: StatedIdentity =
    companyName === undefined ? { firstName, surname, email } : { companyName, companyType, email };
  return { identity, region: region || null, province: province || null, sector: sector || null };
}

function refuseWeakPassword(password: string, username: string | undefined, identity: StatedIdentity): void {
  const { firstName, surname, companyName, email } = identity;
  const personal = [username, firstName, surname, companyName, email.split('@')[0]];
  const refused = passwordError(
    password,
    personal.filter((each) => each !== undefined),
  );
  if (refused) throw new ValidationFailed([{ field: 'password', ...refused }]);
}
