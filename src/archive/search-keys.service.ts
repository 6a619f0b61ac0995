import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { BoundedCache } from '../platform/bounded-cache.js';
import type { Holding } from '../platform/forgetting/holdings.js';

/** Days after which a subscriber gets another search key. */
const keyDays = 30;
const rememberedMilliseconds = 60_000;
/** Time by which every node writes with a new key; no older entry is made after it. */
const settledSeconds = 150;

/** The search key that entries are made with, by its number. */
export interface SearchKey {
  number: number;
  /** True while entries of the key before are left. */
  renewing: boolean;
}

/** A place in the index that a renewal has reached. */
export interface Place {
  sentAt: Date;
  id: string;
  seq: number;
}

/** A renewal that is under way. */
export interface Renewal {
  subscriberId: string;
  number: number;
  place: Place | undefined;
}

/** Numbers of the search keys, of which each subscriber gets another every month. */
@Injectable()
export class SearchKeys {
  private readonly known = new BoundedCache<string, SearchKey>(10_000, { ttl: rememberedMilliseconds });

  constructor(private readonly database: DataSource) {}

  async of(subscriberId: string): Promise<SearchKey> {
    const known = this.known.get(subscriberId);
    if (known) return known;
    const [row] = await this.database.query<SearchKey[]>(
      'SELECT number, done_at IS NULL AS renewing FROM search_key WHERE subscriber_id = $1',
      [subscriberId],
    );
    const key = row ?? { number: 0, renewing: false };
    this.known.set(subscriberId, key);
    return key;
  }

  /** Gives another key to subscribers that have had theirs for a month. */
  async begin(): Promise<void> {
    await this.database.query(
      `INSERT INTO search_key (subscriber_id, number, begun_at, done_at)
       SELECT subscriber_id, 0, now(), now() FROM subscriber ON CONFLICT DO NOTHING`,
    );
    await this.database.query(
      `UPDATE search_key
       SET number = number + 1, begun_at = now(), done_at = NULL, place_time = NULL, place_id = NULL, place_seq = NULL
       WHERE done_at IS NOT NULL AND begun_at < now() - interval '${keyDays} days'`,
    );
    this.known.clear();
  }

  /** Renewals whose new key every node uses by now. */
  async renewals(): Promise<Renewal[]> {
    const rows = await this.database.query<
      { subscriberId: string; number: number; time: Date | null; id: string; seq: number }[]
    >(
      `SELECT subscriber_id AS "subscriberId", number, place_time AS time, place_id AS id, place_seq AS seq FROM search_key
       WHERE done_at IS NULL AND begun_at < now() - interval '${settledSeconds} seconds' ORDER BY begun_at, subscriber_id`,
    );
    return rows.map(({ time, id, seq, ...renewal }) => ({
      ...renewal,
      place: time ? { sentAt: time, id, seq } : undefined,
    }));
  }

  async reach({ subscriberId, number }: Renewal, { sentAt, id, seq }: Place): Promise<void> {
    await this.database.query(
      `UPDATE search_key SET place_time = $3, place_id = $4, place_seq = $5
       WHERE subscriber_id = $1 AND number = $2 AND done_at IS NULL`,
      [subscriberId, number, sentAt, id, seq],
    );
  }

  async finish({ subscriberId, number }: Renewal): Promise<void> {
    await this.database.query('UPDATE search_key SET done_at = now() WHERE subscriber_id = $1 AND number = $2', [
      subscriberId,
      number,
    ]);
    this.known.delete(subscriberId);
  }
}

export const searchKeys: Holding = { table: 'search_key' };
