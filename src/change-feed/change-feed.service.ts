import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Log } from '../platform/log.js';
import type { ErasedCounts } from '../contract/erasures.js';
import { addCounts } from '../platform/forgetting/forgetting.js';
import type { Change, Consumer, GoneMessage, Lag } from './consumers.js';
import { consumersInTurn, Feed } from './feed.js';

/** Hands every stored and withdrawn message to the work that is derived from it (docs/decisions/0016). */
@Injectable()
export class ChangeFeed {
  private readonly feeds: Feed[] = [];
  private readonly consumers: Consumer[] = [];
  private readonly turns = consumersInTurn();

  constructor(
    private readonly database: DataSource,
    private readonly log: Log,
  ) {}

  /** Adds a consumer; to be called before the application has started. */
  consume(consumer: Consumer): void {
    this.consumers.push(consumer);
    this.feeds.push(new Feed(consumer, this.database, this.log, this.turns));
  }

  /** Tells of changes that were committed just now, which nothing waits for. */
  hint(change: Change): void {
    for (const feed of this.feeds) feed.hint(change);
  }

  /** Tells that a broadcast has begun. */
  hintBroadcast(): void {
    for (const feed of this.feeds) feed.hintBroadcast();
  }

  /** Has every consumer delete what it derived from messages that go in this transaction. */
  async forget(manager: EntityManager, messages: readonly GoneMessage[]): Promise<Partial<ErasedCounts>> {
    const counts: Partial<ErasedCounts> = {};
    for (const consumer of this.consumers) addCounts(counts, await consumer.forget(manager, messages));
    return counts;
  }

  start(): void {
    for (const feed of this.feeds) feed.start();
  }

  async end(): Promise<void> {
    await Promise.all(this.feeds.map((feed) => feed.end()));
  }

  lags(): Lag[] {
    return this.feeds.map(({ name, behindSeconds }) => ({ consumer: name, seconds: Math.floor(behindSeconds) }));
  }
}
