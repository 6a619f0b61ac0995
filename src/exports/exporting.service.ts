import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { AccountHolders } from '../auth/account-holders.service.js';
import { pathOf } from '../auth/pages.js';
import type { Principal } from '../auth/principal.js';
import { limits } from '../contract/limits.js';
import type { ExportProblem } from '../contract/rights.js';
import { type Config, CONFIG } from '../platform/config.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { Log } from '../platform/log.js';
import { defineMail } from '../platform/mail/mail-kinds.js';
import { Outbox } from '../platform/mail/outbox.js';
import { timeInWords } from '../platform/mail/times.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';
import { StorageFailure } from '../platform/storage/storage.js';
import { KeyGoneError } from '../platform/vault/keyring.js';
import { AccountExports } from './account-exports.service.js';
import { ExportFiles } from './export-files.service.js';
import {
  beginQuery,
  type BegunRow,
  concerningContactsQuery,
  expiredQuery,
  type ExportRow,
  failedQuery,
  knownObjectsQuery,
  nextQuery,
  ofAccountsQuery,
  ofSubscribersQuery,
  progressQuery,
  readyQuery,
  remakeQuery,
  removeQuery,
  sizeOfInterlocutorQuery,
  sizeOfSubscriberQuery,
} from './exports.queries.js';
import { zipped } from './zip-writer.js';

/** Wakes the exporter: after one was asked for, and every minute for what a failure or a restart has left. */
const makeExports = defineJob('export.make', { cron: '* * * * *' });
/** Removes exports whose time is over: the key first, then the object and the row. */
const expireExports = defineJob('export.expire', { cron: '*/5 * * * *', expireInSeconds: 600 });
/** Removes objects that no export has: their attempt was killed before it was written down. */
const removeStray = defineJob('export.stray', { cron: '53 3 * * *', expireInSeconds: 600 });
const mailReady = defineJob<{ id: string }>('export.mail');

const exportReady = defineMail('export_ready', 'rights');

const progressMilliseconds = 1_000;
/** A message counts as so many bytes of progress. */
const messageUnits = 1_000;
const removedAtOnce = 100;

/** The attempt was overtaken: its export was removed, or is to be made anew. */
class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

/**
 * Makes exports in the background, a few at a time, and removes them when their time is over. An attempt that is interrupted leaves
 * nothing behind and is begun anew, under a new key of the file; only the row says that an export is ready.
 */
@Injectable()
export class Exporting implements OnModuleDestroy {
  private readonly origin: string;
  private readonly underWay = new Map<string, Promise<void>>();
  /** Exports that have failed, until the next minute. */
  private readonly resting = new Set<string>();
  private taking: Promise<void> | undefined;
  /** Set if more may have come while some was being taken. */
  private again = false;
  private stopped = false;

  constructor(
    @Inject(CONFIG) { publicUrl }: Config,
    private readonly database: DataSource,
    private readonly contents: AccountExports,
    private readonly files: ExportFiles,
    private readonly holders: AccountHolders,
    private readonly jobs: Jobs,
    private readonly log: Log,
    private readonly outbox: Outbox,
    private readonly realtime: Realtime,
  ) {
    this.origin = publicUrl.origin;
    jobs.handle(makeExports, async () => {
      this.resting.clear();
      await this.proceed();
    });
    jobs.handle(expireExports, () => this.expire());
    jobs.handle(removeStray, () => this.sweepStray());
    jobs.handle(mailReady, ({ id }) => this.mail(id));
  }

