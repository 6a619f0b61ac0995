import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { PolicyAudience, PolicyPurpose } from '../contract/consents.js';

/** A text of a version that was published; its file must never change again. */
@Entity('policy')
export class Policy {
  @PrimaryColumn('uuid')
  id: string;

  @Column('text')
  audience: PolicyAudience;

  @Column('text')
  purpose: PolicyPurpose;

  @Column('integer')
  version: number;

  @Column('text')
  locale: string;

  @Column('date')
  effective: string;

  @Column('boolean', { name: 'requires_acceptance' })
  requiresAcceptance: boolean;

  @Column('bytea', { name: 'source_sha256' })
  sourceSha256: Buffer;

  /** The whole file, so that a running service can show a text that was published after its start. */
  @Column('text', { nullable: true })
  source: string | null;
}

/** A version of a policy, and the time from which it is in force. */
@Entity('policy_publication')
export class PolicyPublication {
  @PrimaryColumn('uuid')
  id: string;

  @Column('text')
  audience: PolicyAudience;

  @Column('text')
  purpose: PolicyPurpose;

  @Column('integer')
  version: number;

  @Column('timestamptz', { name: 'effective_at' })
  effectiveAt: Date;

  @Column('boolean', { name: 'requires_acceptance' })
  requiresAcceptance: boolean;

  @Column('timestamptz', { name: 'published_at' })
  publishedAt: Date;

  /** Time at which it was written into the logs of the subscribers. */
  @Column('timestamptz', { name: 'logged_at', nullable: true })
  loggedAt: Date | null;

  /** The last account that was told of it by mail. */
  @Column('uuid', { name: 'told_after', nullable: true })
  toldAfter: string | null;

  /** Time at which everybody had been told. */
  @Column('timestamptz', { name: 'told_at', nullable: true })
  toldAt: Date | null;
}
