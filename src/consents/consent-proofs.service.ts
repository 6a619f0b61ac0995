import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Contacts } from '../address-book/contacts.service.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { type Config, CONFIG } from '../platform/config.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import type { Forgotten, Gone } from '../platform/forgetting/holdings.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { KeyGoneError } from '../platform/vault/keyring.js';
import { Vault } from '../platform/vault/vault.js';
import type { ConsentProofList, ConsentProofView } from './consent-proofs.dto.js';
import {
  deleteEndedKeyQuery,
  deleteEndedProofsQuery,
  endedKeysQuery,
  keyOfMonthQuery,
  keysQuery,
  keyThereQuery,
  proveQuery,
  provenQuery,
  proofsQuery,
} from './consent-proofs.queries.js';

/** Deletes proofs whose term is over, and then destroys their keys. */
const endProofs = defineJob('consent.end_proofs', { cron: '29 4 * * *' });

const proofsAtOnce = 5_000;

/** Key and term of the proofs of an erasure. */
export interface ProofTerm {
  keyId: string;
  keepUntil: Date;
}

/**
 * Keeps a proof of the consents of people who were erased: what was agreed to, by hashes, when and how, under a keyed hash of
 * the address. Its keys, one a month for each subscriber, seal nothing and are destroyed when the last term of the month ends.
 */
@Injectable()
export class ConsentProofs {
  constructor(
    private readonly database: DataSource,
    @Inject(CONFIG) private readonly config: Config,
    private readonly contacts: Contacts,
    private readonly vault: Vault,
    forgetting: Forgetting,
    jobs: Jobs,
  ) {
    const kept = 'a controller has to be able to show consent';
    forgetting.register(
      {
        table: 'consent',
        kind: 'consents',
        contact: (manager, gone) => this.prove(manager, gone),
        subscriber: { kept },
        atOnce: true,
      },
      { table: 'consent_proof', subscriber: { kept } },
      { table: 'consent_proof_key', subscriber: { kept } },
      { table: 'shown_text', subscriber: { kept } },
    );
    jobs.handle(endProofs, () => this.end());
  }

  /** The key and the term of proofs of an erasure of this time. */
  async term(subscriberId: string, now: Date): Promise<ProofTerm> {
    const keepUntil = yearsAfter(now, this.config.consentProofYears);
    const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
    const lastOfMonth = yearsAfter(
      new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1)),
      this.config.consentProofYears,
    );
    const [known] = await this.database.query<{ id: string }[]>(keyThereQuery, [subscriberId, month, lastOfMonth]);
    if (known) return { keyId: known.id, keepUntil };
    const wanted = uuid();
    await this.vault.createKeys({ scope: 'proof', id: wanted });
    const [{ id }] = await this.database.query<[{ id: string }]>(keyOfMonthQuery, [
      subscriberId,
      wanted,
      month,
      lastOfMonth,
    ]);
    if (id !== wanted) await this.vault.destroyKeys({ scope: 'proof', id: wanted });
    return { keyId: id, keepUntil };
  }

  /** The hash that identifies a proof, computed from the contact's address hash. */
  hash(keyId: string, addressHash: Buffer): Promise<Buffer> {
    return this.vault.digest({ scope: 'proof', id: keyId }, addressHash.toString('base64'));
  }

  /** The proofs that stand for an address, newest first. */
  async search({ subscriberId }: MemberPrincipal, email: string): Promise<ConsentProofList> {
    const addressHash = this.contacts.hashOfAddress(subscriberId, email);
    const keys = await this.database.query<{ id: string }[]>(keysQuery, [subscriberId]);
    const hashes: Buffer[] = [];
    for (const { id } of keys) {
      const hash = await this.hash(id, addressHash).catch(unlessGone);
      if (hash) hashes.push(hash);
    }
    const rows = await this.database.query<ProofRow[]>(proofsQuery, [subscriberId, hashes]);
    return { items: rows.map(viewOf) };
  }

  /** Deletes what has come to the end of its term. */
  async end(): Promise<void> {
    let deleted = proofsAtOnce;
    while (deleted === proofsAtOnce)
      [, deleted] = await this.database.query<[unknown[], number]>(deleteEndedProofsQuery, [proofsAtOnce]);
    for (const { subscriberId, id } of await this.database.query<{ subscriberId: string; id: string }[]>(
      endedKeysQuery,
    )) {
      await this.vault.destroyKeys({ scope: 'proof', id });
      await this.database.query(deleteEndedKeyQuery, [subscriberId, id]);
    }
  }

  /** Turns the consents of contacts into proofs, in the transaction that deletes the contacts. */
  private async prove(manager: EntityManager, { subscriberId, ids }: Gone): Promise<Forgotten> {
    await manager.query(proveQuery, [subscriberId, ids]);
    const [, deleted] = await manager.query<[unknown[], number]>(provenQuery, [subscriberId, ids]);
    return { counts: { consents: deleted }, more: false };
  }
}

interface ProofRow {
  id: string;
  purpose: ConsentProofView['purpose'];
  given: boolean;
  basis: ConsentProofView['basis'];
  policy_version: number;
  locale: string;
  text_sha256: Buffer;
  words_sha256: Buffer;
  how: ConsentProofView['how'];
  recorded_at: Date;
  keep_until: Date;
}

const viewOf = (row: ProofRow): ConsentProofView => ({
  id: row.id,
  purpose: row.purpose,
  given: row.given,
  basis: row.basis,
  policyVersion: row.policy_version,
  locale: row.locale,
  sha256: row.text_sha256.toString('hex'),
  wordsSha256: row.words_sha256.toString('hex'),
  how: row.how,
  recordedAt: row.recorded_at.toISOString(),
  keepUntil: row.keep_until.toISOString(),
});

function yearsAfter(date: Date, years: number): Date {
  const later = new Date(date);
  later.setUTCFullYear(later.getUTCFullYear() + years);
  return later;
}

function unlessGone(error: unknown): undefined {
  if (!(error instanceof KeyGoneError)) throw error;
}
