import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A person or company in conversation with one or more subscribers. */
@Entity('interlocutor')
export class Interlocutor {
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'account_id' })
  accountId: string;

  /** Name and address, sealed with the interlocutor's key. Each contact has a copy under its own. */
  @Column('bytea')
  identity: Buffer;

  @Column('text', { nullable: true })
  region: string | null;

  @Column('text', { nullable: true })
  province: string | null;

  @Column('text', { nullable: true })
  sector: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}
