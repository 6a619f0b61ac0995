import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { PolicyPurpose } from '../contract/consents.js';

/** A record that somebody was shown that a policy changes, or has changed. Rows are never changed. */
@Entity('policy_notice')
export class PolicyNotice {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  subscriberId: string;

  @PrimaryColumn('uuid')
  id: string;

  /** The contact to whom it was shown; null for a member. */
  @Column('uuid', { name: 'contact_id', nullable: true })
  contactId: string | null;

  @Column('uuid', { name: 'account_id' })
  accountId: string;

  @Column('text')
  purpose: PolicyPurpose;

  @Column('integer')
  version: number;

  /** Set if the version was in force when it was shown; otherwise it was announced. */
  @Column('boolean', { name: 'in_force' })
  inForce: boolean;

  @Column('uuid', { name: 'policy_id' })
  policyId: string;

  /** SHA-256 of the text as it could be read there. */
  @Column('bytea', { name: 'text_sha256' })
  textSha256: Buffer;

  @Column('timestamptz', { name: 'shown_at' })
  shownAt: Date;
}
