import { Injectable } from '@nestjs/common';
import { type ErasedCounts, erasedKinds, type ErasureOrigin } from '../contract/erasures.js';
import { SigningKey } from '../platform/vault/signing-key.js';
import { signedText } from '../contract/rules/certificate-text.js';
import type { Certificate, ErasureView, KeptRecord } from './erasures.dto.js';
import type { ErasureRow } from './erasures.queries.js';

/** Says what an erasure has done, and signs it once all is done. */
@Injectable()
export class Certificates {
  constructor(private readonly signingKey: SigningKey) {}

  view(row: ErasureRow): ErasureView {
    const complete = row.finished_at !== null && row.residue_unreadable_at !== null;
    return {
      id: row.id,
      state: complete ? 'finished' : 'running',
      origin: row.origin as ErasureOrigin,
      contacts: row.contacts,
      begunAt: row.begun_at.toISOString(),
      unreadableAt: row.unreadable_at?.toISOString() ?? null,
      residueUnreadableAt: row.residue_unreadable_at?.toISOString() ?? null,
      finishedAt: row.finished_at?.toISOString() ?? null,
    };
  }

  of(row: ErasureRow, business: string): Certificate {
    const unsigned = {
      format: 'colloquio-erasure-1',
      ...this.view(row),
      business,
      erased: Object.fromEntries(erasedKinds.map((kind) => [kind, row.counts[kind] ?? 0])) as ErasedCounts,
      kept: keptOf(row),
      publicKey: this.signingKey.publicKey,
      signature: null,
    } satisfies Certificate;
    if (unsigned.state !== 'finished') return unsigned;
    return { ...unsigned, signature: this.signingKey.sign(signedText(unsigned)) };
  }
}

/** Records that outlive an erasure, with the law that asks for them. */
function keptOf({ counts, proofs_until: until, address_until: addressUntil }: ErasureRow): KeptRecord[] {
  return [
    ...((counts['consents'] ?? 0) > 0
      ? [{ what: 'consent_proofs', law: 'GDPR Art. 7(1), 17(3)(e)', until: until?.toISOString() ?? null } as const]
      : []),
    ...(addressUntil
      ? [{ what: 'certificate_address', law: 'GDPR Art. 12(3), 12(4)', until: addressUntil.toISOString() } as const]
      : []),
    { what: 'erasure_record', law: 'GDPR Art. 5(2)', until: null },
  ];
}
