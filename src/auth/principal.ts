import type { MemberRole } from '../contract/accounts.js';
import type { Locale } from '../contract/common.js';
import type { Party } from '../contract/events.js';
import { type Room, rooms } from '../platform/realtime/rooms.js';
import type { KeyRef } from '../platform/vault/keyring.js';

interface SignedIn {
  accountId: string;
  sessionId: string;
  locale: Locale;
}

/** A member acts for its subscriber; interlocutors see the business, never the member. */
export interface MemberPrincipal extends SignedIn {
  kind: 'member';
  subscriberId: string;
  memberId: string;
  role: MemberRole;
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

export function roomOf(principal: Principal): Room {
  return isMember(principal)
    ? rooms.ofSubscriber(principal.subscriberId)
    : rooms.ofInterlocutor(principal.interlocutorId);
}
