import type { Party } from '../contract/events.js';
import type { Audience } from '../platform/realtime/realtime.js';
import type { KeyRef } from '../platform/vault/keyring.js';

interface SignedIn {
  accountId: string;
  sessionId: string;
  locale: string;
}

/** A member acts for its subscriber; interlocutors see the business, never the member. */
export interface MemberPrincipal extends SignedIn {
  kind: 'member';
  subscriberId: string;
  memberId: string;
  role: 'owner' | 'staff';
}

export interface InterlocutorPrincipal extends SignedIn {
  kind: 'interlocutor';
  interlocutorId: string;
}

/** The signed-in account behind a request or a socket. */
export type Principal = MemberPrincipal | InterlocutorPrincipal;

export const isMember = (principal: Principal): principal is MemberPrincipal => principal.kind === 'member';

/** The side of a conversation that the principal is on. */
export const partyOf = (principal: Principal): Party => (isMember(principal) ? 'subscriber' : 'interlocutor');

/** The key that seals the account's data: its username and the names of its devices. */
export function accountKey(principal: Principal): KeyRef {
  return isMember(principal)
    ? { scope: 'subscriber', id: principal.subscriberId }
    : { scope: 'interlocutor', id: principal.interlocutorId };
}

export function audienceOf(principal: Principal): Audience {
  return isMember(principal) ? `subscriber:${principal.subscriberId}` : `interlocutor:${principal.interlocutorId}`;
}
