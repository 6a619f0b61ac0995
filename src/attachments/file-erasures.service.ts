import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { Log } from '../platform/log.js';
import { Storage } from '../platform/storage/storage.js';
import {
  erasedQuery,
  eraseObjectsQuery,
  eraseQuery,
  freeQuery,
  knownObjectsQuery,
  objectIdsQuery,
  removedQuery,
  unsentSinceQuery,
} from './attachments.queries.js';
import { limits } from '../contract/limits.js';

/** Removes the objects of erased files; every few minutes for what a crash or a storage that was away has left. */
const removeObjects = defineJob('attachment.remove', { cron: '*/5 * * * *', expireInSeconds: 600, retryDelay: 10 });
/** Erases files that were never sent. */
const eraseUnsent = defineJob('attachment.unsent', { cron: '17 * * * *', expireInSeconds: 600 });
/** Removes objects that no row names: their service was killed between storing them and writing them down. */
const removeStray = defineJob('attachment.stray', { cron: '43 3 * * *', expireInSeconds: 3_600 });

const objectsAtOnce = 50;
const hour = 60 * 60 * 1000;
/** An upload that takes longer than this was given up. */
const strayAfter = 24 * hour;
/** A stray object is found by the first or second sweep; older names are not looked through again. */
const lookedBack = 8 * 24 * hour;

/** Erases files: their keys at once, with the transaction, and then their objects. */
@Injectable()
export class FileErasures {
  constructor(
    private readonly database: DataSource,
    private readonly jobs: Jobs,
    private readonly log: Log,
    private readonly storage: Storage,
    forgetting: Forgetting,
  ) {
    forgetting.register(
      {
        table: 'attachment',
        contact: (manager, { subscriberId, ids }, limit) =>
          this.forget(manager, 'contact_id = ANY ($2::uuid[])', [subscriberId, ids], limit),
        subscriber: (manager, { ids: [subscriberId] }, limit) => this.forget(manager, 'true', [subscriberId], limit),
      },
      // The rows of the objects go with those of their files.
      { table: 'attachment_object', subscriber: { kept: 'they go with their files' } },
      { table: 'erased_object', subscriber: { kept: 'they name what is still to be removed from the storage' } },
      { table: 'attachment_usage' },
    );
    jobs.handle(removeObjects, () => this.remove());
    jobs.handle(eraseUnsent, () => this.sweepUnsent());
    jobs.handle(removeStray, () => this.sweepStray());
  }

  /** Erases the files of a message. To be called in the transaction that withdraws it. */
  async ofMessage(manager: EntityManager, subscriberId: string, conversationId: string, seq: number): Promise<void> {
    await this.erase(manager, eraseQuery('contact_id = $2 AND seq = $3'), [subscriberId, conversationId, seq]);
  }

  /**
   * Erases the files of messages from one seq to another. To be called in the transaction that empties them.
   * @returns how many
   */
  async ofMessages(
    manager: EntityManager,
    {
      subscriberId,
      conversationId,
      from,
      to,
    }: { subscriberId: string; conversationId: string; from: number; to: number },
  ): Promise<number> {
    const which = 'contact_id = $2 AND seq BETWEEN $3 AND $4';
    return this.erase(manager, eraseQuery(which), [subscriberId, conversationId, from, to]);
  }

  /**
   * Erases the files of a broadcast. To be called in the transaction that empties it.
   * @returns how many
   */
  async ofBroadcast(manager: EntityManager, subscriberId: string, id: string): Promise<number> {
    return this.erase(manager, eraseQuery('broadcast_id = $2'), [subscriberId, id]);
  }

  /** Erases files of contacts, sent or not. Their objects go soon after the commit. */
  private async forget(
    manager: EntityManager,
    which: string,
    values: unknown[],
    limit: number,
  ): Promise<{ counts: { files: number; pictures: number }; more: boolean }> {
    const erased = await manager.query<{ pictures: number }[]>(eraseQuery(which, limit), values);
    if (erased.length > 0) await this.plan(manager);
    return { counts: { files: erased.length, pictures: erased[0]?.pictures ?? 0 }, more: erased.length === limit };
  }

  /**
   * Erases a file that its uploader has not sent.
   * @returns whether there was one
   */
  unsent(subscriberId: string, id: string, accountId: string): Promise<boolean> {
    const statement = eraseQuery('id = $2 AND account_id = $3 AND place IS NULL');
    const values = [subscriberId, id, accountId];
    return this.database.transaction(async (manager) => (await this.erase(manager, statement, values)) > 0);
  }

  /** Erases the bytes of a file and of its pictures; what is known of it stays. */
  async eraseBytes(manager: EntityManager, subscriberId: string, id: string): Promise<void> {
    const objects = await manager.query<{ id: string }[]>(objectIdsQuery, [subscriberId, id]);
    await manager.query(eraseObjectsQuery, [subscriberId, objects.map((object) => object.id)]);
    await manager.query(freeQuery, [subscriberId, id]);
    await this.plan(manager);
  }

  /** To be called in a transaction that leaves erased objects behind. */
  plan(manager: EntityManager): Promise<void> {
    return this.jobs.add(manager, removeObjects, {});
  }

  /** @returns how many files are gone */
  private async erase(manager: EntityManager, statement: string, values: unknown[]): Promise<number> {
    const erased = await manager.query<unknown[]>(statement, values);
    if (erased.length > 0) await this.plan(manager);
    return erased.length;
  }

  /** Removes erased objects from the storage, and forgets them once they are gone. */
  async remove(): Promise<void> {
    for (;;) {
      const objects = await this.database.query<{ subscriber_id: string; id: string }[]>(erasedQuery, [objectsAtOnce]);
      await Promise.all(objects.map(({ id }) => this.storage.remove(id)));
      await this.database.query(removedQuery, [
        objects.map(({ subscriber_id: subscriberId }) => subscriberId),
        objects.map(({ id }) => id),
      ]);
      if (objects.length < objectsAtOnce) return;
    }
  }

  /** Erases files that were uploaded and not sent in time. */
  async sweepUnsent(now = Date.now()): Promise<void> {
    const before = new Date(now - limits.unsentFileHours * hour);
    for (;;) {
      const rows = await this.database.query<{ subscriber_id: string; id: string }[]>(unsentSinceQuery, [
        before,
        objectsAtOnce,
      ]);
      for (const { subscriber_id: subscriberId, id } of rows) {
        await this.database.transaction((manager) =>
          this.erase(manager, eraseQuery('id = $2 AND place IS NULL'), [subscriberId, id]),
        );
      }
      if (rows.length < objectsAtOnce) return;
    }
  }

  /** Removes objects of the last days that belong to nothing. */
  async sweepStray(now = Date.now()): Promise<void> {
    let names: string[] = [];
    let removed = 0;
    const look = async () => {
      const rows = await this.database.query<{ id: string }[]>(knownObjectsQuery, [names]);
      const known = new Set(rows.map(({ id }) => id));
      for (const name of names) {
        if (known.has(name)) continue;
        await this.storage.remove(name);
        removed++;
      }
      names = [];
    };
    for await (const name of this.storage.list(nameAt(now - lookedBack), nameAt(now - strayAfter))) {
      names.push(name);
      if (names.length === objectsAtOnce) await look();
    }
    if (names.length > 0) await look();
    if (removed > 0) this.log.warning('removed objects that belonged to no file', { objects: removed });
  }
}

/** The first name that an object of a time can have: its first 48 bits are the milliseconds (RFC 9562, UUIDv7). */
function nameAt(time: number): string {
  const digits = Math.max(0, Math.floor(time)).toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-0000-0000-000000000000`;
}
