import type { ConversationHead, Party, Told, Turn, Watermarks } from '../src/contract/events.js';
import { limits } from '../src/contract/limits.js';
import { beginningOf } from '../src/contract/rules/texts.js';
import { Observable } from './observable.js';

/** Counts the unread messages of a conversation; undefined when not all of them are held. */
export type UnreadIn = (conversationId: string) => number | undefined;

/** The list of conversations. It follows from loaded heads and from events; what does not follow is marked and loaded. */
export class Heads {
  /** Latest message first, and conversations without one last. */
  readonly list = new Observable<readonly ConversationHead[]>(() => [...this.held.values()].sort(byLastMessage));
  private readonly held = new Map<string, ConversationHead>();
  /** Highest revision that was heard of, where it is more than the held one. */
  private readonly heard = new Map<string, number>();
  /** Conversations that have to be loaded, and when that became known. */
  private readonly incomplete = new Map<string, number>();
  /** Heads with a field that cannot be derived from events; only loading the head settles it. */
  private readonly doubtful = new Set<string>();
  private readonly erased = new Set<string>();
  /** Members that were removed while this is held. */
  private readonly removed = new Set<string>();
  /** Counts what has no revision, and remembers the last such change of each conversation. */
  private changes = 0;
  private readonly changedAt = new Map<string, number>();
  /** The last such change that may concern any conversation, also one that is not held yet. */
  private allChangedAt = 0;
  /** Moment at which the answer that is held of each conversation was asked for. */
  private readonly askedAt = new Map<string, number>();

  constructor(
    private readonly own: Party,
    private readonly unreadIn: UnreadIn = () => undefined,
  ) {}

  get(id: string): ConversationHead | undefined {
    return this.held.get(id);
  }

  ids(): string[] {
    return [...this.held.keys()];
  }

  /** Conversations with missing data. */
  missing(): string[] {
    return [...new Set([...this.incomplete.keys(), ...this.heard.keys()])];
  }

  isMissing(id: string): boolean {
    return this.incomplete.has(id) || this.heard.has(id);
  }

  wasErased(id: string): boolean {
    return this.erased.has(id);
  }

  /** A mark before a request, with which {@link take} sees later events; each request has its own. */
  moment(): number {
    return ++this.changes;
  }

  /** Takes a head that was loaded, together with what has happened since it was asked for. */
  take(answer: ConversationHead, moment: number): void {
    if (this.erased.has(answer.id)) return;
    const loaded = answer.claim && this.removed.has(answer.claim.memberId) ? { ...answer, claim: null } : answer;
    const { id } = loaded;
    // An answer to an earlier question does not show what was missed since.
    if ((this.incomplete.get(id) ?? 0) <= moment) this.incomplete.delete(id);
    const known = this.held.get(id);
    const isNewer = known && (known.revision > loaded.revision || known.own.seenSeq > loaded.own.seenSeq);
    if (!isNewer) this.doubtful.delete(id);
    else if (this.doubtful.has(id)) this.miss(id);
    this.put(known ? this.merged(known, loaded, moment) : loaded);
    this.askedAt.set(id, Math.max(moment, this.askedAt.get(id) ?? 0));
    if (moment < this.allChangedAt) this.miss(id);
  }

  /** Something of this conversation is not known. */
  miss(id: string): void {
    if (!this.erased.has(id)) this.incomplete.set(id, ++this.changes);
  }

  /** This conversation has come to a revision. */
  hear(id: string, revision: number): void {
    if (this.erased.has(id)) return;
    const head = this.held.get(id);
    if (!head) this.miss(id);
    else if (revision > Math.max(head.revision, this.heard.get(id) ?? 0)) this.heard.set(id, revision);
  }

  /** Conversations that are gone; an answer that is still under way does not bring them back. */
  forget(ids: readonly string[]): void {
    for (const id of ids) {
      this.erased.add(id);
      this.held.delete(id);
      this.heard.delete(id);
      this.incomplete.delete(id);
      this.doubtful.delete(id);
      this.changedAt.delete(id);
      this.askedAt.delete(id);
    }
    this.list.changed();
  }

  messageSent({ conversationId: id, ...message }: Told['message.sent']): void {
    const head = this.headBefore(id, message.revision);
    if (!head) return;
    const isUnread = message.sender !== this.own && message.seq > head.own.seenSeq;
    const preview = beginningOf(message.body) || null;
    this.put({
      ...head,
      revision: message.revision,
      changedAt: message.sentAt,
      lastSeq: message.seq,
      lastMessageAt: message.sentAt,
      lastSender: message.sender,
      lastKind: message.broadcastId === undefined ? 'message' : 'broadcast',
      ...(message.broadcastId === undefined && this.turn({ ...message, preview }, head)),
      preview,
      lastFiles: lastFiles(message.attachments),
      unread: Math.min(head.unread + (isUnread ? 1 : 0), limits.unreadMax),
    });
  }

