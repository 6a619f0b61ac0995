import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Kinds of actions in the audit log, done by members or by the service for them. */
export const actionKinds = [
  'broadcast.cancelled',
  'broadcast.changed',
  'broadcast.held',
  'broadcast.made',
  'broadcast.released',
  'contact.changed',
  'contacts.exported',
  'contacts.labelled',
  'import.begun',
  'import.cancelled',
  'invitation.changed',
  'invitation.made',
  'invitation.revoked',
  'label.changed',
  'label.made',
  'label.removed',
  'member.invited',
  'member.joined',
  'member.removed',
  'message.withdrawn',
  'profile.changed',
  'logo.changed',
  'logo.removed',
] as const;
export type ActionKind = (typeof actionKinds)[number];

/** An entry of a subscriber's audit log: kinds and ids, nothing personal. */
@Entity('action')
export class Action {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  subscriberId: string;

  @PrimaryColumn('uuid')
  id: string;

  /** Null for what the service did by itself. */
  @Column('uuid', { name: 'member_id', nullable: true })
  memberId: string | null;

  @Column('text')
  kind: ActionKind;

  /** Id of the broadcast, contact, label, invitation or member that was acted on. */
  @Column('uuid', { name: 'subject_id', nullable: true })
  subjectId: string | null;

  @Column('timestamptz')
  at: Date;
}
