import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { isUnknownOutcome } from '../sqlstate.js';
import { type Audience, Realtime } from './realtime.js';

const retryMilliseconds = 1_000;

/**
 * Lets devices catch up when nobody can say whether there was something to tell them: the answer of the database was lost,
 * and what it was to store may be stored all the same.
 */
@Injectable()
export class Misses {
  private audiences = new Set<Audience>();
  private waiting: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: DataSource,
    private readonly realtime: Realtime,
  ) {}

  /**
   * Does what ends with a commit. When its outcome stays unknown, the connections of those who would hear of it are closed
   * once the database answers again: their clients come back by themselves, and catch up.
   * @param audiences asked for when the outcome is unknown
   */
  async watch<Result>(audiences: () => Iterable<Audience>, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (isUnknownOutcome(error)) {
        for (const audience of audiences()) this.audiences.add(audience);
        this.wait();
      }
      throw error;
    }
  }

  /** Never at once: a server that has lost its client may still be committing. */
  private wait(): void {
    this.waiting ??= setTimeout(() => {
      this.waiting = undefined;
      void this.letCatchUp();
    }, retryMilliseconds).unref();
  }

  private async letCatchUp(): Promise<void> {
    // Whoever comes meanwhile has to wait as long.
    const audiences = this.audiences;
    this.audiences = new Set();
    try {
      await this.database.query('SELECT');
    } catch {
      for (const audience of audiences) this.audiences.add(audience);
      // Stopped, the service has no devices any more.
      return this.database.isInitialized ? this.wait() : undefined;
    }
    this.realtime.interrupt([...audiences]);
  }
}
