import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { Contact } from '../address-book/contact.entity.js';
import { type ContactRef, Contacts, type KnownJoining } from '../address-book/contacts.service.js';
import { Accounts } from '../auth/accounts.service.js';
import { Credentials } from '../auth/credentials.service.js';
import { joins } from '../auth/joining-limits.js';
import { passwordError } from '../auth/passwords.js';
import type { InterlocutorPrincipal } from '../auth/principal.js';
import { type OpenedSession, Sessions } from '../auth/sessions.service.js';
import type { GivenConsent } from '../consents/consents.dto.js';
import { type Acceptance, Consents } from '../consents/consents.service.js';
import type { VerificationMail } from '../contract/accounts.js';
import { limits } from '../contract/limits.js';
import { Conversations } from '../conversations/conversations.service.js';
import type { StatedIdentity } from '../interlocutors/identities.js';
import { Interlocutors, type StatedInterlocutor } from '../interlocutors/interlocutors.service.js';
import { Log } from '../platform/log.js';
import { DomainError, ValidationFailed } from '../platform/problems/domain-error.js';
import { RateLimits } from '../platform/rate-limits.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';
import { canonicalAddress } from '../platform/validation/email-addresses.js';
import type { KeyRef } from '../platform/vault/keyring.js';
import { Vault } from '../platform/vault/vault.js';
import type { Subscriber } from '../subscribers/subscriber.entity.js';
import { refuseStopped } from '../subscribers/subscribers.errors.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import type { Invitation } from './invitation.entity.js';
import { Invitations } from './invitations.service.js';
import type { Joining } from './joining.dto.js';

/** An interlocutor that joined, and the contact that was made or existed. */
export interface JoinedInterlocutor {
  interlocutorId: string;
  username: string;
  stated: StatedInterlocutor;
  contact: Contact;
  businessName: string;
  session?: OpenedSession;
  verificationMail?: VerificationMail;
}

/** The same person joined on another device in the same moment: nothing of this attempt is kept. */
class AlreadyJoined extends DomainError {
  constructor() {
    super('unavailable');
  }
}

/** The same acceptance was sent twice in the same moment: nothing of this one is kept. */
class RepeatedJoining extends DomainError {
  constructor() {
    super('unavailable');
  }
}

/** An acceptance by a new person, which may be a retry. */
interface Attempt {
  subscriberId: string;
  stated: StatedInterlocutor;
  promotions: boolean;
  passwordHash: string;
  joiningKey: Buffer | null;
  joiningDigest: Buffer | null;
}

interface CreatedContact {
  contact: Contact;
  /** Contacts that share its address from now on. */
  twins: ContactRef[];
}

interface WantedContact {
  emailVerified: boolean;
  joiningKey?: Buffer | null;
  joiningDigest?: Buffer | null;
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
    private readonly rateLimits: RateLimits,
    private readonly log: Log,
    private readonly realtime: Realtime,
    private readonly sessions: Sessions,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {}

  /**
   * A new interlocutor joins: account, contact, conversation, consents and session come about together or not at all. An
   * acceptance that is sent again is answered as the first time, with another session, and makes nothing.
   * @throws NotFound, ConsentRequired, ValidationFailed, DomainError `invitation_…`, `client_id_reused`, `rate_limited`
   */
  async join(code: string, joining: Joining, network: string): Promise<JoinedInterlocutor> {
    await this.rateLimits.count(joins, network);
    const { subscriberId } = await this.invitations.byCode(code);
    const subscriber = await this.subscribers.get(subscriberId);
    const { password, locale, username: wish, device } = joining;
    const stated = statedBy(joining);
    refuseWeakPassword(password, wish, stated.identity);
    const acceptances = this.consents.checkJoining(subscriber, joining.consents);
    const { email } = stated.identity;
    const passwordHash = await this.accounts.hashPassword(password, network, this.salt(subscriberId, email));
    const attempt = this.attempt(subscriberId, joining, { stated, passwordHash });
    const repeated = await this.repeat(attempt, device);
    if (repeated) return repeated;
    const { invitation } = await this.activeInvitation(code);
    const [interlocutorId, accountId, contactId] = [uuid(), uuid(), contactIdOf(invitation)];
    const key = { scope: 'interlocutor', id: interlocutorId } as const;
    const invited = await this.invitations.wasMailedTo(invitation, email);
    const made = await this.withKeys(invitation, contactId, [key], () =>
      this.database.transaction(async (manager) => {
        await this.contacts.lockAddress(manager, subscriberId, email);
        if (await this.known(manager, attempt)) throw new RepeatedJoining();
        const account = { id: accountId, kind: 'interlocutor', subscriberId: null, key, passwordHash, locale } as const;
        const username = await this.accounts.createWithFreeUsername(manager, account, wish, stated.identity);
        await this.interlocutors.create(manager, interlocutorId, accountId, stated);
        const { joiningKey, joiningDigest } = attempt;
        const wanted = { invitation, contactId, interlocutorId, accountId, stated, acceptances };
        const created = await this.createContact(manager, {
          ...wanted,
          joiningKey,
          joiningDigest,
          emailVerified: false,
        });
        const addressee = { accountId, kind: 'interlocutor' as const, key, email, locale, username };
        const verificationMail = await this.credentials.requestVerification(manager, addressee, { invited });
        const session = await this.sessions.create(manager, accountId, { key, device });
        return { ...created, username, verificationMail, session };
      }),
    ).catch((error: unknown) => {
      if (error instanceof RepeatedJoining) return undefined;
      throw error;
    });
    if (!made) return (await this.repeat(attempt, device)) ?? Promise.reject(new DomainError('unavailable'));
    const { twins, ...joined } = made;
    await this.tell(joined.contact, twins);
    return { interlocutorId, stated, businessName: subscriber.businessName, ...joined };
  }

