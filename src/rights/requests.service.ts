import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Actions } from '../actions/actions.service.js';
import { Contacts } from '../address-book/contacts.service.js';
import { AccountLog } from '../auth/account-log.service.js';
import { isMember, type InterlocutorPrincipal, type MemberPrincipal, type Principal } from '../auth/principal.js';
import { Consents } from '../consents/consents.service.js';
import type { Author } from '../contract/events.js';
import { limits } from '../contract/limits.js';
import type { RequestKind, RequestState } from '../contract/rights.js';
import { type ChangedRestrictions, Conversations } from '../conversations/conversations.service.js';
import { Members } from '../members/members.service.js';
import { openPage } from '../platform/cursors.js';
import { dayMilliseconds } from '../platform/durations.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { UnknownOutcomes } from '../platform/realtime/unknown-outcomes.js';
import { type Room, rooms } from '../platform/realtime/rooms.js';
import { Vault } from '../platform/vault/vault.js';
import { mailOfRequest } from './notices.service.js';
import { ErasureNotExtendable, NotExtendable, RequestClosed, TooManyRequests } from './rights.errors.js';
import { RightsRequest } from './rights-request.entity.js';
import {
  ListRequests,
  type NewRequest,
  type RequestAnswer,
  type RequestExtension,
  type RequestList,
  type RequestView,
} from './rights.dto.js';

/** Reminds owners of what they have to answer. In the morning, by Italian time. */
const remind = defineJob('request.remind', { cron: '20 6 * * *' });

const made = defineLimit('rightsRequest', {
  points: limits.requestsPerDay,
  seconds: 24 * 60 * 60,
  keyedById: true,
});

const remindedAtOnce = 500;

interface Recording {
  id?: string;
  fulfilled?: boolean;
  dueAt?: Date;
}

/** Carries out a request for erasure that has been marked as fulfilled. */
export type CarryOut = (contact: ContactRef, by: MemberPrincipal) => Promise<void>;

interface ContactRef {
  subscriberId: string;
  contactId: string;
}

/** A request to be written down. */
interface Draft extends ContactRef {
  kind: RequestKind;
  words?: string | undefined;
}

/** Requests of people about their data, each with the time that the law gives for an answer. */
@Injectable()
export class RightsRequests {
  private carryOut: CarryOut | undefined;

  constructor(
    @InjectRepository(RightsRequest) private readonly requests: Repository<RightsRequest>,
    private readonly accountLog: AccountLog,
    private readonly actions: Actions,
    private readonly consents: Consents,
    private readonly contacts: Contacts,
    private readonly conversations: Conversations,
    private readonly jobs: Jobs,
    private readonly members: Members,
    private readonly rateLimits: RateLimits,
    private readonly realtime: Realtime,
    private readonly unknownOutcomes: UnknownOutcomes,
    private readonly vault: Vault,
  ) {
    jobs.handle(remind, () => this.remind());
  }

  /** Registers how erasures are carried out; to be called before the application has started. */
  carryOutErasuresBy(carryOut: CarryOut): void {
    this.carryOut = carryOut;
  }

  /** Decides requests for erasure that nobody has answered in time: they are carried out. */
  async decideUnanswered(now: Date, limit: number): Promise<void> {
    await this.requests.query(
      `UPDATE rights_request SET state = 'fulfilled', closed_at = $1
       WHERE kind = 'erasure' AND (subscriber_id, id) IN (
         SELECT subscriber_id, id FROM rights_request
         WHERE kind = 'erasure' AND state = 'open' AND due_at <= $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)`,
      [now, limit],
    );
  }

