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
 * Asks the few statements that every message needs, past TypeORM and over connections of their own: whatever lists and
 * searches others ask for, a message does not wait behind them. Besides, the query runner that TypeORM makes for each
 * statement was measured to outlive the next collection of garbage, which takes longer for it, while everybody's messages
 * wait.
 */
@Injectable()
export class HotStatements implements OnApplicationShutdown {
  readonly pool: Pool;

  constructor(database: DataSource) {
    this.pool = reservedPool(database);
    // A connection that breaks off while nobody uses it is replaced by the next statement.
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
