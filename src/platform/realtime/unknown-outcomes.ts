import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { isUnknownOutcome } from '../sqlstate.js';
import { Realtime } from './realtime.js';
import type { Room } from './rooms.js';

const retryMilliseconds = 1_000;

/** Gives the rooms of the devices that would have heard. */
type Concerned = () => Iterable<Room> | Promise<Iterable<Room>>;

/**
 * Commits with an unknown outcome: the database's answer was lost, so the data may or may not be stored. The affected devices
 * must reconnect and catch up.
 */
@Injectable()
export class UnknownOutcomes {
  private concerned: Concerned[] = [];
  private waiting: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: DataSource,
    private readonly realtime: Realtime,
  ) {}

  /**
   * Does work that ends with a commit. When its outcome is unknown, the connections in these rooms are closed once the
   * database answers again: their clients come back by themselves, and catch up.
   * @param rooms called when the outcome is unknown, and the database answers again
   */
  async guard<Result>(rooms: Concerned, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (isUnknownOutcome(error)) {
        this.concerned.push(rooms);
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
    const { concerned } = this;
    this.concerned = [];
    const found = new Set<Room>();
    try {
      await this.database.query('SELECT');
      for (const rooms of concerned) for (const room of await rooms()) found.add(room);
    } catch {
      this.concerned.push(...concerned);
      // Stopped, the service has no devices any more.
      return this.database.isInitialized ? this.scheduleReconnects() : undefined;
    }
    this.realtime.interrupt([...found]);
  }
}
