import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Unauthenticated } from '../auth/auth.errors.js';
import { accountKey, isMember, type Principal } from '../auth/principal.js';
import { limits } from '../contract/limits.js';
import type { NewPushSubscription } from '../contract/push.js';
import { lockHashes } from '../platform/locks.js';
import { PublicRequests } from '../platform/outbound/public-requests.js';
import { NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import { fieldError } from '../platform/problems/field-error.js';
import { defineLimit, RateLimits } from '../platform/rate-limits.js';
import { isForeignKeyViolation } from '../platform/sqlstate.js';
import { Vault } from '../platform/vault/vault.js';
import { endpointUse, HandOvers } from './hand-overs.service.js';
import type { PushSubscriptionView } from './push.dto.js';
import { type SealedSubscription, subscriptionContext } from './sealed-subscription.js';

const subscribed = defineLimit('pushSubscriptionsBySession', {
  points: limits.pushSubscriptionsPerHour,
  seconds: 60 * 60,
  keyedById: true,
});

/** The devices that get notifications. Each belongs to a session and goes with it. */
@Injectable()
export class PushSubscriptions {
  constructor(
    private readonly database: DataSource,
    private readonly handOvers: HandOvers,
    private readonly rateLimits: RateLimits,
    private readonly requests: PublicRequests,
    private readonly vault: Vault,
  ) {}

  /**
   * Subscribes the device of this session to notifications, replacing its previous subscription. If another session had the
   * device, it now belongs to this one: once this resolves, it gets no notifications of the other.
   * @throws ValidationFailed for an address that cannot be a push service's; Unauthenticated when the session has ended
   *   meanwhile
   */
  async subscribe(principal: Principal, subscription: NewPushSubscription): Promise<PushSubscriptionView> {
    const { sessionId } = principal;
    await this.rateLimits.count(subscribed, sessionId);
    const { keys } = subscription;
    const url = new URL(subscription.endpoint);
    if (!this.requests.permits(url)) {
      throw new ValidationFailed([fieldError('endpoint', { code: 'not_a_push_service' })]);
    }
    url.hash = '';
    // In one spelling, because push services compare the origin that a push is signed for with their own.
    const endpoint = url.href;
    const endpointHash = this.vault.lookupHash(endpointUse, endpoint);
    const content: SealedSubscription = { endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth } };
    const context = subscriptionContext(sessionId);
    const sealed = await this.vault.seal(accountKey(principal), JSON.stringify(content), context);
    const renewedAt = new Date();
    const receiverId = isMember(principal) ? principal.subscriberId : principal.interlocutorId;
    const { replaced, wasKnown } = await this.database.transaction(async (manager) => {
      await lockHashes(manager, [endpointHash]);
      const known = await manager.query<unknown[]>(
        'SELECT FROM push_subscription WHERE endpoint_hash = $1 AND session_id = $2',
        [endpointHash, sessionId],
      );
      const [others] = await manager.query<[{ id: string }[], number]>(
        'DELETE FROM push_subscription WHERE endpoint_hash = $1 AND session_id <> $2 RETURNING session_id AS id',
        [endpointHash, sessionId],
      );
      try {
        await manager.query(subscribeQuery, [sessionId, receiverId, endpointHash, sealed, renewedAt]);
      } catch (error) {
        throw isForeignKeyViolation(error) ? new Unauthenticated() : error;
      }
      return { replaced: others.map(({ id }) => id), wasKnown: known.length > 0 };
    });
    await Promise.all(replaced.map((id) => this.handOvers.silence(id)));
    return { renewedAt: renewedAt.toISOString(), wasKnown };
  }

  /**
   * Unsubscribes the device of this session: once this resolves, no notification is handed over.
   * @throws NotFound when it gets none
   */
  async unsubscribe({ sessionId }: Principal): Promise<void> {
    const [, deleted] = await this.database.query<[unknown[], number]>(
      'DELETE FROM push_subscription WHERE session_id = $1',
      [sessionId],
    );
    if (deleted === 0) throw new NotFound();
    await this.handOvers.silence(sessionId);
  }

  /** Finds which of these sessions get notifications. */
  async ofSessions(ids: readonly string[]): Promise<Map<string, { lastHandedOverAt: string | null }>> {
    const rows = await this.database.query<{ id: string; at: Date | null }[]>(
      'SELECT session_id AS id, last_push_at AS at FROM push_subscription WHERE session_id = ANY ($1::uuid[])',
      [ids],
    );
    return new Map(rows.map(({ id, at }) => [id, { lastHandedOverAt: at?.toISOString() ?? null }]));
  }
}

/** $1 session, $2 receiver, $3 hash of the endpoint, $4 sealed, $5 time. */
const subscribeQuery = `
  INSERT INTO push_subscription (session_id, receiver_id, endpoint_hash, sealed, renewed_at)
  VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (session_id) DO UPDATE
  SET receiver_id = excluded.receiver_id, endpoint_hash = excluded.endpoint_hash, sealed = excluded.sealed,
      renewed_at = excluded.renewed_at`;
