import type { Party } from '../../src/contract/events.js';
import { beginningOf } from '../../src/contract/rules/texts.js';

/** The state that the service is expected to hold: messages, watermarks, revisions, signed-in devices. */
export interface Model {
  conversations: ModelConversation[];
  devices: ModelDevice[];
  /** Messages that were ever sent, for names of new ones. */
  sent: number;
  /** Files that are no more, because their message was withdrawn or deleted. */
  erased: string[];
}

export interface ModelDevice {
  party: Party;
  /** Indexes of the conversations in which it takes part. */
  conversations: number[];
  signedIn: boolean;
  connected: boolean;
}

export interface ModelMessage {
  seq: number;
  revision: number;
  sender: Party;
  clientId: string;
  body: string;
  /** Ids of its files, in their order. */
  files: string[];
  sentAt: string;
  withdrawn: boolean;
  /** Deleted because of its age. */
  expired: boolean;
}

export interface Marks {
  deliveredSeq: number;
  seenSeq: number;
}

export class ModelConversation {
  readonly messages: ModelMessage[] = [];
  revision = 0;
  /** Parties that have restricted it, in the order in which they did. */
  restrictedBy: Party[] = [];
  readonly marks: Record<Party, Marks> = {
    subscriber: { deliveredSeq: 0, seenSeq: 0 },
    interlocutor: { deliveredSeq: 0, seenSeq: 0 },
  };

  get lastSeq(): number {
    return this.messages.length;
  }

  /** @param seq is checked to be the next one */
  append(message: Pick<ModelMessage, 'sender' | 'clientId' | 'body' | 'files' | 'sentAt' | 'seq'>): void {
    if (message.seq !== this.lastSeq + 1) throw new Error(`seq ${message.seq} after ${this.lastSeq}`);
    // An answer counts as having seen what it answers.
    const before = this.messages.at(-1);
    if (before && before.sender !== message.sender) this.raise(message.sender, { seenSeq: before.seq });
    this.messages.push({ ...message, revision: ++this.revision, withdrawn: false, expired: false });
  }

  withdraw(message: ModelMessage): void {
    if (message.withdrawn || message.expired) return;
    Object.assign(message, { withdrawn: true, body: '', files: [], revision: ++this.revision });
  }

  /** Deletes messages from before a time because of their age, unless it is frozen; gives the files that are gone. */
  expire(before: string): string[] {
    if (this.restrictedBy.length > 0) return [];
    const gone: string[] = [];
    for (const message of this.messages) {
      if (message.expired) continue;
      if (message.sentAt >= before) break;
      gone.push(...message.files);
      const empty = { body: '', files: [], clientId: '', withdrawn: false, expired: true };
      Object.assign(message, empty, { revision: ++this.revision });
    }
    return gone;
  }

  raise(party: Party, { deliveredSeq = 0, seenSeq = 0 }: Partial<Marks>): void {
    const marks = this.marks[party];
    marks.seenSeq = Math.max(marks.seenSeq, seenSeq);
    marks.deliveredSeq = Math.max(marks.deliveredSeq, deliveredSeq, seenSeq);
  }

  /** The head as a party is to see it, without what no model knows. */
  headFor(party: Party) {
    const last = this.messages.at(-1);
    const turn = this.messages.findLast(({ withdrawn, expired }) => !withdrawn && !expired);
    const { seenSeq } = this.marks[party];
    return {
      revision: this.revision,
      lastSeq: this.lastSeq,
      lastMessageAt: last?.sentAt ?? null,
      lastSender: last?.sender ?? null,
      lastKind: !last ? null : last.expired ? 'expired' : last.withdrawn ? 'withdrawn' : 'message',
      lastTurn: turn
        ? { seq: turn.seq, sender: turn.sender, sentAt: turn.sentAt, preview: beginningOf(turn.body) || null }
        : null,
      unanswered: turn !== undefined && turn.sender !== party,
      preview: last?.body ? beginningOf(last.body) : null,
      lastFiles: last && last.files.length > 0 ? { count: last.files.length, family: 'text' } : null,
      own: this.marks[party],
      other: this.marks[otherThan(party)],
      restrictions: this.restrictedBy.map((by) => ({ by })),
      unread: this.messages.filter(
        ({ seq, sender, withdrawn, expired }) => sender !== party && seq > seenSeq && !withdrawn && !expired,
      ).length,
    };
  }

  /** The messages as both parties are to see them; of the minutes only whether there are any. */
  get views() {
    return this.messages.map(({ withdrawn, expired, ...message }) => {
      const marks = this.marks[otherThan(message.sender)];
      return {
        ...message,
        withdrawn,
        expired,
        delivered: !expired && message.seq <= marks.deliveredSeq,
        seen: !expired && message.seq <= marks.seenSeq,
      };
    });
  }
}

export const otherThan = (party: Party): Party => (party === 'subscriber' ? 'interlocutor' : 'subscriber');
