import type { NewPushSubscription } from '../contract/push.js';

/** Endpoint and keys of a subscription, as they are sealed: anyone who has them can send to the device. */
export type SealedSubscription = Pick<NewPushSubscription, 'endpoint' | 'keys'>;

export const subscriptionContext = (sessionId: string): string[] => ['push subscription', sessionId];
