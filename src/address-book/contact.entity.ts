import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Links one subscriber to one interlocutor. Its id is also that of their conversation. */
@Entity('contact')
export class Contact {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  subscriberId: string;

  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'interlocutor_id' })
  interlocutorId: string;

  /** The invitation with which the contact joined; null if that was not recorded. */
  @Column('uuid', { name: 'invitation_id', nullable: true })
  invitationId: string | null;

  /** True once its interlocutor has shown that the address is its own. */
  @Column('boolean', { name: 'email_verified' })
  emailVerified: boolean;

  /** Keyed, within the subscriber: contacts that share an address are found by it. */
  @Column('bytea', { name: 'address_hash', nullable: true })
  addressHash: Buffer | null;

  /** Keyed, of the id that the client gave the acceptance: repeated, it makes no second contact. */
  @Column('bytea', { name: 'joining_key', nullable: true })
  joiningKey: Buffer | null;

  /** Keyed hash of the content of that acceptance. */
  @Column('bytea', { name: 'joining_digest', nullable: true })
  joiningDigest: Buffer | null;

  /** The contact's own copy of the interlocutor's identity, sealed with the contact's key. */
  @Column('bytea')
  identity: Buffer;

  @Column('text', { nullable: true })
  region: string | null;

  @Column('text', { nullable: true })
  province: string | null;

  @Column('text', { nullable: true })
  sector: string | null;

  /** The latest answer about promotions. */
  @Column('boolean')
  promotions: boolean;

  /** The version of the privacy policy that was accepted. */
  @Column('integer', { name: 'privacy_version' })
  privacyVersion: number;

  /** The subscriber's note on the contact, sealed with the contact's key. */
  @Column('bytea', { nullable: true })
  note: Buffer | null;

  /** Telephone number that the subscriber writes down, sealed with the contact's key. */
  @Column('bytea', { nullable: true })
  phone: Buffer | null;

  /** The contact's id in the subscriber's own systems, sealed with the contact's key. */
  @Column('bytea', { name: 'external_id', nullable: true })
  externalId: Buffer | null;

  /** Its digest under the subscriber's key: found exactly, and given once. */
  @Column('bytea', { name: 'external_id_hash', nullable: true })
  externalIdHash: Buffer | null;

  @Column('timestamptz', { name: 'joined_at' })
  joinedAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;

  /** Time of the latest change of the interlocutor's identity, for the head of the conversation. */
  @Column('timestamptz', { name: 'profile_changed_at', nullable: true })
  profileChangedAt: Date | null;
}
