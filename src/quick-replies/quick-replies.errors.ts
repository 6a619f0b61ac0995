import { limits } from '../contract/limits.js';
import { DomainError } from '../platform/problems/domain-error.js';

export class TooManyQuickReplies extends DomainError {
  constructor() {
    super('too_many_quick_replies', {
      detail: `You can have at most ${limits.quickRepliesPerSubscriber} quick replies. Delete one first.`,
    });
  }
}
