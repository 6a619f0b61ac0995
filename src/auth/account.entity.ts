import { Column, Entity, PrimaryColumn } from 'typeorm';

export const accountKinds = ['member', 'interlocutor'] as const;

/** Somebody who signs in: a member of a subscriber, or an interlocutor. */
@Entity('account')
export class Account {
  @PrimaryColumn('uuid')
  id: string;

  @Column('text')
  kind: (typeof accountKinds)[number];

  /** The subscriber of a member's account; null for others. */
  @Column('uuid', { name: 'subscriber_id', nullable: true })
  subscriberId: string | null;

  /** Sealed with the key of the subscriber or of the interlocutor. */
  @Column('bytea')
  username: Buffer;

  @Column('bytea', { name: 'username_hash' })
  usernameHash: Buffer;

  /** Set when the address was verified. Several accounts may share one address. */
  @Column('bytea', { name: 'email_hash', nullable: true })
  emailHash: Buffer | null;

  @Column('text', { name: 'password_hash' })
  passwordHash: string;

  @Column('text')
  locale: string;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  // Statements alone read and write the next ones.
  @Column({ type: 'timestamptz', name: 'alone_since', nullable: true, select: false, insert: false, update: false })
  aloneSince?: Date | null;

  @Column({ type: 'timestamptz', name: 'last_used_at', nullable: true, select: false, insert: false, update: false })
  lastUsedAt?: Date | null;

  @Column({
    type: 'timestamptz',
    name: 'asked_to_stay_at',
    nullable: true,
    select: false,
    insert: false,
    update: false,
  })
  askedToStayAt?: Date | null;
}
