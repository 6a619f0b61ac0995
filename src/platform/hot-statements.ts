import { Injectable } from '@nestjs/common';
import type { Pool, QueryResultRow } from 'pg';
import { DataSource, QueryFailedError } from 'typeorm';

/** A statement under a name of its own, by which each connection keeps it prepared. */
export interface HotStatement {
  name: string;
  text: string;
}

/**
 * Asks the few statements that every message needs, past TypeORM but over its connections. The query runner that TypeORM
 * makes for each statement was measured to outlive the next collection of garbage, which takes longer for it, while
 * everybody's messages wait.
 */
@Injectable()
export class HotStatements {
  constructor(private readonly database: DataSource) {}

  /** @throws QueryFailedError, as TypeORM does */
  async query<Row extends QueryResultRow>({ name, text }: HotStatement, values: unknown[]): Promise<Row[]> {
    const { master } = this.database.driver as unknown as { master: Pool };
    try {
      return (await master.query<Row>({ name, text, values })).rows;
    } catch (error) {
      throw new QueryFailedError(text, values, error as Error);
    }
  }
}
