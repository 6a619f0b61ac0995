import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { isUnknownOutcome } from '../sqlstate.js';
import { Realtime } from './realtime.js';
import type { Room } from './rooms.js';

const retryMilliseconds = 1_000;

/**
 * Commits whose outcome is unknown: the answer of the database was lost, and what was to be stored may be stored all the
 * same. The devices that would have heard of it are made to reconnect and catch up.
 */
@Injectable()
export class UnknownOutcomes {
  private concerned = new Set<Room>();
  private waiting: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: DataSource,
    private readonly realtime: Realtime,
  ) {}

  /**
   * Does work that ends with a commit. When its outcome is unknown, the connections in these rooms are closed once the
   * database answers again: their clients come back by themselves, and catch up.
   * @param rooms called when the outcome is unknown
   */
  async guard<Result>(rooms: () => Iterable<Room>, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (isUnknownOutcome(error)) {
        for (const room of rooms()) this.concerned.add(room);
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
    const concerned = this.concerned;
    this.concerned = new Set();
    try {
      await this.database.query('SELECT');
    } catch {
      for (const room of concerned) this.concerned.add(room);
      // Stopped, the service has no devices any more.
      return this.database.isInitialized ? this.scheduleReconnects() : undefined;
    }
    this.realtime.interrupt([...concerned]);
  }
}
