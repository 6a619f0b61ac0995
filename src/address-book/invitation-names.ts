import type { Vault } from '../platform/vault/vault.js';

/** The name that a subscriber gives an invitation is sealed with its key, as those of its labels are. */
export function sealInvitationName(vault: Vault, subscriberId: string, id: string, name: string): Promise<Buffer> {
  return vault.seal({ scope: 'subscriber', id: subscriberId }, name, context(subscriberId, id));
}

export function openInvitationName(vault: Vault, subscriberId: string, id: string, sealed: Buffer): Promise<string> {
  return vault.open({ scope: 'subscriber', id: subscriberId }, sealed, context(subscriberId, id));
}

const context = (subscriberId: string, id: string) => ['invitation', subscriberId, id, 'name'];
