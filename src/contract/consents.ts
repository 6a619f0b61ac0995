import type { Paged } from './common.js';
import type { ConsentPurpose } from './events.js';

/** Purposes of policies; promotions are described in the privacy policy. */
export const policyPurposes = ['terms', 'privacy'] as const;
export type PolicyPurpose = (typeof policyPurposes)[number];

export const policyAudiences = ['subscriber', 'interlocutor'] as const;
export type PolicyAudience = (typeof policyAudiences)[number];

export const consentBases = ['contract', 'consent', 'acknowledgement'] as const;
export type ConsentBasis = (typeof consentBases)[number];

/** Occasions on which a consent is given or withdrawn. */
export const consentOccasions = ['registration', 'joining', 'settings'] as const;
export type ConsentOccasion = (typeof consentOccasions)[number];
/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */
export interface GivenConsent {
  policyId: string;
  purpose: ConsentPurpose;
  sha256?: string;
}

export interface ChangeConsent extends GivenConsent {
  given: boolean;
  contactId?: string;
}

export interface Checkbox {
  purpose: ConsentPurpose;
  required: boolean;
  words: string;
}

/** Expectations of a policy of its reader: `owner` says that the owner of the business has to accept it. */
export const policyWaitings = ['acceptance', 'notice', 'owner'] as const;
export type PolicyWaiting = (typeof policyWaitings)[number] | null;

export interface PolicyChangeView {
  policyId: string;
  purpose: PolicyPurpose;
  version: number;
  effectiveAt: string;
  requiresAcceptance: boolean;
  changes: string[];
}

export interface OwnPolicyChange extends PolicyChangeView {
  inForce: boolean;
  waitsFor: PolicyWaiting;
  contactIds: string[];
}

export interface OwnPolicyChanges {
  items: OwnPolicyChange[];
}

export interface NotePolicy {
  policyId: string;
}

export interface PolicyView {
  id: string;
  purpose: PolicyPurpose;
  required: boolean;
  version: number;
  locale: string;
  title: string;
  summary: string[];
  text: string;
  sha256: string;
  checkboxes: Checkbox[];
  effectiveAt: string;
  changes: string[];
  requiresAcceptance: boolean;
  next?: PolicyChangeView;
  accepted?: boolean;
  waitsFor?: PolicyWaiting;
}

export interface PolicyList {
  items: PolicyView[];
  business?: ControllerView;
  host: HostView;
}

export interface ControllerView {
  businessName: string;
  address: string;
  email: string;
}

export interface HostView {
  name: string;
  address: string;
  contact: string;
  deletionDays: number;
}

export interface ConsentView {
  id: string;
  contactId: string | null;
  businessName: string;
  purpose: ConsentPurpose;
  given: boolean;
  basis: ConsentBasis;
  policyId: string;
  policyVersion: number;
  locale: string;
  sha256: string;
  how: ConsentOccasion;
  recordedAt: string;
}

export interface ShownConsentView extends ConsentView {
  words: string;
  text: string;
}

export type ConsentList = Paged<ConsentView>;

export interface ContactConsentView extends ConsentView {
  words: string;
}

export type ContactConsentList = Paged<ContactConsentView>;
