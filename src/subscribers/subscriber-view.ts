import type { Counterpart, RetentionTerm } from '../contract/events.js';
import type { Subscriber } from './subscriber.entity.js';
import type { SubscriberView } from './subscribers.dto.js';

/** A subscriber as its own members see it. */
export function subscriberView(subscriber: Subscriber, hasLogo: boolean): SubscriberView {
  const {
    termsVersion: _terms,
    privacyVersion: _privacy,
    profileChangedAt: _changed,
    seenTimesSince,
    seenTimesChangedAt: _seenTimesChanged,
    pausedAt,
    closingAskedAt: _asked,
    closesAt,
    retentionMonths,
    retentionFrom,
    createdAt,
    ...business
  } = subscriber;
  return {
    ...business,
    logoUrl: hasLogo ? '/api/subscriber/logo' : null,
    seenTimes: seenTimesSince !== null,
    paused: pausedAt !== null,
    closesAt: closesAt?.toISOString() ?? null,
    retention: retentionOf({ retentionMonths, retentionFrom }),
    createdAt: createdAt.toISOString(),
  };
}

/** A subscriber as its interlocutors see it in the heads of their conversations. */
export function businessCounterpart(
  {
    id,
    businessName,
    city,
    pausedAt,
    closesAt,
    ...retained
  }: Pick<Subscriber, 'id' | 'businessName' | 'city' | 'pausedAt' | 'closesAt' | 'retentionMonths' | 'retentionFrom'>,
  logoUrl: string | null,
): Counterpart {
  const standing = {
    paused: pausedAt !== null,
    closesAt: closesAt?.toISOString() ?? null,
    retention: retentionOf(retained),
  };
  return { kind: 'subscriber', id, businessName, city, logoUrl, ...standing };
}

/** The retention that is set. */
export function retentionOf({
  retentionMonths: months,
  retentionFrom: from,
}: Pick<Subscriber, 'retentionMonths' | 'retentionFrom'>): RetentionTerm | null {
  return months === null || from === null ? null : { months, startsAt: from.toISOString() };
}
