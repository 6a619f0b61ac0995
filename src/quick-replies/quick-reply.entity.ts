import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A text that members of a subscriber send often. */
@Entity('quick_reply')
export class QuickReply {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  subscriberId: string;

  @PrimaryColumn('uuid')
  id: string;

  /** Sealed with the subscriber's key, as is the text. */
  @Column('bytea')
  title: Buffer;

  @Column('bytea')
  text: Buffer;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}
