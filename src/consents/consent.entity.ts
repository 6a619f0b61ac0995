import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ConsentBasis, ConsentOccasion } from '../contract/consents.js';
import type { ConsentPurpose } from '../contract/events.js';

/** A record of an acceptance or a withdrawal, with time and way. Rows are never changed. */
@Entity('consent')
export class Consent {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  subscriberId: string;

  @PrimaryColumn('uuid')
  id: string;

  /** The contact who consents; null for the subscriber's own acceptances. */
  @Column('uuid', { name: 'contact_id', nullable: true })
  contactId: string | null;

  @Column('uuid', { name: 'account_id' })
  accountId: string;

  @Column('text')
  purpose: ConsentPurpose;

  @Column('boolean')
  given: boolean;

  @Column('text')
  basis: ConsentBasis;

  @Column('uuid', { name: 'policy_id' })
  policyId: string;

  @Column('integer', { name: 'policy_version' })
  policyVersion: number;

  @Column('text')
  locale: string;

  @Column('bytea', { name: 'text_sha256' })
  textSha256: Buffer;

  @Column('bytea', { name: 'words_sha256' })
  wordsSha256: Buffer;

  @Column('text')
  how: ConsentOccasion;

  @Column('timestamptz', { name: 'recorded_at' })
  recordedAt: Date;
}
