import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Scanner } from '../media/scanner.service.js';
import { ScannerAway } from '../media/media.errors.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { JobFailure, Jobs } from '../platform/jobs/jobs.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { type Room, rooms } from '../platform/realtime/rooms.js';
import { ObjectMissing, StorageFailure } from '../platform/storage/storage.js';
import { KeyGoneError } from '../platform/vault/keyring.js';
import { Attachments } from './attachments.service.js';
import {
  type AttachmentRow,
  byIdsQuery,
  partyOfConversationQuery,
  pendingSinceQuery,
  scannedQuery,
} from './attachments.queries.js';
import { FileErasures } from './file-erasures.service.js';

interface AttachmentId extends Record<string, string> {
  subscriberId: string;
  attachmentId: string;
}

/** A scanner that is away is asked again for days; the sweep asks again after that. */
const scanAttachment = defineJob<AttachmentId>('attachment.scan', {
  retryLimit: 100,
  retryDelay: 5,
  retryBackoff: true,
  retryDelayMax: 15 * 60,
  expireInSeconds: 600,
});

/** Asks again for files whose job was given up, or that waited for a scanner that is not set up any more. */
const scanPending = defineJob('attachment.pending', { cron: '*/15 * * * *', expireInSeconds: 600 });

const pendingMinutes = 15;
const pendingAtOnce = 100;

/** A message whose file has changed. */
export interface ChangedMessage {
  subscriberId: string;
  conversationId: string;
  seq: number;
}

/** Place of such a message, with the revision of the change if it was counted as one. */
interface ChangedPlace {
  conversationId: string;
  seq: number;
  revision?: number;
  changedAt?: string;
}

export interface MessageChanges {
  /** Locks a conversation until the transaction ends. */
  lock: (manager: EntityManager, subscriberId: string, conversationId: string) => Promise<void>;
  /** Counts a change of a message, in the locked conversation. */
  countChange: (manager: EntityManager, message: ChangedMessage) => Promise<{ revision: number; changedAt: Date }>;
}

/** Has files looked at by the virus scanner, and tells the outcome to those whose files they are. */
@Injectable()
export class Scans {
  private messages: MessageChanges | undefined;

  constructor(
    private readonly attachments: Attachments,
    private readonly database: DataSource,
    private readonly fileErasures: FileErasures,
    private readonly jobs: Jobs,
    private readonly realtime: Realtime,
    private readonly scanner: Scanner,
  ) {
    jobs.handle(scanAttachment, (id) => this.scan(id));
    jobs.handle(scanPending, () => this.scanPending());
  }

  /** The slice of messages says how a change of one is written down. */
  changeMessagesBy(messages: MessageChanges): void {
    this.messages = messages;
  }

  plan(manager: EntityManager, id: AttachmentId): Promise<void> {
    return this.jobs.add(manager, scanAttachment, id);
  }

  /** @throws JobFailure while the scanner or the storage is away */
  async scan({ subscriberId, attachmentId }: AttachmentId): Promise<void> {
    const [row] = await this.database.query<AttachmentRow[]>(byIdsQuery, [subscriberId, [attachmentId]]);
    if (row?.state !== 'pending') return;
    const outcome = this.scanner.configured ? await this.outcomeOf(row) : 'unscanned';
    if (outcome) await this.settle(row, outcome);
  }

  /** @throws JobFailure while the scanner or the storage is away */
  async scanPending(now = Date.now()): Promise<void> {
    const before = new Date(now - pendingMinutes * 60 * 1000);
    const rows = await this.database.query<{ subscriber_id: string; id: string }[]>(pendingSinceQuery, [
      before,
      pendingAtOnce,
    ]);
    for (const row of rows) await this.scan({ subscriberId: row.subscriber_id, attachmentId: row.id });
  }

  /**
   * Tells of files that were settled just before they were sent: their message may have been told with what was known before.
   */
  async tellAgain(subscriberId: string, ids: readonly string[]): Promise<void> {
    const rows = await this.database.query<AttachmentRow[]>(byIdsQuery, [subscriberId, ids]);
    for (const row of rows.filter(({ state }) => state !== 'pending')) await this.tell(row, { message: placeOf(row) });
  }

  private async outcomeOf(row: AttachmentRow): Promise<'clean' | 'infected' | undefined> {
    try {
      const bytes = await this.attachments.bytesOf(row);
      return await this.scanner.scan(Readable.from(bytes.range(), { objectMode: false }));
    } catch (error) {
      if (error instanceof KeyGoneError) return undefined;
      if (error instanceof ScannerAway) throw new JobFailure(`scanner_${error.code}`);
      if (error instanceof StorageFailure) throw new JobFailure(`storage_${error.code}`);
      if (error instanceof ObjectMissing) throw new JobFailure('object_missing');
      throw error;
    }
  }

  /** The conversation is locked first, as by a send: so the file is either sent before this or after it. */
  private async settle(row: AttachmentRow, outcome: 'clean' | 'infected' | 'unscanned'): Promise<void> {
    const { subscriber_id: subscriberId, id, contact_id: conversationId } = row;
    const state = outcome === 'infected' ? 'rejected' : 'ready';
    const changed = await this.database.transaction(async (manager) => {
      if (conversationId !== null) await this.messages!.lock(manager, subscriberId, conversationId);
      const [scanned] = await manager.query<{ seq: number | null }[]>(scannedQuery, [
        subscriberId,
        id,
        state,
        outcome !== 'unscanned',
      ]);
      if (!scanned) return undefined;
      if (state === 'rejected') await this.fileErasures.eraseBytes(manager, subscriberId, id);
      const { seq } = scanned;
      if (conversationId === null || seq === null) return { message: null };
      const place = { conversationId, seq };
      const { revision, changedAt } = await this.messages!.countChange(manager, { subscriberId, ...place });
      return { message: { ...place, revision, changedAt: changedAt.toISOString() } };
    });
    if (changed) await this.tell(row, changed);
  }

  private async tell(
    { subscriber_id: subscriberId, id, account_id: accountId }: AttachmentRow,
    { message }: { message: ChangedPlace | null },
  ): Promise<void> {
    const concerned: Room[] = message
      ? await this.roomsOf(subscriberId, message.conversationId)
      : [rooms.ofAccount(accountId)];
    const [attachment] = await this.attachments.byIds(subscriberId, [id]);
    if (!attachment) return;
    this.realtime.tell(concerned, 'attachment.changed', { id, state: attachment.state, attachment, message });
  }

  private async roomsOf(subscriberId: string, conversationId: string): Promise<Room[]> {
    const parties = await this.database.query<{ interlocutor_id: string }[]>(partyOfConversationQuery, [
      subscriberId,
      conversationId,
    ]);
    return [rooms.ofSubscriber(subscriberId), ...parties.map((each) => rooms.ofInterlocutor(each.interlocutor_id))];
  }
}

function placeOf({ contact_id: conversationId, seq }: AttachmentRow): ChangedPlace | null {
  return conversationId === null || seq === null ? null : { conversationId, seq };
}
