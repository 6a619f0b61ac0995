import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Locale } from '../contract/common.js';

/** The business. Its data are shown to its interlocutors and stay in clear. */
@Entity('subscriber')
export class Subscriber {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  id: string;

  @Column('text', { name: 'business_name' })
  businessName: string;

  @Column('text')
  email: string;

  @Column('text')
  street: string;

  @Column('text', { name: 'street_number' })
  streetNumber: string;

  @Column('text')
  postcode: string;

  @Column('text')
  city: string;

  @Column('text', { nullable: true })
  province: string | null;

  @Column('text')
  country: string;

  @Column('text')
  category: string;

  @Column('text', { name: 'vat_number', nullable: true })
  vatNumber: string | null;

  @Column('text', { name: 'tax_code', nullable: true })
  taxCode: string | null;

  /** Language in which the subscriber's search and mails work. */
  @Column('text')
  locale: Locale;

  /** Zone of the IANA database for times without an offset. */
  @Column('text', { name: 'time_zone' })
  timeZone: string;

  /** The versions its owner has accepted. */
  @Column('integer', { name: 'terms_version' })
  termsVersion: number;

  @Column('integer', { name: 'privacy_version' })
  privacyVersion: number;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  /** Time of the latest change of its data or logo, for the heads of its conversations. */
  @Column('timestamptz', { name: 'profile_changed_at', nullable: true })
  profileChangedAt: Date | null;

  /** The full minute since which each side is told when the other has seen a message; null while seen times are off. */
  @Column('timestamptz', { name: 'seen_times_since', nullable: true })
  seenTimesSince: Date | null;

  /** Time of the latest switch of seen-times, for the heads of its conversations. */
  @Column('timestamptz', { name: 'seen_times_changed_at', nullable: true })
  seenTimesChangedAt: Date | null;

  /** Since then nothing is sent or received, and everything is kept. */
  @Column('timestamptz', { name: 'paused_at', nullable: true })
  pausedAt: Date | null;

  /** Time at which the owner asked to close it, and the time at which that is carried out. */
  @Column('timestamptz', { name: 'closing_asked_at', nullable: true })
  closingAskedAt: Date | null;

  @Column('timestamptz', { name: 'closes_at', nullable: true })
  closesAt: Date | null;

  /** Months after which messages are deleted, and since when that is so; null while they are kept. */
  @Column('smallint', { name: 'retention_months', nullable: true })
  retentionMonths: number | null;

  @Column('timestamptz', { name: 'retention_from', nullable: true })
  retentionFrom: Date | null;

  // Statements alone read and write the next ones.
  @Column({ type: 'uuid', name: 'closing_told_id', nullable: true, select: false, insert: false, update: false })
  closingToldId?: string | null;

  @Column({ type: 'timestamptz', name: 'closing_told_at', nullable: true, select: false, insert: false, update: false })
  closingToldAt?: Date | null;

  @Column({ type: 'uuid', name: 'closing_erasure_id', nullable: true, select: false, insert: false, update: false })
  closingErasureId?: string | null;

  @Column({ type: 'timestamptz', name: 'closed_at', nullable: true, select: false, insert: false, update: false })
  closedAt?: Date | null;

  @Column({ type: 'timestamptz', name: 'stopped_at', nullable: true, select: false, insert: false, update: false })
  stoppedAt?: Date | null;
}

@Entity('subscriber_logo')
export class SubscriberLogo {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  subscriberId: string;

  @Column('text', { name: 'media_type' })
  mediaType: string;

  @Column('bytea')
  bytes: Buffer;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;
}
