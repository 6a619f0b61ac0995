import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { KeyScope } from '../vault/keyring.js';

/** A mail that waits to be sent, sealed with its addressee's key, so that erased people get none. */
@Entity('mail')
export class Mail {
  @PrimaryColumn('uuid')
  id: string;

  @Column('text', { name: 'key_scope' })
  keyScope: KeyScope;

  @Column('uuid', { name: 'key_id' })
  keyId: string;

  /** Id of the account or invited member concerned, where several share the key. */
  @Column('uuid', { nullable: true })
  about: string | null;

  @Column('text')
  template: string;

  /** Address, language and what fills the template. */
  @Column('bytea')
  sealed: Buffer;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  /** Time after which the mail is useless. */
  @Column('timestamptz', { name: 'not_after' })
  notAfter: Date;

  @Column('integer')
  attempts: number;

  /** Why the last attempt failed, as a code; never as a text, which would name the addressee. */
  @Column('text', { nullable: true })
  failure: string | null;

  /** Set when it will not be tried again. */
  @Column('timestamptz', { name: 'failed_at', nullable: true })
  failedAt: Date | null;
}
