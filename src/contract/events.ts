import type { Problem } from './errors.js';
import type { LabelColor } from './label-colors.js';

/** The two sides of a conversation. */
export type Party = 'subscriber' | 'interlocutor';

export interface Watermarks {
  deliveredSeq: number;
  seenSeq: number;
}

export interface AttachmentView {
  id: string;
  name: string;
  mediaType: string;
  /** In bytes. */
  size: number;
  state: string;
}

export const broadcastReasons = ['order', 'appointment', 'closure', 'membership', 'safety', 'other'] as const;
/** Why a service message is sent. */
export type BroadcastReason = (typeof broadcastReasons)[number];

export const broadcastKinds = ['promotional', 'service'] as const;
export type BroadcastKind = (typeof broadcastKinds)[number];

export const broadcastStates = ['scheduled', 'running', 'held', 'finished', 'cancelled', 'stopped'] as const;
/** `held`: its time has passed, and the service waits for the business to release or cancel it. */
export type BroadcastState = (typeof broadcastStates)[number];

/** What a message that came by a broadcast has to say of itself. */
export interface BroadcastMark {
  kind: BroadcastKind;
  reason: BroadcastReason | null;
  /** To be shown with the message, in the language of the business: that it is promotional, or why it was sent. */
  words: string;
  /** Of a promotional message, for its recipient: sent to `POST /api/consents` as it stands, it ends promotions. */
  optOut?: { policyId: string; purpose: 'promotions'; given: false; contactId: string };
}

/** The member who wrote for the subscriber. An owner has no name here until it gives one. */
export interface Author {
  id: string;
  displayName: string | null;
}

export interface MessageView {
  seq: number;
  /** Rises with every change of the conversation's messages; this is the revision of the message's last change. */
  revision: number;
  sender: Party;
  /** For the subscriber's devices only: who wrote; null for what the interlocutor wrote. */
  author?: Author | null;
  clientId: string;
  /** Empty once the message was withdrawn. */
  body: string;
  attachments: AttachmentView[];
  /** The broadcast by which it came. */
  broadcastId?: string;
  broadcast?: BroadcastMark;
  sentAt: string;
  /** When its sender withdrew it. */
  withdrawnAt?: string;
  /** When the other party's devices had it, to the minute. */
  deliveredAt?: string;
  /** When the other party saw it, to the minute; only while the business discloses seen-times. */
  seenAt?: string;
}

/** Whom a conversation is with, as its reader may know it. */
export type Counterpart =
  | ({ kind: 'interlocutor'; id: string } & Identity)
  | { kind: 'subscriber'; id: string; businessName: string; city: string; logoUrl: string | null };

export interface Identity {
  /** As shown in lists: "Anna Rossi", or the company's name. */
  displayName: string;
  firstName?: string;
  surname?: string;
  companyName?: string;
  companyType?: string;
  email: string;
}

/** Kinds of entries: written in the conversation, come by a broadcast, or withdrawn since. */
export const entryKinds = ['message', 'broadcast', 'withdrawn'] as const;
export type EntryKind = (typeof entryKinds)[number];

/** The last message that somebody wrote in the conversation: no broadcast, and not withdrawn. */
export interface Turn {
  seq: number;
  sender: Party;
  sentAt: string;
}

export interface ConversationHead {
  id: string;
  revision: number;
  /** Last change of the messages. Receipts do not move a conversation in the list. */
  changedAt: string;
  counterpart: Counterpart;
  /** For the subscriber's devices only: the ids of the contact's labels. */
  labels?: string[];
  lastSeq: number;
  lastMessageAt: string | null;
  /** Sender and kind of the last entry; null when there is none. */
  lastSender: Party | null;
  lastKind: EntryKind | null;
  lastTurn: Turn | null;
  /** Whether the last turn is the other party's. */
  unanswered: boolean;
  /** Beginning of the last message; null when there is none, and when it was withdrawn. */
  preview: string | null;
  own: Watermarks;
  /** What the other party has; `seenSeq` is 0 while seen-times are not disclosed. */
  other: Watermarks;
  /** From which minute on seen-times are disclosed; null while the business has switched them off. */
  seenTimesSince: string | null;
  /** Messages of the other party that this one has not seen, counted up to 999. */
  unread: number;
}

