import type { PrincipalView } from '../contract/accounts.js';
import { isMember, type Principal } from './principal.js';

/** A principal as clients get it. */
export function principalView(principal: Principal): PrincipalView {
  if (!isMember(principal)) return { kind: principal.kind, interlocutorId: principal.interlocutorId };
  const { kind, subscriberId, memberId, role } = principal;
  return { kind, subscriberId, memberId, role };
}
