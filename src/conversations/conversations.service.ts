import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { BoundedCache } from '../platform/bounded-cache.js';
import { namesLike } from '../address-book/book.js';
import { Directory } from '../address-book/directory.js';
import { accountKey, isMember, partyOf, type Principal } from '../auth/principal.js';
import {
  type Author,
  type Claim,
  type ConversationHead,
  type Counterpart,
  type EntryKind,
  type Identity,
  parties,
  type Party,
  type Deletion,
  type Restriction,
  type Turn,
} from '../contract/events.js';
import { beginningOf } from '../contract/rules/texts.js';
import { limits } from '../contract/limits.js';
import { Members } from '../members/members.service.js';
import { Identities } from '../interlocutors/identities.js';
import { openSealedPage } from '../platform/cursors.js';
import { dayMilliseconds } from '../platform/durations.js';
import { HotStatements } from '../platform/hot-statements.js';
import { type DomainError, NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import { type Room, rooms } from '../platform/realtime/rooms.js';
import { Vault } from '../platform/vault/vault.js';
import type { Subscriber } from '../subscribers/subscriber.entity.js';
import { ConversationRestricted } from './conversations.errors.js';
import { SubscriberClosing, SubscriberPaused } from '../subscribers/subscribers.errors.js';
import { businessCounterpart } from '../subscribers/subscriber-view.js';
import { type ConversationList, ListConversations, type UnreadTotals } from './conversations.dto.js';
import {
  accessOfInterlocutor,
  accessOfMember,
  type CounterpartRow,
  counterpartsQuery,
  countChangeQuery,
  type HeadOrder,
  type HeadRow,
  hasUnread,
  headsQuery,
  descending,
  erasedOfInterlocutorQuery,
  erasedOfSubscriberQuery,
  deletionQuery,
  isBehind,
  lockQuery,
  lockToEraseQuery,
  lockWatermarksQuery,
  needsAnswer,
  noMessageAt,
  obstacleQuery,
  placesQuery,
  type RestrictionRow,
  restrictQuery,
  type Standing,
  syncHorizonQuery,
  type UnreadRow,
  unreadQuery,
  walk,
} from './conversations.queries.js';
import { MessageTexts, type PlacedContent } from './message-texts.js';

/** A conversation that the principal is a party of. */
export interface OwnConversation {
  id: string;
  subscriberId: string;
  interlocutorId: string;
  /** The principal's side. */
  party: Party;
  /** Rooms that hear its events: the devices of each side. */
  rooms: Record<Party, Room>;
}

const conversationsRemembered = 20_000;

/** The owner of a list of conversations. */
export type Viewer = { kind: 'member'; subscriberId: string } | { kind: 'interlocutor'; interlocutorId: string };

@Injectable()
export class Conversations {
  private readonly remembered = new BoundedCache<string, Promise<OwnConversation>>(conversationsRemembered);

  private horizon: Promise<Date> | undefined;

  constructor(
    private readonly database: DataSource,
    private readonly directory: Directory,
    private readonly identities: Identities,
    private readonly members: Members,
    private readonly statements: HotStatements,
    private readonly texts: MessageTexts,
    private readonly vault: Vault,
  ) {}

  /** Locks a conversation until the transaction ends: nothing is sent in it meanwhile. */
  async lock(manager: EntityManager, subscriberId: string, id: string): Promise<void> {
    await manager.query(lockQuery, [subscriberId, id]);
  }

  /** Locks conversations against everything until the transaction ends, in the order of their ids. */
  async lockToErase(manager: EntityManager, subscriberId: string, ids: readonly string[]): Promise<void> {
    await manager.query(lockToEraseQuery, [subscriberId, ids]);
  }

  /** After a commit: forgets who the parties of erased conversations were. */
  forgetParties(conversations: readonly { subscriberId: string; interlocutorId: string; id: string }[]): void {
    for (const { subscriberId, interlocutorId, id } of conversations)
      for (const side of [subscriberId, interlocutorId]) this.remembered.delete(`${side} ${id}`);
  }

  /** Counts a change of a message in a conversation that is locked. */
  async countChange(
    manager: EntityManager,
    { subscriberId, conversationId, seq }: { subscriberId: string; conversationId: string; seq: number },
  ): Promise<{ revision: number; changedAt: Date }> {
    const where = [subscriberId, conversationId, seq];
    const [change] = await manager.query<[{ revision: number; changedAt: Date }]>(countChangeQuery, where);
    return change;
  }

  /**
   * Restricts a conversation for one of its parties, or lifts that party's restriction. Nothing is sent in it, and no receipt
   * rises, once the transaction has committed.
   * @returns undefined where it was so already
   * @throws NotFound for a conversation that is gone
   */
  async restrict(
    manager: EntityManager,
    { subscriberId, id, party }: Pick<OwnConversation, 'subscriberId' | 'id' | 'party'>,
    restricted: boolean,
  ): Promise<ChangedRestrictions | undefined> {
    const where = [subscriberId, id];
    const locked = await manager.query<unknown[]>(lockQuery, where);
    if (locked.length === 0) throw new NotFound();
    await manager.query(lockWatermarksQuery, where);
    const [[row]] = await manager.query<[(RestrictionRow & { changed_at: Date })[], number]>(restrictQuery(party), [
      ...where,
      restricted,
    ]);
    return row && changedOf(row);
  }

  /**
   * Freezes a conversation because its contact asks for its deletion, until that is due, or lifts that again; as with a
   * restriction nothing is sent in it, and no receipt rises, once the transaction has committed.
   * @param dueAt null lifts it
   * @returns undefined where it was so already
   * @throws NotFound for a conversation that is gone
   */
  async freezeForDeletion(
    manager: EntityManager,
    { subscriberId, id }: Pick<OwnConversation, 'subscriberId' | 'id'>,
    dueAt: Date | null,
  ): Promise<ChangedRestrictions | undefined> {
    const where = [subscriberId, id];
    const locked = await manager.query<unknown[]>(lockQuery, where);
    if (locked.length === 0) throw new NotFound();
    await manager.query(lockWatermarksQuery, where);
    const [[row]] = await manager.query<[(RestrictionRow & { changed_at: Date })[], number]>(deletionQuery, [
      ...where,
      dueAt,
    ]);
    return row && changedOf(row);
  }

  /** The reason for which nothing is sent in a conversation, as an error. */
  async obstacle({ subscriberId, id }: Pick<OwnConversation, 'subscriberId' | 'id'>): Promise<DomainError> {
    const [row] = await this.database.query<
      (Pick<Subscriber, 'pausedAt' | 'closingAskedAt'> & { restricted: boolean })[]
    >(obstacleQuery, [subscriberId, id]);
    if (!row) return new NotFound();
    if (row.closingAskedAt) return new SubscriberClosing();
    if (row.pausedAt && !row.restricted) return new SubscriberPaused();
    return new ConversationRestricted();
  }

  /** Creates the conversation of a new contact. */
  async create(manager: EntityManager, subscriberId: string, contactId: string): Promise<void> {
    await manager.query('INSERT INTO conversation (subscriber_id, id, changed_at) VALUES ($1, $2, change_time())', [
      subscriberId,
      contactId,
    ]);
    await manager.query(
      `INSERT INTO watermark (subscriber_id, conversation_id, party, minute, changed_minute, told_minute)
       SELECT $1, $2, party, date_trunc('minute', clock_timestamp()), changed_minute, changed_minute
       FROM unnest(enum_range(NULL::party)) AS party, date_trunc('minute', change_time()) AS changed_minute`,
      [subscriberId, contactId],
    );
  }

  /** @throws NotFound for a conversation the principal is no party of, as for one that does not exist */
  async access(principal: Principal, id: string): Promise<OwnConversation> {
    const statement = isMember(principal) ? accessOfMember : accessOfInterlocutor;
    const [row] = await this.statements.query<{ subscriber_id: string; interlocutor_id: string }>(statement, [
      id,
      sideOf(principal),
    ]);
    if (!row) throw new NotFound();
    const { subscriber_id: subscriberId, interlocutor_id: interlocutorId } = row;
    const ofBoth = { subscriber: rooms.ofSubscriber(subscriberId), interlocutor: rooms.ofInterlocutor(interlocutorId) };
    return { id, subscriberId, interlocutorId, party: partyOf(principal), rooms: ofBoth };
  }

  /**
   * Like {@link access}, for a caller that then writes. Cached, because the parties of a conversation never change; the
   * statement that writes checks that it still exists. Concurrent callers share one query, so that a device's messages keep
   * their order.
   * @throws NotFound
   */
  accessToWrite(principal: Principal, id: string): Promise<OwnConversation> {
    const asked = `${sideOf(principal)} ${id}`;
    let own = this.remembered.get(asked);
    if (!own) {
      own = this.access(principal, id);
      this.remembered.set(asked, own);
      own.catch(() => this.remembered.delete(asked));
    }
    return own;
  }

  /**
   * The heads of the principal's conversations, in the order that suits what is asked for.
   * @throws ValidationFailed for a cursor of another list, and for labels that an interlocutor asks for
   */
  async list(principal: Principal, wanted: ListConversations): Promise<ConversationList> {
    // What is searched for is a name.
    const sealed = { vault: this.vault, key: accountKey(principal) };
    const { ask, position, next } = await openSealedPage(ListConversations, wanted, sealed);
    const { changedSince, unread, unanswered, withoutBroadcasts, label, claimed, query, limit } = ask;
    if (label && !isMember(principal)) {
      const message = 'Only members of the business can filter by label.';
      throw new ValidationFailed([{ field: 'label', code: 'not_for_interlocutors', message }]);
    }
    if (claimed && !isMember(principal)) {
      const message = 'Only members of the business can filter by who has taken a conversation.';
      throw new ValidationFailed([{ field: 'claimed', code: 'not_for_interlocutors', message }]);
    }
    const which = { changedSince, unread, unanswered, withoutBroadcasts, label, claimed };
    const order = orderOf(principal, which);
    if (order === 'change') requireNoOther({ ...which, query });
    const before = position as [string, string] | undefined;
    // Read before the heads, so that what they do not show yet is stamped at this time or later.
    const horizon = await this.syncHorizon();
    const found = query === undefined ? undefined : await this.found(principal, query);
    const rows = await this.rows(
      principal,
      { order, limit: limit + 1, before, found },
      { ...which, ...(claimed && isMember(principal) && { claimedBy: principal.memberId }) },
    );
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const nextCursor = last && rows.length > limit ? await next([placeIn(order, last), last.id]) : null;
    const erased = changedSince !== undefined && !before ? await this.erasedSince(principal, changedSince) : undefined;
    const items = await this.open(principal, page);
    return { items, nextCursor, syncedAt: horizon.toISOString(), ...(erased !== undefined && { erased }) };
  }

  /** Conversations of the principal that were erased since a time; null when they cannot all be told. */
  private async erasedSince(principal: Principal, since: string): Promise<string[] | null> {
    const oldest = Date.now() - limits.erasedToldDays * dayMilliseconds;
    if (new Date(since).getTime() < oldest) return null;
    const rows = isMember(principal)
      ? await this.database.query<{ id: string }[]>(erasedOfSubscriberQuery, [principal.subscriberId, since])
      : await this.database.query<{ id: string }[]>(erasedOfInterlocutorQuery, [
          this.readerHash(principal.interlocutorId),
          since,
        ]);
    return rows.length > limits.erasedTold ? null : rows.map(({ id }) => id);
  }

  /** A keyed hash by which an interlocutor finds what was erased of its conversations. */
  readerHash(interlocutorId: string): Buffer {
    return this.vault.lookupHash('reader of erased conversations', interlocutorId);
  }

  /** Shared by those who ask while it is looked up: an older one is as safe. */
  private syncHorizon(): Promise<Date> {
    this.horizon ??= this.database
      .query<[{ horizon: Date }]>(syncHorizonQuery)
      .then(([{ horizon }]) => horizon)
      .finally(() => (this.horizon = undefined));
    return this.horizon;
  }

  /** @throws NotFound */
  async head(viewer: Viewer, id: string): Promise<ConversationHead> {
    const which = { order: 'change', limit: 1, found: new Set([id]) } as const;
    const [head] = await this.open(viewer, await this.rows(viewer, which, {}));
    if (!head) throw new NotFound();
    return head;
  }

  /** The heads of these conversations, up to a thousand, without those that are not the viewer's. */
  async heads(viewer: Viewer, ids: readonly string[]): Promise<ConversationHead[]> {
    const which = { order: 'change', limit: ids.length, found: new Set(ids) } as const;
    return ids.length === 0 ? [] : this.open(viewer, await this.rows(viewer, which, {}));
  }

  /** The other party of each of these conversations, as its reader may know it; without those that are not the reader's. */
  async counterparts(viewer: Viewer, ids: readonly string[]): Promise<Map<string, Counterpart>> {
    const own = viewer.kind === 'member';
    const rows = await this.database.query<CounterpartRow[]>(
      counterpartsQuery(own ? 'subscriber_id' : 'interlocutor_id'),
      [own ? viewer.subscriberId : viewer.interlocutorId, ids],
    );
    const identities = own ? await this.identities.openCopies(viewer.subscriberId, rows) : [];
    const found = rows.flatMap((row, index) => {
      const counterpart = own ? contactOf(row, identities[index]) : subscriberOf(row);
      return counterpart ? [[row.id, counterpart] as const] : [];
    });
    return new Map(found);
  }

  /** Totals of unread messages in all of the principal's conversations. */
  async unread(principal: Principal): Promise<UnreadTotals> {
    const { own, parameters } = sides(principal);
    const [totals] = await this.database.query<[UnreadRow]>(unreadQuery(own), parameters);
    return totals;
  }

  /** The conversations whose counterpart is found by its name or address. */
  private async found(principal: Principal, query: string): Promise<ReadonlySet<string>> {
    if (isMember(principal)) return (await this.directory.book(principal.subscriberId)).found(query);
    const rows = await this.database.query<{ id: string; business_name: string }[]>(
      `SELECT id, business_name FROM contact JOIN subscriber USING (subscriber_id) WHERE interlocutor_id = $1`,
      [principal.interlocutorId],
    );
    const isLike = namesLike(query);
    return new Set(rows.flatMap(({ id, business_name: name }) => (isLike(name) ? id : [])));
  }

  private async rows(viewer: Viewer, part: Part, filters: Filters): Promise<HeadRow[]> {
    const { found } = part;
    if (!found) return this.select(viewer, part, filters);
    if (found.size <= foundAtOnce) return this.select(viewer, part, { ...filters, ids: [...found] });
    // Of many that are found each page holds some, so the list is read on until it is full.
    const ids: string[] = [];
    let before = part.before;
    for (;;) {
      const rows = await this.places(viewer, { ...part, before, limit: foundAtOnce }, filters);
      ids.push(...rows.flatMap(({ id }) => (found.has(id) ? id : [])));
      const last = rows.at(-1);
      if (!last || rows.length < foundAtOnce || ids.length >= part.limit) break;
      before = [last.at.toISOString(), last.id];
    }
    return this.select(viewer, { ...part, before: undefined }, { ids: ids.slice(0, part.limit) });
  }

  private select(viewer: Viewer, part: Part, filters: Filters & { ids?: readonly string[] }): Promise<HeadRow[]> {
    const { order, limit } = part;
    const { own, parameters } = sides(viewer);
    const parameter = (value: unknown) => `$${parameters.push(value)}`;
    const { conditions, standings } = conditionsOf(part, filters, parameter);
    const { changedSince, ids } = filters;
    if (ids) conditions.push(`conversation.id = ANY (${parameter(ids)}::uuid[])`);
    const since = changedSince && parameter(changedSince);
    const which = [own === 'subscriber' ? 'conversation.subscriber_id = $3' : 'contact.interlocutor_id = $3'];
    if (own === 'interlocutor') which.push(...conditions, ...(since ? [changed(since)] : []));
    else if (since) which.push(changedOfSubscriber({ since, before: conditions.join(' AND ') || 'true', limit }));
    else if (ids) which.push(...conditions);
    else which.push(`conversation.id IN (SELECT id FROM (${walk(order, { conditions, standings, limit })}) AS walked)`);
    return this.database.query<HeadRow[]>(headsQuery(which.join(' AND '), { order, limit }), parameters);
  }

  /** The next places of a subscriber's list, without what stands there. */
  private places(viewer: Viewer, part: Part, filters: Filters): Promise<{ id: string; at: Date }[]> {
    const { parameters } = sides(viewer);
    const { conditions, standings } = conditionsOf(part, filters, (value) => `$${parameters.push(value)}`);
    return this.database.query(placesQuery(part.order, { conditions, standings, limit: part.limit }), parameters);
  }

  private async claimersOf(subscriberId: string, rows: HeadRow[]): Promise<Map<string, Author>> {
    const ids = [...new Set(rows.flatMap(({ claimed_by: id }) => id ?? []))];
    const authors = ids.length > 0 ? await this.members.authors(subscriberId, ids) : [];
    return new Map(authors.map((author) => [author.id, author]));
  }

  private async open(viewer: Viewer, rows: HeadRow[]): Promise<ConversationHead[]> {
    const own = viewer.kind === 'member';
    const identities = own ? await this.identities.openCopies(viewer.subscriberId, rows) : [];
    const spoken = rows.filter(({ last_sender: sender }) => sender !== null);
    const claimers = own ? await this.claimersOf(viewer.subscriberId, rows) : new Map<string, Author>();
    const turns = rows.flatMap(
      (row) => turnContentOf(row, { subscriberId: row.subscriber_id, conversationId: row.id }) ?? [],
    );
    const texts = await this.texts.open([...spoken.map(lastMessageOf), ...turns]);
    const lastTexts = new Map(spoken.map((row, index) => [row.id, texts[index]]));
    const turnTexts = new Map(turns.map(({ conversationId: id }, index) => [id, texts[spoken.length + index]]));
    return rows.flatMap((row, index) => {
      const counterpart = own ? contactOf(row, identities[index]) : subscriberOf(row);
      if (!counterpart) return [];
      const lastText = lastTexts.get(row.id);
      const turnText = row.turn_seq === row.last_seq ? lastText : turnTexts.get(row.id);
      return [headOf(row, counterpart, { lastText, turnText, own: sides(viewer).own, claimers })];
    });
  }
}

/** Up to this many matching counterparts, the list is asked for by their ids; with more it is walked through. */
const foundAtOnce = 1_000;

/** A page of a list: its order, how many, behind which place; and by whose counterpart it is searched, where it is. */
interface Part {
  order: HeadOrder;
  limit: number;
  before?: [at: string, id: string] | undefined;
  found?: ReadonlySet<string> | undefined;
}

type Filters = Partial<
  Pick<ListConversations, 'changedSince' | 'unread' | 'unanswered' | 'withoutBroadcasts' | 'label' | 'claimed'> & {
    /** The member that `claimed` stands for. */
    claimedBy: string;
  }
>;

/** An interlocutor's unread conversation may hold nothing but a broadcast, and has no turn then. */
function orderOf({ kind }: Viewer, { changedSince, unread, unanswered, withoutBroadcasts }: Filters): HeadOrder {
  if (changedSince !== undefined) return 'change';
  if (unanswered || withoutBroadcasts) return 'turn';
  return unread && kind === 'member' ? 'turn' : 'message';
}

/** @throws ValidationFailed when changes are to be filtered: what matches no more would never be told */
function requireNoOther({ changedSince: _, ...others }: Filters & { query?: string | undefined }): void {
  const field = Object.entries(others).find(([, value]) => value !== undefined)?.[0];
  if (field === undefined) return;
  const message = `Send changedSince without ${field}: a changed conversation may no longer match that filter.`;
  throw new ValidationFailed([{ field: 'changedSince', code: 'exclusive', message }]);
}

/** The viewer as the first parameters of its statements. */
function sides(viewer: Viewer): { own: Party; parameters: unknown[] } {
  return viewer.kind === 'member'
    ? { own: 'subscriber', parameters: ['subscriber', 'interlocutor', viewer.subscriberId] }
    : { own: 'interlocutor', parameters: ['interlocutor', 'subscriber', viewer.interlocutorId] };
}

/** Conditions of a page and its filters on `conversation`. */
function conditionsOf(
  { order, before }: Part,
  { unread, unanswered, withoutBroadcasts, label = [], claimedBy }: Filters,
  parameter: (value: unknown) => string,
): { conditions: string[]; standings: Standing[] } {
  const conditions: string[] = [];
  if (before) {
    const [at, id] = before.map(parameter);
    conditions.push(isBehind(order, [at!, id!]));
  }
  if (unread) conditions.push(hasUnread);
  if (unanswered) conditions.push(needsAnswer);
  if (withoutBroadcasts) conditions.push('conversation.turn_at IS NOT NULL');
  if (claimedBy) conditions.push(`conversation.claimed_by = ${parameter(claimedBy)}::uuid`);
  for (const id of label) {
    conditions.push(`conversation.id IN (
      SELECT contact_id FROM contact_label WHERE subscriber_id = $3 AND label_id = ${parameter(id)})`);
  }
  return { conditions, standings: unread ? [3] : unanswered ? [2, 3] : [1, 2, 3] };
}

/** The place of a head in an order. */
function placeIn(order: HeadOrder, { changed_at, last_message_at, turn_at }: HeadRow): string {
  const at = { change: changed_at, message: last_message_at, turn: turn_at }[order];
  return at?.toISOString() ?? noMessageAt;
}

/** The last turn, as a row says it. */
export function turnOf(row: TurnRow, text: string | undefined): Turn | null {
  if (row.turn_seq === null) return null;
  const preview = text ? beginningOf(text) : null;
  return { seq: row.turn_seq, sender: row.turn_sender!, sentAt: row.turn_at!.toISOString(), preview };
}

export type TurnRow = Pick<HeadRow, 'turn_seq' | 'turn_sender' | 'turn_at' | 'turn_client_id' | 'turn_body'>;

/** The content of a last turn that is not the last entry; undefined for another. */
export function turnContentOf(
  row: TurnRow,
  place: Pick<PlacedContent, 'subscriberId' | 'conversationId'>,
): PlacedContent | undefined {
  if (row.turn_body === null) return undefined;
  const { turn_sender: sender, turn_client_id, turn_body: body } = row;
  const none = { withdrawn_at: null, broadcast_id: null, broadcast_body: null };
  return { ...place, ...none, sender: sender!, client_id: turn_client_id, body };
}

/** The claim that stands, as a row says it. */
function claimOf(
  { claimed_by: memberId, claimed_at: at }: HeadRow,
  claimers: ReadonlyMap<string, Author>,
): Claim | null {
  if (!memberId || !at) return null;
  return { memberId, displayName: claimers.get(memberId)?.displayName ?? null, at: at.toISOString() };
}

/** The restrictions that stand, the earlier one first. */
export function restrictionsOf(row: RestrictionRow): Restriction[] {
  return parties
    .flatMap((by) => {
      const at = row[`restricted_by_${by}`];
      return at ? [{ by, at: at.toISOString() }] : [];
    })
    .sort((one, other) => one.at.localeCompare(other.at));
}

/** The request for deletion that is open. */
export function deletionOf(row: RestrictionRow): Deletion | null {
  const { deletion_asked_at: askedAt, deletion_due_at: dueAt } = row;
  return askedAt && { askedAt: askedAt.toISOString(), dueAt: dueAt!.toISOString() };
}

/** The restrictions of a conversation after a change. */
export interface ChangedRestrictions {
  restrictions: Restriction[];
  deletion: Deletion | null;
  changedAt: Date;
}

const changedOf = (row: RestrictionRow & { changed_at: Date }): ChangedRestrictions => ({
  restrictions: restrictionsOf(row),
  deletion: deletionOf(row),
  changedAt: row.changed_at,
});

function kindOf(row: HeadRow): EntryKind | null {
  if (row.last_sender === null) return null;
  if (row.last_expired_at) return 'expired';
  if (row.last_withdrawn_at) return 'withdrawn';
  return row.last_broadcast_id === null ? 'message' : 'broadcast';
}

const sideOf = (principal: Principal) => (isMember(principal) ? principal.subscriberId : principal.interlocutorId);

const minuteOf = (since: string) => `date_trunc('minute', ${since}::timestamptz)`;

/**
 * A head has changed when its messages have, a watermark has, the profile of the counterpart, or whether seen-times are
 * disclosed. Watermarks know only their minute, so those of the minute asked for come back too. A move of the other
 * party that is not disclosed is no change.
 */
const changed = (since: string) =>
  `(conversation.changed_at >= ${since}
    OR EXISTS (
      SELECT FROM watermark
      WHERE watermark.subscriber_id = conversation.subscriber_id AND watermark.conversation_id = conversation.id
        AND CASE watermark.party WHEN $1 THEN changed_minute ELSE told_minute END >= ${minuteOf(since)})
    OR EXISTS (
      SELECT FROM subscriber
      WHERE subscriber.subscriber_id = conversation.subscriber_id
        AND (profile_changed_at >= ${since} OR seen_times_changed_at >= ${since})))`;

/** The conversations of a subscriber of which something other than the messages has changed. */
const changedBeside = (since: string) => `
  SELECT conversation_id FROM watermark
    WHERE subscriber_id = $3 AND party = 'subscriber' AND changed_minute >= ${minuteOf(since)}
  UNION ALL SELECT conversation_id FROM watermark
    WHERE subscriber_id = $3 AND party = 'interlocutor' AND told_minute >= ${minuteOf(since)}
  UNION ALL SELECT id FROM contact WHERE subscriber_id = $3 AND profile_changed_at >= ${since}
  UNION ALL SELECT id FROM conversation WHERE subscriber_id = $3 AND answered_at >= ${since}
  UNION ALL SELECT id FROM conversation WHERE subscriber_id = $3 AND claim_changed_at >= ${since}
  UNION ALL SELECT id FROM conversation
    WHERE subscriber_id = $3
      AND EXISTS (SELECT FROM subscriber WHERE subscriber_id = $3 AND seen_times_changed_at >= ${since})`;

/**
 * The same for a subscriber's many conversations, found by the indexes. Those whose messages have changed come first in the
 * order of the list, so the others are looked for only by the page that comes to its end: after a broadcast that is the
 * last of many.
 */
const changedOfSubscriber = ({ since, before, limit }: { since: string; before: string; limit: number }) => `
  conversation.id IN (
    SELECT id FROM (
      (SELECT id FROM conversation
       WHERE subscriber_id = $3 AND changed_minute >= ${minuteOf(since)} AND ${before}
         AND (changed_at >= ${since} OR id IN (${changedBeside(since)}))
       ORDER BY ${descending('change')} LIMIT ${limit})
      UNION ALL
      (SELECT id FROM conversation
       WHERE subscriber_id = $3 AND changed_minute < ${minuteOf(since)} AND ${before} AND id IN (${changedBeside(since)})
       ORDER BY ${descending('change')} LIMIT ${limit})
    ) AS either
    LIMIT ${limit})`;

function contactOf(row: CounterpartRow, identity: Identity | undefined): Counterpart | undefined {
  return identity && { kind: 'interlocutor', id: row.id, ...identity };
}

function subscriberOf(row: CounterpartRow): Counterpart {
  const logoUrl = row.has_logo ? `/api/conversations/${row.id}/logo` : null;
  return businessCounterpart(
    {
      id: row.subscriber_id,
      businessName: row.business_name,
      city: row.city,
      pausedAt: row.paused_at,
      closesAt: row.closes_at,
      retentionMonths: row.retention_months,
      retentionFrom: row.retention_from,
    },
    logoUrl,
  );
}

function lastMessageOf(row: HeadRow): PlacedContent {
  return {
    subscriberId: row.subscriber_id,
    conversationId: row.id,
    sender: row.last_sender!,
    client_id: row.last_client_id,
    body: row.last_body,
    withdrawn_at: row.last_withdrawn_at,
    broadcast_id: row.last_broadcast_id,
    broadcast_body: row.last_broadcast_body,
  };
}

interface HeadParts {
  lastText: string | undefined;
  turnText: string | undefined;
  own: Party;
  claimers: ReadonlyMap<string, Author>;
}

function headOf(
  row: HeadRow,
  counterpart: Counterpart,
  { lastText, turnText, own, claimers }: HeadParts,
): ConversationHead {
  return {
    id: row.id,
    revision: row.revision,
    changedAt: row.changed_at.toISOString(),
    counterpart,
    ...(row.labels && { labels: row.labels }),
    lastSeq: row.last_seq,
    lastMessageAt: row.last_message_at?.toISOString() ?? null,
    lastSender: row.last_sender,
    lastKind: kindOf(row),
    lastTurn: turnOf(row, turnText),
    unanswered:
      row.turn_sender !== null &&
      row.turn_sender !== own &&
      (own === 'interlocutor' || row.turn_seq! > row.answered_seq),
    ...(own === 'subscriber' && { answeredSeq: row.answered_seq, claim: claimOf(row, claimers) }),
    preview: lastText ? beginningOf(lastText) : null,
    lastFiles: row.last_family === null ? null : { count: row.last_files, family: row.last_family },
    own: { deliveredSeq: row.own_delivered, seenSeq: row.own_seen },
    other: { deliveredSeq: row.other_delivered, seenSeq: row.other_seen },
    seenTimesSince: row.seen_times_since?.toISOString() ?? null,
    restrictions: restrictionsOf(row),
    deletion: deletionOf(row),
    unread: row.unread,
  };
}
