import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { NIL } from 'uuid';
import { type Config, CONFIG } from '../platform/config.js';
import { Log } from '../platform/log.js';
import { HandOvers, isRetry, type NoPush, type Outcome, type Push } from './hand-overs.service.js';
import { LaneWork } from './lane-work.js';
import {
  addRecipientsQuery,
  dropQuery,
  endBroadcastQuery,
  endWaitsQuery,
  type Lane,
  lanes,
  moveBroadcastQuery,
  nextBroadcastQuery,
  nextQuery,
  type Notice,
  type NoticeRef,
  postponeQuery,
  takeNoticesQuery,
  type Told,
  toldDeviceQuery,
  type ToldBroadcast,
  toldQuery,
} from './push.queries.js';
import { quietUntil } from './quiet-hours.js';

const waitsAtOnce = 500;
const recipientsAtOnce = 500;
/** No further recipients of broadcasts are taken on while so many wait to be told. */
const recipientsWaiting = 500;

/** Interval of looking whether a broadcast that is held goes on. */
const heldSeconds = 60;

const backOffSeconds = { first: 10, most: 15 * 60 };
/** A notice whose last message is this old is dropped; the next message has its own. */
const givenUpMilliseconds = 24 * 60 * 60 * 1000;

/** Sees to it that devices are told of what their parties have not received: when waits are over, and then one by one. */
@Injectable()
export class PushRounds {
  private readonly works: Record<Lane, LaneWork<Notice>>;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: DataSource,
    private readonly handOvers: HandOvers,
    log: Log,
  ) {
    const lane = (which: Lane, capacity: { concurrency: number; perSecond: number }, prepare: () => Promise<void>) =>
      new LaneWork<Notice>({
        ...capacity,
        prepare,
        take: (limit) => this.take(which, limit),
        work: (notice) => this.tell(notice, which),
        next: () => this.secondsUntilNext(which),
        log,
      });
    this.works = {
      [lanes.messages]: lane(lanes.messages, { concurrency: 48, perSecond: 1_000 }, () => this.endWaits()),
      // Push services and this machine take a broadcast to 10,000 in some minutes, beside which messages go on.
      [lanes.broadcasts]: lane(lanes.broadcasts, { concurrency: 8, perSecond: 50 }, () => this.queueRecipients()),
    };
  }

  start(): void {
    for (const work of Object.values(this.works)) work.start();
  }

  /** Ends after the work in progress; the next start continues from there. */
  async end(): Promise<void> {
    await Promise.all(Object.values(this.works).map((work) => work.end()));
  }

  /** Looks after so many seconds if there is something to do. */
  wakeIn(lane: Lane, seconds: number): void {
    this.works[lane].wakeIn(seconds);
  }

  private async endWaits(): Promise<void> {
    for (;;) {
      const rows = await this.database.query<{ ended: number }[]>(endWaitsQuery(waitsAtOnce));
      if (rows[0]!.ended < waitsAtOnce) return;
    }
  }

  /** Queues further recipients of a broadcast: those it had reached at the last check, because their wait is over. */
  private async queueRecipients(): Promise<void> {
    await this.database.transaction(async (manager) => {
      const [broadcast] = await manager.query<ToldBroadcast[]>(nextBroadcastQuery, [recipientsWaiting]);
      if (!broadcast) return;
      const { subscriberId, broadcastId, checkpoint, reached, sent, ended, held } = broadcast;
      const place = [subscriberId, broadcastId];
      if (reached !== null && reached !== checkpoint) {
        const [walked] = await manager.query<{ last: string }[]>(addRecipientsQuery, [
          ...place,
          checkpoint ?? NIL,
          reached,
          recipientsAtOnce,
        ]);
        await manager.query(moveBroadcastQuery, [...place, walked?.last ?? reached, reached, 0]);
      } else if (ended && reached === sent) await manager.query(endBroadcastQuery, place);
      else {
        const seconds = held ? heldSeconds : this.config.pushWaitSeconds || 1;
        await manager.query(moveBroadcastQuery, [...place, checkpoint, sent, seconds]);
      }
    });
  }

  private async take(lane: Lane, limit: number): Promise<Notice[]> {
    const [notices] = await this.database.query<[Notice[], number]>(takeNoticesQuery, [lane, limit]);
    return notices;
  }

  private async secondsUntilNext(lane: Lane): Promise<number | undefined> {
    const [row] = await this.database.query<{ seconds: number | null }[]>(nextQuery, [lane]);
    return row!.seconds ?? undefined;
  }

  /** Tells a device of a conversation, if it still is to be told. */
  private async tell(notice: Notice, lane: Lane): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = await this.handOvers.push(
        notice.sessionId,
        async () => (await this.database.query<Told[]>(toldDeviceQuery, keyOf(notice)))[0],
        (device) => decided(notice, device, lane),
      );
    } catch (error) {
      // What fails here would fail every minute for ever.
      await this.settle(notice, { afterSeconds: undefined });
      throw error;
    }
    await this.settle(notice, outcome);
  }

  private async settle(notice: Notice, outcome: Outcome): Promise<void> {
    const key = keyOf(notice);
    if (outcome === 'handed over') {
      await this.database.query(toldQuery, [...key, notice.seq]);
      return;
    }
    const later = timeOf(outcome, notice);
    if (later) await this.database.query(postponeQuery, [...key, isRetry(outcome) ? notice.attempts + 1 : 0, later]);
    else await this.database.query(dropQuery, [...key, notice.seq]);
  }
}

const keyOf = ({ subscriberId, conversationId, sessionId }: NoticeRef) => [subscriberId, conversationId, sessionId];

/** Says what a device is pushed of a conversation: right before it is, because all may have changed since the message. */
function decided({ conversationId, seq }: Notice, device: Told, lane: Lane): Push | NoPush {
  const { delivered, stopped, muted, unread, quietFrom, quietTo, timeZone, kind, businessName, locale } = device;
  if (delivered >= seq || unread === 0 || stopped || muted) return { until: undefined };
  if (quietFrom !== null) {
    const until = quietUntil({ from: quietFrom, to: quietTo!, timeZone: timeZone! }, new Date());
    if (until) return { until };
  }
  return {
    payload: {
      kind: 'message',
      locale,
      conversationId,
      count: unread,
      ...(kind === 'interlocutor' && { business: businessName }),
    },
    urgency: lane === lanes.messages ? 'high' : 'normal',
    topic: conversationId,
  };
}

/** The time at which a notice is tried again; undefined when it is dropped. */
function timeOf(outcome: Outcome, { attempts, since }: Notice): Date | undefined {
  if (typeof outcome === 'string') return undefined;
  if (!isRetry(outcome)) return outcome.until;
  if (since.getTime() < Date.now() - givenUpMilliseconds) return undefined;
  const backOff = Math.min(backOffSeconds.most, backOffSeconds.first * 2 ** attempts);
  return new Date(Date.now() + Math.max(outcome.afterSeconds ?? 0, backOff) * 1000);
}