  messageWithdrawn({ conversationId: id, seq, revision, withdrawnAt, lastTurn }: Told['message.withdrawn']): void {
    const head = this.headBefore(id, revision);
    if (!head) return;
    this.put({
      ...head,
      revision,
      changedAt: withdrawnAt,
      ...this.turn(lastTurn, head),
      ...(seq === head.lastSeq && { preview: null, lastFiles: null, lastKind: 'withdrawn' as const }),
      unread: seq <= head.own.seenSeq || head.unread === 0 ? head.unread : this.unread(head),
    });
  }

  messagesExpired({ conversationId: id, from, to, revision, changedAt }: Told['messages.expired']): void {
    const head = this.headBefore(id, revision, to - from + 1);
    if (!head) return;
    const { lastTurn } = head;
    this.put({
      ...head,
      revision,
      changedAt,
      ...(lastTurn !== null && lastTurn.seq <= to && this.turn(null, head)),
      ...(to >= head.lastSeq && { preview: null, lastFiles: null, lastKind: 'expired' as const }),
      unread: to <= head.own.seenSeq || head.unread === 0 ? head.unread : this.unread(head),
    });
  }

  attachmentChanged({ attachment, message }: Told['attachment.changed']): void {
    if (message?.revision === undefined) return;
    const { conversationId: id, seq, revision, changedAt } = message;
    const head = this.headBefore(id, revision);
    if (!head) return;
    const isFirst = seq === head.lastSeq && head.lastFiles?.family !== attachment.family;
    // Only the message says if this file is its first one.
    if (isFirst) this.doubt(id);
    this.put({ ...head, revision, changedAt: changedAt! });
  }

  /** Takes the higher watermarks. */
  receiptChanged(receipt: Told['receipt.changed']): void {
    const { conversationId: id, party } = receipt;
    const head = this.held.get(id);
    if (!head) return this.miss(id);
    const side = party === this.own ? 'own' : 'other';
    const risen = { ...head, [side]: higher(head[side], disclosed(receipt, side, head.seenTimesSince)) };
    const isSeen = risen.own.seenSeq > head.own.seenSeq;
    this.put(isSeen ? { ...risen, unread: this.unread(risen) } : risen);
  }

  /** No answer is needed up to an entry; the higher one counts. */
  conversationAnswered({ conversationId: id, answeredSeq }: Told['conversation.answered']): void {
    const head = this.held.get(id);
    if (!head) return this.miss(id);
    const answered = { answeredSeq: Math.max(answeredSeq, head.answeredSeq ?? 0) };
    this.put({ ...head, ...answered, ...this.turn(head.lastTurn, answered) });
  }

  /** A member is called otherwise, also on what it has taken. */
  memberChanged({ id: memberId, displayName }: Told['member.changed']): void {
    this.allChangedAt = ++this.changes;
    for (const head of this.held.values()) {
      const { claim } = head;
      if (claim?.memberId !== memberId || claim.displayName === displayName) continue;
      this.putChanged({ ...head, claim: { ...claim, displayName } });
    }
  }

  /** Ends the claims of a removed member; an answer that is still under way does not bring its claims back. */
  memberRemoved(memberId: string): void {
    this.removed.add(memberId);
    for (const head of this.held.values()) {
      if (head.claim?.memberId === memberId) this.putChanged({ ...head, claim: null });
    }
  }

  contactJoined({ conversation }: Told['contact.joined']): void {
    // It tells of the beginning, and may come after what has happened since: that is asked for.
    this.take(conversation, 0);
    this.miss(conversation.id);
  }

  contactChanged({ contact }: Told['contact.changed']): void {
    const head = this.held.get(contact.id);
    if (!head) return this.miss(contact.id);
    const { id, displayName, firstName, surname, companyName, companyType, email } = contact;
    const identity = { displayName, firstName, surname, companyName, companyType, email };
    const named = Object.fromEntries(Object.entries(identity).filter(([, value]) => value !== undefined));
    const counterpart = { kind: 'interlocutor', id, ...named } as ConversationHead['counterpart'];
    this.putChanged({ ...head, counterpart, labels: contact.labels });
  }

  subscriberChanged({ conversationId, counterpart, seenTimesSince }: Told['subscriber.changed']): void {
    if (conversationId === null) this.allChangedAt = ++this.changes;
    else if (!this.held.has(conversationId)) this.miss(conversationId);
    for (const head of this.held.values()) {
      if (conversationId !== null && head.id !== conversationId) continue;
      const other = seenTimesSince === head.seenTimesSince ? head.other : { ...head.other, seenSeq: 0 };
      this.putChanged({ ...head, ...(conversationId !== null && { counterpart }), seenTimesSince, other });
    }
  }

