import { DomainError } from '../platform/problems/domain-error.js';
import type { Subscriber } from './subscriber.entity.js';

export class SubscriberPaused extends DomainError {
  constructor() {
    super('subscriber_paused', {
      detail:
        'This business is pausing: everything is kept and can be read, and nothing is sent or received until it resumes.',
    });
  }
}

export class SubscriberClosing extends DomainError {
  constructor() {
    super('subscriber_closing', {
      detail: 'This business is closing: you can still read and export what it holds, but nothing is sent any more.',
    });
  }
}

/** @throws SubscriberPaused, SubscriberClosing */
export function refuseStopped({ pausedAt, closingAskedAt }: Pick<Subscriber, 'pausedAt' | 'closingAskedAt'>): void {
  if (closingAskedAt) throw new SubscriberClosing();
  if (pausedAt) throw new SubscriberPaused();
}
