import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { PolicyAudience, PolicyPurpose } from '../contract/consents.js';

/** A text that was in force once; its file must never change again. */
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
}