  /**
   * Asks a business something about one's data. The same request is made once while it is open; an objection to promotions is
   * carried out at once.
   * @throws NotFound, TooManyRequests, DomainError `rate_limited`
   */
  async make(
    principal: InterlocutorPrincipal,
    { contactId, kind, words }: NewRequest,
  ): Promise<{ request: RequestView; repeated: boolean }> {
    const { subscriberId } = await this.conversations.access(principal, contactId);
    await this.rateLimits.count(made, principal.accountId);
    const draft = { subscriberId, contactId, kind, words };
    let id: string;
    let repeated = false;
    if (kind === 'promotions_objection') {
      id = uuid();
      await this.consents.objectToPromotions(principal, contactId, async (manager) => {
        await this.record(manager, draft, { id, fulfilled: true });
      });
    } else {
      ({ id, repeated } = await this.commit(draft, async (manager) => {
        await this.conversations.lock(manager, subscriberId, contactId);
        const open = await this.openOf(manager, draft);
        const same = open.find((each) => each.kind === kind && each.words === words);
        if (same) return { id: same.id, repeated: true };
        if (open.length >= limits.requestsOpen) throw new TooManyRequests();
        return { id: await this.record(manager, draft), repeated: false };
      }));
    }
    if (!repeated) await this.tell(subscriberId, id);
    return { request: await this.get(principal, id), repeated };
  }

  /**
   * Writes a request down, in a transaction.
   * @param options.dueAt when it is due, if not after the days that the law gives
   * @param options.fulfilled whether the service carries it out in the same transaction, so that no time runs
   * @returns its id
   */
  async record(
    manager: EntityManager,
    { subscriberId, contactId, kind, words }: Draft,
    { id = uuid(), fulfilled = false, dueAt }: Recording = {},
  ): Promise<string> {
    const now = new Date();
    const due = dueAt ?? new Date(now.getTime() + limits.requestDays * dayMilliseconds);
    const days = (due.getTime() - now.getTime()) / dayMilliseconds;
    await manager.insert(RightsRequest, {
      subscriberId,
      id,
      contactId,
      kind,
      state: fulfilled ? 'fulfilled' : 'open',
      words: words === undefined ? null : await this.seal(subscriberId, { contactId, id }, 'words', words),
      answer: null,
      askedAt: now,
      dueAt: fulfilled ? null : due,
      legalReason: null,
      extendedAt: null,
      extension: null,
      closedAt: fulfilled ? now : null,
      closedBy: null,
      // Reminders that would come with the notice of its arrival are left out.
      reminders: limits.requestReminderDays.filter((before) => before >= days).length,
    });
    if (!fulfilled) await this.jobs.add(manager, mailOfRequest, { subscriberId, id, what: 'received' });
    await this.actions.record(manager, { subscriberId, memberId: null }, 'request.made', contactId);
    const accountId = await this.contacts.accountOf(manager, { subscriberId, id: contactId });
    await this.accountLog.record(manager, accountId, 'request.made', contactId);
    return id;
  }

  /** The requests of a business's contacts, or of a person, newest first. */
  async list(principal: Principal, wanted: ListRequests, kind?: RequestKind): Promise<RequestList> {
    const { ask, position, next } = openPage(ListRequests, wanted, ['id']);
    const query = this.ofPrincipal(principal)
      .orderBy('request.id', 'DESC')
      .limit(ask.limit + 1);
    if (position) query.andWhere('request.id < :before', { before: position[0] });
    if (ask.state) query.andWhere('request.state = :state', { state: ask.state });
    if (kind) query.andWhere('request.kind = :kind', { kind });
    if (ask.contactId) query.andWhere('request.contact_id = :contact', { contact: ask.contactId });
    const found = await query.getMany();
    const page = found.slice(0, ask.limit);
    const last = page.at(-1);
    const nextCursor = last && found.length > ask.limit ? next([last.id]) : null;
    return { items: await this.views(principal, page), nextCursor };
  }

  /** The open request of a contact for erasure. */
  async openErasure(subscriberId: string, contactId: string): Promise<string | undefined> {
    const open = { subscriberId, contactId, kind: 'erasure', state: 'open' } as const;
    return (await this.requests.findOneBy(open))?.id;
  }

  /** @throws NotFound */
  async get(principal: Principal, id: string): Promise<RequestView> {
    const [view] = await this.views(principal, [await this.access(principal, id)]);
    if (!view) throw new NotFound();
    return view;
  }

