import type { EntityManager } from 'typeorm';
import type { ErasedCounts } from '../contract/erasures.js';
import type { FileFamily } from '../contract/attachments.js';
import type { Party } from '../contract/events.js';

/** A change of a conversation: a message that was stored, or one that was withdrawn. */
export type Change = StoredChange | WithdrawnChange;

interface PlacedChange {
  subscriberId: string;
  conversationId: string;
  seq: number;
  /** Revision of the conversation that the change made. */
  revision: number;
}

/** A message whose conversation was erased. */
export interface GoneMessage extends Omit<PlacedChange, 'revision'> {
  sentAt: Date;
}

export interface StoredChange extends PlacedChange {
  state: 'stored';
  sender: Party;
  /** The member who wrote for the subscriber. */
  authorId: string | null;
  clientId: string;
  sentAt: Date;
  /** The text, where it is open in memory already; sealed otherwise. */
  body: string | Buffer;
  /** Its files, where they are open in memory already; otherwise how many there are. */
  files: readonly ChangedFile[] | number;
}

export interface ChangedFile {
  name: string;
  family: FileFamily;
}

export interface WithdrawnChange extends PlacedChange {
  state: 'withdrawn';
}

/** A broadcast that has begun: one change, however many it goes to. */
export interface BegunBroadcast {
  subscriberId: string;
  id: string;
  authorId: string;
  startedAt: Date;
  /** Sealed with the subscriber's key. */
  body: Buffer;
}

/**
 * A kind of work that is derived from stored messages. It is given every change at least once, those of a conversation in
 * their order, in a transaction that commits together with its progress. What it throws is tried again, with a back-off.
 */
export interface Consumer {
  /** Stands in the database with its progress. */
  name: string;
  see: (manager: EntityManager, changes: readonly Change[]) => Promise<void>;
  seeBroadcasts: (manager: EntityManager, broadcasts: readonly BegunBroadcast[]) => Promise<void>;
  /**
   * Deletes what was derived from messages that go in this transaction with their conversation; it is given no change of that
   * conversation any more.
   * @returns how much that was, by kinds
   */
  forget: (manager: EntityManager, messages: readonly GoneMessage[]) => Promise<Partial<ErasedCounts>>;
}

/** The time by which a consumer is behind. */
export interface Lag {
  consumer: string;
  /** Seconds for which the oldest change that is known of has waited; 0 when there is none. */
  seconds: number;
}
