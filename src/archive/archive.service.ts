import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { MAX } from 'uuid';
import { Attachments } from '../attachments/attachments.service.js';
import { accountKey, isMember, type MemberPrincipal, type Principal } from '../auth/principal.js';
import type { AttachmentView } from '../contract/attachments.js';
import type { Author } from '../contract/events.js';
import { limits } from '../contract/limits.js';
import { broadcastContext } from '../conversations/broadcast-mark.js';
import { Conversations } from '../conversations/conversations.service.js';
import { MessageTexts } from '../conversations/message-texts.js';
import { Members } from '../members/members.service.js';
import { openSealedPage } from '../platform/cursors.js';
import { DomainError, ValidationFailed } from '../platform/problems/domain-error.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { Turns } from '../platform/turns.js';
import { Vault } from '../platform/vault/vault.js';
import { type ArchiveHit, type ArchiveHits, SearchArchive } from './archive.dto.js';
import { ArchivePool } from './archive-pool.service.js';
import {
  type BroadcastRow,
  broadcastsQuery,
  type CandidateRow,
  candidatesQuery,
  type EntryFilter,
  type Position,
} from './archive.queries.js';
import { merged, placesIn, type Range, snippetOf } from './matching.js';
import { parseQuery, type Query, requiredTerms, sizeOf } from './query.js';
import { hasLink } from './search-index.service.js';
import { type Month, SearchMonths } from './search-months.service.js';
import { SearchTokens, type SubscriberTokens, type TokenKind } from './search-tokens.service.js';
import { type Candidate, EntrySource, LedgerSource, MergedSource, type Source } from './sources.js';
import type { Word } from './words.js';

/** A search pauses at the first of these limits, with a cursor to continue: time, and messages decrypted. */
const searchMilliseconds = 250;
const openedAtMost = 2_000;
const openedAtOnce = 40;
/** Searches under way at once; each may have one statement under way. */
const searchesAtOnce = 2;
const statementsAtLeast = 8;

const searches = defineLimit('archiveSearch', {
  points: ({ searchesPerMinute }) => searchesPerMinute,
  seconds: 60,
  keyedById: true,
});

/** The part of a search that concerns one subscriber, or one conversation with it. */
interface Scope {
  subscriberId: string;
  /** Only this conversation: the only one an interlocutor has with the subscriber. */
  conversationId?: string;
  tokens: SubscriberTokens;
  query: Query;
  /** The same in the names of files. */
  names: Query;
}

/** A candidate as it is stored now, opened. */
interface Opened {
  candidate: Candidate;
  kind: ArchiveHit['kind'];
  sender: ArchiveHit['sender'];
  authorId: string | null;
  broadcastId: string | null;
  text: string;
  files: readonly AttachmentView[];
}

/** A message that matches, with the places found in it. */
interface Found extends Opened {
  words: readonly Word[];
  places: readonly Range[];
  /** Places in the name of each file. */
  inNames: readonly (readonly Range[])[];
}

/** Searches everything that a principal has written and received. */
@Injectable()
export class Archive {
  private readonly turns = new Turns({
    concurrency: searchesAtOnce,
    concurrencyPerAsker: 1,
    waiting: limits.archiveSearchesWaiting,
    waitingPerAsker: limits.archiveSearchesWaitingPerAccount,
    of: 'searches',
  });

  constructor(
    private readonly attachments: Attachments,
    private readonly conversations: Conversations,
    private readonly database: DataSource,
    private readonly members: Members,
    private readonly months: SearchMonths,
    private readonly rateLimits: RateLimits,
    private readonly pool: ArchivePool,
    private readonly searchTokens: SearchTokens,
    private readonly texts: MessageTexts,
    private readonly vault: Vault,
  ) {}

  /**
   * Matching messages and broadcasts, newest first. The index yields candidates; each is decrypted and compared with the query
   * before it is returned.
   * @throws ValidationFailed, NotFound, DomainError `rate_limited` or `overloaded`
   */
  async search(principal: Principal, wanted: SearchArchive): Promise<ArchiveHits> {
    await this.rateLimits.count(searches, principal.accountId);
    return this.turns.run(principal.accountId, () => this.searchNow(principal, wanted));
  }