  /**
   * Takes a request back that was not answered.
   * @throws NotFound, RequestClosed
   */
  async takeBack(principal: InterlocutorPrincipal, id: string): Promise<void> {
    const { subscriberId, contactId } = await this.access(principal, id);
    const changed = await this.commit({ subscriberId, contactId }, async (manager) => {
      const request = await this.locked(manager, { subscriberId, contactId, id });
      if (request.state === 'taken_back') return undefined;
      if (request.state !== 'open') throw new RequestClosed();
      await manager.update(RightsRequest, { subscriberId, id }, { state: 'taken_back', closedAt: new Date() });
      return this.endFreeze(manager, request);
    });
    await this.tellOfFreeze({ subscriberId, contactId }, changed);
    await this.tell(subscriberId, id);
  }

  /**
   * Answers a request: it was done, or is refused for a reason. An erasure is carried out when this resolves; refused, it lets the
   * conversation go on.
   * @throws NotFound, RequestClosed, ValidationFailed
   */
  async answer(owner: MemberPrincipal, id: string, given: RequestAnswer): Promise<RequestView> {
    const { subscriberId, memberId } = owner;
    const { outcome, answer, legalReason } = given;
    const { contactId, kind } = await this.access(owner, id);
    requireAnswer(kind, given);
    const carriesOut = kind === 'erasure' && outcome === 'fulfilled';
    const changed = await this.commit({ subscriberId, contactId }, async (manager) => {
      const request = await this.locked(manager, { subscriberId, contactId, id });
      if (request.state !== 'open') throw new RequestClosed();
      const sealed = answer === undefined ? null : await this.seal(subscriberId, request, 'answer', answer);
      const closed = { state: outcome, closedAt: new Date(), closedBy: memberId, legalReason: legalReason ?? null };
      await manager.update(RightsRequest, { subscriberId, id }, { ...closed, answer: sealed });
      await this.actions.record(manager, owner, 'request.answered', contactId);
      // Somebody who is erased gets the certificate.
      if (!carriesOut) await this.jobs.add(manager, mailOfRequest, { subscriberId, id, what: 'answered' });
      return carriesOut ? undefined : this.endFreeze(manager, request);
    });
    await this.tellOfFreeze({ subscriberId, contactId }, changed);
    await this.tell(subscriberId, id);
    const view = await this.get(owner, id);
    if (carriesOut) await this.carryOut!({ subscriberId, contactId }, owner);
    return view;
  }

  /**
   * Extends the time for an answer, once, and tells the person why (Art. 12(3) GDPR).
   * @throws NotFound, RequestClosed, NotExtendable
   */
  async extend(owner: MemberPrincipal, id: string, { reason }: RequestExtension): Promise<RequestView> {
    const { subscriberId } = owner;
    const { contactId, kind } = await this.access(owner, id);
    if (kind === 'erasure') throw new ErasureNotExtendable();
    await this.commit({ subscriberId, contactId }, async (manager) => {
      const request = await this.locked(manager, { subscriberId, contactId, id });
      const now = new Date();
      if (request.state !== 'open') throw new RequestClosed();
      if (request.extendedAt || request.dueAt! <= now) throw new NotExtendable();
      const dueAt = new Date(request.dueAt!.getTime() + limits.requestExtensionDays * dayMilliseconds);
      const extension = await this.seal(subscriberId, request, 'extension', reason);
      await manager.update(RightsRequest, { subscriberId, id }, { extendedAt: now, dueAt, extension, reminders: 0 });
      await this.actions.record(manager, owner, 'request.extended', request.contactId);
      await this.jobs.add(manager, mailOfRequest, { subscriberId, id, what: 'extended' });
    });
    await this.tell(subscriberId, id);
    return this.get(owner, id);
  }

  /** Does work in a transaction of which the devices of both parties are to hear, whatever becomes of its commit. */
  commit<Result>(contact: ContactRef, work: (manager: EntityManager) => Promise<Result>): Promise<Result> {
    return this.unknownOutcomes.guard(
      () => this.roomsOf(contact),
      () => this.requests.manager.transaction(work),
    );
  }

  /** Rooms of both parties; none where the contact is gone. */
  private async roomsOf({ subscriberId, contactId }: ContactRef): Promise<Room[]> {
    const [row] = await this.requests.query<{ id: string }[]>(
      'SELECT interlocutor_id AS id FROM contact WHERE subscriber_id = $1 AND id = $2',
      [subscriberId, contactId],
    );
    return row ? [rooms.ofSubscriber(subscriberId), rooms.ofInterlocutor(row.id)] : [];
  }

