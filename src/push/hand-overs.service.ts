import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import webPush from 'web-push';
import { BoundedCache } from '../platform/bounded-cache.js';
import type { PushPayload } from '../contract/push.js';
import { type Config, CONFIG } from '../platform/config.js';
import { Log } from '../platform/log.js';
import { readSender } from '../platform/mail/sender.js';
import { PublicRequests, type PublicAnswer, type RequestUnderWay } from '../platform/outbound/public-requests.js';
import { SessionWork } from '../platform/session-work.js';
import { KeyGoneError } from '../platform/vault/keyring.js';
import { PushKey } from '../platform/vault/push-key.js';
import { Vault } from '../platform/vault/vault.js';
import { noteHandedOverQuery, type Reachable } from './push.queries.js';
import { type SealedSubscription, subscriptionContext } from './sealed-subscription.js';

/** A push to hand over. */
export interface Push {
  payload: PushPayload;
  urgency: 'normal' | 'high';
  /** Pushes of one topic replace each other while they wait at the push service; its hash is all that this learns. */
  topic: string;
}

/** No push: for now, or ever. */
export interface NoPush {
  until: Date | undefined;
}

/** `gone`: the push service no longer knows the device; `absent`: its session has ended, or it no longer gets notifications. */
export type Outcome = 'handed over' | 'gone' | 'absent' | 'refused' | NoPush | Retry;

/** The push service must be asked again. */
export interface Retry {
  afterSeconds: number | undefined;
}

export const isRetry = (outcome: Outcome): outcome is Retry => typeof outcome === 'object' && 'afterSeconds' in outcome;

/** Seconds for which a push service keeps a push for a device that it does not reach. */
const timeToLive = 24 * 60 * 60;
const requestMilliseconds = 10_000;
/** Time that a push which was sent has to be answered when its session ends; then its connection is reset. */
const farewellMilliseconds = 2_000;
const longestRetryAfter = 60 * 60;
const payloadBytes = 1_024;
/** Pushes at once to a push service that has not answered the last one, so that those to others need not wait for it. */
const unansweredAtOnce = 2;
const silentServicesKnown = 1_000;

export const endpointUse = 'push endpoint';

/** A push under way. */
interface Flight {
  isCut: boolean;
  request: RequestUnderWay | undefined;
  done: Promise<void>;
}

/**
 * Hands pushes over to push services. One that is under way counts as work of its session, so that whatever ends the session
 * answers only once nothing is handed over any more.
 */
@Injectable()
export class HandOvers {
  private readonly flights = new Map<string, Set<Flight>>();
  /** Push services that did not answer last, with the pushes that wait for an answer of theirs. */
  private readonly silent = new BoundedCache<string, { waiting: number }>(silentServicesKnown);
  private readonly subject: string;

  constructor(
    @Inject(CONFIG) { controller, mailFrom, publicUrl }: Pick<Config, 'controller' | 'mailFrom' | 'publicUrl'>,
    private readonly database: DataSource,
    private readonly key: PushKey,
    private readonly log: Log,
    private readonly requests: PublicRequests,
    private readonly vault: Vault,
    private readonly work: SessionWork,
  ) {
    this.subject =
      publicUrl.protocol === 'https:'
        ? publicUrl.origin
        : `mailto:${controller.contact || readSender(mailFrom)!.address}`;
  }

  /**
   * Pushes to the device of a session.
   * @param look finds the device; asked once nothing can end the session without waiting for this
   * @param decide says what it is pushed, if anything
   */
  async push<Device extends Reachable>(
    sessionId: string,
    look: () => Promise<Device | undefined>,
    decide: (device: Device) => Push | NoPush,
  ): Promise<Outcome> {
    const flight: Flight = { isCut: false, request: undefined, done: Promise.resolve() };
    const begun = this.work.begin(sessionId, () => cut(flight));
    if (!begun) return 'absent';
    const { promise, resolve } = Promise.withResolvers<void>();
    flight.done = promise;
    const own = this.flights.get(sessionId) ?? new Set();
    this.flights.set(sessionId, own.add(flight));
    try {
      const device = await look();
      if (!device) return 'absent';
      const push = decide(device);
      return 'payload' in push ? await this.send({ sessionId, flight, device }, push) : push;
    } finally {
      own.delete(flight);
      if (own.size === 0 && this.flights.get(sessionId) === own) this.flights.delete(sessionId);
      resolve();
      begun.finished();
      begun.left();
    }
  }

