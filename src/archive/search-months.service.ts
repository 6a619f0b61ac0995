import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

const monthsAhead = 2;

/** A month of the index: a partition of `search_entry`, and where it begins and ends. */
export interface Month {
  partition: string;
  from: Date;
  to: Date;
}

/** The monthly partitions of the index. */
@Injectable()
export class SearchMonths {
  /** Partitions that are there; none of them ever goes. */
  private readonly there = new Map<string, Month>();

  constructor(private readonly database: DataSource) {}

  /** Makes the partitions of this month and the next ones ahead, so that no message has to wait for one. */
  prepare(): Promise<void> {
    return this.ensure(monthsFrom(new Date(), monthsAhead));
  }

  /** The months that have a partition, the latest first. */
  async all(): Promise<Month[]> {
    const rows = await this.database.query<{ partition: string }[]>(
      `SELECT relname AS partition FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
       WHERE inhparent = 'search_entry'::regclass ORDER BY relname DESC`,
    );
    return rows.map(({ partition }) => monthOf(new Date(`${partition.slice(-7).replace('_', '-')}-01T00:00:00Z`)));
  }

  /** Makes the partitions that are missing for these times. Concurrent callers, also on other nodes, wait for each other. */
  async ensure(times: readonly Date[]): Promise<void> {
    const wanted = new Map(times.map((time) => [monthOf(time).partition, monthOf(time)]));
    const missing = [...wanted.values()].filter(({ partition }) => !this.there.has(partition));
    if (missing.length === 0) return;
    await this.database.transaction(async (manager) => {
      await manager.query(`SELECT pg_advisory_xact_lock(hashtext('search_months'))`);
      for (const { partition, from, to } of missing) {
        const [row] = await manager.query<[{ there: boolean }]>('SELECT to_regclass($1) IS NOT NULL AS there', [
          partition,
        ]);
        if (row.there) continue;
        // Attaching a table of its own, unlike making a partition, lets others read and write the index meanwhile.
        await manager.query(`CREATE TABLE ${partition} (LIKE search_entry INCLUDING DEFAULTS)`);
        await manager.query(
          `ALTER TABLE search_entry ATTACH PARTITION ${partition}
           FOR VALUES FROM ('${from.toISOString()}') TO ('${to.toISOString()}')`,
        );
      }
    });
    for (const month of missing) this.there.set(month.partition, month);
  }
}

/** The month of a time, in UTC. */
export function monthOf(time: Date): Month {
  const [year, month] = [time.getUTCFullYear(), time.getUTCMonth()];
  const name = `${String(year).padStart(4, '0')}_${String(month + 1).padStart(2, '0')}`;
  return {
    partition: `search_entry_${name}`,
    from: new Date(Date.UTC(year, month)),
    to: new Date(Date.UTC(year, month + 1)),
  };
}

function monthsFrom(time: Date, ahead: number): Date[] {
  return Array.from({ length: ahead + 1 }, (_, n) => new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + n)));
}
