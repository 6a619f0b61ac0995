import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * An account that acts for a subscriber. Before joining it is an invitation; after removal only the name remains, for the
 * messages it wrote.
 */
@Entity('member')
export class Member {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  subscriberId: string;

  @PrimaryColumn('uuid')
  id: string;

  /** From joining until removal. */
  @Column('uuid', { name: 'account_id', nullable: true })
  accountId: string | null;

  @Column('text')
  role: 'owner' | 'staff';

  /** As colleagues call them, sealed with the subscriber's key. */
  @Column('bytea', { name: 'display_name', nullable: true })
  displayName: Buffer | null;

  /** Address of staff, sealed with the subscriber's key; the owner's is the business address. */
  @Column('bytea', { nullable: true })
  email: Buffer | null;

  /** Hash of the code of a staff member's invitation. */
  @Column('bytea', { name: 'code_hash', nullable: true })
  codeHash: Buffer | null;

  /** Time until which the invitation can be accepted. */
  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'joined_at', nullable: true })
  joinedAt: Date | null;

  /** Time of the removal, or of the revocation of the invitation. */
  @Column('timestamptz', { name: 'removed_at', nullable: true })
  removedAt: Date | null;
}
