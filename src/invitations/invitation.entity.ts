import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * An invitation, by which people become contacts. A personal one has a key of its own, which becomes the contact's: both
 * have the same id. Data of an open one is sealed with the subscriber's key.
 */
@Entity('invitation')
export class Invitation {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  subscriberId: string;

  @PrimaryColumn('uuid')
  id: string;

  @Column('text')
  kind: 'personal' | 'open';

  /** Sealed, to show the link and the QR code again. */
  @Column('bytea')
  code: Buffer;

  @Column('bytea', { name: 'code_hash' })
  codeHash: Buffer;

  /** Given by the subscriber, such as "counter"; sealed with its key. */
  @Column('bytea', { nullable: true })
  name: Buffer | null;

  /** Sealed address of a personal invitation. Without an address it goes by letter. */
  @Column('bytea', { nullable: true })
  email: Buffer | null;

  /** Keyed, within the subscriber: an address has one personal invitation at a time. Gone when that one ends. */
  @Column('bytea', { name: 'email_hash', nullable: true })
  emailHash: Buffer | null;

  /** Keyed hash of the line of the file that a letter was made from. Stays when the invitation is used. */
  @Column('bytea', { name: 'line_hash', nullable: true })
  lineHash: Buffer | null;

  /**
   * The hash by which `mail_stop` knows the address, sealed with the subscriber's key: the link in a mail can still refuse
   * further ones after the address itself is forgotten.
   */
  @Column('bytea', { name: 'stop_hash', nullable: true })
  stopHash: Buffer | null;

  /** Imported data about the invited person, sealed: it fills in the form, and the contact begins with it. */
  @Column('bytea', { nullable: true })
  suggestion: Buffer | null;

  /** Language of its mails or letter. */
  @Column('text', { nullable: true })
  locale: string | null;

  @Column('uuid', { name: 'import_id', nullable: true })
  importId: string | null;

  @Column('integer')
  uses: number;

  @Column('integer', { name: 'max_uses', nullable: true })
  maxUses: number | null;

  /** The member who made it. */
  @Column('uuid', { name: 'created_by' })
  createdBy: string;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt: Date | null;

  /** Time at which its mail was handed to the outbox; null while it waits. */
  @Column('timestamptz', { name: 'mailed_at', nullable: true })
  mailedAt: Date | null;

  @Column('timestamptz', { name: 'reminded_at', nullable: true })
  remindedAt: Date | null;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt: Date | null;

  /** Time at which the invited person asked not to be written to again. */
  @Column('timestamptz', { name: 'stopped_at', nullable: true })
  stoppedAt: Date | null;
}
