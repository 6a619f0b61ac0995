import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Log } from '../platform/log.js';
import type { Change, Consumer, Lag } from './consumers.js';
import { Feed } from './feed.js';

/** Hands every stored and withdrawn message to the work that is derived from it (docs/decisions/0016). */
@Injectable()
export class ChangeFeed {
  private readonly feeds: Feed[] = [];

  constructor(
    private readonly database: DataSource,
    private readonly log: Log,
  ) {}

  /** Adds a consumer; to be called before the application has started. */
  consume(consumer: Consumer): void {
    this.feeds.push(new Feed(consumer, this.database, this.log));
  }

  /** Tells of changes that were committed just now, which nothing waits for. */
  hint(change: Change): void {
    for (const feed of this.feeds) feed.hint(change);
  }

  /** Tells that a broadcast has begun. */
  hintBroadcast(): void {
    for (const feed of this.feeds) feed.hintBroadcast();
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
