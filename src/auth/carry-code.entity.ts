import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A code that opens one more session of the account whose session made it: good once, for minutes. */
@Entity('carry_code')
export class CarryCode {
  /** SHA-256 of the code; 256 random bits need no slower hash. */
  @PrimaryColumn('bytea', { name: 'code_hash' })
  codeHash: Buffer;

  @Column('uuid', { name: 'account_id' })
  accountId: string;

  /** Session that created it; deleted with it. */
  @Column('uuid', { name: 'session_id' })
  sessionId: string;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}
