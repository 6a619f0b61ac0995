import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { LegalReason, RequestKind, RequestState } from '../contract/rights.js';

/** A request of a contact about its personal data, with the time in which the law wants an answer. */
@Entity('rights_request')
export class RightsRequest {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  subscriberId: string;

  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'contact_id' })
  contactId: string;

  @Column('text')
  kind: RequestKind;

  @Column('text')
  state: RequestState;

  /** The words of the contact, sealed with its key, as are the next answers. */
  @Column('bytea', { nullable: true })
  words: Buffer | null;

  @Column('bytea', { nullable: true })
  answer: Buffer | null;

  @Column('timestamptz', { name: 'asked_at' })
  askedAt: Date;

  /** Null where the service has carried it out at once. */
  @Column('timestamptz', { name: 'due_at', nullable: true })
  dueAt: Date | null;

  @Column('timestamptz', { name: 'extended_at', nullable: true })
  extendedAt: Date | null;

  /** The legal reason for which an erasure was refused. */
  @Column('text', { name: 'legal_reason', nullable: true })
  legalReason: LegalReason | null;

  /** The reason for the extension, sealed likewise. */
  @Column('bytea', { nullable: true })
  extension: Buffer | null;

  @Column('timestamptz', { name: 'closed_at', nullable: true })
  closedAt: Date | null;

  /** The member who answered; null if the service did or the request was taken back. */
  @Column('uuid', { name: 'closed_by', nullable: true })
  closedBy: string | null;

  /** Reminders that the owner has had. */
  @Column('smallint')
  reminders: number;
}