  /** Stops attempts in progress; the next start repeats them. */
  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    await this.taking;
    await Promise.all(this.underWay.values());
  }

  /** Removes the remains of killed attempts, and starts over. */
  async start(): Promise<void> {
    await this.log.attempt(() => this.sweepStray());
    await this.log.attempt(() => this.proceed());
  }

  /** Plans the making of an export, in the transaction that asks for it. */
  plan(manager: EntityManager): Promise<void> {
    return this.jobs.add(manager, makeExports, {});
  }

  /** Takes up what waits, as far as there is room. Attempts go on in the background. */
  proceed(): Promise<void> {
    this.again = true;
    this.taking ??= this.take().finally(() => (this.taking = undefined));
    return this.taking;
  }

  /** Removes exports whose time is over. */
  async expire(now = new Date()): Promise<void> {
    for (;;) {
      const rows = await this.database.query<ObjectOf[]>(expiredQuery, [now, removedAtOnce]);
      await this.remove(rows);
      if (rows.length < removedAtOnce) return;
    }
  }

  /** Removes exports: their keys first, so that they are unreadable at once, then the objects and the rows. */
  async remove(rows: readonly ObjectOf[]): Promise<void> {
    await this.files.destroyKeys(rows.map(({ id }) => id));
    await this.removeObjects(rows);
    await this.database.query(removeQuery, [rows.map(({ id }) => id)]);
  }

  /**
   * Removes exports that contain something of contacts, in the transaction that deletes the contacts; those in progress are
   * started again without them.
   */
  async forgetContacts(manager: EntityManager, subscriberId: string, contactIds: readonly string[]): Promise<void> {
    const rows = await manager.query<ObjectOf[]>(concerningContactsQuery, [subscriberId, contactIds]);
    if (rows.length === 0) return;
    const ids = rows.map(({ id }) => id);
    await this.files.destroyKeys(ids);
    await manager.query(remakeQuery, [ids]);
    await this.plan(manager);
    await this.removeUnreadable(rows);
  }

  /** Removes the exports of deleted accounts, likewise. */
  async forgetAccounts(manager: EntityManager, accountIds: readonly string[]): Promise<void> {
    await this.forget(manager, await manager.query<ObjectOf[]>(ofAccountsQuery, [accountIds]));
  }

  /** Removes the exports of subscribers' members, likewise. */
  async forgetSubscribers(manager: EntityManager, subscriberIds: readonly string[]): Promise<void> {
    await this.forget(manager, await manager.query<ObjectOf[]>(ofSubscribersQuery, [subscriberIds]));
  }

  /** Removes objects that belong to no export, and to no attempt under way. */
  async sweepStray(): Promise<void> {
    // An attempt has its object before its row says so; it is looked for again tomorrow.
    if (this.underWay.size > 0) return;
    const names: string[] = [];
    for await (const name of this.files.list()) names.push(name);
    for (let start = 0; start < names.length; start += removedAtOnce) {
      const some = names.slice(start, start + removedAtOnce);
      const rows = await this.database.query<{ object: string }[]>(knownObjectsQuery, [some]);
      const known = new Set(rows.map(({ object }) => object));
      for (const name of some) if (!known.has(name) && this.underWay.size === 0) await this.files.remove(name);
    }
  }

  private async forget(manager: EntityManager, rows: readonly ObjectOf[]): Promise<void> {
    const ids = rows.map(({ id }) => id);
    await this.files.destroyKeys(ids);
    await manager.query(removeQuery, [ids]);
    await this.removeUnreadable(rows);
  }

  /** Removes objects whose keys are gone. A storage that is away holds no erasure up: the sweep finds them later. */
  private async removeUnreadable(rows: readonly ObjectOf[]): Promise<void> {
    await this.log.attempt(() => this.removeObjects(rows));
  }

  private async removeObjects(rows: readonly ObjectOf[]): Promise<void> {
    for (const { object } of rows) if (object !== null) await this.files.remove(object);
  }

  private async take(): Promise<void> {
    while (this.again && !this.stopped && this.underWay.size < limits.exportsAtOnce) {
      this.again = false;
      const passedOver = [...this.underWay.keys(), ...this.resting];
      const [waiting] = await this.database.query<ExportRow[]>(nextQuery, [passedOver]);
      if (!waiting) continue;
      this.again = true;
      await this.files.prepareKey(waiting.id);
      const [[row]] = await this.database.query<[BegunRow[], number]>(beginQuery, [waiting.id]);
      if (!row) continue;
      const making = this.make(row)
        .catch((error: unknown) => {
          // The row says that it runs, and the next minute begins anew.
          this.resting.add(row.id);
          this.log.failure(error, { export: row.id });
        })
        .finally(() => {
          this.underWay.delete(row.id);
          if (!this.stopped) void this.log.attempt(() => this.proceed());
        });
      this.underWay.set(row.id, making);
    }
  }

  private async make(row: BegunRow): Promise<void> {
    try {
      const sealed = await this.files.seal(row.id, this.zip(row));
      const values = [row.id, row.edition, sealed.object, sealed.key, sealed.size, limits.exportHours];
      const ready = await this.database.transaction(async (manager) => {
        const [[updated]] = await manager.query<[ExportRow[], number]>(readyQuery, values);
        if (updated) await this.jobs.add(manager, mailReady, { id: row.id });
        return updated;
      });
      if (ready) this.tell(ready);
      else await this.files.remove(sealed.object);
    } catch (error) {
      if (this.stopped || error instanceof Overtaken || error instanceof KeyGoneError) return;
      await this.failed(row, error);
    }
  }

  /** The zip in pieces, which tells its progress, and ends with an error once its attempt was overtaken. */
  private async *zip(row: BegunRow): AsyncGenerator<Buffer, void, undefined> {
    const principal = principalOf(row);
    const total = await this.sizeOf(row);
    let done = 0;
    const contents = {
      principal,
      contactId: row.contact_id ?? undefined,
      locale: row.locale,
      exportedAt: new Date(),
      onProgress: (bytes: number, messages: number) => void (done += bytes + messages * messageUnits),
    };
    let toldAt = -Infinity;
    for await (const piece of zipped(contents.exportedAt, (zip) => this.contents.fill(zip, contents))) {
      if (this.stopped) throw new Overtaken();
      if (performance.now() - toldAt >= progressMilliseconds) {
        await this.progress(row, Math.min(done, total), total);
        toldAt = performance.now();
      }
      yield piece;
    }
    await this.progress(row, total, total);
  }

  /** @throws Overtaken */
  private async progress(row: ExportRow, done: number, total: number): Promise<void> {
    const values = [row.id, row.edition, Math.round(done), Math.round(total)];
    const [rows] = await this.database.query<[unknown[], number]>(progressQuery, values);
    if (rows.length === 0) throw new Overtaken();
    this.tell({ ...row, state: 'running', done, total });
  }

  private async sizeOf({ subscriber_id: subscriberId, holder_id: holderId, contact_id: contactId }: ExportRow) {
    const [{ total }] = subscriberId
      ? await this.database.query<[{ total: number }]>(sizeOfSubscriberQuery, [subscriberId])
      : await this.database.query<[{ total: number }]>(sizeOfInterlocutorQuery, [holderId, contactId]);
    return total;
  }

  private async failed({ id, edition, failures }: ExportRow, error: unknown): Promise<void> {
    const problem = problemOf(error);
    if (problem === 'internal') this.log.failure(error, { export: id });
    const final = problem === 'storage_full' || failures + 1 >= limits.exportAttempts;
    if (!final) this.resting.add(id);
    const values = [id, edition, problem, final, limits.exportHours];
    const [[row]] = await this.database.query<[ExportRow[], number]>(failedQuery, values);
    if (row && final) await this.files.destroyKeys([id]);
    if (row) this.tell(row);
  }

  private tell({ id, account_id: accountId, state, done, total }: ExportRow): void {
    this.realtime.tell(rooms.ofAccount(accountId), 'export.progressed', { id, state, done, total });
  }

  private async mail(id: string): Promise<void> {
    const [row] = await this.database.query<Pick<ExportRow, 'account_id' | 'expires_at'>[]>(
      `SELECT account_id, expires_at FROM export WHERE id = $1 AND state = 'ready'`,
      [id],
    );
    const holder = row && (await this.holders.find(row.account_id));
    if (!holder?.verified) return;
    const { accountId, kind, key, email, locale, username } = holder;
    const url = `${this.origin}${pathOf(kind, 'export', id)}`;
    const values = { username, until: timeInWords(row!.expires_at!, holder), url };
    const mail = { key, about: accountId, to: email, locale, mail: exportReady, values, notAfter: row!.expires_at! };
    await this.database.transaction((manager) => this.outbox.post(manager, mail));
  }
}

/** An export with the name of its object, if it has one. */
export type ObjectOf = Pick<ExportRow, 'id' | 'object'>;

/** An export reads as its account does, without a session. */
function principalOf(row: BegunRow): Principal {
  const account = { accountId: row.account_id, sessionId: '', locale: row.account_locale };
  return row.kind === 'interlocutor'
    ? { ...account, kind: 'interlocutor', interlocutorId: row.holder_id }
    : { ...account, kind: 'member', subscriberId: row.subscriber_id!, memberId: row.holder_id, role: 'owner' };
}

function problemOf(error: unknown): ExportProblem {
  if (!(error instanceof StorageFailure)) return 'internal';
  return error.code === 'full' ? 'storage_full' : 'unavailable';
}
