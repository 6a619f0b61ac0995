import { ApiExtraModels } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import { IsIn, IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import { AttachmentView } from '../attachments/attachments.dto.js';
import { type FileFamily, fileFamilies } from '../contract/attachments.js';
import {
  type BroadcastKind,
  broadcastKinds,
  type BroadcastReason,
  broadcastReasons,
  type EntryKind,
  entryKinds,
  parties,
  type Party,
} from '../contract/events.js';
import type * as wire from '../contract/index.js';
import { limits } from '../contract/limits.js';
import { AuthorView } from '../members/members.dto.js';
import { IsClientId, IsId, IsIds, IsTime, IsTrue, Optional, ToNumber } from '../platform/validation/fields.js';
import { Page } from '../platform/validation/page.dto.js';
import { OneOf } from '../platform/validation/unions.js';
import { RetentionTerm } from '../subscribers/subscribers.dto.js';
import { IsMessageBody, UnlessFilesAlone } from './message-body.js';

const greatestSeq = 2 ** 31 - 1;

export class MessageContent implements wire.MessageContent {
  /**
   * Chosen by the client, once per message: a retry with the same id is stored once. 1 to 64 letters, digits and ._:-
   */
  @IsClientId()
  clientId: string;

  /** 1 to 10,000 characters of valid Unicode; empty for a message of files alone. */
  @UnlessFilesAlone()
  @IsMessageBody()
  body: string;

  /**
   * Files that you uploaded for this conversation and have not sent, in their order: 10 unless the host has set another
   * number.
   */
  @Optional()
  @IsIds({ max: limits.filesPerMessageMax })
  attachmentIds?: string[];
}

/** The socket event `message.send`. */
export class SendMessage extends MessageContent implements wire.SendMessage {
  @IsId()
  conversationId: string;
}

export class MessageReceipt implements wire.MessageReceipt {
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

/** The last entry that a member has before it when it says that no answer is needed. */
export class AnsweredUpTo implements wire.AnsweredUpTo {
  /** Up to which entry no answer is needed: `seq` of the head's `lastTurn`. A lower one than before changes nothing. */
  @IsInt()
  @Min(1)
  @Max(greatestSeq)
  seq: number;
}

/** The socket event `receipt.send`. */
export class SendReceipt extends MessageReceipt implements wire.SendReceipt {
  @IsId()
  conversationId: string;
}

export class SentMessage implements wire.SentMessage {
  seq: number;
  sentAt: string;
}

/** A list that is filtered is asked for with the same filters on every page. */
export class ListConversations extends Page implements wire.ListConversations {
  /**
   * Only conversations whose messages, receipts, counterpart or labels changed at this time or later: `syncedAt` of an earlier
   * list. The latest change comes first then. Receipts are known to the minute, so those of the whole minute come back too.
   */
  @Optional()
  @IsTime()
  changedSince?: string;

  /** Only conversations with messages that the reader has not seen. */
  @Optional()
  @IsTrue()
  unread?: true;

  /**
   * Only conversations whose last turn is the other party's: it wrote last, broadcasts aside. For members without those of
   * which they have said that no answer is needed.
   */
  @Optional()
  @IsTrue()
  unanswered?: true;

  /** Only conversations in which somebody has written, in the order of that: broadcasts are passed over. */
  @Optional()
  @IsTrue()
  withoutBroadcasts?: true;

  /** For members: ids of labels, in a query one `label=` for each. Contacts must have all of them. */
  @Optional()
  @Transform(({ value }): unknown[] => (Array.isArray(value) ? value : [value]))
  @IsIds({ max: limits.labelsPerContact })
  label?: string[];

  /** For members: `me` for only the conversations that you have taken. */
  @Optional()
  @IsIn(['me'])
  claimed?: 'me';

  /** Beginnings of words of the counterpart's name or address; all must be found. */
  @Optional()
  @IsString()
  @MaxLength(limits.searchLength)
  query?: string;
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

  /**
   * The messages around this seq, as many before as behind it, so that a hit of a search can be shown in its place. There is no
   * cursor; go on with `before` the first and `after` the last of them.
   */
  @Optional()
  @ToNumber()
  @IsInt()
  @Min(1)
  @Max(greatestSeq)
  around?: number;

  /** Messages changed after this revision, in the order of their changes. */
  @Optional()
  @ToNumber()
  @IsInt()
  @Min(0)
  @Max(greatestSeq)
  changedAfter?: number;
}

export class WatermarksView implements wire.Watermarks {
  deliveredSeq: number;
  seenSeq: number;
}

/** The contact, for members. */
export class InterlocutorCounterpart implements wire.InterlocutorCounterpart {
  @IsIn(['interlocutor'])
  kind: 'interlocutor';
  /** Id of the contact. */
  id: string;
  /** As shown in lists: "Anna Rossi", or the company's name. */
  displayName: string;
  firstName?: string;
  surname?: string;
  companyName?: string;
  companyType?: string;
  email: string;
}

/** The business, for interlocutors. */
export class SubscriberCounterpart implements wire.SubscriberCounterpart {
  @IsIn(['subscriber'])
  kind: 'subscriber';
  /** Id of the subscriber. */
  id: string;
  businessName: string;
  city: string;
  logoUrl: string | null;
  /** True while the business is pausing: everything is kept, and nothing is sent or received. */
  paused: boolean;
  /** Time at which the business closes and everything it holds is erased; null unless it has asked for that. */
  closesAt: string | null;
  /** Time for which the business keeps messages; null while it keeps them for good. */
  @Type(() => RetentionTerm)
  retention: RetentionTerm | null;
}

/** The last message that somebody wrote in the conversation: no broadcast, and not withdrawn. */
export class TurnView implements wire.Turn {
  seq: number;
  @IsIn(parties)
  sender: Party;
  sentAt: string;
  /** Its beginning, like the head's `preview`; null when it has files alone. */
  preview: string | null;
}

/** Files of a message, as a list of conversations shows them. */
export class LastFiles implements wire.LastFiles {
  count: number;
  /** The family of the first one. */
  @IsIn(fileFamilies)
  family: FileFamily;
}

/** A restriction of a conversation, which only the party that set it can lift. */
export class RestrictionView implements wire.Restriction {
  @IsIn(parties)
  by: Party;
  at: string;
}

/** A request to delete the conversation and all that the business holds of its contact. */
export class DeletionView implements wire.Deletion {
  askedAt: string;
  /** Time at which it is carried out without an answer of the business. */
  dueAt: string;
}

/** A member who takes care of a conversation. */
export class ClaimView implements wire.Claim {
  memberId: string;
  /** Null until the member has given itself a name. */
  displayName: string | null;
  at: string;
}

@ApiExtraModels(InterlocutorCounterpart, SubscriberCounterpart)
export class ConversationHead implements wire.ConversationHead {
  id: string;
  revision: number;
  /** Last change of the messages, or of a restriction. Receipts do not move a conversation in the list. */
  changedAt: string;
  /** The other party, as its reader may know it. */
  @OneOf('CounterpartView', { interlocutor: InterlocutorCounterpart, subscriber: SubscriberCounterpart })
  counterpart: wire.Counterpart;
  /** For members only: the ids of the contact's labels. */
  labels?: string[];
  lastSeq: number;
  /** Time at which the last entry was sent; withdrawing it does not change that. */
  lastMessageAt: string | null;
  /** Sender of the last entry; null when there is none. */
  @IsIn(parties)
  lastSender: Party | null;
  /** The kind of the last entry: written here, come by a broadcast, withdrawn, or deleted because of its age (`expired`); null when there is none. */
  @IsIn(entryKinds)
  lastKind: EntryKind | null;
  @Type(() => TurnView)
  lastTurn: TurnView | null;
  /** True when the last turn is the other party's and, for members, above `answeredSeq`. */
  unanswered: boolean;
  /** For members only: up to which entry they have said that no answer is needed; 0 if they have not. */
  answeredSeq?: number;
  /** For members only: the member who has taken the conversation; null when nobody has. */
  @Type(() => ClaimView)
  claim?: ClaimView | null;
  /** Beginning of the last message, up to 120 characters (code points), never cut within an emoji; null when there is none, and when it was withdrawn or deleted. */
  preview: string | null;
  /** Files of the last message; null when it has none, and when it was withdrawn or deleted. */
  @Type(() => LastFiles)
  lastFiles: LastFiles | null;
  own: WatermarksView;
  /** Watermarks of the other party; seenSeq is 0 while seen-times are not disclosed. */
  other: WatermarksView;
  /** From which minute on seen-times are disclosed; null while the business has switched them off. */
  seenTimesSince: string | null;
  /**
   * The parties that have restricted the conversation, and when; empty if none has. While one has, it is kept and can be read,
   * and nothing is sent, received or changed in it.
   */
  @Type(() => RestrictionView)
  restrictions: RestrictionView[];
  /** The interlocutor's request for deletion while it is open: nothing is sent, received or changed meanwhile. */
  @Type(() => DeletionView)
  deletion: DeletionView | null;
  /** Messages of the other party that this one has not seen, counted up to 999. */
  unread: number;
}

export class ConversationList implements wire.ConversationList {
  items: ConversationHead[];
  nextCursor: string | null;
  /** Ask with this as `changedSince` next time; keep the one of the first page. */
  syncedAt: string;
  /**
   * On the first page after `changedSince`: conversations that were erased since, which a client forgets with all it holds of
   * them. Null when there are more than 2,000, or the time is more than 90 days ago: then load everything anew.
   */
  erased?: string[] | null;
}

/** Totals for a badge. */
export class UnreadTotals implements wire.UnreadTotals {
  /** Conversations with unread messages, counted up to 999. */
  conversations: number;
  /** The messages in these, of each conversation up to 999. */
  messages: number;
  /** Conversations whose head is `unanswered`, counted up to 999. */
  unanswered: number;
}

export class OptOutView implements wire.OptOut {
  policyId: string;
  @IsIn(['promotions'])
  purpose: 'promotions';
  @IsIn([false])
  given: false;
  contactId: string;
}

/** Facts that a message of a broadcast has to show. */
export class BroadcastMarkView implements wire.BroadcastMark {
  @IsIn(broadcastKinds)
  kind: BroadcastKind;
  @IsIn(broadcastReasons)
  reason: BroadcastReason | null;
  /** To be shown with the message, in the language of the business: that it is promotional, or why it was sent. */
  words: string;
  /** Promotional messages only, for the recipient: sent to POST /api/consents as it stands, it ends promotions. */
  @Type(() => OptOutView)
  optOut?: OptOutView;
}

export class MessageView implements wire.MessageView {
  seq: number;
  revision: number;
  @IsIn(parties)
  sender: Party;
  /** For members only: who wrote for the subscriber; null for what the interlocutor wrote. */
  @Type(() => AuthorView)
  author?: AuthorView | null;
  /** Empty once the message was deleted because of its age. */
  clientId: string;
  /** Empty once the message was withdrawn or deleted. */
  body: string;
  @Type(() => AttachmentView)
  attachments: AttachmentView[];
  /** The broadcast by which it came. */
  broadcastId?: string;
  @Type(() => BroadcastMarkView)
  broadcast?: BroadcastMarkView;
  sentAt: string;
  /** Time at which its sender withdrew it. */
  withdrawnAt?: string;
  /** Time at which it was deleted because the business keeps messages no longer; so were all before it, and nothing else is known of it. */
  expiredAt?: string;
  /** Minute in which the other party's devices had it; as the beginning of the minute it may lie before `sentAt`. */
  deliveredAt?: string;
  /** Minute in which the other party saw it, likewise; only while the business discloses seen-times. */
  seenAt?: string;
}

export class MessageList implements wire.MessageList {
  items: MessageView[];
  nextCursor: string | null;
}
