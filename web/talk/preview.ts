import type { Draft, Outgoing } from '../../client/index.js';
import type { ConversationHead, LastFiles, MessageView, Party, Turn } from '../../src/contract/events.js';
import type { IconName } from '../ui/icons.js';
import { retentionWords } from '../words/retention.js';
import { talk } from '../words/talk.js';

/** Stations of an own message. */
export type TickState = 'waiting' | 'stored' | 'delivered' | 'seen' | 'failed';

/** One line about a conversation, for lists. */
export interface Preview {
  text: string;
  /** Before the text, with a word for screen readers. */
  icon?: { name: IconName; label: string; attention?: true };
  /** Before the text, of an own message. Its word is `talk.ticks[ticks]`. */
  ticks?: TickState;
  /** A begun message, whose text follows `talk.preview.draft`. */
  isDraft?: true;
  /** Nothing that somebody wrote: shown fainter. */
  isLine?: true;
}

export interface Previewed {
  party: Party;
  /** The begun message of the conversation: `engine.drafts.get(id)`. */
  draft?: Draft | undefined;
  /** Own messages on their way there: `engine.outbox.of(id)`. */
  outgoing?: readonly Outgoing[];
}

/** The line of a conversation: a failed message first, then a draft, what waits, and its last message. */
export function previewOf(head: ConversationHead, { party, draft, outgoing = [] }: Previewed): Preview {
  const failed = outgoing.find(({ state }) => state === 'failed');
  if (failed) {
    const icon = { name: 'alert-circle', label: talk.ticks.failed, attention: true } as const;
    return { text: lineOf(failed), icon };
  }
  if (draft) return { text: oneLine(draft.text) || filesOf(draft.attachmentIds?.length ?? 0), isDraft: true };
  const waiting = outgoing.filter(({ state }) => state !== 'sent').at(-1) ?? outgoing.at(-1);
  if (waiting) return { text: lineOf(waiting), ticks: 'waiting' };
  if (head.deletion) {
    const text = party === 'interlocutor' ? talk.preview.leavingYou : talk.preview.leaving;
    return { text, icon: { name: 'door-exit', label: '' }, isLine: true };
  }
  const restriction = head.restrictions[0];
  if (restriction) {
    const text = restriction.by === party ? talk.preview.limitedByYou : talk.preview.limited;
    return { text, icon: { name: 'snowflake', label: '' }, isLine: true };
  }
  if (head.lastKind === null) return { text: talk.preview.none, isLine: true };
  if (head.lastKind === 'expired') return { text: retentionWords.preview, isLine: true };
  if (head.lastKind === 'withdrawn') return { text: talk.preview.withdrawn, isLine: true };
  const question = questionBelow(head, party);
  if (question) return { text: question.preview ?? talk.preview.files.other(1) };
  const text = head.preview ? oneLine(head.preview) : head.lastFiles ? lastFiles(head.lastFiles) : '';
  if (head.lastKind === 'broadcast') {
    return { text, icon: { name: 'speakerphone', label: talk.preview.broadcast } };
  }
  return head.lastSender === party ? { text, ticks: ticksOf(head.lastSeq, head) } : { text };
}

/** A question that waits for an answer below a broadcast, which is none. */
export function questionBelow({ lastKind, lastTurn, unanswered }: ConversationHead, party: Party): Turn | null {
  return party === 'subscriber' && lastKind === 'broadcast' && unanswered ? lastTurn : null;
}

/** The station that the message of a number has come to. */
export function ticksOf(seq: number, { other }: Pick<ConversationHead, 'other'>): TickState {
  if (seq <= other.seenSeq) return 'seen';
  return seq <= other.deliveredSeq ? 'delivered' : 'stored';
}

/** A message in one line, such as for an announcement. */
export function messageLine({ body, attachments }: Pick<MessageView, 'body' | 'attachments'>): string {
  const [first] = attachments;
  return oneLine(body) || (first ? lastFiles({ count: attachments.length, family: first.family }) : '');
}

/** A text as one line. */
export const oneLine = (text: string): string => text.replace(/\s+/gu, ' ').trim();

const lastFiles = ({ family, count }: LastFiles): string => talk.preview.files[family](count);
const filesOf = (count: number): string => (count > 0 ? talk.outgoing.files(count) : '');
const lineOf = ({ body, attachmentIds = [], files = [] }: Outgoing): string =>
  oneLine(body) || filesOf(attachmentIds.length + files.length);
