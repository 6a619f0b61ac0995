import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { BegunBroadcast, Change, Consumer, StoredChange } from '../change-feed/consumers.js';
import { type Config, CONFIG } from '../platform/config.js';
import { addBroadcastsQuery, lanes, waitQuery } from './push.queries.js';
import { PushRounds } from './push-rounds.service.js';

/** A message is not told any more after this. */
const newsMilliseconds = 24 * 60 * 60 * 1000;

/** Time for the transaction to commit, before which nothing of it is seen. */
const commitSeconds = 0.1;

/** Has messages wait until it is known if a device has received them: the consumer of changes that notifications are made of. */
@Injectable()
export class PushWaits implements Consumer {
  readonly name = 'push';
  readonly minInterval = 1_000;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly rounds: PushRounds,
  ) {}

  async see(manager: EntityManager, changes: readonly Change[]): Promise<void> {
    const latest = new Map<string, StoredChange>();
    /** Times of the first message of each, from which the wait counts. */
    const since = new Map<string, Date>();
    for (const change of changes) {
      if (change.state !== 'stored' || !isNews(change.sentAt)) continue;
      const key = `${change.conversationId} ${change.sender}`;
      latest.set(key, change);
      if (!since.has(key)) since.set(key, change.sentAt);
    }
    if (latest.size === 0) return;
    const stored = [...latest.values()];
    const times = [...since.values()];
    await manager.query(waitQuery, [
      stored.map(({ subscriberId }) => subscriberId),
      stored.map(({ conversationId }) => conversationId),
      stored.map(({ sender }) => (sender === 'subscriber' ? 'interlocutor' : 'subscriber')),
      stored.map(({ seq }) => seq),
      times,
      this.config.pushWaitSeconds,
    ]);
    const earliest = times.reduce((a, b) => (a < b ? a : b));
    const passedSeconds = (Date.now() - earliest.getTime()) / 1000;
    this.rounds.wakeIn(lanes.messages, Math.max(0, this.config.pushWaitSeconds - passedSeconds) + commitSeconds);
  }

  async seeBroadcasts(manager: EntityManager, broadcasts: readonly BegunBroadcast[]): Promise<void> {
    const news = broadcasts.filter(({ startedAt }) => isNews(startedAt));
    if (news.length === 0) return;
    await manager.query(addBroadcastsQuery, [news.map(({ subscriberId }) => subscriberId), news.map(({ id }) => id)]);
    this.rounds.wakeIn(lanes.broadcasts, commitSeconds);
  }

  /** Waits and notices go with their conversation. */
  forget(): Promise<Record<string, never>> {
    return Promise.resolve({});
  }
}

const isNews = (at: Date) => at.getTime() > Date.now() - newsMilliseconds;