export interface ContactView extends Identity {
  id: string;
  region: string | null;
  province: string | null;
  sector: string | null;
  /** True once the person has shown, by a link in a mail, that the address is its own. Anybody can join under any address. */
  emailVerified: boolean;
  /** True while another contact of this address book states the same address. */
  addressShared: boolean;
  /** The invitation by which it joined, with the name that the business gave it; null where that was not written down. */
  joinedBy: JoinedBy | null;
  /** Whether the contact said yes to promotions. */
  promotions: boolean;
  /** The ids of its labels. */
  labels: string[];
  note: string | null;
  /** As the business wrote it down; in international form where it is a valid number. */
  phone: string | null;
  externalId: string | null;
  joinedAt: string;
  /** Rises with every change, so that of two views the later one wins. */
  updatedAt: string;
}

export interface JoinedBy {
  invitationId: string;
  /** `personal`: by a link for one person; `open`: by a link or QR code for everybody. */
  kind: 'personal' | 'open';
  /** Renaming an invitation tells no contact; `GET /api/invitations/:id` has the present one. */
  name?: string;
}

export interface LabelView {
  id: string;
  name: string;
  color: LabelColor | null;
}

export interface SendMessage {
  conversationId: string;
  clientId: string;
  body: string;
}

export interface SendReceipt {
  conversationId: string;
  deliveredSeq?: number;
  seenSeq?: number;
}

export type Acknowledgement<Data> = { data: Data } | { error: Problem };

/** What a client may ask over the socket. Every event is acknowledged. */
export interface ClientEvents {
  'message.send': (ask: SendMessage, done: (answer: Acknowledgement<{ seq: number; sentAt: string }>) => void) => void;
  'receipt.send': (ask: SendReceipt, done: (answer: Acknowledgement<Record<string, never>>) => void) => void;
}

/** What the server tells, by event name. */
export interface Told {
  'message.sent': {
    conversationId: string;
    seq: number;
    revision: number;
    sender: Party;
    /** For the subscriber's devices only. */
    author?: Author | null;
    clientId: string;
    body: string;
    attachments: AttachmentView[];
    broadcastId?: string;
    broadcast?: BroadcastMark;
    sentAt: string;
  };
  /** `lastTurn` is that of the conversation's head from now on. */
  'message.withdrawn': {
    conversationId: string;
    seq: number;
    revision: number;
    withdrawnAt: string;
    lastTurn: Turn | null;
  };
  'receipt.changed': {
    conversationId: string;
    party: Party;
    deliveredSeq: number;
    /** To the other party 0 while seen-times are not disclosed. */
    seenSeq: number;
    /** How far had been seen before: the messages above it, up to `seenSeq`, are seen now. */
    seenBefore: number;
    /** The minute in which the watermarks moved. */
    at: string;
  };
  /** `contact` is there for the subscriber's devices only. */
  'contact.joined': { conversation: ConversationHead; contact?: ContactView };
  /** To the subscriber's devices: a contact as it is now, its names and address in the conversation's head too. */
  'contact.changed': { contact: ContactView };
  /** To its interlocutors' devices, each with its own conversation; to its own with null. A logo is loaded again. */
  'subscriber.changed': { conversationId: string | null; counterpart: Counterpart; seenTimesSince: string | null };
  /** To the subscriber's devices: a member has joined or has another name, on everything it wrote. */
  'member.changed': Author;
  /** To the subscriber's devices only, with all its labels; a label that is gone is gone from its contacts too. */
  'labels.changed': { items: LabelView[] };
  'consent.changed': {
    conversationId: string | null;
    purpose: ConsentPurpose;
    given: boolean;
    policyVersion: number;
    at: string;
  };
  /**
   * To the subscriber's devices, after every step of a broadcast. `entries` are the messages that came about, whose
   * texts are loaded with their conversations.
   */
  'broadcast.progressed': {
    id: string;
    state: BroadcastState;
    sent: number;
    skipped: number;
    entries: { conversationId: string; seq: number; revision: number }[];
  };
  /** To the subscriber's devices: an interlocutor holds a service message for advertising. How many do. */
  'broadcast.reported': { id: string; reports: number };
  /** To the subscriber's devices, after every step of an import. */
  'import.progressed': { id: string; state: ImportState; done: number; total: number };
  /** To the device that is ended, unless it ended itself, and to the account's other devices. */
  'session.ended': { id: string };
}

export type ToldEvent = keyof Told;

/** The same map in the form that Socket.IO clients are typed with. */
export type ServerEvents = { [Event in ToldEvent]: (payload: Told[Event]) => void };

export type ImportState = 'running' | 'finished' | 'cancelled';

export type ConsentPurpose = 'terms' | 'privacy' | 'promotions';
