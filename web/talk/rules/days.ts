import type { MessageView, Party } from '../../../src/contract/events.js';
import type { Outgoing } from '../../../client/index.js';

/** Maximum interval between grouped messages of one author, in milliseconds. */
export const groupedWithin = 5 * 60_000;
/** A message counts as an answer to the broadcast right before it for so long. */
export const answeredWithin = 7 * 24 * 60 * 60_000;

/** Something that happened in a conversation and is no message. */
export interface Happening {
  /** Unique among those of a conversation. */
  id: string;
  at: string;
  words: string;
  icon: 'speakerphone' | 'snowflake' | 'eraser' | 'bell-off';
}

interface Grouped {
  /** First and last of the messages that one author wrote in a row. */
  first: boolean;
  last: boolean;
}

export type Row =
  | ({ kind: 'message'; key: string; message: MessageView; answers?: MessageView } & Grouped)
  | { kind: 'withdrawn'; key: string; message: MessageView }
  | { kind: 'expired'; key: string }
  | { kind: 'unread'; key: string; count: number }
  | { kind: 'happening'; key: string; happening: Happening }
  | ({ kind: 'outgoing'; key: string; outgoing: Outgoing } & Grouped);

export interface Day {
  /** By the calendar of this device. */
  key: string;
  at: string | number;
  rows: Row[];
}

export interface Shown {
  messages: readonly MessageView[];
  outgoing: readonly Outgoing[];
  happenings?: readonly Happening[];
  party: Party;
  /** The first message that was not seen when the conversation was opened, and how many there were. */
  unread?: { from: number; count: number } | undefined;
  /** More than these is there before the first of them. */
  begins?: boolean;
}

export function dayOf(at: string | number): string {
  const moment = new Date(at);
  return `${moment.getFullYear()}-${moment.getMonth() + 1}-${moment.getDate()}`;
}

/** Messages stay the same element of the page from the moment they are written. */
export const keyOf = ({ sender, clientId }: { sender: Party; clientId: string }): string => `${sender}/${clientId}`;

/** The rows of a thread, by days. */
export function daysOf({ messages, outgoing, happenings = [], party, unread, begins = true }: Shown): Day[] {
  const days: Day[] = [];
  const day = (at: string | number): Day => {
    const key = dayOf(at);
    const last = days.at(-1);
    if (last?.key === key) return last;
    const next: Day = { key, at, rows: [] };
    days.push(next);
    return next;
  };
  const since = messages[0]?.sentAt ?? '';
  const pending = happenings.filter(({ at }) => begins || at >= since).sort((a, b) => (a.at < b.at ? -1 : 1));
  const happened = (until: string) => {
    while (pending.length > 0 && pending[0]!.at < until) {
      const happening = pending.shift()!;
      day(happening.at).rows.push({ kind: 'happening', key: `happening/${happening.id}`, happening });
    }
  };
  for (const [index, message] of messages.entries()) {
    if (message.expiredAt !== undefined) {
      // Messages that are deleted because of their age are one line, at the last of them.
      if (messages[index + 1]?.expiredAt === undefined)
        day(message.sentAt).rows.push({ kind: 'expired', key: 'expired' });
      continue;
    }
    happened(message.sentAt);
    const { rows } = day(message.sentAt);
    if (message.seq === unread?.from) rows.push({ kind: 'unread', key: 'unread', count: unread.count });
    const key = keyOf(message);
    if (message.withdrawnAt !== undefined) {
      rows.push({ kind: 'withdrawn', key, message });
      continue;
    }
    const answers = answeredBroadcast(messages, index);
    const first = !continues(rows.at(-1), message);
    if (!first) (rows.at(-1) as Grouped).last = false;
    rows.push({ kind: 'message', key, message, first, last: true, ...(answers && { answers }) });
  }
  happened('\uffff');
  for (const each of outgoing) {
    // The clock of this device may be behind.
    const last = days.at(-1);
    const isBehind = last && new Date(last.at).getTime() >= each.queuedAt;
    const { rows } = isBehind ? last : day(each.queuedAt);
    const before = rows.at(-1);
    const first = before?.kind !== 'outgoing' && !(before?.kind === 'message' && isLate(before, each, party));
    if (!first) (before as Grouped).last = false;
    rows.push({ kind: 'outgoing', key: keyOf({ sender: party, ...each }), outgoing: each, first, last: true });
  }
  return days;
}

function continues(before: Row | undefined, message: MessageView): boolean {
  if (before?.kind !== 'message') return false;
  const { sender, author, sentAt, broadcastId } = before.message;
  if (broadcastId ?? message.broadcastId) return false;
  if (sender !== message.sender || author?.id !== message.author?.id) return false;
  return Date.parse(message.sentAt) - Date.parse(sentAt) <= groupedWithin;
}

/** A message that waits goes on with what its writer has just sent. */
function isLate({ message }: { message: MessageView }, { queuedAt }: Outgoing, party: Party): boolean {
  if (message.sender !== party || message.broadcastId) return false;
  return Math.abs(queuedAt - Date.parse(message.sentAt)) <= groupedWithin;
}

/**
 * The broadcast that a message of the interlocutor answers: the one right before it, if nobody has written since. The service
 * notes no such thing; who writes next after a broadcast has read it last.
 */
function answeredBroadcast(messages: readonly MessageView[], index: number): MessageView | undefined {
  const message = messages[index]!;
  if (message.sender !== 'interlocutor') return undefined;
  for (let at = index - 1; at >= 0; at--) {
    const before = messages[at]!;
    if (before.withdrawnAt !== undefined || before.expiredAt !== undefined) continue;
    const isRecent = Date.parse(message.sentAt) - Date.parse(before.sentAt) <= answeredWithin;
    return before.broadcastId && isRecent ? before : undefined;
  }
  return undefined;
}
