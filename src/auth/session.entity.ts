import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A signed-in device. */
@Entity('session')
export class Session {
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'account_id' })
  accountId: string;

  /** SHA-256 of the token; 256 random bits need no slower hash. */
  @Column('bytea', { name: 'token_hash' })
  tokenHash: Buffer;

  /** The device's name as its owner gave it, sealed. */
  @Column('bytea', { nullable: true })
  device: Buffer | null;

  /** Its device is used by others too, so it ends soon after its last use. */
  @Column('boolean', { default: false })
  shared: boolean;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'used_at' })
  usedAt: Date;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;
}