  /** Takes labels off that are not there any more. */
  labelsChanged({ items }: { items: readonly { id: string }[] }): void {
    this.allChangedAt = ++this.changes;
    const there = new Set(items.map(({ id }) => id));
    for (const head of this.held.values()) {
      if (head.labels?.every((label) => there.has(label)) ?? true) continue;
      this.putChanged({ ...head, labels: head.labels!.filter((label) => there.has(label)) });
    }
  }

  /** The head to which a revision is the next one, or that of so many changes; undefined when it is held already, or is not all that is missing. */
  private headBefore(id: string, revision: number, changes = 1): ConversationHead | undefined {
    const head = this.held.get(id);
    if (head && revision === head.revision + changes) return head;
    this.hear(id, revision);
    return undefined;
  }

  private merged(known: ConversationHead, loaded: ConversationHead, moment: number): ConversationHead {
    const settled = Math.max(this.changedAt.get(known.id) ?? 0, this.askedAt.get(known.id) ?? 0);
    const isChanged = settled > moment;
    // Nothing says which of the two is newer: a head that is asked for now is.
    if (isChanged) this.miss(known.id);
    const newer = loaded.revision >= known.revision ? loaded : known;
    const { counterpart, labels, seenTimesSince, restrictions, deletion, claim } = isChanged ? known : loaded;
    const own = higher(known.own, loaded.own);
    const other =
      known.seenTimesSince === loaded.seenTimesSince
        ? higher(known.other, loaded.other)
        : { ...higher(known.other, loaded.other), seenSeq: (isChanged ? known : loaded).other.seenSeq };
    const loose = {
      counterpart,
      seenTimesSince,
      restrictions,
      deletion,
      ...(labels && { labels }),
      ...(claim !== undefined && { claim }),
    };
    const answered = loaded.answeredSeq !== undefined && {
      answeredSeq: Math.max(known.answeredSeq ?? 0, loaded.answeredSeq),
    };
    const placed = { ...newer, ...loose, ...answered, own, other };
    const head = { ...placed, ...this.turn(placed.lastTurn, placed) };
    const fits = [loaded, known].find((each) => each.revision === head.revision && each.own.seenSeq === own.seenSeq);
    return { ...head, unread: fits ? fits.unread : this.unread(head) };
  }

  private turn(
    turn: Turn | null,
    { answeredSeq = 0 }: Pick<ConversationHead, 'answeredSeq'>,
  ): Pick<ConversationHead, 'lastTurn' | 'unanswered'> {
    const lastTurn = turn && { seq: turn.seq, sender: turn.sender, sentAt: turn.sentAt, preview: turn.preview };
    return { lastTurn, unanswered: turn !== null && turn.sender !== this.own && turn.seq > answeredSeq };
  }

  /** Unread messages follow from the watermark, by what is held. */
  private unread(head: ConversationHead): number {
    if (head.own.seenSeq >= head.lastSeq) return 0;
    this.held.set(head.id, head);
    const counted = this.unreadIn(head.id);
    if (counted === undefined) this.doubt(head.id);
    return counted === undefined ? head.unread : Math.min(counted, limits.unreadMax);
  }

  private doubt(id: string): void {
    this.doubtful.add(id);
    this.miss(id);
  }

  private putChanged(head: ConversationHead): void {
    this.changedAt.set(head.id, ++this.changes);
    this.put(head);
  }

  private put(head: ConversationHead): void {
    this.held.set(head.id, head);
    if ((this.heard.get(head.id) ?? 0) <= head.revision) this.heard.delete(head.id);
    this.list.changed();
  }
}

export const higher = (one: Watermarks, other: Watermarks): Watermarks => ({
  deliveredSeq: Math.max(one.deliveredSeq, other.deliveredSeq),
  seenSeq: Math.max(one.seenSeq, other.seenSeq),
});

/** The watermarks of a receipt. It may have been told before the seen-times were switched off, and come after that is known. */
export function disclosed(
  { at, deliveredSeq, seenSeq }: Told['receipt.changed'],
  side: 'own' | 'other',
  since: string | null,
): Watermarks {
  const isDisclosed = side === 'own' || (since !== null && at >= since);
  return { deliveredSeq, seenSeq: isDisclosed ? seenSeq : 0 };
}

function lastFiles(attachments: Told['message.sent']['attachments']): ConversationHead['lastFiles'] {
  const [first] = attachments;
  return first ? { count: attachments.length, family: first.family } : null;
}

function byLastMessage(one: ConversationHead, other: ConversationHead): number {
  const [a, b] = [one.lastMessageAt ?? '', other.lastMessageAt ?? ''];
  if (a !== b) return a < b ? 1 : -1;
  return one.id < other.id ? 1 : -1;
}
