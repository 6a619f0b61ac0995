import type { InterlocutorView, SessionView, VerificationMail } from './accounts.js';
import type { Locale, Paged } from './common.js';
import type { GivenConsent, HostView, PolicyView } from './consents.js';
import type { InvitationKind } from './events.js';

/** `stopped`: the invited person asked not to be written to again. */
export const invitationStates = ['active', 'revoked', 'stopped', 'expired', 'used'] as const;
export type InvitationState = (typeof invitationStates)[number];

export const mailStates = ['none', 'held', 'queued', 'sent_soon', 'sent', 'failed'] as const;
export type MailState = (typeof mailStates)[number];

/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */
export interface NewInvitation {
  kind: InvitationKind;
  email?: string;
  suggestion?: NewSuggestion;
  name?: string;
  locale?: Locale;
  maxUses?: number;
  expiresAt?: string;
}

export interface ChangeInvitation {
  name?: string | null;
}

export interface SuggestedPerson {
  firstName?: string;
  surname?: string;
  companyName?: string;
  companyType?: string;
  region?: string;
  province?: string;
  sector?: string;
  externalId?: string;
  phone?: string;
  note?: string;
  labels?: string[];
}

/** Data of a person that come with a new invitation. */
export type NewSuggestion = SuggestedPerson;

export interface InvitationView {
  id: string;
  kind: InvitationKind;
  name?: string;
  code: string;
  url: string;
  email?: string;
  suggestion?: SuggestedPerson;
  importId?: string;
  expiresAt?: string;
  maxUses?: number;
  uses: number;
  state: InvitationState;
  mail: MailState;
  createdAt: string;
  notice?: string;
}

export interface InvitationList extends Paged<InvitationView> {
  total: number;
}

export interface InvitationMailing {
  held: boolean;
  perDay: number;
  queued: number;
  lastBy?: string;
}

export interface SuggestedSelf {
  firstName?: string;
  surname?: string;
  companyName?: string;
  companyType?: string;
  email?: string;
  region?: string;
  province?: string;
  sector?: string;
}

export interface OpenedInvitation {
  businessName: string;
  street: string;
  streetNumber: string;
  city: string;
  categoryName: string;
  logoUrl: string | null;
  digitalConsentAge: number;
  policies: PolicyView[];
  host: HostView;
  suggestion?: SuggestedSelf;
  contactId?: string;
}

export interface Joining {
  clientId?: string;
  firstName?: string;
  surname?: string;
  companyName?: string;
  companyType?: string;
  email: string;
  password: string;
  ageConfirmed: boolean;
  locale: Locale;
  username?: string;
  region?: string;
  province?: string;
  sector?: string;
  device?: string;
  consents: GivenConsent[];
}

export interface JoiningAgain {
  consents: GivenConsent[];
}

export interface JoinedContact {
  id: string;
  businessName: string;
  promotions: boolean;
  joinedAt: string;
}

export interface Joined {
  interlocutor: InterlocutorView;
  contact: JoinedContact;
  session?: SessionView;
  verificationMail?: VerificationMail;
}
