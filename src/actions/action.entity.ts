import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ActionKind } from '../contract/businesses.js';

/** An entry of a subscriber's audit log: kinds and ids, nothing personal. */
@Entity('action')
export class Action {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  subscriberId: string;

  @PrimaryColumn('uuid')
  id: string;

  /** Null for actions of the service or of a contact. */
  @Column('uuid', { name: 'member_id', nullable: true })
  memberId: string | null;

  @Column('text')
  kind: ActionKind;

  /** Id of the broadcast, contact, label, invitation or member that was acted on. */
  @Column('uuid', { name: 'subject_id', nullable: true })
  subjectId: string | null;

  /** Failed sign-ins within an hour are one entry. */
  @Column('integer', { default: 1 })
  times: number;

  /** The network address of a sign-in, sealed with the subscriber's key. */
  @Column('bytea', { nullable: true })
  network: Buffer | null;

  @Column('timestamptz')
  at: Date;
}
