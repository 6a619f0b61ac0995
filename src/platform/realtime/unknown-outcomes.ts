import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { isUnknownOutcome } from '../sqlstate.js';
import { Realtime } from './realtime.js';
import type { Room } from './rooms.js';

const retryMilliseconds = 1_000;

/** Returns the rooms of the devices that would have been told. */
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
   * Does work that ends with a commit. If the outcome is unknown, closes the connections in these rooms once the database
   * answers again, so that their clients reconnect and catch up.
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

  /** Waits, because a server that has lost its client may still be committing. */
  private scheduleReconnects(): void {
    this.waiting ??= setTimeout(() => {
      this.waiting = undefined;
      void this.reconnect();
    }, retryMilliseconds).unref();
  }

  private async reconnect(): Promise<void> {
    // Those added meanwhile must wait equally long.
    const { concerned } = this;
    this.concerned = [];
    const found = new Set<Room>();
    try {
      await this.database.query('SELECT');
      for (const rooms of concerned) for (const room of await rooms()) found.add(room);
    } catch {
      this.concerned.push(...concerned);
      // A stopped service has no devices.
      return this.database.isInitialized ? this.scheduleReconnects() : undefined;
    }
    this.realtime.interrupt([...found]);
  }
}