  private async searchNow(principal: Principal, wanted: SearchArchive): Promise<ArchiveHits> {
    const sealed = { vault: this.vault, key: accountKey(principal) };
    const { ask, position, next } = await openSealedPage(SearchArchive, wanted, sealed);
    requireValidSearch(principal, ask);
    const scopes = await this.scopesOf(principal, ask);
    const months = await this.months.all();
    const from = position ? readPosition(position) : beginningOf(ask);
    const merged = new MergedSource(scopes.flatMap((scope) => this.sourcesOf(ask, { scope, months, from })));
    const budget = new Budget();
    const found: Found[] = [];
    let rest: Position | undefined;
    for (;;) {
      const candidates = await this.timed(() => merged.next(openedAtOnce, budget.spend));
      const matching = await this.match(scopes, ask, candidates);
      budget.opened += candidates.length;
      const room = ask.limit - found.length;
      found.push(...matching.slice(0, room));
      const oldest = candidates.at(-1);
      const tooOld = ask.after !== undefined && oldest !== undefined && oldest.sentAt < new Date(ask.after);
      rest = matching.length > room ? matching[room - 1]!.candidate : tooOld ? undefined : merged.rest;
      if (!rest || found.length === ask.limit || candidates.length === 0 || !budget.mayContinue) break;
    }
    const nextCursor = rest ? await next([rest.sentAt.toISOString(), rest.id, rest.seq]) : null;
    return { items: await this.view(principal, found), nextCursor };
  }

