import { Injectable } from '@nestjs/common';
import type { Identity } from '../contract/events.js';
import { Vault } from '../platform/vault/vault.js';

/** The identity that an interlocutor states: a person's names, or a company's name and type; and the address. */
export type StatedIdentity = Omit<Identity, 'displayName'>;

interface ContactIdentity {
  id: string;
  identity: Buffer;
}

/** Seals identities: the original with the interlocutor's key, each contact's copy with the contact's. */
@Injectable()
export class Identities {
  constructor(private readonly vault: Vault) {}

  sealOriginal(interlocutorId: string, identity: StatedIdentity): Promise<Buffer> {
    return this.vault.seal(
      { scope: 'interlocutor', id: interlocutorId },
      JSON.stringify(identity),
      originalContext(interlocutorId),
    );
  }

  async openOriginal(interlocutorId: string, sealed: Buffer): Promise<StatedIdentity> {
    return JSON.parse(
      await this.vault.open({ scope: 'interlocutor', id: interlocutorId }, sealed, originalContext(interlocutorId)),
    ) as StatedIdentity;
  }

  sealCopy(subscriberId: string, contactId: string, identity: StatedIdentity): Promise<Buffer> {
    return this.vault.seal(
      { scope: 'contact', id: contactId },
      JSON.stringify(identity),
      copyContext(subscriberId, contactId),
    );
  }

  /** @returns in the order of the contacts; undefined for one whose key was destroyed meanwhile */
  async openCopies(
    subscriberId: string,
    contacts: readonly ContactIdentity[],
    options?: { keep: boolean },
  ): Promise<(Identity | undefined)[]> {
    const values = contacts.map(({ id, identity }) => ({
      id,
      sealed: identity,
      context: copyContext(subscriberId, id),
    }));
    const texts = await this.vault.openMany('contact', values, options);
    return texts.map((text) => (text === undefined ? undefined : withDisplayName(JSON.parse(text) as StatedIdentity)));
  }
}

export function withDisplayName(identity: StatedIdentity): Identity {
  const displayName = identity.companyName ?? [identity.firstName, identity.surname].filter(Boolean).join(' ');
  return { displayName, ...identity };
}

const originalContext = (interlocutorId: string) => ['interlocutor', interlocutorId, 'identity'];
const copyContext = (subscriberId: string, contactId: string) => ['contact', subscriberId, contactId, 'identity'];
