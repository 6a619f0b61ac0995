import { NIL } from 'uuid';
import type { ArchivePool } from './archive-pool.service.js';
import {
  type EntryFilter,
  type EntryRow,
  ledgerStatement,
  type Position,
  tokensStatement,
  type WalkedRow,
  walkStatement,
} from './archive.queries.js';
import type { Month } from './search-months.service.js';

/** Entries walked along at once, and candidates that are asked for at once. */
const walkedAtOnce = 400;
const candidatesAtOnce = 60;
/** Matches among so many walked entries below which the index of tokens is the shorter way. */
const worthWalking = 8;
/** Months that the first statement reads; each following one reads twice as many, because rare words need many. */
const firstMonths = 2;
/** The same after a walk that met nothing. */
const firstMonthsOfRare = 8;

/** A message that may match, or a broadcast where seq is 0. */
export interface Candidate extends Position {
  subscriberId: string;
}

/** Finds candidates, the newest first. */
export interface Source {
  /** Nothing older than this has been read yet; what is newer has been given. Undefined when all has been read. */
  readonly reached: Position | undefined;
  /** Reads on, one statement at most. */
  next(): Promise<Candidate[]>;
}

/** True when one place comes before another in an archive that is read from the newest on. */
export function isNewer(one: Position, other: Position): boolean {
  const apart = one.sentAt.getTime() - other.sentAt.getTime();
  if (apart !== 0) return apart > 0;
  if (one.id !== other.id) return one.id > other.id;
  return one.seq > other.seq;
}

/**
 * Entries of a subscriber's index. First walks the newest ones, which quickly finds common words, and then reads the index of
 * tokens month by month, which finds rare ones.
 */
export class EntrySource implements Source {
  reached: Position | undefined;
  private walking: boolean;
  private monthsAtOnce = firstMonths;
  private months: Month[];

  constructor(
    private readonly pool: ArchivePool,
    private readonly filter: EntryFilter,
    { months, after, before }: { months: readonly Month[]; after: Date | undefined; before: Position },
  ) {
    this.reached = before;
    this.months = months.filter(({ from, to }) => from <= before.sentAt && (!after || to > after));
    // The entries of one conversation are few among those of all.
    this.walking = filter.conversationId === undefined;
    if (this.months.length === 0) this.reached = undefined;
  }

  async next(): Promise<Candidate[]> {
    const months = this.months.slice(0, this.monthsAtOnce);
    this.monthsAtOnce *= 2;
    return this.walking ? this.walk(months) : this.find(months);
  }

  private async walk(months: readonly Month[]): Promise<Candidate[]> {
    const rows = await this.pool.rows<WalkedRow>(walkStatement(this.filter, months, this.reached!, walkedAtOnce));
    const walked = rows[0]?.walked ?? 0;
    const matching = rows.filter(({ matches }) => matches);
    if (walked === walkedAtOnce) {
      const rare = matching.length < worthWalking && this.filter.tokens.length > 0;
      this.walking = !rare;
      this.readUpTo(positionOf(rows.at(-1)!));
      if (matching.length === 0) this.monthsAtOnce = firstMonthsOfRare;
    } else this.readAllOf(months);
    return matching.map((row) => this.candidateOf(row));
  }

  private async find(months: readonly Month[]): Promise<Candidate[]> {
    const rows = await this.pool.rows<EntryRow>(tokensStatement(this.filter, months, this.reached!, candidatesAtOnce));
    if (rows.length === candidatesAtOnce) this.readUpTo(positionOf(rows.at(-1)!));
    else this.readAllOf(months);
    return rows.map((row) => this.candidateOf(row));
  }

  private readUpTo(position: Position): void {
    this.reached = position;
    this.months = this.months.filter(({ from }) => from <= position.sentAt);
    this.monthsAtOnce = firstMonths;
  }

  private readAllOf(months: readonly Month[]): void {
    this.months = this.months.slice(months.length);
    this.reached = this.months.length > 0 ? { sentAt: months.at(-1)!.from, id: NIL, seq: 0 } : undefined;
  }

  private candidateOf(row: EntryRow): Candidate {
    return { ...positionOf(row), subscriberId: this.filter.subscriberId };
  }
}

/** Entries of broadcasts in one conversation, which the index has once for all that got them. */
export class LedgerSource implements Source {
  reached: Position | undefined;

  constructor(
    private readonly pool: ArchivePool,
    private readonly filter: EntryFilter & { conversationId: string },
    before: Position,
  ) {
    this.reached = before;
  }

  async next(): Promise<Candidate[]> {
    const { subscriberId, conversationId, tokens, tokensBefore } = this.filter;
    const { sentAt, id, seq } = this.reached!;
    // A position of another conversation is before or behind all of this one's that share its time.
    const seqBefore = id === conversationId ? seq : id > conversationId ? 2 ** 31 - 1 : 0;
    const rows = await this.pool.rows<EntryRow>({
      text: ledgerStatement(candidatesAtOnce),
      values: [subscriberId, conversationId, sentAt, seqBefore, tokens, tokensBefore ?? null],
    });
    this.reached = rows.length === candidatesAtOnce ? positionOf(rows.at(-1)!) : undefined;
    return rows.map((row) => ({ ...positionOf(row), subscriberId }));
  }
}

/** Brings the candidates of several sources into one order. */
export class MergedSource {
  private readonly waiting: Candidate[][];

  constructor(private readonly sources: readonly Source[]) {
    this.waiting = sources.map(() => []);
  }

  /**
   * The next candidates that no source can come before any more; none when all has been read.
   * @param mayContinue is asked before each statement; when it says no, what is known so far is given
   */
  async next(most: number, mayContinue: () => boolean): Promise<Candidate[]> {
    const given: Candidate[] = [];
    while (given.length < most) {
      const unread = this.sources.findIndex((source, index) => this.waiting[index]!.length === 0 && source.reached);
      if (unread >= 0) {
        if (!mayContinue()) break;
        this.waiting[unread]!.push(...(await this.sources[unread]!.next()));
        continue;
      }
      const newest = this.newest();
      if (newest === undefined) break;
      given.push(this.waiting[newest]!.shift()!);
    }
    return given;
  }

  /** The place before which the rest lies; undefined when there is none. */
  get rest(): Position | undefined {
    const places = this.sources.flatMap(({ reached }, index) => {
      const [first] = this.waiting[index]!;
      return first ? { ...first, seq: first.seq + 1 } : (reached ?? []);
    });
    return places.reduce<Position | undefined>(
      (newest, place) => (newest && isNewer(newest, place) ? newest : place),
      undefined,
    );
  }

  private newest(): number | undefined {
    let found: number | undefined;
    for (const [index, [first]] of this.waiting.entries()) {
      if (first && (found === undefined || isNewer(first, this.waiting[found]![0]!))) found = index;
    }
    return found;
  }
}

const positionOf = ({ sent_at: sentAt, conversation_id: id, seq }: EntryRow): Position => ({ sentAt, id, seq });