  /** Reminds the owners of requests that are due soon, or overdue. */
  async remind(now = Date.now()): Promise<void> {
    const times = limits.requestReminderDays.map((days) => new Date(now + days * dayMilliseconds));
    for (const [index, time] of times.entries()) {
      while ((await this.remindOf(index + 1, time)) === remindedAtOnce);
    }
  }

  /** Tells the devices of both parties, after a commit. */
  async tell(subscriberId: string, id: string): Promise<void> {
    const row = await this.requests.query<
      (Pick<RightsRequest, 'kind' | 'state'> & { contact: string; interlocutor: string })[]
    >(
      `SELECT request.kind, request.state, request.contact_id AS contact, contact.interlocutor_id AS interlocutor
       FROM rights_request AS request
       JOIN contact ON contact.subscriber_id = request.subscriber_id AND contact.id = request.contact_id
       WHERE request.subscriber_id = $1 AND request.id = $2`,
      [subscriberId, id],
    );
    for (const { kind, state, contact, interlocutor } of row) {
      const told = { id, conversationId: contact, kind, state };
      this.realtime.tell(
        [rooms.ofSubscriber(subscriberId), rooms.ofInterlocutor(interlocutor)],
        'request.changed',
        told,
      );
    }
  }

  /** Lets the conversation of a request for erasure that was closed go on. */
  private async endFreeze(
    manager: EntityManager,
    { kind, subscriberId, contactId }: RightsRequest,
  ): Promise<ChangedRestrictions | undefined> {
    if (kind !== 'erasure') return undefined;
    return this.conversations.freezeForDeletion(manager, { subscriberId, id: contactId }, null);
  }

  /** Tells the devices of both parties, after a commit, that a conversation is frozen or goes on. */
  async tellOfFreeze({ subscriberId, contactId }: ContactRef, changed: ChangedRestrictions | undefined): Promise<void> {
    if (!changed) return;
    const { changedAt, ...now } = changed;
    const both = await this.roomsOf({ subscriberId, contactId });
    this.realtime.tell(both, 'restriction.changed', {
      conversationId: contactId,
      ...now,
      changedAt: changedAt.toISOString(),
    });
  }

  private async remindOf(level: number, dueBefore: Date): Promise<number> {
    return this.requests.manager.transaction(async (manager) => {
      const [rows] = await manager.query<[{ subscriber_id: string; id: string }[], number]>(
        `UPDATE rights_request SET reminders = $1
         WHERE (subscriber_id, id) IN (
           SELECT subscriber_id, id FROM rights_request
           WHERE state = 'open' AND due_at <= $2 AND reminders < $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
         RETURNING subscriber_id, id`,
        [level, dueBefore, remindedAtOnce],
      );
      for (const { subscriber_id: subscriberId, id } of rows) {
        await this.jobs.add(manager, mailOfRequest, { subscriberId, id, what: 'due' });
      }
      return rows.length;
    });
  }

  /** The open requests of a contact, with their words. */
  private async openOf(
    manager: EntityManager,
    { subscriberId, contactId }: Draft,
  ): Promise<{ id: string; kind: RequestKind; words: string | undefined }[]> {
    const open = await manager.findBy(RightsRequest, { subscriberId, contactId, state: 'open' satisfies RequestState });
    const words = await this.openTexts(open, 'words');
    return open.map(({ id, kind }) => ({ id, kind, words: words.get(id) }));
  }

  /** @throws NotFound */
  private async access(principal: Principal, id: string): Promise<RightsRequest> {
    const request = await this.ofPrincipal(principal).andWhere('request.id = :id', { id }).getOne();
    if (!request) throw new NotFound();
    return request;
  }

  private ofPrincipal(principal: Principal) {
    const query = this.requests.createQueryBuilder('request');
    return isMember(principal)
      ? query.where('request.subscriber_id = :own', { own: principal.subscriberId })
      : query.where(
          `EXISTS (SELECT FROM contact WHERE contact.subscriber_id = request.subscriber_id
                     AND contact.id = request.contact_id AND contact.interlocutor_id = :own)`,
          { own: principal.interlocutorId },
        );
  }

