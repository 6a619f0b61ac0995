import { limits } from '../contract/limits.js';
import { DomainError } from '../platform/problems/domain-error.js';

export class LabelTaken extends DomainError {
  constructor() {
    super('label_taken', { detail: 'You already have a label with this name. Use that one, or choose another name.' });
  }
}

export class TooManyLabels extends DomainError {
  constructor() {
    super('too_many_labels', {
      detail: `You can have at most ${limits.labelsPerSubscriber} labels. Delete one first.`,
      limit: limits.labelsPerSubscriber,
    });
  }
}
