import type { AttachmentState, AttachmentView, FileFamily } from './attachments.js';
import type { Problem } from './errors.js';
import type { LabelColor } from './label-colors.js';
import type { ExportState, RequestKind, RequestState } from './rights.js';

/*
 * Fields are described at the DTO classes, which implement these types completely, and in openapi.json; the comments here are
 * about events alone.
 */

/** The two sides of a conversation. */
export const parties = ['subscriber', 'interlocutor'] as const;
export type Party = (typeof parties)[number];

export interface Watermarks {
  deliveredSeq: number;
  seenSeq: number;
}

export const broadcastReasons = ['order', 'appointment', 'closure', 'membership', 'safety', 'other'] as const;
/** Reason for which a service message is sent. */
export type BroadcastReason = (typeof broadcastReasons)[number];

export const broadcastKinds = ['promotional', 'service'] as const;
export type BroadcastKind = (typeof broadcastKinds)[number];

export const broadcastStates = ['scheduled', 'running', 'held', 'finished', 'cancelled', 'stopped'] as const;
/** `held`: its time has passed, and it waits until the business releases or cancels it. */
export type BroadcastState = (typeof broadcastStates)[number];

export interface OptOut {
  policyId: string;
  purpose: 'promotions';
  given: false;
  contactId: string;
}

export interface BroadcastMark {
  kind: BroadcastKind;
  reason: BroadcastReason | null;
  words: string;
  optOut?: OptOut;
}

/** The member who wrote for the subscriber. */
export interface Author {
  id: string;
  displayName: string | null;
}

export interface MessageView {
  seq: number;
  revision: number;
  sender: Party;
  author?: Author | null;
  clientId: string;
  body: string;
  attachments: AttachmentView[];
  broadcastId?: string;
  broadcast?: BroadcastMark;
  sentAt: string;
  withdrawnAt?: string;
  expiredAt?: string;
  deliveredAt?: string;
  seenAt?: string;
}

export interface InterlocutorCounterpart extends Identity {
  kind: 'interlocutor';
  id: string;
}

export interface SubscriberCounterpart {
  kind: 'subscriber';
  id: string;
  businessName: string;
  city: string;
  logoUrl: string | null;
  paused: boolean;
  closesAt: string | null;
  retention: RetentionTerm | null;
}

/** From `startsAt` on, a business deletes messages older than `months`. */
export interface RetentionTerm {
  months: number;
  startsAt: string;
}

/** The other party of a conversation, as disclosed to its reader. */
export type Counterpart = InterlocutorCounterpart | SubscriberCounterpart;

export interface Identity {
  displayName: string;
  firstName?: string;
  surname?: string;
  companyName?: string;
  companyType?: string;
  email: string;
}

/** Kinds of entries: written in the conversation, part of a broadcast, withdrawn, or deleted because of their age. */
export const entryKinds = ['message', 'broadcast', 'withdrawn', 'expired'] as const;
export type EntryKind = (typeof entryKinds)[number];

export interface Turn {
  seq: number;
  sender: Party;
  sentAt: string;
  preview: string | null;
}

/** A party's restriction of a conversation (Art. 18 GDPR). */
export interface Restriction {
  by: Party;
  at: string;
}

/** A request to delete a conversation with all data that the business has of its contact (Art. 17 GDPR). */
export interface Deletion {
  askedAt: string;
  dueAt: string;
}

export interface LastFiles {
  count: number;
  family: FileFamily;
}

/** The member who has claimed a conversation, and since when. */
export interface Claim {
  memberId: string;
  displayName: string | null;
  at: string;
}

export interface ConversationHead {
  id: string;
  revision: number;
  changedAt: string;
  counterpart: Counterpart;
  labels?: string[];
  lastSeq: number;
  lastMessageAt: string | null;
  lastSender: Party | null;
  lastKind: EntryKind | null;
  lastTurn: Turn | null;
  unanswered: boolean;
  answeredSeq?: number;
  claim?: Claim | null;
  preview: string | null;
  lastFiles: LastFiles | null;
  own: Watermarks;
  other: Watermarks;
  seenTimesSince: string | null;
  restrictions: Restriction[];
  deletion: Deletion | null;
  unread: number;
}

/** `personal`: a link for one person; `open`: a link or QR code for everybody. */
export const invitationKinds = ['personal', 'open'] as const;
export type InvitationKind = (typeof invitationKinds)[number];

export interface ContactView extends Identity {
  id: string;
  region: string | null;
  province: string | null;
  sector: string | null;
  emailVerified: boolean;
  addressShared: boolean;
  joinedBy: JoinedBy | null;
  promotions: boolean;
  labels: string[];
  note: string | null;
  phone: string | null;
  externalId: string | null;
  joinedAt: string;
  updatedAt: string;
}

export interface JoinedBy {
  invitationId: string;
  kind: InvitationKind;
  name?: string;
}

export interface LabelView {
  id: string;
  name: string;
  color: LabelColor | null;
}

export interface MessageContent {
  clientId: string;
  body: string;
  attachmentIds?: string[];
}

export interface MessageReceipt {
  deliveredSeq?: number;
  seenSeq?: number;
}

export interface SentMessage {
  seq: number;
  sentAt: string;
}

export interface SendMessage extends MessageContent {
  conversationId: string;
}

export interface SendReceipt extends MessageReceipt {
  conversationId: string;
}

export type Acknowledgement<Data> = { data: Data } | { error: Problem };

