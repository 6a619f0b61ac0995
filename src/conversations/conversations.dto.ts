import { Type } from 'class-transformer';
import { IsIn, IsInt, Max, Min } from 'class-validator';
import {
  type AttachmentView as Attachment,
  type BroadcastKind,
  broadcastKinds,
  type BroadcastMark,
  type BroadcastReason,
  broadcastReasons,
  type ConversationHead as Head,
  type MessageView as Message,
  type Party,
} from '../contract/events.js';
import { AuthorView } from '../members/members.dto.js';
import { IsClientId, IsId, IsList, IsTime, Optional, ToNumber } from '../platform/validation/fields.js';
import { Page } from '../platform/validation/page.dto.js';
import { IsMessageBody } from './message-body.js';

const parties = ['subscriber', 'interlocutor'] as const;
const greatestSeq = 2 ** 31 - 1;

export class MessageContent {
  /**
   * Chosen by the client, once per message: a retry with the same id is stored once. 1 to 64 letters, digits and ._:-
   */
  @IsClientId()
  clientId: string;

  /** 1 to 10,000 characters of valid Unicode. */
  @IsMessageBody()
  body: string;

  /** Attachments are not accepted yet: leave it out or empty. */
  @Optional()
  @IsList({ max: 0, message: 'Attachments are not accepted yet.' })
  attachmentIds?: string[];
}

/** The socket event `message.send`. */
export class SendMessage extends MessageContent {
  @IsId()
  conversationId: string;
}

export class MessageReceipt {
  /** Up to which message this party's devices have the conversation. */
  @Optional()
  @IsInt()
  @Min(0)
  @Max(greatestSeq)
  deliveredSeq?: number;

  /** Up to which message the person has seen it; counts as delivered too. */
  @Optional()
  @IsInt()
  @Min(0)
  @Max(greatestSeq)
  seenSeq?: number;
}

/** The socket event `receipt.send`. */
export class SendReceipt extends MessageReceipt {
  @IsId()
  conversationId: string;
}

export class SentMessage {
  seq: number;
  sentAt: string;
}

export class ListConversations extends Page {
  /** Only conversations whose messages, receipts or counterpart changed at this time or later: `syncedAt` of an earlier list. */
  @Optional()
  @IsTime()
  changedSince?: string;
}

export class ListMessages extends Page {
  /** Messages after this seq, oldest first. */
  @Optional()
  @ToNumber()
  @IsInt()
  @Min(0)
  @Max(greatestSeq)
  after?: number;

  /** The latest messages before this seq. */
  @Optional()
  @ToNumber()
  @IsInt()
  @Min(0)
  @Max(greatestSeq)
  before?: number;

  /** Messages changed after this revision, in the order of their changes. */
  @Optional()
  @ToNumber()
  @IsInt()
  @Min(0)
  @Max(greatestSeq)
  changedAfter?: number;
}

export class WatermarksView {
  deliveredSeq: number;
  seenSeq: number;
}

export class CounterpartView {
  @IsIn(parties)
  kind: Party;
  /** Of the contact, or of the subscriber. */
  id: string;
  displayName?: string;
  firstName?: string;
  surname?: string;
  companyName?: string;
  companyType?: string;
  email?: string;
  businessName?: string;
  city?: string;
  logoUrl?: string | null;
}

export class ConversationHead implements Omit<Head, 'counterpart'> {
  id: string;
  revision: number;
  /** Last change of the messages. Receipts do not move a conversation in the list. */
  changedAt: string;
  counterpart: CounterpartView;
  lastSeq: number;
  lastMessageAt: string | null;
  /** Beginning of the last message, up to 120 characters; null when there is none, and when it was withdrawn. */
  preview: string | null;
  own: WatermarksView;
  /** What the other party has; seenSeq is 0 while seen-times are not disclosed. */
  other: WatermarksView;
  /** From which minute on seen-times are disclosed; null while the business has switched them off. */
  seenTimesSince: string | null;
  /** Messages of the other party that this one has not seen, counted up to 999. */
  unread: number;
}

export class ConversationList {
  items: ConversationHead[];
  nextCursor: string | null;
  /** Ask with this as `changedSince` next time; keep the one of the first page. */
  syncedAt: string;
}

export class AttachmentView implements Attachment {
  id: string;
  name: string;
  mediaType: string;
  /** In bytes. */
  size: number;
  state: string;
}

export class OptOutView {
  policyId: string;
  @IsIn(['promotions'])
  purpose: 'promotions';
  @IsIn([false])
  given: false;
  contactId: string;
}

/** What a message that came by a broadcast has to say of itself. */
export class BroadcastMarkView implements BroadcastMark {
  @IsIn(broadcastKinds)
  kind: BroadcastKind;
  @IsIn(broadcastReasons)
  reason: BroadcastReason | null;
  /** To be shown with the message, in the language of the business: that it is promotional, or why it was sent. */
  words: string;
  /** Of a promotional message, for its recipient: sent to POST /api/consents as it stands, it ends promotions. */
  @Type(() => OptOutView)
  optOut?: OptOutView;
}

export class MessageView implements Message {
  seq: number;
  revision: number;
  @IsIn(parties)
  sender: Party;
  /** For members only: who wrote for the subscriber; null for what the interlocutor wrote. */
  @Type(() => AuthorView)
  author?: AuthorView | null;
  clientId: string;
  /** Empty once the message was withdrawn. */
  body: string;
  @Type(() => AttachmentView)
  attachments: AttachmentView[];
  /** The broadcast by which it came. */
  broadcastId?: string;
  @Type(() => BroadcastMarkView)
  broadcast?: BroadcastMarkView;
  sentAt: string;
  /** When its sender withdrew it. */
  withdrawnAt?: string;
  /** When the other party's devices had it, to the minute. */
  deliveredAt?: string;
  /** When the other party saw it, to the minute; only while the business discloses seen-times. */
  seenAt?: string;
}

export class MessageList {
  items: MessageView[];
  nextCursor: string | null;
}