  /**
   * An interlocutor who is signed in joins another subscriber. Joining the same one again changes nothing.
   * @throws NotFound, ConsentRequired, DomainError `invitation_…`, `rate_limited`
   */
  async joinAgain(principal: InterlocutorPrincipal, code: string, given: GivenConsent[]): Promise<JoinedInterlocutor> {
    const { interlocutorId, accountId } = principal;
    await this.rateLimits.count(joins, accountId);
    const { subscriberId } = await this.invitations.byCode(code);
    const username = await this.accounts.username(principal);
    const stated = await this.interlocutors.get(interlocutorId);
    const known = await this.contacts.between(subscriberId, interlocutorId);
    const { businessName } = await this.subscribers.get(subscriberId);
    if (known) return { interlocutorId, username, stated, contact: known, businessName };
    const { invitation, subscriber } = await this.activeInvitation(code);
    const acceptances = this.consents.checkJoining(subscriber, given);
    const contactId = contactIdOf(invitation);
    const made = await this.withKeys(invitation, contactId, [], () =>
      this.database.transaction(async (manager) => {
        // Held, so that a correction made in the same moment reaches this contact too.
        const held = await this.interlocutors.getLocked(manager, interlocutorId);
        const { email } = held.identity;
        await this.contacts.lockAddress(manager, subscriberId, email);
        const emailVerified = await this.accounts.hasVerified(accountId, email, manager);
        const wanted = { invitation, contactId, interlocutorId, accountId, stated: held, acceptances };
        return this.createContact(manager, { ...wanted, emailVerified });
      }),
    ).catch((error: unknown) => {
      if (error instanceof AlreadyJoined) return undefined;
      throw error;
    });
    if (made) await this.tell(made.contact, made.twins);
    const joined = made?.contact ?? (await this.contacts.between(subscriberId, interlocutorId))!;
    return { interlocutorId, username, stated, contact: joined, businessName };
  }

  /**
   * The salt of a joining's password, the same for the same address at the same subscriber: so one hash says whether somebody
   * has joined with this address and password, in the same time whether anybody did. Nobody can predict it without the
   * service's key.
   */
  private salt(subscriberId: string, email: string): Buffer {
    return this.vault.lookupHash('joining salt', `${subscriberId}\0${canonicalAddress(email)}`).subarray(0, 16);
  }

  private attempt(
    subscriberId: string,
    { clientId, consents }: Joining,
    { stated, passwordHash }: Pick<Attempt, 'stated' | 'passwordHash'>,
  ): Attempt {
    const email = canonicalAddress(stated.identity.email);
    // The password is part of it, so the id of another person finds nothing and reveals nothing.
    const key = JSON.stringify([subscriberId, email, passwordHash, clientId]);
    const given = consents.map(({ policyId, purpose }) => `${purpose} ${policyId}`).sort();
    const content = JSON.stringify([nameIn(stated.identity), stated.region, stated.province, stated.sector, given]);
    const promotions = consents.some(({ purpose }) => purpose === 'promotions');
    return {
      subscriberId,
      stated,
      promotions,
      passwordHash,
      joiningKey: clientId === undefined ? null : this.vault.lookupHash('joining key', key),
      joiningDigest: clientId === undefined ? null : this.vault.lookupHash('joining content', `${key}\0${content}`),
    };
  }

