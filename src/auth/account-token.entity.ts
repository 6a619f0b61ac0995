import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The token of a link that was mailed: good once, and not for long. */
@Entity('account_token')
export class AccountToken {
  /** SHA-256 of the token; 256 random bits need no slower hash. */
  @PrimaryColumn('bytea', { name: 'token_hash' })
  tokenHash: Buffer;

  @Column('uuid', { name: 'account_id' })
  accountId: string;

  @Column('text')
  purpose: 'verify_email' | 'reset_password';

  /** The address it was mailed to: with another one the account has taken since, it is void. */
  @Column('bytea', { name: 'email_hash' })
  emailHash: Buffer;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}
