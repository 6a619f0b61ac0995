import type { KeyRef } from '../platform/vault/keyring.js';
import type { Vault } from '../platform/vault/vault.js';
import type { Member } from './member.entity.js';

/** The key for sealed data of members, which belongs to their subscriber. */
export const memberKey = (subscriberId: string): KeyRef => ({ scope: 'subscriber', id: subscriberId });

export type MemberField = 'display_name' | 'email';

export function sealOfMember(
  vault: Vault,
  { subscriberId, id }: Pick<Member, 'subscriberId' | 'id'>,
  field: MemberField,
  value: string,
): Promise<Buffer> {
  return vault.seal(memberKey(subscriberId), value, context(subscriberId, id, field));
}

/** @returns null for missing values */
export async function openOfMember(
  vault: Vault,
  { subscriberId, id, ...member }: Member,
  field: MemberField,
): Promise<string | null> {
  const sealed = field === 'email' ? member.email : member.displayName;
  return sealed && vault.open(memberKey(subscriberId), sealed, context(subscriberId, id, field));
}

const context = (subscriberId: string, id: string, field: MemberField) => ['member', subscriberId, id, field];
