import { Injectable } from '@nestjs/common';
import { canonicalAddress, formerSpellings } from '../validation/email-addresses.js';
import { Vault } from './vault.js';

/** Purposes for which an address is looked up. Hashes of one kind tell nothing about those of another. */
export type AddressUse = 'email' | 'invited address' | 'stopped address';

/**
 * The keyed hashes by which mailboxes are found without their addresses being stored. Whatever the spelling, a mailbox has one
 * hash for each use, and within each subscriber where the use is a subscriber's own.
 */
@Injectable()
export class AddressHashes {
  constructor(private readonly vault: Vault) {}

  /** To be stored. */
  of(use: AddressUse, address: string, within?: string): Buffer {
    return this.hash(use, canonicalAddress(address), within);
  }

  /** To be looked for: the one that is stored today comes first, then those that earlier versions stored. */
  all(use: AddressUse, address: string, within?: string): Buffer[] {
    const former = formerSpellings(address).map((spelling) => this.hash(use, spelling, within));
    return [this.of(use, address, within), ...former];
  }

  matches(hash: Buffer | null, use: AddressUse, address: string): boolean {
    return hash !== null && this.all(use, address).some((each) => each.equals(hash));
  }

  private hash(use: AddressUse, spelling: string, within: string | undefined): Buffer {
    return this.vault.lookupHash(use, within === undefined ? spelling : `${within}\0${spelling}`);
  }
}