  /** @throws DomainError `overloaded` when the database takes too long */
  private async timed<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if ((error as { code?: unknown }).code !== '57014') throw error;
      const detail =
        'This search takes too long at the moment. Ask for less, by a time or a conversation, or try again.';
      throw new DomainError('overloaded', { detail, retryAfter: 5 });
    }
  }

  /**
   * The archives to be searched: the subscriber's whole one for its members, the conversation with each subscriber for an
   * interlocutor; or the one conversation that is asked for.
   * @throws NotFound for a conversation that is not the principal's
   */
  private async scopesOf(principal: Principal, ask: SearchArchive): Promise<Scope[]> {
    const places: Pick<Scope, 'subscriberId' | 'conversationId'>[] = [];
    if (ask.with !== undefined) {
      const { subscriberId, id } = await this.conversations.access(principal, ask.with);
      places.push({ subscriberId, conversationId: id });
    } else if (isMember(principal)) places.push({ subscriberId: principal.subscriberId });
    else {
      places.push(
        ...(await this.database.query<{ subscriberId: string; conversationId: string }[]>(
          `SELECT subscriber_id AS "subscriberId", id AS "conversationId" FROM contact WHERE interlocutor_id = $1`,
          [principal.interlocutorId],
        )),
      );
    }
    const scopes: Scope[] = [];
    for (const place of places) {
      const tokens = await this.searchTokens.of(place.subscriberId);
      scopes.push({
        ...place,
        tokens,
        query: readQuery('q', ask.q, tokens),
        names: readQuery('fileName', ask.fileName, tokens),
      });
    }
    return scopes;
  }

  private sourcesOf(
    ask: SearchArchive,
    { scope, months, from }: { scope: Scope; months: readonly Month[]; from: Position },
  ): Source[] {
    const { subscriberId, conversationId, tokens } = scope;
    const after = ask.after === undefined ? undefined : new Date(ask.after);
    const dated = { months, after, before: from };
    const filterBy = (...facts: [kind: TokenKind, value: string][]): EntryFilter => ({
      subscriberId,
      tokens: wantedTokens(ask, scope, tokens, facts),
      tokensBefore: tokens.before && wantedTokens(ask, scope, tokens.before, facts),
      sender: ask.from,
      labels: ask.label,
    });
    if (conversationId === undefined) {
      return [new EntrySource(this.pool, ask.broadcasts ? filterBy(['broadcast', '']) : filterBy(), dated)];
    }
    const sources: Source[] = [];
    if (!ask.broadcasts) {
      sources.push(
        new EntrySource(this.pool, { ...filterBy(['conversation', conversationId]), conversationId }, dated),
      );
    }
    if (ask.from !== 'interlocutor') sources.push(new LedgerSource(this.pool, { ...filterBy(), conversationId }, from));
    return sources;
  }

  /** The candidates that match, as they are stored now. */
  private async match(
    scopes: readonly Scope[],
    ask: SearchArchive,
    candidates: readonly Candidate[],
  ): Promise<Found[]> {
    const scopeOf = new Map(scopes.map((scope) => [scope.subscriberId, scope]));
    const found: Found[] = [];
    for (const opened of await this.open(candidates)) {
      const { tokens, query, names } = scopeOf.get(opened.candidate.subscriberId)!;
      if (!hasFacts(opened, ask)) continue;
      const text = { text: opened.text, words: tokens.wordsOf(opened.text) };
      const files = opened.files.map(({ name }) => ({ text: name, words: tokens.wordsOf(name) }));
      const places = placesIn([text, ...files], query);
      const named = placesIn(files, names);
      if (!places || !named) continue;
      const inNames = named.map((ranges, index) => merged([...ranges, ...places[index + 1]!]));
      found.push({ ...opened, words: text.words, places: places[0]!, inNames });
    }
    return found;
  }

  private async open(candidates: readonly Candidate[]): Promise<Opened[]> {
    const opened = new Map<Candidate, Opened>();
    const messages = candidates.filter(({ seq }) => seq > 0);
    for (const each of await this.openMessages(messages)) opened.set(each.candidate, each);
    const broadcasts = candidates.filter(({ seq }) => seq === 0);
    for (const each of await this.openBroadcasts(broadcasts)) opened.set(each.candidate, each);
    return candidates.flatMap((candidate) => opened.get(candidate) ?? []);
  }

  private async openMessages(candidates: readonly Candidate[]): Promise<Opened[]> {
    if (candidates.length === 0) return [];
    const rows = await this.database.query<CandidateRow[]>(candidatesQuery, [
      candidates.map(({ subscriberId }) => subscriberId),
      candidates.map(({ id }) => id),
      candidates.map(({ seq }) => seq),
    ]);
    const there = rows
      .filter(({ withdrawn_at: withdrawn }) => withdrawn === null)
      .map((row) => ({ row, candidate: candidates[row.place - 1]! }));
    const texts = await this.texts.open(
      there.map(({ row, candidate }) => ({
        ...row,
        subscriberId: candidate.subscriberId,
        conversationId: candidate.id,
      })),
    );
    const files = await this.filesOf(
      there.map(({ row, candidate }) => ({ ...candidate, broadcastId: row.broadcast_id, files: row.files })),
    );
    return there.flatMap(({ row, candidate }, index) => {
      const text = texts[index];
      if (text === undefined) return [];
      const { sender, author_id: authorId, broadcast_id: broadcastId } = row;
      return [{ candidate, kind: 'message' as const, sender, authorId, broadcastId, text, files: files[index]! }];
    });
  }

  /** The files of messages; nothing is asked for where there are none. */
  private async filesOf(
    messages: readonly (Candidate & { broadcastId: string | null; files: number })[],
  ): Promise<AttachmentView[][]> {
    const places = messages.map(({ subscriberId, id, seq, broadcastId, files }) => ({
      subscriberId,
      conversationId: id,
      seq,
      broadcastId,
      files,
    }));
    const having = places.filter(({ files }) => files > 0);
    const views = having.length > 0 ? await this.attachments.ofMessages(having) : [];
    const found = new Map(having.map((place, index) => [place, views[index]!]));
    return places.map((place) => found.get(place) ?? []);
  }

  private async openBroadcasts(candidates: readonly Candidate[]): Promise<Opened[]> {
    const [first] = candidates;
    if (!first) return [];
    // Only a subscriber's own search has them.
    const { subscriberId } = first;
    const rows = await this.database.query<BroadcastRow[]>(broadcastsQuery, [
      subscriberId,
      candidates.map(({ id }) => id),
    ]);
    const texts = await this.vault.openMany(
      'subscriber',
      rows.map(({ id, body }) => ({ id: subscriberId, sealed: body, context: broadcastContext(subscriberId, id) })),
    );
    const files = await this.attachments.ofBroadcasts(
      subscriberId,
      rows.map(({ id }) => id),
    );
    return rows.flatMap(({ id, author_id: authorId }, index) => {
      const candidate = candidates.find((each) => each.id === id)!;
      const text = texts[index];
      if (text === undefined) return [];
      return [
        {
          candidate,
          kind: 'broadcast' as const,
          sender: 'subscriber' as const,
          authorId,
          broadcastId: id,
          text,
          files: files.get(id) ?? [],
        },
      ];
    });
  }

  private async view(principal: Principal, found: readonly Found[]): Promise<ArchiveHit[]> {
    const ids = found.flatMap(({ kind, candidate }) => (kind === 'message' ? candidate.id : []));
    const counterparts = await this.conversations.counterparts(principal, [...new Set(ids)]);
    const authors = isMember(principal) ? await this.authorsOf(principal, found) : undefined;
    return found.flatMap((one) => {
      const { candidate, kind, sender, authorId, broadcastId, text, words, places, files, inNames } = one;
      const counterpart = counterparts.get(candidate.id);
      // The contact is gone.
      if (kind === 'message' && !counterpart) return [];
      return [
        {
          kind,
          conversationId: kind === 'message' ? candidate.id : null,
          seq: kind === 'message' ? candidate.seq : null,
          broadcastId,
          sender,
          ...(authors && { author: (authorId && authors.get(authorId)) || null }),
          sentAt: candidate.sentAt.toISOString(),
          ...(counterpart && { counterpart }),
          snippet: snippetOf({ text, words }, places),
          files: files.map(({ id, name, family }, index) => ({ id, name, family, highlights: [...inNames[index]!] })),
        },
      ];
    });
  }

  private async authorsOf({ subscriberId }: MemberPrincipal, found: readonly Found[]): Promise<Map<string, Author>> {
    const ids = [...new Set(found.flatMap(({ authorId }) => authorId ?? []))];
    const authors = ids.length > 0 ? await this.members.authors(subscriberId, ids) : [];
    return new Map(authors.map((author) => [author.id, author]));
  }
}

