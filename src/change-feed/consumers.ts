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
  /** Identifies its progress in the database. */
  name: string;
  /**
   * Minimum milliseconds between the starts of two batches while changes keep coming, because larger ones cost less; 250 by
   * default. After a quiet time a change is seen at once.
   */
  minInterval?: number;
  /** Reads changes before the transaction that they are seen in: what takes long, or asks others, keeps no lock waiting here. */
  prepare?: (changes: readonly Change[]) => Promise<void>;
  see: (manager: EntityManager, changes: readonly Change[]) => Promise<void>;
  seeBroadcasts: (manager: EntityManager, broadcasts: readonly BegunBroadcast[]) => Promise<void>;
  /**
   * Deletes what was derived from messages that this transaction deletes with their conversation; no further change of that
   * conversation follows.
   * @returns the counts by kind
   */
  forget: (manager: EntityManager, messages: readonly GoneMessage[]) => Promise<Partial<ErasedCounts>>;
}

/** Delay of a consumer. */
export interface Lag {
  consumer: string;
  /** Seconds for which the oldest known change has been waiting; 0 if there is none. */
  seconds: number;
}