  /** Gives up what is being handed over to a session's device, and waits until nothing is. */
  async silence(sessionId: string): Promise<void> {
    const flights = [...(this.flights.get(sessionId) ?? [])];
    flights.forEach(cut);
    await Promise.all(flights.map(({ done }) => done));
  }

  private async send(
    { sessionId, flight, device }: { sessionId: string; flight: Flight; device: Reachable },
    push: Push,
  ): Promise<Outcome> {
    const subscription = await this.open(sessionId, device);
    if (!subscription) return 'absent';
    const url = new URL(subscription.endpoint);
    const { headers, body } = this.encrypted(subscription, push);
    const timeout = Math.min(requestMilliseconds, device.expiresAt.getTime() - Date.now());
    if (flight.isCut || timeout <= 0) return 'absent';
    const silence = this.silent.get(url.host);
    if (silence && silence.waiting >= unansweredAtOnce) return { afterSeconds: undefined };
    if (silence) silence.waiting++;
    let answer: PublicAnswer;
    try {
      flight.request = this.requests.post(url, { headers, body, timeout });
      answer = await flight.request.answer;
      this.silent.delete(url.host);
    } catch (error) {
      if (flight.isCut) return 'absent';
      if (!this.silent.has(url.host)) this.silent.set(url.host, { waiting: 0 });
      this.log.warning('push not handed over', { service: url.hostname, error: (error as Error).name });
      return { afterSeconds: undefined };
    } finally {
      if (silence) silence.waiting--;
    }
    return this.outcomeOf(answer, sessionId, subscription);
  }

  private async open(
    sessionId: string,
    { kind, receiverId: id, sealed }: Reachable,
  ): Promise<SealedSubscription | undefined> {
    try {
      const scope = kind === 'member' ? 'subscriber' : 'interlocutor';
      return JSON.parse(
        await this.vault.open({ scope, id }, sealed, subscriptionContext(sessionId)),
      ) as SealedSubscription;
    } catch (error) {
      if (error instanceof KeyGoneError) return undefined;
      throw error;
    }
  }

  /** Every payload has the same length, so that it does not tell which business has written. */
  private encrypted(subscription: SealedSubscription, { payload, urgency, topic }: Push) {
    const text = Buffer.from(JSON.stringify(payload), 'utf8');
    const padding = Buffer.alloc((payloadBytes - (text.length % payloadBytes)) % payloadBytes, ' ');
    const { headers, body } = webPush.generateRequestDetails(subscription, Buffer.concat([text, padding]), {
      vapidDetails: { subject: this.subject, publicKey: this.key.publicKey, privateKey: this.key.privateKey },
      TTL: timeToLive,
      urgency,
      topic: this.vault
        .lookupHash('push topic', `${subscription.endpoint}\0${topic}`)
        .toString('base64url')
        .slice(0, 32),
      contentEncoding: 'aes128gcm',
    });
    return { headers: headers as Record<string, string | number>, body };
  }

  private async outcomeOf(
    { status, retryAfter }: PublicAnswer,
    sessionId: string,
    { endpoint }: SealedSubscription,
  ): Promise<Outcome> {
    if (status >= 200 && status < 300) {
      await this.database.query(noteHandedOverQuery, [sessionId]);
      return 'handed over';
    }
    if (status === 404 || status === 410) {
      // Unless the device has subscribed anew meanwhile.
      await this.database.query('DELETE FROM push_subscription WHERE session_id = $1 AND endpoint_hash = $2', [
        sessionId,
        this.vault.lookupHash(endpointUse, endpoint),
      ]);
      return 'gone';
    }
    this.log.warning('push refused', { service: new URL(endpoint).hostname, status });
    return status === 429 || status >= 500 ? { afterSeconds: secondsOf(retryAfter) } : 'refused';
  }
}

function cut(flight: Flight): void {
  flight.isCut = true;
  flight.request?.cut(farewellMilliseconds);
}

/** The seconds of a header `Retry-After` (RFC 9110, section 10.2.3), at most an hour. */
export function secondsOf(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined;
  const seconds = /^\d{1,10}$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.min(longestRetryAfter, Math.max(0, seconds));
}
