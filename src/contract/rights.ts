import type { Locale, PageAsked, Paged } from './common.js';
import type { Author, Counterpart, Restriction } from './events.js';

/**
 * Kinds of requests about personal data: for information (Art. 15 GDPR), for a correction (Art. 16), to restrict the
 * conversation (Art. 18), the objection to what rests on legitimate interest and the one to promotions (Art. 21), and for
 * erasure (Art. 17).
 */
export const requestKinds = [
  'access',
  'rectification',
  'restriction',
  'objection',
  'promotions_objection',
  'erasure',
] as const;
export type RequestKind = (typeof requestKinds)[number];

/** Kinds that can be requested directly; the others arise from a restriction or a deletion request. */
export const askedKinds = ['access', 'rectification', 'objection', 'promotions_objection'] as const;
export type AskedKind = (typeof askedKinds)[number];

export const requestStates = ['open', 'fulfilled', 'refused', 'taken_back'] as const;
export type RequestState = (typeof requestStates)[number];

export const requestOutcomes = ['fulfilled', 'refused'] as const;
export type RequestOutcome = (typeof requestOutcomes)[number];

/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */
export interface ConversationRestrictions {
  restrictions: Restriction[];
}

export interface NewRequest {
  contactId: string;
  kind: AskedKind;
  words?: string;
}

export interface ListRequests extends PageAsked {
  state?: RequestState;
  contactId?: string;
}

/**
 * Reasons for which the law lets a business refuse an erasure (Art. 17(3) GDPR): freedom of expression and information (a), a
 * legal obligation (b), public health (c), archiving in the public interest (d), and legal claims (e).
 */
export const legalReasons = ['expression', 'legal_obligation', 'public_health', 'archiving', 'legal_claims'] as const;
export type LegalReason = (typeof legalReasons)[number];

export interface RequestAnswer {
  outcome: RequestOutcome;
  answer?: string;
  legalReason?: LegalReason;
}

export interface NewDeletionRequest {
  contactId?: string;
  words?: string;
}

export interface MadeDeletionRequests {
  items: RequestView[];
}

export interface RequestExtension {
  reason: string;
}

export interface RequestView {
  id: string;
  conversationId: string;
  counterpart: Counterpart;
  kind: RequestKind;
  state: RequestState;
  words: string | null;
  askedAt: string;
  dueAt: string | null;
  extendedAt: string | null;
  extensionReason: string | null;
  closedAt: string | null;
  closedBy?: Author | null;
  answer: string | null;
  legalReason: LegalReason | null;
}

export type RequestList = Paged<RequestView>;

export const exportStates = ['waiting', 'running', 'ready', 'failed'] as const;
export type ExportState = (typeof exportStates)[number];

export const exportProblems = ['storage_full', 'unavailable', 'internal'] as const;
export type ExportProblem = (typeof exportProblems)[number];

export interface NewExport {
  contactId?: string;
  locale?: Locale;
}

export interface ExportProof {
  password?: string;
}

export interface ExportView {
  id: string;
  contactId: string | null;
  locale: Locale;
  state: ExportState;
  problem: ExportProblem | null;
  done: number;
  total: number;
  size: number | null;
  askedAt: string;
  readyAt: string | null;
  expiresAt: string | null;
}

export type ExportList = Paged<ExportView>;

export interface ExportDownload {
  path: string;
  until: string;
}

export interface PauseSubscriber {
  paused: boolean;
}

export interface NewClosing {
  password: string;
  businessName: string;
}

export interface ClosingView {
  askedAt: string;
  closesAt: string;
}
