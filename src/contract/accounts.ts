import type { Business, SubscriberView } from './businesses.js';
import type { Locale, PageAsked, Paged } from './common.js';
import type { GivenConsent } from './consents.js';
import type { Identity } from './events.js';

/** A verification mail goes out, or as many have gone to the address as an hour allows. */
export const verificationMails = ['sent_soon', 'withheld'] as const;
export type VerificationMail = (typeof verificationMails)[number];

/** Registration is open to everybody, open to holders of a code, or closed. */
export const registrationModes = ['open', 'code', 'closed'] as const;
export type RegistrationMode = (typeof registrationModes)[number];

/** Entries of the log of an interlocutor's account. */
export const accountEventKinds = [
  'consent.given',
  'consent.withdrawn',
  'export.asked',
  'export.downloaded',
  'export.removed',
  'password.changed',
  'policy.accepted',
  'request.made',
  'session.opened',
  'session.refused',
] as const;
export type AccountEventKind = (typeof accountEventKinds)[number];

export interface AccountEventView {
  id: string;
  kind: AccountEventKind;
  subjectId: string | null;
  times: number;
  network: string | null;
  at: string;
}

export interface ListAccountEvents extends PageAsked {
  kind?: AccountEventKind[];
  since?: string;
  until?: string;
}

export type AccountEventList = Paged<AccountEventView>;

export const memberRoles = ['owner', 'staff'] as const;
export type MemberRole = (typeof memberRoles)[number];

/** A member, who acts for its subscriber. */
export interface MemberPrincipalView {
  kind: 'member';
  subscriberId: string;
  memberId: string;
  role: MemberRole;
}

export interface InterlocutorPrincipalView {
  kind: 'interlocutor';
  interlocutorId: string;
}

/** The account that a session belongs to. */
export type PrincipalView = MemberPrincipalView | InterlocutorPrincipalView;

/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */
export interface SignIn {
  username: string;
  password: string;
  device?: string;
  shared?: boolean;
}

export interface CarryCode {
  code: string;
  expiresAt: string;
}

export interface CarriedSignIn {
  code: string;
  device?: string;
}

export interface SessionView {
  id: string;
  token: string;
  expiresAt: string;
}

export interface SignedIn extends SessionView {
  principal: PrincipalView;
}

/** Notifications of a device. */
export interface DevicePush {
  lastHandedOverAt: string | null;
}

export interface DeviceView {
  id: string;
  device: string | null;
  createdAt: string;
  lastUsedAt: string;
  shared: boolean;
  current: boolean;
  push: DevicePush | null;
}

export type DeviceList = Paged<DeviceView>;

export interface MailedToken {
  token: string;
}

export interface PasswordResetRequest {
  login: string;
}

export interface PasswordReset extends MailedToken {
  password: string;
}

export interface PasswordChange {
  currentPassword: string;
  newPassword: string;
}

export interface Profile {
  username: string;
  emailVerified: boolean;
  locale: Locale;
  principal: PrincipalView;
  displayName?: string | null;
  email?: string | null;
  subscriber?: SubscriberView;
  interlocutor?: InterlocutorView;
}

export interface InterlocutorView extends Identity {
  id: string;
  username: string;
  region: string | null;
  province: string | null;
  sector: string | null;
}

export interface InterlocutorChanges {
  firstName?: string;
  surname?: string;
  companyName?: string;
  companyType?: string;
  email?: string;
  currentPassword?: string;
  region?: string | null;
  province?: string | null;
  sector?: string | null;
  locale?: Locale;
}

export interface MemberChanges {
  displayName?: string;
  locale?: Locale;
}

export interface RegistrationState {
  state: RegistrationMode;
}

export interface Registration extends Business {
  username: string;
  password: string;
  registrationCode?: string;
  device?: string;
  consents: GivenConsent[];
}

export interface Registered {
  subscriber: SubscriberView;
  session: SessionView;
  verificationMail?: VerificationMail;
}
