import type { EntityManager } from 'typeorm';
import type { ErasedCounts, ErasedKind } from '../../contract/erasures.js';

/** Owners of data: a contact of one subscriber, a person or company behind contacts, or a subscriber. */
export type Scope = 'contact' | 'interlocutor' | 'subscriber';

/** Owners whose data are to go, of one scope. */
export interface Gone {
  scope: Scope;
  /** The subscriber of the contacts, or the subscriber itself; undefined for interlocutors. */
  subscriberId?: string;
  ids: readonly string[];
  /** Accounts of the interlocutors. */
  accountIds?: readonly string[];
  /** Keyed hashes of the addresses that contacts had, as invitations have them. */
  addressHashes?: readonly Buffer[];
}

/** A step of forgetting: what it has deleted, and if there may be more. */
export interface Forgotten {
  counts: Partial<ErasedCounts>;
  more: boolean;
}

/** Deletes about as many rows as `limit` says, in the transaction of `manager`. */
export type Forget = (manager: EntityManager, gone: Gone, limit: number) => Promise<Forgotten>;

/** Rows are found by this column (within the subscriber, where they belong to one), or a function deletes them. */
export type ByScope = string | Forget;

/**
 * A table, and the way in which its rows go with each owner that they can have. For a subscriber that is `subscriber_id`
 * where nothing else is said; `kept` says that they outlive it, with the reason.
 */
export interface Holding {
  table: string;
  /** Under which a certificate counts its rows; rows that mean nothing by themselves are not counted. */
  kind?: ErasedKind;
  contact?: ByScope;
  interlocutor?: ByScope;
  subscriber?: ByScope | { kept: string };
  /** Tables whose rows have to be there while these are looked for; parents by foreign keys need no mention. */
  before?: readonly string[];
  /** Goes at once with the contact, in one transaction, and not in slices afterwards. */
  atOnce?: true;
}

/** A table without data of any owner, and the data it has instead. */
export interface Ownerless {
  table: string;
  holds: string;
}
