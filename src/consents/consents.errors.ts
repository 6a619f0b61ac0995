import type { FieldError } from '../contract/errors.js';
import { DomainError } from '../platform/problems/domain-error.js';

export class ConsentRequired extends DomainError {
  constructor(errors?: FieldError[]) {
    super('consent_required', {
      detail:
        errors?.map(({ message }) => message).join(' ') ?? 'A newer policy is in force. Accept it, then try again.',
      ...(errors && { errors }),
    });
  }
}

export class PolicyChanged extends DomainError {
  constructor() {
    super('policy_changed', {
      detail: 'The policy has changed since you read it. Read the new text and try again.',
    });
  }
}
