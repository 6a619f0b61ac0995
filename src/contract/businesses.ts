import type { Locale, PageAsked, Paged } from './common.js';
import type { RetentionTerm } from './events.js';

/** Actions of members, or of the service for them, that are written down. */
export const actionKinds = [
  'broadcast.cancelled',
  'broadcast.changed',
  'broadcast.exported',
  'broadcast.held',
  'broadcast.made',
  'broadcast.released',
  'consent.given',
  'consent.withdrawn',
  'contact.changed',
  'contacts.erased',
  'contacts.exported',
  'contacts.labelled',
  'conversation.exported',
  'erasure.proposed',
  'erasure.proposal_withdrawn',
  'conversation.restricted',
  'conversation.unrestricted',
  'export.asked',
  'export.downloaded',
  'export.removed',
  'import.begun',
  'import.cancelled',
  'invitation.changed',
  'invitation.made',
  'invitation.revoked',
  'label.changed',
  'label.made',
  'label.removed',
  'member.invited',
  'member.joined',
  'member.removed',
  'message.withdrawn',
  'password.changed',
  'policy.accepted',
  'policy.published',
  'profile.changed',
  'retention.changed',
  'subscriber.closing',
  'subscriber.closing_withdrawn',
  'subscriber.paused',
  'subscriber.resumed',
  'request.answered',
  'request.extended',
  'request.made',
  'session.opened',
  'session.refused',
  'logo.changed',
  'logo.removed',
] as const;
export type ActionKind = (typeof actionKinds)[number];

/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */
export interface NamedCode {
  code: string;
  name: string;
}

export interface NamedCodes {
  items: NamedCode[];
}

export interface Business {
  businessName: string;
  email: string;
  street: string;
  streetNumber: string;
  postcode: string;
  city: string;
  province?: string | null;
  country: string;
  category: string;
  vatNumber?: string | null;
  taxCode?: string | null;
  locale: Locale;
  timeZone?: string;
}

export interface BusinessChanges extends Partial<Business> {
  currentPassword?: string;
  seenTimes?: boolean;
}

export interface SubscriberView {
  id: string;
  businessName: string;
  email: string;
  street: string;
  streetNumber: string;
  postcode: string;
  city: string;
  province: string | null;
  country: string;
  category: string;
  vatNumber: string | null;
  taxCode: string | null;
  locale: Locale;
  timeZone: string;
  logoUrl: string | null;
  seenTimes: boolean;
  paused: boolean;
  closesAt: string | null;
  retention: RetentionTerm | null;
  createdAt: string;
}

export interface RegionView {
  code: string;
  name: string;
}

export interface RegionList {
  items: RegionView[];
}

export interface ProvinceView {
  code: string;
  name: string;
  region: string;
}

export interface ProvinceList {
  items: ProvinceView[];
}

export interface ActionView {
  id: string;
  memberId: string | null;
  kind: ActionKind;
  subjectId: string | null;
  times: number;
  network: string | null;
  at: string;
}

export interface ListActions extends PageAsked {
  memberId?: string;
  kind?: ActionKind[];
  since?: string;
  until?: string;
}

export type ActionList = Paged<ActionView>;
