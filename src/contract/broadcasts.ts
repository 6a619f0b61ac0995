import type { AttachmentView } from './attachments.js';
import type { Paged } from './common.js';
import type { Author, BroadcastKind, BroadcastReason, BroadcastState, Identity, MessageContent } from './events.js';

/** Reasons why a contact of the audience gets nothing: it said no to promotions, is restricted, or was erased meanwhile. */
export const skipReasons = ['no_promotions', 'restricted', 'erased'] as const;
export type SkipReason = (typeof skipReasons)[number];

/**
 * Reasons why the service stops a broadcast: a newer policy waits for the owner, a label of the audience was deleted, or the
 * audience are those who have not seen another one and seen-times were switched off.
 */
export const stopReasons = ['consent_required', 'label_gone', 'seen_times_off'] as const;
export type StopReason = (typeof stopReasons)[number];

export const recipientOutcomes = ['sent', 'skipped'] as const;
export type RecipientOutcome = (typeof recipientOutcomes)[number];

/** Fields that `{{…}}` may name in the text of a broadcast. All but the last say something of the recipient. */
export const textFields = ['firstName', 'surname', 'companyName', 'displayName', 'businessName'] as const;
export type TextField = (typeof textFields)[number];

/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */
export interface Audience {
  all?: boolean;
  regions?: string[];
  provinces?: string[];
  sectors?: string[];
  labels?: string[];
  contactIds?: string[];
  notSeenOf?: string;
  exceptLabels?: string[];
  exceptContactIds?: string[];
}

export interface BroadcastDraft {
  kind: BroadcastKind;
  reason?: BroadcastReason;
  audience: Audience;
}

export interface NewBroadcast extends BroadcastDraft, Pick<MessageContent, 'clientId' | 'attachmentIds'> {
  body: string;
  sendAt?: string;
  notAfter?: string;
}

export interface ChangedBroadcast extends Partial<
  Pick<NewBroadcast, 'kind' | 'reason' | 'body' | 'audience' | 'sendAt' | 'notAfter'>
> {
  edition?: number;
}

export interface PreviewedBroadcast extends BroadcastDraft {
  body?: string;
  contactId?: string;
}

export interface AudienceAsked extends BroadcastDraft {
  outcome?: RecipientOutcome;
  after?: string;
  limit?: number;
}

export interface AudienceContact extends Pick<Identity, Exclude<TextField, 'businessName'>> {
  contactId: string;
  outcome: RecipientOutcome;
  reason?: SkipReason;
}

export interface AudienceContacts {
  items: AudienceContact[];
  nextAfter: string | null;
}

export interface MadeBroadcast {
  id: string;
  recipients: number;
  skipped: number;
}

export interface SkippedContacts {
  reason: SkipReason;
  contacts: number;
}

export interface PromotionsGiven {
  given: number;
  of: number;
}

export interface BroadcastPreview {
  total: number;
  recipients: number;
  promotions: PromotionsGiven;
  skipped: number;
  skippedBy: SkippedContacts[];
  fields: TextField[];
  words: string;
  text?: string;
}

export interface BroadcastSummary {
  id: string;
  kind: BroadcastKind;
  reason: BroadcastReason | null;
  body: string;
  attachments: AttachmentView[];
  state: BroadcastState;
  stopReason?: StopReason;
  recipients: number;
  sent: number;
  skipped: number;
  author: Author | null;
  createdAt: string;
  sendAt: string;
  notAfter: string;
  startedAt?: string;
  endedAt?: string;
}

export interface BroadcastView extends BroadcastSummary {
  edition: number;
  audience: Audience;
  skippedBy: SkippedContacts[];
  erased: number;
  delivered: number;
  seen: number | null;
  reports: number;
}

export interface ResultsPoint {
  at: string;
  delivered: number;
  seen: number | null;
}

export interface BroadcastAnswer {
  contactId: string;
  displayName: string;
  seq: number;
  at: string;
}

export interface BroadcastResults {
  points: ResultsPoint[];
  answered: number;
  latestAnswers: BroadcastAnswer[];
}

export type BroadcastList = Paged<BroadcastSummary>;

export interface RecipientView {
  contactId: string;
  displayName: string;
  outcome: RecipientOutcome;
  reason?: SkipReason;
  seq?: number;
  delivered?: boolean;
  seen?: boolean;
  answeredSeq?: number;
}

export type RecipientList = Paged<RecipientView>;
