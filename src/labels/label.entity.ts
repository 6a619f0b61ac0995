import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { LabelColor } from '../contract/label-colors.js';

/** A word that a subscriber sorts its contacts by. */
@Entity('label')
export class Label {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  subscriberId: string;

  @PrimaryColumn('uuid')
  id: string;

  /** Sealed with the subscriber's key. */
  @Column('bytea')
  name: Buffer;

  /** A digest of the folded name under the subscriber's key: no name twice. */
  @Column('bytea', { name: 'name_hash' })
  nameHash: Buffer;

  @Column('text', { nullable: true })
  color: LabelColor | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}
