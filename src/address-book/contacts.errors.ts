import { limits } from '../contract/limits.js';
import { DomainError, ValidationFailed } from '../platform/problems/domain-error.js';

export class ExternalIdTaken extends DomainError {
  constructor() {
    super('external_id_taken', {
      errors: [{ field: 'externalId', code: 'taken', message: 'Another contact has it.' }],
    });
  }
}

export class TooManyLabelsOnContact extends DomainError {
  constructor() {
    super('too_many_labels', {
      detail: `A contact can have at most ${limits.labelsPerContact} labels. At least one of these contacts would have more, so nothing was changed.`,
      limit: limits.labelsPerContact,
    });
  }
}

/** The answer to a label of another subscriber and to one that does not exist. */
export class UnknownLabel extends ValidationFailed {
  constructor() {
    super([{ field: 'labels', code: 'unknown_label', message: 'One of these labels does not exist.' }]);
  }
}
