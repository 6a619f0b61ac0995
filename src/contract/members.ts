import type { MemberRole, SessionView, VerificationMail } from './accounts.js';
import type { Locale, Paged } from './common.js';
import type { GivenConsent, PolicyView } from './consents.js';
import type { Author } from './events.js';

export const listedListedMemberStates = ['active', 'invited'] as const;
export type ListedMemberState = (typeof listedListedMemberStates)[number];

export const memberInvitationMails = ['sent_soon', 'none'] as const;
export type MemberInvitationMail = (typeof memberInvitationMails)[number];

/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */
export interface NewMember {
  email: string;
  displayName?: string;
  locale?: Locale;
}

export interface InvitedMember {
  id: string;
  url: string;
  expiresAt: string;
  mail: MemberInvitationMail;
}

export interface MemberView {
  id: string;
  role: MemberRole;
  displayName: string | null;
  username?: string;
  email: string;
  joinedAt: string | null;
  state: ListedMemberState;
  expiresAt?: string;
}

export type MemberList = Paged<MemberView>;

export type AuthorList = Paged<Author>;

export interface OpenedMemberInvitation {
  businessName: string;
  logoUrl: string | null;
  policies: PolicyView[];
}

export interface MemberJoining {
  displayName: string;
  username: string;
  password: string;
  locale: Locale;
  device?: string;
  consents: GivenConsent[];
}

export interface JoinedMember {
  member: MemberView;
  session: SessionView;
  verificationMail?: VerificationMail;
}
