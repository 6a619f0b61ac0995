import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * How a contact comes about. A personal invitation has a key of its own, which becomes the contact's: both have the
 * same id. What belongs to an open one is sealed with the subscriber's key.
 */
@Entity('invitation')
export class Invitation {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  subscriberId: string;

  @PrimaryColumn('uuid')
  id: string;

  @Column('text')
  kind: 'personal' | 'open';

  /** Sealed, to show the link and the QR code again. */
  @Column('bytea')
  code: Buffer;

  @Column('bytea', { name: 'code_hash' })
  codeHash: Buffer;

  /** Of a personal one: who is invited, sealed. */
  @Column('bytea', { nullable: true })
  email: Buffer | null;

  @Column('integer')
  uses: number;

  @Column('integer', { name: 'max_uses', nullable: true })
  maxUses: number | null;

  /** The member who made it. */
  @Column('uuid', { name: 'created_by' })
  createdBy: string;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt: Date | null;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt: Date | null;
}
