import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What members do, or the service for them, that is written down. */
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

/** Who did what for a subscriber: kinds and ids, nothing personal. */
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

  /** What it was done to: a broadcast, a contact, a label, an invitation, a member. */
  @Column('uuid', { name: 'subject_id', nullable: true })
  subjectId: string | null;

  @Column('timestamptz')
  at: Date;
}
