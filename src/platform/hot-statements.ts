import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Pool, QueryResultRow } from 'pg';
import { DataSource, QueryFailedError } from 'typeorm';
import { reservedPool } from './database.js';

/** A named statement, so that each connection keeps it prepared. */
export interface HotStatement {
  name: string;
  text: string;
}

/**
 * Runs the few statements that every message needs, past TypeORM and over separate connections, so that a message never waits
 * behind lists and searches. TypeORM's query runner for each statement was also measured to outlive the next garbage
 * collection, which then takes longer while all messages wait.
 */
@Injectable()
export class HotStatements implements OnApplicationShutdown {
  readonly pool: Pool;

  constructor(database: DataSource) {
    this.pool = reservedPool(database);
    // The next statement replaces an idle connection that broke.
    this.pool.on('error', () => {});
  }

  /** @throws QueryFailedError, as TypeORM does */
  async query<Row extends QueryResultRow>({ name, text }: HotStatement, values: unknown[]): Promise<Row[]> {
    try {
      return (await this.pool.query<Row>({ name, text, values })).rows;
    } catch (error) {
      throw new QueryFailedError(text, values, error as Error);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
