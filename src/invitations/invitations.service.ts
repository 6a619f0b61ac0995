import { Injectable } from '@nestjs/common';
import { isDeepStrictEqual } from 'node:util';
import { InjectRepository } from '@nestjs/typeorm';
import qrcode from 'qrcode';
import { Brackets, type EntityManager, In, type Repository, type SelectQueryBuilder } from 'typeorm';
import { NIL, v7 as uuid } from 'uuid';
import { Actions } from '../actions/actions.service.js';
import { ExternalIdTaken } from '../address-book/contacts.errors.js';
import { Contacts } from '../address-book/contacts.service.js';
import { normalisedPhone } from '../address-book/phones.js';
import { openInvitationName, sealInvitationName } from '../address-book/invitation-names.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { Consents } from '../consents/consents.service.js';
import type { ErrorCode } from '../contract/errors.js';
import type { InvitationState, MailState } from '../contract/invitations.js';
import { limits } from '../contract/limits.js';
import { openPage } from '../platform/cursors.js';
import { dayMilliseconds } from '../platform/durations.js';
import { Outbox } from '../platform/mail/outbox.js';
import { DomainError, NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import { canonicalAddress, sameMailbox } from '../platform/validation/email-addresses.js';
import { Vault } from '../platform/vault/vault.js';
import type { Subscriber } from '../subscribers/subscriber.entity.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { InvitationLinks } from './invitation-links.service.js';
import { InvitationMails, mailFailed } from './invitation-mails.service.js';
import { Invitation } from './invitation.entity.js';
import {
  type ChangeInvitation,
  type InvitationList,
  type InvitationMailing,
  type InvitationView,
  ListInvitations,
  type NewInvitation,
  type SuggestedPerson,
} from './invitations.dto.js';
import { type InvitedPerson, InvitedPeople, namesOf, type OpenedPerson } from './invited-people.service.js';

/** Result of a request to invite somebody. */
export type InvitationOutcome =
  'invited' | 'corrected' | 'already_there' | 'already_invited' | 'asked_not_to_be_written_to';

/** Terms that the personal invitations of one call share. */
export interface InvitationTerms {
  subscriberId: string;
  memberId: string;
  locale: string;
  importId?: string;
  /** Given by the subscriber. */
  name?: string | undefined;
}

export interface Assessment {
  outcome: InvitationOutcome;
  /** The invitation that was made, or exists already. */
  invitationId?: string;
  /** Delivery of a new invitation. */
  via?: 'mail' | 'letter';
  /** Another contact has its `externalId`. */
  externalIdTaken?: boolean;
}

/** An assessment with the data to store. */
interface Plan extends Assessment {
  person: OpenedPerson;
  /** Data with which an existing invitation is corrected. */
  correction?: SuggestedPerson;
}

const lettersAtOnce = 100;

@Injectable()
export class Invitations {
  constructor(
    @InjectRepository(Invitation) private readonly invitations: Repository<Invitation>,
    private readonly actions: Actions,
    private readonly consents: Consents,
    private readonly contacts: Contacts,
    private readonly links: InvitationLinks,
    private readonly mails: InvitationMails,
    private readonly outbox: Outbox,
    private readonly people: InvitedPeople,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {}

  /**
   * Makes an invitation. A person who has one already keeps it, and nothing more is sent.
   * @returns with `made` telling whether it is new
   * @throws ConsentRequired, ValidationFailed, DomainError `already_a_contact`, `asked_not_to_be_written_to`, `rate_limited`
   */
  async create(member: MemberPrincipal, wanted: NewInvitation): Promise<{ invitation: InvitationView; made: boolean }> {
    const { subscriberId, memberId } = member;
    const subscriber = await this.subscribers.get(subscriberId);
    await this.consents.requireOfMember(member, subscriber);
    refuseForeignTerms(wanted);
    const { kind, email, suggestion, name, maxUses, expiresAt } = wanted;
    if (kind === 'personal') {
      const terms = { subscriberId, memberId, locale: wanted.locale ?? subscriber.locale };
      const person = {
        ...(email !== undefined && { email }),
        ...(suggestion && { suggestion: statedOf(suggestion, subscriber.country) }),
      };
      const { id, made } = await this.createPersonal(subscriber, { ...terms, name }, person);
      return { invitation: await this.get(member, id), made };
    }
    const id = uuid();
    const invitation = {
      ...blank,
      subscriberId,
      id,
      kind,
      name: await this.sealName(subscriberId, id, name),
      ...(await this.links.make(subscriberId, id)),
      maxUses: maxUses ?? null,
      createdBy: memberId,
      createdAt: new Date(),
      expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
    };
    await this.invitations.manager.transaction(async (manager) => {
      await manager.insert(Invitation, invitation);
      await this.actions.record(manager, member, 'invitation.made', id);
    });
    return { invitation: await this.get(member, id), made: true };
  }

  /** Predicts the outcomes of inviting people, in their order; changes nothing. */
  async assess(manager: EntityManager, subscriberId: string, people: readonly OpenedPerson[]): Promise<Assessment[]> {
    const plans = await this.plan(manager, subscriberId, people);
    return plans.map(({ person: _, correction: __, ...assessment }) => assessment);
  }

  private async plan(manager: EntityManager, subscriberId: string, people: readonly OpenedPerson[]): Promise<Plan[]> {
    const addresses = new Set(people.flatMap(({ email }) => (email === undefined ? [] : canonicalAddress(email))));
    const contacts = await this.contacts.addressesAmong(subscriberId, addresses);
    const stopped = await this.people.stoppedAmong(manager, [...addresses]);
    const numbered = await this.contacts.externalIdsAmong(
      manager,
      subscriberId,
      people.flatMap(({ suggestion }) => suggestion?.externalId ?? []),
    );
    const letters = people.map(({ email: _, ...person }) => person);
    const hashes = people.map((person, index) => ({
      emails: this.people.emailHashes(subscriberId, person),
      line: this.people.lineHash(subscriberId, letters[index]!),
    }));
    const standing = await this.standing(manager, subscriberId, hashes);
    const known = await this.suggestionsOf(manager, subscriberId, [...standing.values()]);
    const seen = new Set<string>();
    return people.map((person, index): Plan => {
      const { email, shared } = person;
      const externalId = person.suggestion?.externalId;
      const externalIdTaken = externalId !== undefined && numbered.has(externalId);
      const address = email === undefined ? undefined : canonicalAddress(email);
      if (address !== undefined && shared !== 'further' && contacts.has(address))
        return { outcome: 'already_there', person };
      if (address !== undefined && stopped.has(address)) return { outcome: 'asked_not_to_be_written_to', person };
      const byMail = hashes[index]!.emails.map((hash) => hash.toString('hex'));
      const mailed = byMail.map((hash) => standing.get(hash)).find(Boolean);
      // At a shared address, an invitation is for one named person.
      const own = shared && mailed ? sameNames(known.get(mailed.id), person.suggestion) : shared !== 'further';
      const letter = address === undefined || !own;
      const hash = letter ? hashes[index]!.line!.toString('hex') : byMail[0]!;
      const stands = letter ? standing.get(hash) : mailed;
      const invited = letter ? letters[index]! : person;
      if (stands?.used) return { outcome: 'already_there', invitationId: stands.id, person: invited };
      if (stands) return corrected(stands.id, known.get(stands.id), invited);
      if (letter && externalIdTaken) return { outcome: 'already_there', person: invited };
      if (seen.has(hash)) return { outcome: 'already_invited', person: invited };
      seen.add(hash);
      const via = letter ? 'letter' : 'mail';
      return { outcome: 'invited', via, ...(externalIdTaken && { externalIdTaken }), person: invited };
    });
  }

  /**
   * Invites people, each of whom has an id for the invitation; those who are contacts, invited already or asked not to be
   * written to are not. An invitation that stands takes up what is said anew of its person. Mails wait for {@link InvitationMails.postWaiting}.
   * @returns the outcomes in the order of the people
   */
  async invite(
    manager: EntityManager,
    terms: InvitationTerms,
    people: readonly InvitedPerson[],
  ): Promise<Assessment[]> {
    const { subscriberId, memberId, locale, importId, name } = terms;
    const plans = await this.plan(manager, subscriberId, people);
    const standing = await this.people.correct(
      manager,
      subscriberId,
      plans.flatMap(({ invitationId: id, correction }) => (correction ? { id: id!, suggestion: correction } : [])),
    );
    const assessed = plans.map(({ person: _, correction, ...assessment }): Assessment => {
      // It was used or revoked in the same moment.
      const lost = correction && !standing.has(assessment.invitationId!);
      return lost ? { ...assessment, outcome: 'already_invited' } : assessment;
    });
    const wanted = plans.flatMap(({ outcome, person }, index) =>
      outcome === 'invited' ? { ...person, id: people[index]!.id } : [],
    );
    if (wanted.length === 0) return assessed;
    await this.vault.createKeys(...wanted.map(({ id }) => ({ scope: 'contact', id }) as const));
    const sealed = await this.people.seal(subscriberId, wanted);
    const createdAt = new Date();
    const expiresAt = new Date(createdAt.getTime() + limits.waitingInvitationDays * dayMilliseconds);
    const rows: Invitation[] = [];
    for (const [index, { id }] of wanted.entries()) {
      rows.push({
        ...blank,
        subscriberId,
        id,
        kind: 'personal',
        name: await this.sealName(subscriberId, id, name),
        ...(await this.links.make(subscriberId, id)),
        ...sealed[index]!,
        locale,
        importId: importId ?? null,
        maxUses: 1,
        createdBy: memberId,
        createdAt,
        expiresAt,
      });
    }
    await this.clearEnded(manager, subscriberId, rows);
    // In one order everywhere, so that two who invite the same people do not wait for each other.
    rows.sort((a, b) => Buffer.compare((a.emailHash ?? a.lineHash)!, (b.emailHash ?? b.lineHash)!));
    const insert = manager.createQueryBuilder().insert().into(Invitation).values(rows).orIgnore().returning('id');
    const made = new Set(((await insert.execute()).raw as { id: string }[]).map(({ id }) => id));
    await this.people.destroyKeys(wanted.flatMap(({ id }) => (made.has(id) ? [] : id)));
    return assessed.map((assessment, index) => {
      if (assessment.outcome !== 'invited') return assessment;
      const { id } = people[index]!;
      // Somebody else invited the same person in the same moment.
      return made.has(id) ? { ...assessment, invitationId: id } : { outcome: 'already_invited' };
    });
  }

  /** Has the mails that wait posted once this transaction has committed. */
  postSoon(manager: EntityManager): Promise<void> {
    return this.mails.postSoon(manager);
  }

  /** Unused invitations of an import that go by letter, in the order in which they were made. */
  async *letters(subscriberId: string, importId: string): AsyncGenerator<InvitationView, void, undefined> {
    let after: string = NIL;
    for (;;) {
      const page = await this.matching(subscriberId, { kind: 'personal', state: 'active', importId, letter: true })
        .andWhere('invitation.id > :after', { after })
        .orderBy('invitation.id', 'ASC')
        .take(lettersAtOnce)
        .getMany();
      yield* await this.views(subscriberId, page);
      if (page.length < lettersAtOnce) return;
      after = page.at(-1)!.id;
    }
  }

  /** The invitations of the member's subscriber, newest first. */
  async list({ subscriberId }: MemberPrincipal, wanted: ListInvitations): Promise<InvitationList> {
    const { ask, position, next } = openPage(ListInvitations, wanted, ['id']);
    const { limit } = ask;
    const query = this.matching(subscriberId, ask);
    const total = await query.getCount();
    if (position) query.andWhere('invitation.id < :before', { before: position[0] });
    const found = await query
      .orderBy('invitation.id', 'DESC')
      .take(limit + 1)
      .getMany();
    const items = await this.views(subscriberId, found.slice(0, limit));
    return { items, nextCursor: found.length > limit ? next([items.at(-1)!.id]) : null, total };
  }

  /** The mails that wait, and by when they have probably left. */
  async mailing({ subscriberId }: MemberPrincipal): Promise<InvitationMailing> {
    return this.mails.mailing(await this.subscribers.get(subscriberId));
  }

  /**
   * A personal invitation that can be handed over on paper.
   * @throws NotFound, DomainError that says whether it was revoked, declined, has expired or is used up
   */
  async letter(member: MemberPrincipal, id: string): Promise<InvitationView> {
    const invitation = await this.invitations.findOneBy({ subscriberId: member.subscriberId, id, kind: 'personal' });
    if (!invitation) throw new NotFound();
    this.requireActive(invitation);
    return this.get(member, id);
  }

  /** @throws NotFound */
  async get({ subscriberId }: Pick<MemberPrincipal, 'subscriberId'>, id: string): Promise<InvitationView> {
    const invitation = await this.invitations.findOneBy({ subscriberId, id });
    if (!invitation) throw new NotFound();
    return (await this.views(subscriberId, [invitation]))[0]!;
  }

  /**
   * Gives an invitation another name, or none.
   * @throws NotFound
   */
  async rename(member: MemberPrincipal, id: string, { name }: ChangeInvitation): Promise<InvitationView> {
    const { subscriberId } = member;
    if (name !== undefined) {
      const sealed = await this.sealName(subscriberId, id, name || undefined);
      await this.invitations.manager.transaction(async (manager) => {
        const { affected } = await manager.update(Invitation, { subscriberId, id }, { name: sealed });
        if (!affected) throw new NotFound();
        await this.actions.record(manager, member, 'invitation.changed', id);
      });
    }
    return this.get(member, id);
  }

  /** The link as a QR code, in SVG. */
  async qrCode(member: MemberPrincipal, id: string): Promise<string> {
    const { url } = await this.get(member, id);
    return qrcode.toString(url, { type: 'svg', errorCorrectionLevel: 'M', margin: 4 });
  }

  /**
   * From here on nobody can join with it. Of a personal one that nobody used, the invited person's data go at once.
   * @throws NotFound
   */
  async revoke(member: MemberPrincipal, id: string): Promise<void> {
    const { subscriberId } = member;
    const forgotten = await this.invitations.manager.transaction(async (manager) => {
      const invitation = await this.locked(manager, subscriberId, id);
      if (!invitation) throw new NotFound();
      if (invitation.revokedAt) return false;
      await manager.update(Invitation, { subscriberId, id }, { revokedAt: new Date() });
      await this.actions.record(manager, member, 'invitation.revoked', id);
      return this.forgetUnused(manager, invitation);
    });
    if (forgotten) await this.people.destroyKeys([id]);
  }

  /**
   * Revokes at once what an import has made and nobody has used: the invitations whose mails have not left, and with
   * `letters` those by letter too. To be called in the transaction that stops the import; {@link destroyRevokedKeys} then
   * goes after the keys.
   */
  async revokeImported(
    manager: EntityManager,
    { subscriberId, importId, letters }: { subscriberId: string; importId: string; letters: boolean },
  ): Promise<{ mails: number; letters: number }> {
    // Before the invitations, in the order in which their mails are posted.
    await this.mails.lock(manager, subscriberId);
    const [rows] = await manager.query<[{ id: string; mail: boolean }[], number]>(
      `UPDATE invitation SET revoked_at = now()
       WHERE subscriber_id = $1 AND import_id = $2 AND uses = 0 AND revoked_at IS NULL AND stopped_at IS NULL
         AND mailed_at IS NULL AND (email IS NOT NULL OR ($3 AND stop_hash IS NULL))
       RETURNING id, email IS NOT NULL AS mail`,
      [subscriberId, importId, letters],
    );
    const ids = rows.map(({ id }) => id);
    await this.people.forget(manager, subscriberId, ids, { mailed: false });
    const mails = rows.filter(({ mail }) => mail).length;
    return { mails, letters: rows.length - mails };
  }

  /** Destroys the keys of an import's invitations that were revoked unused; may be repeated. */
  async destroyRevokedKeys(subscriberId: string, importId: string): Promise<void> {
    const rows = await this.invitations.query<{ id: string }[]>(
      `SELECT id FROM invitation
       WHERE subscriber_id = $1 AND import_id = $2 AND revoked_at IS NOT NULL AND uses = 0`,
      [subscriberId, importId],
    );
    await this.people.destroyKeys(rows.map(({ id }) => id));
  }

  /**
   * The invited person asks not to be written to again: no business can send an invitation to this address any more, and
   * of this one the person's data go at once.
   * @throws NotFound for a code that was never sent to an address
   */
  async stop(code: string): Promise<void> {
    const { subscriberId, id, stopHash } = await this.byCode(code);
    if (!stopHash) throw new NotFound();
    const forgotten = await this.invitations.manager.transaction(async (manager) => {
      const invitation = (await this.locked(manager, subscriberId, id))!;
      await this.people.stop(manager, invitation);
      if (invitation.uses > 0 || invitation.stoppedAt) return false;
      await manager.update(Invitation, { subscriberId, id }, { stoppedAt: new Date() });
      return this.forgetUnused(manager, invitation);
    });
    if (forgotten) await this.people.destroyKeys([id]);
  }

  /** Tells whether an invitation's link went by mail to this very mailbox, so that who opened it reads it. */
  async wasMailedTo(invitation: Invitation, address: string): Promise<boolean> {
    if (!invitation.mailedAt || !invitation.email) return false;
    const [person] = await this.people.open(invitation.subscriberId, [invitation]);
    return person?.email !== undefined && sameMailbox(person.email, address);
  }

  /**
   * Withholds the mails of invitations to an address under which somebody has joined in another way: a mail that has not been
   * sent yet waits again. Must be called in the transaction that creates the contact.
   */
  async withholdMails(manager: EntityManager, subscriberId: string, address: string): Promise<void> {
    const rows = await manager.query<{ id: string }[]>(
      `SELECT id FROM invitation WHERE subscriber_id = $1 AND email_hash = ANY ($2) AND uses = 0 ORDER BY id FOR UPDATE`,
      [subscriberId, this.people.emailHashes(subscriberId, { email: address })],
    );
    for (const { id } of rows) {
      const waited = await this.outbox.withdraw(manager, { scope: 'contact', id });
      if (waited === 0) continue;
      await manager.query(
        `UPDATE invitation SET mailed_at = NULL, expires_at = created_at + make_interval(days => $3)
         WHERE subscriber_id = $1 AND id = $2 AND reminded_at IS NULL`,
        [subscriberId, id, limits.waitingInvitationDays],
      );
    }
  }

  /** Data about the person that an invitation is for; empty for an open one. */
  async personOf(invitation: Invitation): Promise<OpenedPerson> {
    if (invitation.kind === 'open') return {};
    return (await this.people.open(invitation.subscriberId, [invitation]))[0]!;
  }

  /** @throws NotFound for a code that never was one */
  async byCode(code: string): Promise<Invitation> {
    const invitation = await this.invitations.findOneBy({ codeHash: this.links.codeHash(code) });
    if (!invitation) throw new NotFound();
    return invitation;
  }

  /** @throws DomainError that says whether it was revoked, declined, has expired or is used up */
  requireActive(invitation: Invitation): void {
    const state = stateOf(invitation);
    if (state !== 'active') throw new DomainError(refusals[state].code, { detail: refusals[state].detail });
  }

  /**
   * Counts a use of the invitation while it is valid; two people cannot take the last place. A waiting mail to a person who
   * has joined is withdrawn.
   * @throws DomainError as {@link requireActive}
   */
  async use(manager: EntityManager, { subscriberId, id, kind }: Invitation): Promise<void> {
    const [, taken] = await manager.query<[unknown, number]>(
      `UPDATE invitation SET uses = uses + 1, email_hash = NULL
       WHERE subscriber_id = $1 AND id = $2 AND revoked_at IS NULL AND stopped_at IS NULL
         AND (expires_at IS NULL OR expires_at > $3) AND (max_uses IS NULL OR uses < max_uses)`,
      [subscriberId, id, new Date()],
    );
    if (taken > 0) {
      if (kind === 'personal') await this.outbox.withdraw(manager, { scope: 'contact', id });
      return;
    }
    this.requireActive(await manager.findOneByOrFail(Invitation, { subscriberId, id }));
    throw new DomainError('unavailable');
  }

  private sealName(subscriberId: string, id: string, name: string | undefined): Promise<Buffer | null> {
    return name === undefined ? Promise.resolve(null) : sealInvitationName(this.vault, subscriberId, id, name);
  }

  private async createPersonal(
    subscriber: Subscriber,
    terms: InvitationTerms,
    person: OpenedPerson,
  ): Promise<{ id: string; made: boolean }> {
    const id = uuid();
    const { subscriberId } = terms;
    const key = { scope: 'contact', id } as const;
    // Opened under the lock, the directory would ask for a connection that those who wait for the lock hold.
    await this.contacts.openDirectory(subscriberId);
    return this.vault.destroyingOnRefusal([key], () =>
      this.invitations.manager.transaction(async (manager) => {
        await this.mails.lock(manager, subscriberId);
        const [assessment] = await this.invite(manager, terms, [{ id, ...person }]);
        const { outcome, invitationId, externalIdTaken } = assessment!;
        if (externalIdTaken) throw new ExternalIdTaken();
        if (outcome === 'already_there') throw new DomainError('already_a_contact', { detail: alreadyThere });
        if (outcome === 'asked_not_to_be_written_to') throw new DomainError(outcome, { detail: askedNotTo });
        if (outcome === 'already_invited' || outcome === 'corrected') {
          const known = invitationId ?? (await this.existingInvitation(manager, subscriberId, person));
          if (known === undefined) throw new DomainError('unavailable');
          return { id: known, made: false };
        }
        const invitation = await manager.findOneByOrFail(Invitation, { subscriberId, id });
        if (person.email !== undefined) await this.mails.postNew(manager, subscriber, invitation);
        await this.actions.record(manager, terms, 'invitation.made', id);
        return { id, made: true };
      }),
    );
  }

  private async existingInvitation(
    manager: EntityManager,
    subscriberId: string,
    person: OpenedPerson,
  ): Promise<string | undefined> {
    const emails = this.people.emailHashes(subscriberId, person);
    const line = this.people.lineHash(subscriberId, person);
    const [known] = (await this.standing(manager, subscriberId, [{ emails, line }])).values();
    return known?.id;
  }

  /** The invitations that stand for these hashes; used ones count as long as the contact is there. */
  private async standing(
    manager: EntityManager,
    subscriberId: string,
    hashes: readonly { emails: Buffer[]; line: Buffer | undefined }[],
  ): Promise<Map<string, { id: string; used: boolean }>> {
    const rows = await manager.query<{ hash: string; id: string; used: boolean }[]>(
      `SELECT encode(coalesce(email_hash, line_hash), 'hex') AS hash, id, uses > 0 AS used FROM invitation
       WHERE subscriber_id = $1 AND (email_hash = ANY ($2) OR line_hash = ANY ($3)) AND NOT (${hasEnded})`,
      [subscriberId, hashes.flatMap(({ emails }) => emails), hashes.flatMap(({ line }) => line ?? [])],
    );
    return new Map(rows.map(({ hash, ...invitation }) => [hash, invitation]));
  }

  /** Data about the people whose invitations are unused. */
  private async suggestionsOf(
    manager: EntityManager,
    subscriberId: string,
    standing: readonly { id: string; used: boolean }[],
  ): Promise<Map<string, SuggestedPerson>> {
    const ids = standing.flatMap(({ id, used }) => (used ? [] : id));
    if (ids.length === 0) return new Map();
    const invitations = await manager.findBy(Invitation, { subscriberId, id: In(ids) });
    const people = await this.people.open(subscriberId, invitations);
    return new Map(invitations.map(({ id }, index) => [id, people[index]!.suggestion ?? {}]));
  }

  /** Invitations that have run out make room for new ones; whom they were for is forgotten by the hourly job. */
  private async clearEnded(manager: EntityManager, subscriberId: string, rows: readonly Invitation[]): Promise<void> {
    await manager.query(
      `UPDATE invitation SET email_hash = NULL, line_hash = NULL
       WHERE subscriber_id = $1 AND (email_hash = ANY ($2) OR line_hash = ANY ($3)) AND (${hasEnded})`,
      [subscriberId, rows.flatMap(({ emailHash }) => emailHash ?? []), rows.flatMap(({ lineHash }) => lineHash ?? [])],
    );
  }

  private locked(manager: EntityManager, subscriberId: string, id: string): Promise<Invitation | null> {
    return manager.findOne(Invitation, { where: { subscriberId, id }, lock: { mode: 'pessimistic_write' } });
  }

  private async forgetUnused(manager: EntityManager, { subscriberId, id, kind, uses }: Invitation): Promise<boolean> {
    if (kind === 'open' || uses > 0) return false;
    await this.people.forget(manager, subscriberId, [id]);
    return true;
  }

  private matching(
    subscriberId: string,
    { kind, state, importId, letter, mail }: Omit<ListInvitations, 'limit' | 'cursor'>,
  ): SelectQueryBuilder<Invitation> {
    const query = this.invitations.createQueryBuilder('invitation').where({ subscriberId });
    if (kind) query.andWhere({ kind });
    if (importId !== undefined) query.andWhere({ importId });
    if (letter !== undefined) {
      query.andWhere(`(invitation.kind = 'personal' AND invitation.stop_hash IS NULL) = :letter`, { letter });
    }
    if (mail) query.andWhere(`(${mailFailed})`);
    if (state) query.andWhere(new Brackets((which) => which.where(conditions[state])));
    return query;
  }

  private async views(subscriberId: string, invitations: readonly Invitation[]): Promise<InvitationView[]> {
    const subscriber = await this.subscribers.get(subscriberId);
    const people = await this.people.open(subscriberId, invitations);
    const mails = await this.mails.states(subscriber, invitations);
    const codes = await Promise.all(invitations.map((invitation) => this.links.open(invitation)));
    const names = await Promise.all(
      invitations.map(async ({ id, name }) => name && openInvitationName(this.vault, subscriberId, id, name)),
    );
    return invitations.map((invitation, index) => {
      const name = names[index];
      return { ...this.view(invitation, codes[index]!, people[index]!, mails[index]!), ...(name && { name }) };
    });
  }

  private view(
    invitation: Invitation,
    code: string,
    { email, suggestion }: OpenedPerson,
    mail: MailState,
  ): InvitationView {
    const { id, kind, uses, maxUses, expiresAt, createdAt, importId } = invitation;
    const state = stateOf(invitation);
    const unsent = mail === 'held' || mail === 'queued';
    return {
      id,
      kind,
      code,
      url: this.links.joinUrl(code),
      ...(email !== undefined && { email }),
      ...(suggestion && { suggestion }),
      ...(importId && { importId }),
      ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
      ...(maxUses !== null && { maxUses }),
      uses,
      state,
      mail: unsent && state !== 'active' ? 'none' : mail,
      createdAt: createdAt.toISOString(),
      ...(this.links.onlyHere && { notice: 'PUBLIC_URL is localhost: only this machine can open the link.' }),
    };
  }
}

/** Defaults of the fields that an invitation has only in certain cases. */
const blank = {
  name: null,
  email: null,
  emailHash: null,
  lineHash: null,
  stopHash: null,
  suggestion: null,
  locale: null,
  importId: null,
  uses: 0,
  mailedAt: null,
  remindedAt: null,
  revokedAt: null,
  stoppedAt: null,
};

const alreadyThere = 'Your address book already has a contact with this address.';
const askedNotTo = 'The person at this address asked not to be written to again. Show them the QR code instead.';

const refusals: Record<Exclude<InvitationState, 'active'>, { code: ErrorCode; detail: string }> = {
  revoked: {
    code: 'invitation_revoked',
    detail: 'The business has revoked this invitation. Ask it for a new one.',
  },
  stopped: {
    code: 'invitation_stopped',
    detail: 'This invitation was declined. To join after all, ask the business for its QR code.',
  },
  expired: { code: 'invitation_expired', detail: 'This invitation has expired. Ask the business for a new one.' },
  used: { code: 'invitation_used', detail: 'This invitation has been used. Ask the business for a new one.' },
};

/** The same as {@link conditions} says in SQL. */
function stateOf({ revokedAt, stoppedAt, expiresAt, uses, maxUses }: Invitation): InvitationState {
  if (revokedAt) return 'revoked';
  if (stoppedAt) return 'stopped';
  if (maxUses !== null && uses >= maxUses) return 'used';
  return expiresAt && expiresAt <= new Date() ? 'expired' : 'active';
}

const ended = 'revoked_at IS NOT NULL OR stopped_at IS NOT NULL';
const full = 'max_uses IS NOT NULL AND uses >= max_uses';
const late = 'expires_at IS NOT NULL AND expires_at <= now()';
const conditions: Record<InvitationState, string> = {
  revoked: 'revoked_at IS NOT NULL',
  stopped: 'revoked_at IS NULL AND stopped_at IS NOT NULL',
  used: `NOT (${ended}) AND ${full}`,
  expired: `NOT (${ended}) AND NOT (${full}) AND ${late}`,
  active: `NOT (${ended}) AND NOT (${full}) AND NOT (${late})`,
};

/** Condition for a personal invitation that has ended: it invites no one any more, and no contact has its id. */
const hasEnded = `CASE WHEN uses = 0 THEN ${ended} OR expires_at <= now()
  ELSE NOT EXISTS (SELECT FROM contact WHERE contact.subscriber_id = invitation.subscriber_id AND contact.id = invitation.id)
  END`;

/** Data about a person without what was left blank. */
function statedOf({ phone, ...said }: SuggestedPerson, country: string): SuggestedPerson {
  const known = Object.entries(said).filter(([, value]) => value !== undefined && value !== '');
  return { ...Object.fromEntries(known), ...(phone && { phone: normalisedPhone(phone, country) }) };
}

function sameNames(known: SuggestedPerson | undefined, suggestion: SuggestedPerson | undefined): boolean {
  const [a, b] = [namesOf({ suggestion: known ?? {} }), namesOf({ suggestion: suggestion ?? {} })];
  return a === '' || b === '' || a === b;
}

/** Merges new data about a person with the known data; fields that the new data leaves out stay. */
function corrected(id: string, known: SuggestedPerson | undefined, person: OpenedPerson): Plan {
  const correction = { ...known, ...person.suggestion };
  return known && !isDeepStrictEqual(correction, known)
    ? { outcome: 'corrected', invitationId: id, person, correction }
    : { outcome: 'already_invited', invitationId: id, person };
}

/** Limits are for open invitations, people for personal ones; one without an address has to be called something. */
function refuseForeignTerms({ kind, email, suggestion, maxUses, expiresAt }: NewInvitation): void {
  const personal = kind === 'personal';
  const foreign = personal ? (maxUses ?? expiresAt) : (email ?? suggestion);
  if (foreign !== undefined) {
    const field = personal
      ? maxUses === undefined
        ? 'expiresAt'
        : 'maxUses'
      : email === undefined
        ? 'suggestion'
        : 'email';
    const message = `An invitation of this kind cannot have ${field}.`;
    throw new ValidationFailed([{ field, code: 'exclusive', message }]);
  }
  if (personal && email === undefined && namesOf({ suggestion: suggestion ?? {} }) === '') {
    const message = 'Send the name of the person or company, or an address.';
    throw new ValidationFailed([{ field: 'suggestion.surname', code: 'required', message }]);
  }
  if (expiresAt !== undefined && new Date(expiresAt).getTime() <= Date.now()) {
    throw new ValidationFailed([{ field: 'expiresAt', code: 'in_the_past', message: 'expiresAt is in the past.' }]);
  }
}
