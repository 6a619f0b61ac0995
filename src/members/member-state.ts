import type { Member } from './member.entity.js';

export type MemberState = 'active' | 'invited' | 'expired' | 'removed' | 'revoked';

export function stateOf({ joinedAt, removedAt, expiresAt }: Member): MemberState {
  if (joinedAt) return removedAt ? 'removed' : 'active';
  if (removedAt) return 'revoked';
  return expiresAt && expiresAt > new Date() ? 'invited' : 'expired';
}
