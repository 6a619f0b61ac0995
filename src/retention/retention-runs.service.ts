import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { NIL } from 'uuid';
import { BroadcastExpiries } from '../broadcasts/broadcast-expiries.service.js';
import { Expiries } from '../conversations/expiries.service.js';
import { inTurns } from '../platform/jobs/in-turns.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { Log } from '../platform/log.js';
import {
  beginRunsQuery,
  checkpointQuery,
  countQuery,
  finishQuery,
  forgetRunsQuery,
  type RunRow,
  runsUnderWayQuery,
} from './retention.queries.js';

/** Starts the deletion of old messages, every night. */
const beginRetention = defineJob('retention.begin', { cron: '23 2 * * *', expireInSeconds: 300 });
/** Continues the runs, and every few minutes those that a crash has interrupted. */
const proceedWithRetention = defineJob('retention.proceed', {
  cron: '*/10 * * * *',
  expireInSeconds: 600,
  retryDelay: 10,
});

const conversationsAtOnce = 50;
/** Slices of messages in one step, so that every business gets its turn. */
const slicesAtOnce = 20;

/** Deletes the old messages of businesses that do not keep them for good: once a day, in slices, going on after a crash. */
@Injectable()
export class RetentionRuns {
  constructor(
    private readonly broadcasts: BroadcastExpiries,
    private readonly database: DataSource,
    private readonly expiries: Expiries,
    private readonly jobs: Jobs,
    private readonly log: Log,
  ) {
    jobs.handle(beginRetention, () => this.begin());
    jobs.handle(proceedWithRetention, () => this.proceed());
  }

  async begin(now = new Date()): Promise<void> {
    await this.database.transaction(async (manager) => {
      await manager.query(beginRunsQuery, [now]);
      await this.jobs.add(manager, proceedWithRetention, {});
    });
  }

  /** Takes every run a step further in turn, for a few seconds. */
  async proceed(): Promise<void> {
    const runs = await this.database.query<RunRow[]>(runsUnderWayQuery);
    await inTurns(runs, (run) => this.proceedWith(run), {
      log: this.log,
      then: () => this.database.transaction((manager) => this.jobs.add(manager, proceedWithRetention, {})),
    });
  }

  /** @returns whether there is more to do */
  private async proceedWith(run: RunRow): Promise<boolean> {
    const { subscriberId, id } = run;
    const behind = run.checkpoint ?? NIL;
    const due = await this.expiries.due(run, { behind, limit: conversationsAtOnce });
    if (due.length > 0) {
      const done = await this.expire(run, due);
      if (done !== undefined) {
        run.checkpoint = done;
        await this.database.query(checkpointQuery, [subscriberId, id, done]);
      }
      return true;
    }
    const note = (manager: EntityManager, counts: { broadcasts: number; files: number }) =>
      this.count(manager, run, counts);
    if (await this.broadcasts.expire(run, note)) return true;
    await this.database.query(finishQuery, [subscriberId, id, await this.expiries.leftOut(run)]);
    await this.database.query(forgetRunsQuery, [subscriberId]);
    return false;
  }

  /** @returns the last conversation that is done with; undefined where the first one has so many messages that it is not */
  private async expire(run: RunRow, conversations: readonly string[]): Promise<string | undefined> {
    let done: string | undefined;
    let slices = 0;
    for (const conversation of conversations) {
      let more = true;
      while (more) {
        if (slices === slicesAtOnce) return done;
        slices++;
        more = await this.expiries.expire(run, conversation, (manager, counts) => this.count(manager, run, counts));
      }
      done = conversation;
    }
    return done;
  }

  private async count(
    manager: EntityManager,
    { subscriberId, id }: RunRow,
    { messages = 0, files = 0, broadcasts = 0 }: { messages?: number; files?: number; broadcasts?: number },
  ): Promise<void> {
    await manager.query(countQuery, [subscriberId, id, messages, files, broadcasts]);
  }
}
