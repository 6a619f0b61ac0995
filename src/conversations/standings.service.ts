import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Log } from '../platform/log.js';
import { settleQuery } from './conversations.queries.js';
import type { OwnConversation } from './conversations.service.js';

const delay = 1_000;
const settledAtOnce = 1_000;

/**
 * Takes conversations off the index of those that may be unread, some time after the subscriber has seen them: receipts
 * must not wait for the rows that sends lock. What is missed here, by a crash say, costs a list one look more.
 */
@Injectable()
export class Standings implements OnModuleDestroy {
  private readonly waiting = new Map<string, string>();
  private timer: NodeJS.Timeout | undefined;
  private settling: Promise<void> = Promise.resolve();

  constructor(
    private readonly database: DataSource,
    private readonly log: Log,
  ) {}

  async onModuleDestroy(): Promise<void> {
    clearTimeout(this.timer);
    await this.settling;
  }

  /** The subscriber has seen something of this conversation. */
  seen({ id, subscriberId }: OwnConversation): void {
    this.waiting.set(id, subscriberId);
    this.timer ??= setTimeout(() => {
      this.settling = this.settle();
    }, delay).unref();
  }

  private async settle(): Promise<void> {
    const some = [...this.waiting].slice(0, settledAtOnce);
    for (const [id] of some) this.waiting.delete(id);
    try {
      await this.database.query(settleQuery, [some.map(([, subscriberId]) => subscriberId), some.map(([id]) => id)]);
    } catch (error) {
      this.log.failure(error);
    }
    this.timer = undefined;
    const [next] = this.waiting;
    if (next) this.seen({ id: next[0], subscriberId: next[1] } as OwnConversation);
  }
}
