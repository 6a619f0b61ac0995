import type { Problem } from './errors.js';

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

export interface MessageView {
  seq: number;
  /** Rises with every change of the conversation's messages; this is the revision of the message's last change. */
  revision: number;
  sender: Party;
  clientId: string;
  body: string;
  attachments: AttachmentView[];
  sentAt: string;
  /** When the other party's devices had it, to the minute. */
  deliveredAt?: string;
  /** When the other party saw it, to the minute. */
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

export interface ConversationHead {
  id: string;
  revision: number;
  /** Last change of the messages. Receipts do not move a conversation in the list. */
  changedAt: string;
  counterpart: Counterpart;
  lastSeq: number;
  lastMessageAt: string | null;
  /** Beginning of the last message. */
  preview: string | null;
  own: Watermarks;
  other: Watermarks;
  /** Messages of the other party that this one has not seen, counted up to 999. */
  unread: number;
}

export interface ContactView extends Identity {
  id: string;
  region: string | null;
  province: string | null;
  sector: string | null;
  /** Whether the contact said yes to promotions. */
  promotions: boolean;
  joinedAt: string;
  updatedAt: string;
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
    clientId: string;
    body: string;
    attachments: AttachmentView[];
    sentAt: string;
  };
  'receipt.changed': {
    conversationId: string;
    party: Party;
    deliveredSeq: number;
    seenSeq: number;
    /** The minute in which the watermarks moved. */
    at: string;
  };
  /** `contact` is there for the subscriber's devices only. */
  'contact.joined': { conversation: ConversationHead; contact?: ContactView };
  'consent.changed': {
    conversationId: string | null;
    purpose: ConsentPurpose;
    given: boolean;
    policyVersion: number;
    at: string;
  };
  /** To the device that is ended, unless it ended itself, and to the account's other devices. */
  'session.ended': { id: string };
}

export type ToldEvent = keyof Told;

/** The same map in the form that Socket.IO clients are typed with. */
export type ServerEvents = { [Event in ToldEvent]: (payload: Told[Event]) => void };

export type ConsentPurpose = 'terms' | 'privacy' | 'promotions';
