import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Locale } from '../contract/common.js';
import type { StopReason } from '../contract/broadcasts.js';
import type { BroadcastKind, BroadcastReason, BroadcastState } from '../contract/events.js';

/** One text for many contacts. The ledger `broadcast_recipient` records whom it has reached. */
@Entity('broadcast')
export class Broadcast {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  subscriberId: string;

  @PrimaryColumn('uuid')
  id: string;

  @Column('text', { name: 'client_id' })
  clientId: string;

  /** Keyed digest of the whole request, under the subscriber's key: it tells a retry from another request. */
  @Column('bytea')
  digest: Buffer;

  @Column('text')
  kind: BroadcastKind;

  @Column('text', { nullable: true })
  reason: BroadcastReason | null;

  /** Sealed with the subscriber's key. */
  @Column('bytea')
  body: Buffer;

  /** Set if each recipient gets its own text, because the text has fields. */
  @Column('boolean')
  personal: boolean;

  /** Sealed with the subscriber's key. */
  @Column('bytea')
  audience: Buffer;

  /** The language of the business when it was made. */
  @Column('text')
  locale: Locale;

  /** The member. */
  @Column('uuid', { name: 'author_id' })
  authorId: string;

  @Column('text')
  state: BroadcastState;

  /** Why it was stopped by the service. */
  @Column('text', { name: 'stop_reason', nullable: true })
  stopReason: StopReason | null;

  /** Size of the audience, counted when the broadcast was made and again when it began; likewise for the skipped. */
  @Column('integer')
  recipients: number;

  @Column('integer', { name: 'left_out' })
  leftOut: number;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'send_at' })
  sendAt: Date;

  /** Latest time at which the broadcast may start or resume by itself; after it, it is held. */
  @Column('timestamptz', { name: 'not_after' })
  notAfter: Date;

  /** Rises whenever it is edited. */
  @Column('integer')
  edition: number;

  /** Contacts who joined later are not in it. */
  @Column('timestamptz', { name: 'started_at', nullable: true })
  startedAt: Date | null;

  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt: Date | null;

  /** The last contact that was dealt with, in the order of their ids. */
  @Column('uuid', { nullable: true })
  checkpoint: string | null;

  @Column('integer')
  sent: number;

  @Column('integer')
  skipped: number;

  /** Number of its files. */
  @Column('smallint')
  files: number;

  /** Time since which it is empty, because its business keeps nothing for longer; statements alone write it. */
  @Column({ type: 'timestamptz', name: 'expired_at', nullable: true, select: false, insert: false, update: false })
  expiredAt?: Date | null;
}
