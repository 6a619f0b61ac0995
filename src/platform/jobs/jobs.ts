import { Injectable } from '@nestjs/common';
import { type Db, PgBoss } from 'pg-boss';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import { poolOf } from '../database-pool.js';
import { Log } from '../log.js';
import { type JobKind, type JobPayload, jobKinds } from './job-kinds.js';

/** A job failed in a known way. Its code is all that is kept of it: an error's text may quote what people wrote. */
export class JobFailure extends Error {
  override readonly name = 'JobFailure';

  constructor(readonly code: string) {
    super(code);
  }
}

type Handler = (payload: JobPayload) => Promise<void>;

/**
 * Intervals of polling. Jobs of this process start at once; polling finds retries, deferred jobs, and jobs after a crash. Each
 * kind has an interval of its own: all at the same moment, they would keep messages waiting for up to 40 ms.
 */
const pollingSeconds = { least: 12, most: 18 };

/**
 * Work that has to happen, kept in PostgreSQL until it has. A job is added in the transaction that makes it necessary;
 * its payload holds ids only.
 */
@Injectable()
export class Jobs {
  private readonly handlers = new Map<string, Handler>();
  private readonly boss: PgBoss;
  /** Workers by kinds of job. */
  private readonly workers = new Map<string, string>();
  private started = false;

  constructor(
    private readonly database: DataSource,
    private readonly log: Log,
  ) {
    this.boss = new PgBoss({ db: this.connection(), schema: 'jobs', persistWarnings: false });
    this.boss.on('error', (error) => this.log.failure(error));
    this.database.subscribers.push({ afterTransactionCommit: ({ queryRunner }) => this.wake(addedIn(queryRunner)) });
  }

  /** Registers the handler of a kind of job; must be called before the application has started. */
  handle<Payload extends JobPayload>(kind: JobKind<Payload>, handler: (payload: Payload) => Promise<void>): void {
    this.handlers.set(kind.name, handler as Handler);
  }

  /** Adds a job in a transaction: it is done if the transaction commits, and never if it does not. */
  async add<Payload extends JobPayload>(
    manager: EntityManager,
    { name }: JobKind<Payload>,
    payload: Payload,
    options: { startAfter?: Date; singletonKey?: string; priority?: number } = {},
  ): Promise<void> {
    await this.boss.send(name, payload, { ...options, db: inTransaction(manager) });
    // A deferred one is found by polling.
    if (!options.startAfter) addedIn(manager.queryRunner!).add(name);
  }

  /**
   * Prepares the queues, once every slice has registered its handlers; from then on jobs can be added.
   * @throws Error naming a kind of job without a handler
   */
  async prepareQueues(): Promise<void> {
    const orphans = jobKinds.filter(({ name }) => !this.handlers.has(name)).map(({ name }) => name);
    if (orphans.length > 0) throw new Error(`no handler for ${orphans.join(', ')}`);
    await this.boss.start();
    this.started = true;
    for (const { name, options } of jobKinds) {
      const { cron, exclusive, ...queue } = options;
      await this.boss.createQueue(name, { policy: exclusive ? 'exclusive' : 'standard' });
      await this.boss.updateQueue(name, { retryLimit: 2, ...queue });
      if (cron) await this.boss.schedule(name, cron);
    }
  }

  /** Starts a worker for each kind of job. */
  async startWorkers(): Promise<void> {
    const { least, most } = pollingSeconds;
    for (const [index, kind] of jobKinds.entries()) {
      await this.work(kind, least + ((most - least) * index) / jobKinds.length);
    }
  }

  /** Shuts down gracefully: starts no more jobs, and waits that long for those under way. Unfinished jobs are retried later. */
  async end(milliseconds: number): Promise<void> {
    if (!this.started) return;
    this.started = false;
    await this.boss.stop({ graceful: true, timeout: milliseconds, close: false });
  }

  private async work({ name }: JobKind<JobPayload>, pollingIntervalSeconds: number): Promise<void> {
    const worker = await this.boss.work<JobPayload>(name, { pollingIntervalSeconds }, async ([job]) => {
      try {
        await this.handlers.get(name)!(job!.data);
      } catch (error) {
        if (!(error instanceof JobFailure)) this.log.failure(error, { job: name });
        throw onlyCode(error);
      } finally {
        // Where there was one there may be more.
        this.wake([name]);
      }
    });
    this.workers.set(name, worker);
  }

  private wake(names: Iterable<string>): void {
    for (const name of names) {
      const worker = this.workers.get(name);
      if (worker) this.boss.notifyWorker(worker);
    }
  }

  /** pg-boss works over the pool that everything else uses. */
  private connection(): Db {
    return { executeSql: (text, values) => poolOf(this.database).query(text, values) };
  }
}

/** The kinds of job that a transaction has added; they are forgotten with its connection. */
function addedIn({ data }: QueryRunner): Set<string> {
  return (data['jobs'] ??= new Set<string>()) as Set<string>;
}

function inTransaction(manager: EntityManager): Db {
  return {
    executeSql: async (text, values) => {
      const result = await manager.queryRunner!.query(text, values as unknown[], true);
      return { rows: result.records ?? [] };
    },
  };
}

/** pg-boss stores what a job throws, so it throws a code without a stack. */
function onlyCode(error: unknown): Error {
  const failure = new Error(error instanceof JobFailure ? error.code : 'failed');
  failure.stack = '';
  return failure;
}