  /**
   * The joining that an attempt repeats. Without the client's id, the names and the word on promotions have to be the same too:
   * two of a family who share an address and a password are two, and a yes that was taken back is not given again.
   * @throws DomainError `client_id_reused`
   */
  private async known(manager: EntityManager, attempt: Attempt): Promise<KnownJoining | undefined> {
    const { subscriberId, stated, promotions, passwordHash, joiningKey, joiningDigest } = attempt;
    const { email } = stated.identity;
    const since = new Date(Date.now() - limits.joiningRepeatedMinutes * 60 * 1000);
    const candidates = await this.contacts.joinedBefore(manager, subscriberId, {
      ...{ email, passwordHash, since, joiningKey },
    });
    for (const candidate of candidates) {
      const { contact } = candidate;
      if (joiningKey && contact.joiningKey?.equals(joiningKey)) {
        if (contact.joiningDigest?.equals(joiningDigest!)) return candidate;
        throw new DomainError('client_id_reused', { detail: clientIdReused });
      }
      if (contact.joinedAt <= since || contact.promotions !== promotions) continue;
      const { identity } = await this.interlocutors.get(contact.interlocutorId, manager);
      if (nameIn(identity) === nameIn(stated.identity)) return candidate;
    }
    return undefined;
  }

  /** @returns the answer of the first time, with a session of its own; undefined when there was none */
  private async repeat(attempt: Attempt, device: string | undefined): Promise<JoinedInterlocutor | undefined> {
    const known = await this.known(this.database.manager, attempt);
    if (!known) return undefined;
    const { contact, accountId } = known;
    const { interlocutorId } = contact;
    const key = { scope: 'interlocutor', id: interlocutorId } as const;
    const session = await this.database.transaction(async (manager) => {
      const same = await this.accounts.holdsPassword(manager, accountId, attempt.passwordHash);
      return same ? this.sessions.create(manager, accountId, { key, device }) : undefined;
    });
    if (!session) return undefined;
    const { businessName } = await this.subscribers.get(attempt.subscriberId);
    const stated = await this.interlocutors.get(interlocutorId);
    const username = await this.accounts.usernameOf(accountId, key);
    return { interlocutorId, username, stated, contact, businessName, session };
  }

  private async activeInvitation(code: string): Promise<{ invitation: Invitation; subscriber: Subscriber }> {
    const invitation = await this.invitations.byCode(code);
    this.invitations.requireActive(invitation);
    const subscriber = await this.subscribers.get(invitation.subscriberId);
    refuseStopped(subscriber);
    return { invitation, subscriber };
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
  private async createContact(manager: EntityManager, wanted: WantedContact): Promise<CreatedContact> {
    const { invitation, contactId, interlocutorId, accountId, stated, acceptances, emailVerified } = wanted;
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
      invitationId: invitation.id,
      emailVerified,
      joiningKey: wanted.joiningKey ?? null,
      joiningDigest: wanted.joiningDigest ?? null,
    });
    if (!contact) throw new AlreadyJoined();
    const twins = await this.contacts.touchTwin(manager, contact);
    await this.invitations.withholdMails(manager, subscriberId, stated.identity.email);
    await this.conversations.create(manager, subscriberId, contactId);
    const record = { subscriberId, contactId, accountId, how: 'joining', acceptances, recordedAt: joinedAt } as const;
    await this.consents.record(manager, record);
    return { contact, twins };
  }

  /** Tells about a commit. A failure changes nothing, because the next sync finds the contact. */
  private async tell(contact: Contact, twins: ContactRef[]): Promise<void> {
    await this.log.attempt(() => this.tellBoth(contact));
    await this.contacts.tellOf(twins);
  }

  private async tellBoth(contact: Contact): Promise<void> {
    const { subscriberId, interlocutorId, id } = contact;
    const view = await this.contacts.published(contact);
    const seenBySubscriber = await this.conversations.head({ kind: 'member', subscriberId }, id);
    const seenByInterlocutor = await this.conversations.head({ kind: 'interlocutor', interlocutorId }, id);
    this.realtime.tell(rooms.ofSubscriber(subscriberId), 'contact.joined', {
      conversation: seenBySubscriber,
      contact: view,
    });
    this.realtime.tell(rooms.ofInterlocutor(interlocutorId), 'contact.joined', { conversation: seenByInterlocutor });
  }
}

const clientIdReused = 'This clientId was used before with other content. Use a new one to join again.';

/** The name of a person or a company, however it is spaced and in whatever case. */
function nameIn({ firstName, surname, companyName }: StatedIdentity): string {
  const names = [firstName, surname, companyName].map((name) => name ?? '');
  return JSON.stringify(names.map((name) => name.normalize('NFKC').trim().toLowerCase()));
}

/** A personal invitation becomes the contact, with its key. */
const contactIdOf = ({ kind, id }: Invitation) => (kind === 'personal' ? id : uuid());

/** @throws ValidationFailed for a person and a company at once: one of the two would be lost */
function statedBy(joining: Joining): StatedInterlocutor {
  const { firstName, surname, companyName, companyType, email, region, province, sector } = joining;
  if (companyName !== undefined && (firstName !== undefined || surname !== undefined)) {
    const message = 'Send the fields of a person or those of a company, not both.';
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
