import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { isUnknownOutcome } from '../sqlstate.js';
import { type Audience, Realtime } from './realtime.js';

const retryMilliseconds = 1_000;

/**
 * Commits whose outcome is unknown: the answer of the database was lost, and what was to be stored may be stored all the
 * same. The devices that would have heard of it are made to reconnect and catch up.
 */
@Injectable()
export class UnknownOutcomes {
  private audiences = new Set<Audience>();
  private waiting: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: DataSource,
    private readonly realtime: Realtime,
  ) {}

  /**
   * Does work that ends with a commit. When its outcome is unknown, the connections of these audiences are closed once the
   * database answers again: their clients come back by themselves, and catch up.
   * @param audiences called when the outcome is unknown
   */
  async guard<Result>(audiences: () => Iterable<Audience>, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (isUnknownOutcome(error)) {
        for (const audience of audiences()) this.audiences.add(audience);
        this.scheduleReconnects();
      }
      throw error;
    }
  }

  /** Never at once: a server that has lost its client may still be committing. */
  private scheduleReconnects(): void {
    this.waiting ??= setTimeout(() => {
      this.waiting = undefined;
      void this.reconnect();
    }, retryMilliseconds).unref();
  }

  private async reconnect(): Promise<void> {
    // Those that are added meanwhile have to wait as long.
    const audiences = this.audiences;
    this.audiences = new Set();
    try {
      await this.database.query('SELECT');
    } catch {
      for (const audience of audiences) this.audiences.add(audience);
      // Stopped, the service has no devices any more.
      return this.database.isInitialized ? this.scheduleReconnects() : undefined;
    }
    this.realtime.interrupt([...audiences]);
  }
}