  /** @throws NotFound */
  private async locked(
    manager: EntityManager,
    { subscriberId, contactId, id }: Pick<RightsRequest, 'subscriberId' | 'contactId' | 'id'>,
  ): Promise<RightsRequest> {
    // Before the request, in the order in which an erasure locks them.
    await this.conversations.lock(manager, subscriberId, contactId);
    const lock = { mode: 'pessimistic_write' } as const;
    const request = await manager.findOne(RightsRequest, { where: { subscriberId, id }, lock });
    if (!request) throw new NotFound();
    return request;
  }

  /** In the order of the rows, without those whose key is gone. */
  private async views(principal: Principal, rows: readonly RightsRequest[]): Promise<RequestView[]> {
    const counterparts = await this.conversations.counterparts(principal, [
      ...new Set(rows.map(({ contactId }) => contactId)),
    ]);
    const words = await this.openTexts(rows, 'words');
    const answers = await this.openTexts(rows, 'answer');
    const extensions = await this.openTexts(rows, 'extension');
    const authors = isMember(principal) ? await this.authorsOf(principal.subscriberId, rows) : undefined;
    return rows.flatMap((row) => {
      const { id, contactId, kind, state, closedBy } = row;
      const counterpart = counterparts.get(contactId);
      if (!counterpart) return [];
      return {
        id,
        conversationId: contactId,
        counterpart,
        kind,
        state,
        words: words.get(id) ?? null,
        askedAt: row.askedAt.toISOString(),
        dueAt: row.dueAt?.toISOString() ?? null,
        extendedAt: row.extendedAt?.toISOString() ?? null,
        extensionReason: extensions.get(id) ?? null,
        closedAt: row.closedAt?.toISOString() ?? null,
        ...(authors && { closedBy: (closedBy && authors.get(closedBy)) || null }),
        answer: answers.get(id) ?? null,
        legalReason: row.legalReason,
      };
    });
  }

  private async authorsOf(subscriberId: string, rows: readonly RightsRequest[]): Promise<Map<string, Author>> {
    const ids = [...new Set(rows.flatMap(({ closedBy }) => closedBy ?? []))];
    const authors = ids.length > 0 ? await this.members.authors(subscriberId, ids) : [];
    return new Map(authors.map((author) => [author.id, author]));
  }

  private seal(
    subscriberId: string,
    { contactId, id }: Pick<RightsRequest, 'contactId' | 'id'>,
    field: SealedField,
    text: string,
  ): Promise<Buffer> {
    return this.vault.seal({ scope: 'contact', id: contactId }, text, contextOf(subscriberId, id, field));
  }

  private async openTexts(
    rows: readonly RightsRequest[],
    field: SealedField,
  ): Promise<Map<string, string | undefined>> {
    const there = rows.filter((row) => row[field] !== null);
    const texts = await this.vault.openMany(
      'contact',
      there.map((row) => ({
        id: row.contactId,
        sealed: row[field]!,
        context: contextOf(row.subscriberId, row.id, field),
      })),
    );
    return new Map(there.map(({ id }, index) => [id, texts[index]]));
  }
}

/** @throws ValidationFailed for an answer that lacks what its kind needs */
function requireAnswer(kind: RequestKind, { outcome, answer, legalReason }: RequestAnswer): void {
  const erasure = kind === 'erasure';
  const refused = erasure && outcome === 'refused';
  if (answer === undefined && !(erasure && outcome === 'fulfilled'))
    throw new ValidationFailed([{ field: 'answer', code: 'required', message: 'Write an answer to the person.' }]);
  if (refused && legalReason === undefined) {
    const message = 'Give the legal reason why you refuse the erasure.';
    throw new ValidationFailed([{ field: 'legalReason', code: 'required', message }]);
  }
  if (!refused && legalReason !== undefined) {
    const message = 'Give a legal reason only when you refuse an erasure.';
    throw new ValidationFailed([{ field: 'legalReason', code: 'exclusive', message }]);
  }
}

type SealedField = 'words' | 'answer' | 'extension';

const contextOf = (subscriberId: string, id: string, field: SealedField) => ['request', subscriberId, id, field];
