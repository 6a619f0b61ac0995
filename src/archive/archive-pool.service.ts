import { createHash } from 'node:crypto';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Pool, QueryResultRow } from 'pg';
import { DataSource } from 'typeorm';
import { searchConnectionSeconds, searchPool } from '../platform/database.js';
import type { Statement } from './archive.queries.js';

/** Texts of statements that a connection keeps the plans of. */
const preparedAtMost = 100;

/** Connections of their own for searches of the archive. */
@Injectable()
export class ArchivePool implements OnApplicationShutdown {
  readonly pool: Pool;
  private prepared = new Map<string, string>();
  private preparedSince = 0;

  constructor(database: DataSource) {
    this.pool = searchPool(database);
    // The next statement replaces an idle connection that broke.
    this.pool.on('error', () => {});
  }

  /** Rows of a statement. A text that was asked before is not planned again: planning two years of months takes 3 ms. */
  async rows<Row extends QueryResultRow>({ text, values }: Statement): Promise<Row[]> {
    const name = this.nameOf(text);
    return (await this.pool.query<Row>({ ...(name && { name }), text, values })).rows;
  }

  /** @returns undefined for a text beyond the most that connections keep */
  private nameOf(text: string): string | undefined {
    if (performance.now() - this.preparedSince > searchConnectionSeconds * 1000) {
      this.prepared = new Map();
      this.preparedSince = performance.now();
    }
    const known = this.prepared.get(text);
    if (known !== undefined || this.prepared.size >= preparedAtMost) return known;
    const name = createHash('sha256').update(text).digest('base64url').slice(0, 22);
    this.prepared.set(text, name);
    return name;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
