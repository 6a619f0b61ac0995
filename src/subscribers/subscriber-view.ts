import type { Subscriber } from './subscriber.entity.js';
import type { SubscriberView } from './subscribers.dto.js';

/** A subscriber as its own members see it. */
export function subscriberView(subscriber: Subscriber, hasLogo: boolean): SubscriberView {
  const { termsVersion: _terms, privacyVersion: _privacy, createdAt, ...business } = subscriber;
  return { ...business, logoUrl: hasLogo ? '/api/subscriber/logo' : null, createdAt: createdAt.toISOString() };
}
