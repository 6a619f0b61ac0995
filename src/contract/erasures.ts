import type { PageAsked, Paged } from './common.js';
import type { ConsentBasis, ConsentOccasion } from './consents.js';
import type { ConsentPurpose } from './events.js';

/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */

/** Kinds under which a certificate counts what was erased. */
export const erasedKinds = [
  'contacts',
  'accounts',
  'sessions',
  'messages',
  'files',
  'pictures',
  'notes',
  'labels',
  'receipts',
  'broadcasts_received',
  'advertising_reports',
  'search_entries',
  'requests',
  'invitations',
  'import_lines',
  'waiting_mails',
  'actions',
  'consents',
] as const;
export type ErasedKind = (typeof erasedKinds)[number];

export type ErasedCounts = Record<ErasedKind, number>;

/** Records that outlive an erasure. */
export const keptKinds = ['consent_proofs', 'erasure_record', 'certificate_address'] as const;
export type KeptKind = (typeof keptKinds)[number];

export const erasureStates = ['running', 'finished'] as const;
/** `finished` once everything is deleted and the residue is unreadable too. */
export type ErasureState = (typeof erasureStates)[number];

/** Reasons for an erasure. */
export const erasureOrigins = ['subscriber', 'replay', 'interlocutor', 'closing'] as const;
export type ErasureOrigin = (typeof erasureOrigins)[number];

export interface BegunErasure {
  erasureId: string;
}

export interface KeptRecord {
  what: KeptKind;
  law: string;
  until: string | null;
}

export interface ErasureView {
  id: string;
  state: ErasureState;
  origin: ErasureOrigin;
  contacts: number;
  begunAt: string;
  unreadableAt: string | null;
  residueUnreadableAt: string | null;
  finishedAt: string | null;
}

export interface Certificate extends ErasureView {
  format: 'colloquio-erasure-1';
  business: string;
  erased: ErasedCounts;
  kept: KeptRecord[];
  publicKey: string;
  signature: string | null;
}

export type ErasureList = Paged<ErasureView>;
export type ListErasures = PageAsked;

export interface ErasureFilter {
  all?: true;
  query?: string;
  region?: string;
  province?: string;
  sector?: string;
  label?: string[];
  hasLabel?: 'any' | 'none';
}

export interface ErasureConfirmation {
  contacts: number;
  businessName: string;
}

export interface NewErasure {
  contactIds?: string[];
  filter?: ErasureFilter;
  confirmation: ErasureConfirmation;
}

export interface ErasureKey {
  algorithm: 'Ed25519';
  publicKey: string;
  fingerprint: string;
}

export interface ErasureProposal {
  contactId: string;
  proposedBy: string;
  proposedAt: string;
}

export type ErasureProposalList = Paged<ErasureProposal>;

export interface NewErasureProposals {
  contactIds: string[];
}

export interface ProposedErasures {
  proposed: number;
}

export interface ConsentProofSearch {
  email: string;
}

export interface ConsentProofView {
  id: string;
  purpose: ConsentPurpose;
  given: boolean;
  basis: ConsentBasis;
  policyVersion: number;
  locale: string;
  sha256: string;
  wordsSha256: string;
  how: ConsentOccasion;
  recordedAt: string;
  keepUntil: string;
}

export interface ConsentProofList {
  items: ConsentProofView[];
}
