import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, In, IsNull, LessThan, Not, type Repository } from 'typeorm';
import { NIL, v7 as uuid } from 'uuid';
import { Actions } from '../actions/actions.service.js';
import { Attachments } from '../attachments/attachments.service.js';
import { Contacts } from '../address-book/contacts.service.js';
import type { InterlocutorPrincipal, MemberPrincipal } from '../auth/principal.js';
import { Consents } from '../consents/consents.service.js';
import type { AttachmentView } from '../contract/attachments.js';
import { textFields } from '../contract/broadcasts.js';
import type { Author, BroadcastReason } from '../contract/events.js';
import { limits } from '../contract/limits.js';
import { broadcastContext, broadcastMark } from '../conversations/broadcast-mark.js';
import { ClientIdReused } from '../conversations/conversations.errors.js';
import { Conversations } from '../conversations/conversations.service.js';
import { Identities } from '../interlocutors/identities.js';
import { Members } from '../members/members.service.js';
import { openPage } from '../platform/cursors.js';
import { NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';
import { Vault } from '../platform/vault/vault.js';
import type { Subscriber } from '../subscribers/subscriber.entity.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { Audiences } from './audiences.service.js';
import { BroadcastRuns } from './broadcast-runs.service.js';
import { Broadcast } from './broadcast.entity.js';
import {
  type Audience,
  type AudienceAsked,
  type AudienceContact,
  type AudienceContacts,
  type BroadcastList,
  type BroadcastPreview,
  type BroadcastResults,
  type BroadcastSummary,
  type BroadcastView,
  type ChangedBroadcast,
  ListBroadcasts,
  ListRecipients,
  type MadeBroadcast,
  type NewBroadcast,
  type PreviewedBroadcast,
  type RecipientList,
  type RecipientView,
  type ResultsPoint,
  type SkippedContacts,
} from './broadcasts.dto.js';
import {
  AudienceEmpty,
  BroadcastBegun,
  BroadcastChanged,
  BroadcastNotHeld,
  BroadcastOver,
  NotReportable,
  SeenTimesOff,
  TooManyBroadcasts,
} from './broadcasts.errors.js';
import {
  type AnswerRow,
  broadcastOfMessageQuery,
  latestAnswersQuery,
  type PassedRow,
  passedQuery,
  type ReceivedRow,
  receivedQuery,
  type RecipientRow,
  recipientsQuery,
  reportQuery,
  reportsQuery,
  skippedQuery,
} from './broadcasts.queries.js';
import { filledIn, isPersonal } from '../contract/rules/personal-text.js';
import { ResultCache } from './result-cache.js';
import { stepsOf } from './result-steps.js';
import { lateTime, sendTime } from './send-time.js';

/** An accepted broadcast; `repeated` when the same one had been accepted before. */
export interface Made extends MadeBroadcast {
  repeated: boolean;
}

/** One text to many contacts, each in its own conversation. */
@Injectable()
export class Broadcasts {
  private readonly resultCache = new ResultCache();

  constructor(
    @InjectRepository(Broadcast) private readonly broadcasts: Repository<Broadcast>,
    private readonly actions: Actions,
    private readonly attachments: Attachments,
    private readonly audiences: Audiences,
    private readonly consents: Consents,
    private readonly contacts: Contacts,
    private readonly conversations: Conversations,
    private readonly identities: Identities,
    private readonly members: Members,
    private readonly realtime: Realtime,
    private readonly runs: BroadcastRuns,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {}

  /**
   * Accepts a broadcast once, to be sent now or at its time.
   * @throws AudienceEmpty, AttachmentNotFound, AttachmentPending, ClientIdReused, ConsentRequired, TooManyBroadcasts,
   *   ValidationFailed
   */
  async make(member: MemberPrincipal, wanted: NewBroadcast): Promise<Made> {
    const { subscriberId } = member;
    requireReason(wanted);
    const { attachmentIds = [] } = wanted;
    this.attachments.requireIds(attachmentIds);
    const audience = this.audiences.stated(wanted.audience);
    const digest = await this.digestOf(subscriberId, { ...wanted, audience });
    const subscriber = await this.subscribers.get(subscriberId);
    const { broadcast, repeated } = await this.broadcasts.manager.transaction(async (manager) => {
      await this.subscribers.lock(manager, subscriberId);
      const known = await manager.findOneBy(Broadcast, { subscriberId, clientId: wanted.clientId });
      if (known && !known.digest.equals(digest)) throw new ClientIdReused();
      if (known) return { broadcast: known, repeated: true };
      await this.consents.requireOfMember(member, subscriber, manager);
      await this.requirePlace(manager, subscriberId);
      await this.audiences.requireKnown(manager, subscriberId, audience);
      const made = await this.draft(manager, member, subscriber, { ...wanted, audience, digest });
      await manager.insert(Broadcast, made);
      await this.attachments.linkToBroadcast(manager, member, made.id, attachmentIds);
      await this.actions.record(manager, member, 'broadcast.made', made.id);
      await this.runs.proceedAt(manager, made.sendAt);
      return { broadcast: made, repeated: false };
    });
    if (!repeated) this.runs.tell(broadcast, broadcast);
    const { id, recipients, leftOut } = broadcast;
    return { id, recipients, skipped: leftOut, repeated };
  }

  /**
   * Changes a scheduled broadcast. Its row is locked meanwhile, so it either begins with the change or had begun before.
   * @throws NotFound, AudienceEmpty, BroadcastBegun, BroadcastChanged, ConsentRequired, ValidationFailed
   */
  async change(member: MemberPrincipal, id: string, { edition, ...change }: ChangedBroadcast): Promise<BroadcastView> {
    const { subscriberId } = member;
    const subscriber = await this.subscribers.get(subscriberId);
    const changed = await this.broadcasts.manager.transaction(async (manager) => {
      const known = await this.access(manager, subscriberId, id, { lock: true });
      if (known.state !== 'scheduled') throw new BroadcastBegun();
      if (edition !== undefined && edition !== known.edition) throw new BroadcastChanged();
      if (Object.values(change).every((value) => value === undefined)) return undefined;
      await this.consents.requireOfMember(member, subscriber, manager);
      const edit = { ...(await this.edit(manager, subscriber, known, change)), edition: known.edition + 1 };
      await manager.update(Broadcast, { subscriberId, id }, edit);
      await this.actions.record(manager, member, 'broadcast.changed', id);
      const edited = { ...known, ...edit };
      await this.runs.proceedAt(manager, edited.sendAt);
      return edited;
    });
    if (changed) this.runs.tell(changed, changed);
    return this.get(member, id);
  }

  /**
   * Sends a held broadcast after all, or goes on with it.
   * @throws NotFound, BroadcastNotHeld, ConsentRequired
   */
  async release(member: MemberPrincipal, id: string): Promise<BroadcastView> {
    const { subscriberId } = member;
    const subscriber = await this.subscribers.get(subscriberId);
    const released = await this.broadcasts.manager.transaction(async (manager) => {
      const broadcast = await this.access(manager, subscriberId, id, { lock: true });
      if (broadcast.state !== 'held') throw new BroadcastNotHeld();
      await this.consents.requireOfMember(member, subscriber, manager);
      const [now, state] = [new Date(), broadcast.startedAt ? ('running' as const) : ('scheduled' as const)];
      const change = { state, notAfter: lateTime(undefined, '', now) };
      await manager.update(Broadcast, { subscriberId, id }, change);
      await this.actions.record(manager, member, 'broadcast.released', id);
      await this.runs.proceedAt(manager, now);
      return { ...broadcast, ...change };
    });
    this.runs.tell(released, released);
    return this.get(member, id);
  }

  /**
   * Predicts the results of sending a broadcast now.
   * @throws NotFound for the contact, ValidationFailed
   */
  async preview(member: MemberPrincipal, wanted: PreviewedBroadcast): Promise<BroadcastPreview> {
    const { subscriberId } = member;
    const { kind, body, contactId } = wanted;
    const reason = requireReason(wanted);
    const { manager } = this.broadcasts;
    const stated = this.audiences.stated(wanted.audience);
    await this.audiences.requireKnown(manager, subscriberId, stated);
    const audience = await this.audiences.spelled(manager, subscriberId, stated);
    const counts = await this.audiences.count(manager, subscriberId, { kind, audience });
    const { total, promotions, ...rest } = counts;
    const { businessName, locale } = await this.subscribers.get(subscriberId);
    const contact = contactId === undefined ? undefined : await this.contacts.get(member, contactId);
    return {
      total,
      promotions: { given: promotions, of: total },
      ...rest,
      fields: [...textFields],
      words: broadcastMark({ kind, reason, locale }).words,
      ...(contact && body !== undefined && { text: filledIn(body, { ...contact, businessName }) }),
    };
  }

  /**
   * Lists contacts of an audience as they are now: those who would get a broadcast, and those who would be skipped and why.
   * @throws ValidationFailed
   */
  async contactsOf({ subscriberId }: MemberPrincipal, wanted: AudienceAsked): Promise<AudienceContacts> {
    const { kind, outcome = null, after = NIL, limit } = wanted;
    requireReason(wanted);
    const { manager } = this.broadcasts;
    const stated = this.audiences.stated(wanted.audience);
    await this.audiences.requireKnown(manager, subscriberId, stated);
    const audience = await this.audiences.spelled(manager, subscriberId, stated);
    const asked = { kind, audience, outcome };
    const rows = await this.audiences.contacts(manager, subscriberId, asked, { after, limit: limit + 1 });
    const page = rows.slice(0, limit);
    const identities = await this.identities.openCopies(subscriberId, page);
    const items = page.flatMap(({ id: contactId, reason }, index): AudienceContact[] => {
      const identity = identities[index];
      if (!identity) return [];
      const { displayName, firstName, surname, companyName } = identity;
      return [
        {
          contactId,
          displayName,
          ...(firstName !== undefined && { firstName }),
          ...(surname !== undefined && { surname }),
          ...(companyName !== undefined && { companyName }),
          outcome: reason ? 'skipped' : 'sent',
          ...(reason && { reason }),
        },
      ];
    });
    return { items, nextAfter: rows.length > limit ? page.at(-1)!.id : null };
  }

  /** The broadcasts of the member's subscriber, newest first. */
  async list({ subscriberId }: MemberPrincipal, wanted: ListBroadcasts): Promise<BroadcastList> {
    const { ask, position, next } = openPage(ListBroadcasts, wanted, ['id']);
    const { limit, stage } = ask;
    const before = position ? { id: LessThan(String(position[0])) } : {};
    const state = stage && { state: stage === 'under_way' ? In(underWay) : Not(In(underWay)) };
    const found = await this.broadcasts.find({
      where: { subscriberId, expiredAt: IsNull(), ...before, ...state },
      order: { id: 'DESC' },
      take: limit + 1,
    });
    const page = found.slice(0, limit);
    const authors = await this.authorsOf(subscriberId, page);
    const files = await this.filesOf(subscriberId, page);
    const items = await Promise.all(page.map((each) => this.summary(each, authors, files.get(each.id))));
    return { items, nextCursor: found.length > limit ? next([items.at(-1)!.id]) : null };
  }

  /** @throws NotFound */
  async get({ subscriberId }: MemberPrincipal, id: string): Promise<BroadcastView> {
    const broadcast = await this.access(this.broadcasts.manager, subscriberId, id);
    const which = [subscriberId, id];
    const { seenTimesSince } = await this.subscribers.get(subscriberId);
    const { erased, delivered, seen } = await this.resultCache.of(
      `received ${id} ${seenTimesSince?.getTime()}`,
      cacheMilliseconds(broadcast),
      async () => {
        const [row] = await this.broadcasts.query<[ReceivedRow]>(receivedQuery, which);
        return row;
      },
    );
    return {
      ...(await this.summary(
        broadcast,
        await this.authorsOf(subscriberId, [broadcast]),
        (await this.filesOf(subscriberId, [broadcast])).get(id),
      )),
      edition: broadcast.edition,
      audience: await this.audiences.open(subscriberId, id, broadcast.audience),
      skippedBy: await this.broadcasts.query<SkippedContacts[]>(skippedQuery, which),
      erased,
      delivered,
      seen: seenTimesSince === null ? null : seen,
      reports: await this.reports(subscriberId, id),
    };
  }

  /**
   * Results over time, to the minute, and the answers.
   * @throws NotFound
   */
  async results({ subscriberId }: MemberPrincipal, id: string): Promise<BroadcastResults> {
    const broadcast = await this.access(this.broadcasts.manager, subscriberId, id);
    const { startedAt } = broadcast;
    if (!startedAt) return { points: [], answered: 0, latestAnswers: [] };
    const { seenTimesSince } = await this.subscribers.get(subscriberId);
    const which = [subscriberId, id];
    // Sealed, so that a name whose key is destroyed meanwhile cannot be opened any more.
    const { beginning, seconds, steps, rows, answers } = await this.resultCache.of(
      `results ${id} ${seenTimesSince?.getTime()}`,
      cacheMilliseconds(broadcast),
      async () => {
        const over = stepsOf(startedAt, new Date());
        const values = [...which, over.beginning, over.seconds, over.steps];
        const passed = await this.broadcasts.query<PassedRow[]>(passedQuery, values);
        const latest = await this.broadcasts.query<AnswerRow[]>(latestAnswersQuery, [...which, answersShown]);
        return { ...over, rows: passed, answers: latest };
      },
    );
    const identities = await this.identities.openCopies(subscriberId, answers);
    const of = new Map(rows.map((row) => [row.step, row]));
    const sum = { delivered: 0, seen: 0 };
    const points = Array.from({ length: steps }, (_, step): ResultsPoint => {
      sum.delivered += of.get(step)?.delivered ?? 0;
      sum.seen += of.get(step)?.seen ?? 0;
      const at = new Date(beginning.getTime() + (step + 1) * seconds * 1000).toISOString();
      return { at, delivered: sum.delivered, seen: seenTimesSince === null ? null : sum.seen };
    });
    const latestAnswers = answers.flatMap(({ id: contactId, seq, at }, index) => {
      const identity = identities[index];
      return identity ? [{ contactId, displayName: identity.displayName, seq, at: at.toISOString() }] : [];
    });
    return {
      points: [{ at: beginning.toISOString(), delivered: 0, seen: seenTimesSince === null ? null : 0 }, ...points],
      answered: answers[0]?.answered ?? 0,
      latestAnswers,
    };
  }

  /**
   * Lists the results for the contacts so far, in the order of sending, without erased contacts.
   * @throws NotFound, ValidationFailed for those who have not seen it while that is not disclosed
   */
  async recipients({ subscriberId }: MemberPrincipal, id: string, wanted: ListRecipients): Promise<RecipientList> {
    await this.access(this.broadcasts.manager, subscriberId, id);
    const { ask, position, next } = openPage(ListRecipients, wanted, ['id']);
    const { outcome, reason, unseen = false, answered = false, limit } = ask;
    if (unseen && !(await this.subscribers.get(subscriberId)).seenTimesSince) throw new SeenTimesOff('unseen');
    const after = position?.[0] ?? NIL;
    const filter = [outcome ?? null, reason ?? null, unseen, answered];
    const values = [subscriberId, id, after, ...filter, limit + 1];
    const rows = await this.broadcasts.query<RecipientRow[]>(recipientsQuery, values);
    const page = rows.slice(0, limit);
    const identities = await this.identities.openCopies(subscriberId, page);
    const items = page.flatMap((row, index) => {
      const identity = identities[index];
      return identity ? [recipientView(row, identity.displayName)] : [];
    });
    return { items, nextCursor: rows.length > limit ? next([page.at(-1)!.id]) : null };
  }

  /**
   * Cancels a broadcast that waits or is held, or stops one that is under way: who has it keeps it. One that was cancelled or stopped
   * stays so.
   * @throws NotFound, BroadcastOver
   */
  async cancel(member: MemberPrincipal, id: string): Promise<BroadcastView> {
    const { subscriberId } = member;
    const cancelled = await this.broadcasts.manager.transaction(async (manager) => {
      const broadcast = await this.access(manager, subscriberId, id, { lock: true });
      if (broadcast.state === 'finished') throw new BroadcastOver();
      if (!underWay.includes(broadcast.state)) return undefined;
      const begun = broadcast.state === 'running' || (broadcast.state === 'held' && broadcast.startedAt !== null);
      const state = begun ? ('stopped' as const) : ('cancelled' as const);
      await manager.update(Broadcast, { subscriberId, id }, { state, endedAt: new Date() });
      await this.actions.record(manager, member, 'broadcast.cancelled', id);
      return { ...broadcast, state };
    });
    if (cancelled) this.runs.tell(cancelled, cancelled);
    return this.get(member, id);
  }

  /**
   * An interlocutor holds a service message for advertising; the subscriber learns how many do.
   * @throws NotFound, NotReportable
   */
  async report(interlocutor: InterlocutorPrincipal, conversationId: string, seq: number): Promise<void> {
    const { subscriberId } = await this.conversations.access(interlocutor, conversationId);
    const [broadcast] = await this.broadcasts.query<{ id: string | null; kind: Broadcast['kind'] | null }[]>(
      broadcastOfMessageQuery,
      [subscriberId, conversationId, seq],
    );
    if (!broadcast) throw new NotFound();
    const { id, kind } = broadcast;
    if (id === null || kind !== 'service') throw new NotReportable();
    const reported = await this.broadcasts.query<unknown[]>(reportQuery, [subscriberId, id, conversationId]);
    if (reported.length === 0) return;
    const reports = await this.reports(subscriberId, id);
    this.realtime.tell(rooms.ofSubscriber(subscriberId), 'broadcast.reported', { id, reports });
  }

  /** @throws NotFound */
  private async access(
    manager: EntityManager,
    subscriberId: string,
    id: string,
    { lock } = { lock: false },
  ): Promise<Broadcast> {
    const found = await manager.findOne(Broadcast, {
      where: { subscriberId, id, expiredAt: IsNull() },
      ...(lock && { lock: { mode: 'for_no_key_update' } }),
    });
    if (!found) throw new NotFound();
    return found;
  }

  /** Counted under the lock of the subscriber's row. */
  private async requirePlace(manager: EntityManager, subscriberId: string): Promise<void> {
    const broadcasts = await manager.countBy(Broadcast, { subscriberId, state: In(underWay) });
    if (broadcasts >= limits.broadcastsUnderWay) throw new TooManyBroadcasts();
  }

  private digestOf(subscriberId: string, wanted: NewBroadcast): Promise<Buffer> {
    const { kind, reason, body, audience, sendAt, notAfter, attachmentIds = [] } = wanted;
    const late = notAfter === undefined ? [] : [notAfter];
    const files = attachmentIds.length === 0 ? [] : [{ attachmentIds }];
    const parts = ['broadcast', kind, reason ?? null, body, audience, sendAt ?? null, ...late, ...files];
    const content = JSON.stringify(parts);
    return this.vault.digest({ scope: 'subscriber', id: subscriberId }, content);
  }

  /** The row of a new broadcast. */
  private async draft(
    manager: EntityManager,
    { subscriberId, memberId }: MemberPrincipal,
    { businessName, locale, timeZone }: Subscriber,
    {
      clientId,
      digest,
      kind,
      reason,
      body,
      audience,
      sendAt,
      notAfter,
      attachmentIds,
    }: NewBroadcast & { digest: Buffer },
  ): Promise<Broadcast> {
    const [id, now] = [uuid(), new Date()];
    const at = sendAt === undefined ? now : sendTime(sendAt, timeZone, now);
    const later = at > now;
    return {
      subscriberId,
      id,
      clientId,
      digest,
      kind,
      reason: reason ?? null,
      ...(await this.text({ subscriberId, id }, body, businessName)),
      ...(await this.addressed(manager, { subscriberId, id }, kind, audience)),
      locale,
      authorId: memberId,
      state: later ? 'scheduled' : 'running',
      stopReason: null,
      createdAt: now,
      sendAt: at,
      notAfter: lateTime(notAfter, timeZone, at),
      edition: 1,
      startedAt: later ? null : now,
      endedAt: null,
      checkpoint: null,
      sent: 0,
      skipped: 0,
      files: attachmentIds?.length ?? 0,
    };
  }

  /** Applies a change to a broadcast. */
  private async edit(
    manager: EntityManager,
    { businessName, timeZone }: Subscriber,
    known: Broadcast,
    change: ChangedBroadcast,
  ): Promise<Partial<Broadcast>> {
    const kind = change.kind ?? known.kind;
    const kept = kind === known.kind ? (known.reason ?? undefined) : undefined;
    const reason = requireReason({ kind, reason: change.reason ?? kept });
    const { subscriberId, id } = known;
    const stated =
      change.audience === undefined
        ? await this.audiences.open(subscriberId, id, known.audience)
        : this.audiences.stated(change.audience);
    const readdressed = change.audience !== undefined || kind !== known.kind;
    if (change.audience !== undefined) await this.audiences.requireKnown(manager, subscriberId, stated);
    const sendAt = change.sendAt === undefined ? known.sendAt : sendTime(change.sendAt, timeZone, new Date());
    const leeway = known.notAfter.getTime() - known.sendAt.getTime();
    return {
      kind,
      reason,
      ...(change.body !== undefined && (await this.text(known, change.body, businessName))),
      ...(readdressed && (await this.addressed(manager, known, kind, stated))),
      sendAt,
      notAfter:
        change.notAfter === undefined
          ? new Date(sendAt.getTime() + leeway)
          : lateTime(change.notAfter, timeZone, sendAt),
    };
  }

  /** A text, sealed. One that is the same for all is kept as everybody reads it; one that is not, with its fields. */
  private async text(
    { subscriberId, id }: Pick<Broadcast, 'subscriberId' | 'id'>,
    body: string,
    businessName: string,
  ): Promise<Pick<Broadcast, 'body' | 'personal'>> {
    const personal = isPersonal(body);
    const key = { scope: 'subscriber', id: subscriberId } as const;
    const text = personal ? body : filledIn(body, { businessName });
    return { body: await this.vault.seal(key, text, broadcastContext(subscriberId, id)), personal };
  }

  /**
   * An audience, sealed, with how many it is and how many of it would be left out.
   * @throws AudienceEmpty
   */
  private async addressed(
    manager: EntityManager,
    { subscriberId, id }: Pick<Broadcast, 'subscriberId' | 'id'>,
    kind: Broadcast['kind'],
    audience: Audience,
  ): Promise<Pick<Broadcast, 'audience' | 'recipients' | 'leftOut'>> {
    const spelled = await this.audiences.spelled(manager, subscriberId, audience);
    const {
      total,
      recipients,
      skipped: leftOut,
    } = await this.audiences.count(manager, subscriberId, {
      kind,
      audience: spelled,
    });
    if (total === 0 && !(await this.isOfAnEmptyBook(manager, subscriberId, audience))) throw new AudienceEmpty();
    return { audience: await this.audiences.seal(subscriberId, id, audience), recipients, leftOut };
  }

  /** Tells if the audience is all of an empty address book, in which nothing can be misspelt or excepted. */
  private async isOfAnEmptyBook(manager: EntityManager, subscriberId: string, { all }: Audience): Promise<boolean> {
    if (!all) return false;
    const everybody = { kind: 'service', audience: { all } } as const;
    return (await this.audiences.count(manager, subscriberId, everybody)).total === 0;
  }

  private async authorsOf(subscriberId: string, broadcasts: readonly Broadcast[]): Promise<Map<string, Author>> {
    const ids = [...new Set(broadcasts.map(({ authorId }) => authorId))];
    const authors = ids.length > 0 ? await this.members.authors(subscriberId, ids) : [];
    return new Map(authors.map((author) => [author.id, author]));
  }

  private filesOf(subscriberId: string, broadcasts: readonly Broadcast[]): Promise<Map<string, AttachmentView[]>> {
    const ids = broadcasts.flatMap(({ id, files }) => (files > 0 ? [id] : []));
    return this.attachments.ofBroadcasts(subscriberId, ids);
  }

  private async summary(
    broadcast: Broadcast,
    authors: Map<string, Author>,
    attachments: AttachmentView[] = [],
  ): Promise<BroadcastSummary> {
    const { subscriberId, id, kind, reason, body, state, stopReason, recipients, sent, skipped } = broadcast;
    const { createdAt, sendAt, notAfter, startedAt, endedAt } = broadcast;
    const key = { scope: 'subscriber', id: subscriberId } as const;
    return {
      id,
      kind,
      reason,
      body: await this.vault.open(key, body, broadcastContext(subscriberId, id)),
      attachments,
      state,
      ...(stopReason && { stopReason }),
      recipients,
      sent,
      skipped,
      author: authors.get(broadcast.authorId) ?? null,
      createdAt: createdAt.toISOString(),
      sendAt: sendAt.toISOString(),
      notAfter: notAfter.toISOString(),
      ...(startedAt && { startedAt: startedAt.toISOString() }),
      ...(endedAt && { endedAt: endedAt.toISOString() }),
    };
  }

  private async reports(subscriberId: string, id: string): Promise<number> {
    const [{ reports }] = await this.broadcasts.query<[{ reports: number }]>(reportsQuery, [subscriberId, id]);
    return reports;
  }
}

const answersShown = 5;

/** Number of recipients from which counts are cached, because counting 100,000 takes the database a second or two. */
const manyRecipients = 5_000;

/** Milliseconds for which the counts of a broadcast are cached. */
const cacheMilliseconds = ({ recipients }: Broadcast): number => (recipients >= manyRecipients ? 5_000 : 0);

/** States in which something is still to come. */
const underWay: readonly Broadcast['state'][] = ['scheduled', 'running', 'held'];

/** @throws ValidationFailed for a service message without a reason, and a promotional one with it */
function requireReason({ kind, reason }: Pick<NewBroadcast, 'kind' | 'reason'>): BroadcastReason | null {
  if ((kind === 'service') === (reason !== undefined)) return reason ?? null;
  throw new ValidationFailed([
    kind === 'service'
      ? { field: 'reason', code: 'required', message: 'Give the reason for the service message.' }
      : { field: 'reason', code: 'exclusive', message: 'A promotional message has no reason.' },
  ]);
}

function recipientView(row: RecipientRow, displayName: string): RecipientView {
  const { id, seq, skipped, delivered, seen, answered_seq: answeredSeq } = row;
  if (seq === null) return { contactId: id, displayName, outcome: 'skipped', reason: skipped! };
  return {
    contactId: id,
    displayName,
    outcome: 'sent',
    seq,
    delivered,
    ...(seen !== null && { seen }),
    ...(answeredSeq !== null && { answeredSeq }),
  };
}
