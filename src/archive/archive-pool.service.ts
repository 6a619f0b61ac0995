import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { searchPool } from '../platform/database.js';

/** Connections of their own for searches of the archive. */
@Injectable()
export class ArchivePool implements OnApplicationShutdown {
  readonly pool: Pool;

  constructor(database: DataSource) {
    this.pool = searchPool(database);
    // A connection that breaks off while nobody uses it is replaced by the next statement.
    this.pool.on('error', () => {});
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