/** The tokens that an entry has to have, under one key. */
function wantedTokens(
  ask: SearchArchive,
  { query, names }: Scope,
  tokens: SubscriberTokens,
  facts: readonly [kind: TokenKind, value: string][],
): number[] {
  const wanted = tokens.ofTerms('word', requiredTerms(query));
  wanted.push(...tokens.ofTerms('file name', requiredTerms(names)));
  if (ask.fileName !== undefined) wanted.push(tokens.token('has', 'file'));
  for (const each of ask.has ?? []) wanted.push(tokens.token('has', each));
  if (ask.author !== undefined) wanted.push(tokens.token('author', ask.author));
  for (const [kind, value] of facts) wanted.push(tokens.token(kind, value));
  return wanted;
}

/** Bounds what one request may cost. A few statements it may always make, so that it gets on when the machine is busy. */
class Budget {
  opened = 0;
  private statements = 0;
  private readonly begun = performance.now();

  get mayContinue(): boolean {
    if (this.opened >= openedAtMost) return false;
    return this.statements < statementsAtLeast || performance.now() - this.begun < searchMilliseconds;
  }

  /** Asks for one more statement. */
  spend = (): boolean => this.mayContinue && this.statements++ >= 0;
}

/** The facts that the index may have mistaken for others, because its tokens are short. */
function hasFacts({ sender, authorId, broadcastId, candidate, text, files }: Opened, ask: SearchArchive): boolean {
  if (ask.from !== undefined && sender !== ask.from) return false;
  if (ask.author !== undefined && authorId !== ask.author) return false;
  if (ask.broadcasts && broadcastId === null) return false;
  if (ask.after !== undefined && candidate.sentAt < new Date(ask.after)) return false;
  return (ask.has ?? []).every((each) => {
    if (each === 'link') return hasLink(text);
    return each === 'file' ? files.length > 0 : files.some(({ family }) => family === each);
  });
}

/** @throws ValidationFailed for what cannot be searched, or not by this principal */
function requireValidSearch(principal: Principal, ask: SearchArchive): void {
  const { cursor: _cursor, limit: _limit, ...asked } = ask;
  if (Object.values(asked).every((value) => value === undefined)) {
    const message = 'Say what to search for: words in q, or a filter.';
    throw new ValidationFailed([{ field: 'q', code: 'required', message }]);
  }
  if (isMember(principal)) return;
  for (const field of ['label', 'author'] as const) {
    if (ask[field] === undefined) continue;
    const message = `Only members of the business can filter by ${field}.`;
    throw new ValidationFailed([{ field, code: 'not_for_interlocutors', message }]);
  }
}

/** @throws ValidationFailed */
function readQuery(field: 'q' | 'fileName', text: string | undefined, { words }: SubscriberTokens): Query {
  if (text === undefined) return { required: [], excluded: [] };
  const query = parseQuery(text, words);
  const size = sizeOf(query);
  if (size === 0) {
    const message = `There is no word to search for in ${field}: write letters or digits.`;
    throw new ValidationFailed([{ field, code: 'no_words', message }]);
  }
  const limit = limits.archiveQueryWords;
  if (size > limit) {
    const message = `You can search for at most ${limit} words at once; ${field} has ${size}.`;
    throw new ValidationFailed([{ field, code: 'too_many', message, values: { limit } }]);
  }
  return query;
}

const lastSeq = 2 ** 31 - 1;
const endOfTime = new Date('9999-01-01T00:00:00Z');

function beginningOf({ before }: SearchArchive): Position {
  // Nothing has the first id and no seq, so this comes before everything that was sent at that time.
  if (before !== undefined) return { sentAt: new Date(before), id: '00000000-0000-0000-0000-000000000000', seq: 0 };
  return { sentAt: endOfTime, id: MAX, seq: lastSeq };
}

function readPosition(position: readonly (string | number)[]): Position {
  const [sentAt, id, seq] = position as [string, string, number];
  return { sentAt: new Date(sentAt), id, seq };
}
