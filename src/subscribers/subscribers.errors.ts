import { DomainError } from '../platform/problems/domain-error.js';
import type { Subscriber } from './subscriber.entity.js';

export class SubscriberPaused extends DomainError {
  constructor() {
    super('subscriber_paused', {
      detail:
        'This business has paused. Everything is kept and can be read, but nothing can be sent or received until it resumes.',
    });
  }
}

export class SubscriberClosing extends DomainError {
  constructor() {
    super('subscriber_closing', {
      detail: 'This business is closing. You can still read and export your data, but nothing can be sent.',
    });
  }
}

/** @throws SubscriberPaused, SubscriberClosing */
export function refuseStopped({ pausedAt, closingAskedAt }: Pick<Subscriber, 'pausedAt' | 'closingAskedAt'>): void {
  if (closingAskedAt) throw new SubscriberClosing();
  if (pausedAt) throw new SubscriberPaused();
}