/** Events that a client sends. Each is acknowledged. */
export interface ClientEvents {
  'message.send': (ask: SendMessage, done: (answer: Acknowledgement<SentMessage>) => void) => void;
  'receipt.send': (ask: SendReceipt, done: (answer: Acknowledgement<Record<string, never>>) => void) => void;
}

/** Payloads of the events that the server sends. */
export interface Told {
  'message.sent': { conversationId: string } & Omit<
    MessageView,
    'withdrawnAt' | 'expiredAt' | 'deliveredAt' | 'seenAt'
  >;
  /** `lastTurn` is the new one of the conversation's head. */
  'message.withdrawn': {
    conversationId: string;
    seq: number;
    revision: number;
    withdrawnAt: string;
    lastTurn: Turn | null;
  };
  /**
   * To both parties: the messages from one number to another were deleted because of their age, as all earlier ones were.
   * `revision` is that of the last one; each has its own, in their order.
   */
  'messages.expired': {
    conversationId: string;
    from: number;
    to: number;
    revision: number;
    expiredAt: string;
    changedAt: string;
  };
  'receipt.changed': {
    conversationId: string;
    party: Party;
    deliveredSeq: number;
    /** 0 for the other party while seen times are not disclosed. */
    seenSeq: number;
    /** The previous `seenSeq`: the messages above it, up to `seenSeq`, are now seen. */
    seenBefore: number;
    /** The minute in which the watermarks rose. */
    at: string;
  };
  /**
   * To the devices of both parties; while the file is unsent, to those of the account that uploaded it, with `message: null`.
   * `revision` and `changedAt` are those of the conversation, because this changes the message; they are missing if the scan
   * finished while the message was stored.
   */
  'attachment.changed': {
    id: string;
    state: AttachmentState;
    attachment: AttachmentView;
    message: { conversationId: string; seq: number; revision?: number; changedAt?: string } | null;
  };
  /** To the subscriber's devices only: members have marked the entries up to this one as needing no answer. Keep the higher one. */
  'conversation.answered': { conversationId: string; answeredSeq: number };
  /** To the subscriber's devices only: a member has claimed the conversation, or given it back. The head has the current claim. */
  'claim.changed': { conversationId: string; claim: Claim | null };
  /** `restrictions`, `deletion` and `changedAt` are the new ones of the conversation's head. */
  'restriction.changed': {
    conversationId: string;
    restrictions: Restriction[];
    deletion: Deletion | null;
    changedAt: string;
  };
  /** To both parties: a request about personal data was made, answered, extended or taken back. Load it by its id. */
  'request.changed': { id: string; conversationId: string; kind: RequestKind; state: RequestState };
  /** To the devices of the account that requested the export. */
  'export.progressed': { id: string; state: ExportState; done: number; total: number };
  /** Only the subscriber's devices get `contact`. */
  'contact.joined': { conversation: ConversationHead; contact?: ContactView };
  /** To the subscriber's devices: the current contact, whose names and address the conversation's head has too. */
  'contact.changed': { contact: ContactView };
  /**
   * To the devices of both parties: these conversations were erased, with everything in them. An interlocutor gets one at a time;
   * without any other subscriber its account is erased too, and `session.ended` follows.
   */
  'contact.erased': { conversationIds: string[] };
  /** To its interlocutors' devices, each with its own conversation, and to its own with null. Load the logo again. */
  'subscriber.changed': { conversationId: string | null; counterpart: Counterpart; seenTimesSince: string | null };
  /** To the subscriber's devices: a member has joined, or has another name, which applies to everything it wrote. */
  'member.changed': Author;
  /** To the subscriber's devices: a member was removed, and its claims have ended. */
  'member.removed': { id: string };
  /** To the subscriber's devices only, with all its labels; remove a missing label from contacts too. */
  'labels.changed': { items: LabelView[] };
  /** To the subscriber's devices only: a quick reply was created, changed or deleted. Load them where they are shown. */
  'quick-replies.changed': { id: string };
  /** To the subscriber's devices only: contacts that a member proposes to erase, or whose proposal was taken back. */
  'erasure-proposals.changed': { contactIds: string[] };
  /** To the devices of one account: its quiet hours or muted conversations have changed. Load them where they are shown. */
  'notification-settings.changed': Record<string, never>;
  'consent.changed': {
    conversationId: string | null;
    purpose: ConsentPurpose;
    given: boolean;
    policyVersion: number;
    at: string;
  };
  /**
   * To the subscriber's devices, after every step of a broadcast. `entries` are the messages that it has created; load their
   * texts with their conversations.
   */
  'broadcast.progressed': {
    id: string;
    state: BroadcastState;
    sent: number;
    skipped: number;
    entries: { conversationId: string; seq: number; revision: number }[];
  };
  /** To the subscriber's devices: an interlocutor has reported a service message as advertising. `reports` is their number. */
  'broadcast.reported': { id: string; reports: number };
  /** To the subscriber's devices, after every step of an import. */
  'import.progressed': { id: string; state: ImportState; done: number; total: number };
  /** To the device whose session was ended from another one, and to the account's other devices. */
  'session.ended': { id: string };
}

export type ToldEvent = keyof Told;

/** The same map, as the types of Socket.IO clients need it. */
export type ServerEvents = { [Event in ToldEvent]: (payload: Told[Event]) => void };

export const importStates = ['running', 'finished', 'cancelled'] as const;
export type ImportState = (typeof importStates)[number];

export const consentPurposes = ['terms', 'privacy', 'promotions'] as const;
export type ConsentPurpose = (typeof consentPurposes)[number];
