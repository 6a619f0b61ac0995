import { limits } from '../contract/limits.js';
import { DomainError } from '../platform/problems/domain-error.js';

export class LabelTaken extends DomainError {
  constructor() {
    super('label_taken', { detail: 'There is a label of this name already. Use that one, or choose another name.' });
  }
}

export class TooManyLabels extends DomainError {
  constructor() {
    super('too_many_labels', { detail: `There can be at most ${limits.labelsPerSubscriber} labels.` });
  }
}
