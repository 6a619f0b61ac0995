import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AccountEventKind } from '../contract/accounts.js';

/** An entry of the log of an interlocutor's account: kinds and ids, nothing that somebody wrote. */
@Entity('account_event')
export class AccountEvent {
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'account_id' })
  accountId: string;

  @Column('text')
  kind: AccountEventKind;

  /** Id of the contact, export or session that it is about. */
  @Column('uuid', { name: 'subject_id', nullable: true })
  subjectId: string | null;

  /** Failed sign-ins within an hour are one entry. */
  @Column('integer', { default: 1 })
  times: number;

  /** The network address, sealed with the account's key. */
  @Column('bytea', { nullable: true })
  network: Buffer | null;

  @Column('timestamptz')
  at: Date;
}
