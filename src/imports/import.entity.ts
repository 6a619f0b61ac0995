import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A file of people to invite. */
@Entity('import')
export class Import {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  subscriberId: string;

  @PrimaryColumn('uuid')
  id: string;

  /** Name of the file, sealed. */
  @Column('bytea')
  name: Buffer;

  /** In which a text was read; null of a workbook. */
  @Column('text', { nullable: true })
  encoding: string | null;

  /** Language of the mails and letters. */
  @Column('text')
  locale: string;

  /** The member. */
  @Column('uuid', { name: 'created_by' })
  createdBy: string;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('integer')
  total: number;

  @Column('integer')
  done: number;

  @Column('timestamptz', { name: 'finished_at', nullable: true })
  finishedAt: Date | null;

  /** Set with `finishedAt`. */
  @Column('timestamptz', { name: 'cancelled_at', nullable: true })
  cancelledAt: Date | null;
}

/** Lines that wait, sealed with the subscriber's key. What has been dealt with is gone. */
@Entity('import_chunk')
export class ImportChunk {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  subscriberId: string;

  @PrimaryColumn('uuid', { name: 'import_id' })
  importId: string;

  /** Number of its first record, from 1. */
  @PrimaryColumn('integer')
  number: number;

  @Column('bytea')
  lines: Buffer;
}

/** The result of a record of the file, without personal data. */
@Entity('import_line')
export class ImportLine {
  @PrimaryColumn('uuid', { name: 'subscriber_id' })
  subscriberId: string;

  @PrimaryColumn('uuid', { name: 'import_id' })
  importId: string;

  /** Number of the record, from 1, without header and empty lines. */
  @PrimaryColumn('integer')
  number: number;

  @Column('integer', { name: 'file_line' })
  fileLine: number;

  @Column('text')
  outcome:
    | 'invited'
    | 'corrected'
    | 'already_there'
    | 'already_invited'
    | 'duplicate_in_file'
    | 'asked_not_to_be_written_to'
    | 'invalid';

  /** Delivery of the created invitation. */
  @Column('text', { nullable: true })
  via: 'mail' | 'letter' | null;

  /** The line of the file that names the same person, or has the same address or code. */
  @Column('integer', { name: 'same_as', nullable: true })
  sameAs: number | null;

  /** The field that is not valid, or was left out. */
  @Column('text', { nullable: true })
  field: string | null;

  @Column('text', { nullable: true })
  reason: string | null;

  @Column('uuid', { name: 'invitation_id', nullable: true })
  invitationId: string | null;
}
